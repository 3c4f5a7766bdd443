/** The plan of a run, before it starts: its settings, downloads, memory and time, with the arithmetic. */
import { existsSync } from "node:fs"
import { availableParallelism, totalmem } from "node:os"
import * as Benchmark from "@lpo/eval/Benchmark"
import { Dataset } from "@lpo/rollout"
import { Checkpoint, Lora, type ModelConfig, Parameters } from "@lpo/transformer"
import { Noise } from "@lpo/trainer"
import { Effect } from "effect"
import * as Fit from "./engines/Fit.ts"
import { imagesRefusal } from "./engines/tinker.ts"
import * as Model from "./Model.ts"
import * as Objectives from "./Objectives.ts"
import * as Preset from "./Preset.ts"
import type { Given, Settings } from "./Settings.ts"
import { UsageError } from "./Usage.ts"

const count = (n: number): string => n.toLocaleString("en")
const millions = (n: number): string => `${count(Math.round(n / 1e6))} M`
const gib = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(1)} GiB`

/**
 * Floating-point operations a second: of a core by the WASM kernels; of a data-centre GPU that learns, at a fifth of its bfloat16
 * peak, and of one that samples long responses, which waits for its memory (docs/guides/polaris.md has the source).
 */
const coreRate = 2.5e10
const gpuRate = { learning: 2e14, sampling: 6e13 }

const duration = (seconds: number): string =>
  seconds < 5400
    ? `${Math.ceil(seconds / 60)} minutes`
    : seconds < 172_800
      ? `${(seconds / 3600).toFixed(1)} hours`
      : `${count(Math.round(seconds / 86_400))} days`

const noServer = "http://SERVER"

/** A dry run needs no server: this name takes its place if none is given. */
export const placeheld = Effect.fn("Plan.placeheld")(function* (given: Given) {
  const preset = yield* Preset.load(given.preset ?? (given.data === null ? "countdown-tiny" : "own"))
  const engine = given.engine ?? preset.engine
  if (engine === "tinker" && given.server === null) return { ...given, server: noServer }
  return engine === "hybrid" && given.rollouts === null ? { ...given, rollouts: noServer } : given
})

/** The shape of the model, as far as this machine knows it: nothing is downloaded. */
const shapeOf = Effect.fn("Plan.shapeOf")(function* ({ model, preset: name }: Settings) {
  if (model.kind !== "checkpoint") return null
  const { ignore, source } = model
  const revision = model.commit ?? model.revision
  const preset = yield* Preset.load(name)
  const known = preset.model?.kind === "checkpoint" && preset.model.source === source ? preset.shape : undefined
  if (known !== undefined) return known
  const folder = existsSync(source)
    ? source
    : yield* Checkpoint.locate(source, {
        only: /^config\.json$/,
        offline: true,
        ...(revision === null ? {} : { revision }),
      }).pipe(Effect.orElseSucceed(() => null))
  if (folder === null) return null
  return (yield* Checkpoint.readConfig(folder, ignore === undefined ? {} : { ignore })).config
})

/** Files and folders of this machine that the run needs and that are not there, with their options. */
const missing = ({ data, model, offline, verifier }: Settings): ReadonlyArray<string> =>
  Object.entries({
    "--data": data?.train.source,
    "--eval-data": data?.evaluation?.source,
    "--verifier": verifier?.path,
    "--offline": offline?.path,
    "--model": model.kind === "checkpoint" ? model.source : undefined,
  }).flatMap(([option, path]) => {
    const isHere = option === "--model" ? Model.isFolder : Dataset.isFile
    return path !== undefined && isHere(path) && !existsSync(path) ? [`${path} (${option})`] : []
  })

/** What is downloaded from the hub, with its size if known. */
const downloads = (settings: Settings, preset: Preset.Preset, parameters: number | null): ReadonlyArray<string> => {
  const { data, engine, evaluation, model } = settings
  const sizes = new Map(
    [preset.data?.train, preset.data?.evaluation].flatMap((named) =>
      named?.megabytes === undefined ? [] : [[named.source, named.megabytes]],
    ),
  )
  const sources = [
    data?.train.source,
    data?.evaluation?.source,
    ...evaluation.benchmarks.map(({ name }) => Benchmark.all[name].source),
  ].filter((source) => source !== undefined && source !== null)
  const weights = parameters === null ? "" : `, about ${((2 * parameters) / 1e9).toFixed(1)} GB as bfloat16`
  return [
    ...(model.kind === "checkpoint" && !Model.isFolder(model.source)
      ? [engine.name === "tinker" ? `the tokenizer of ${model.source}` : `the model ${model.source}${weights}`]
      : []),
    ...[...new Set(sources)]
      .filter((source) => !Dataset.isFile(source))
      .map((source) => {
        const size = sizes.get(source)
        return `the dataset ${source}${size === undefined ? "" : `, ${size} MB`}`
      }),
  ]
}

/** Memory of a model on a server that trains an adapter and samples. */
const serverMemory = (config: ModelConfig.ModelConfig, rank: number, positions: number): string => {
  const parameters = Parameters.count(Parameters.layout(config))
  const lora = { rank, alpha: rank, targets: Lora.modules }
  const adapter = Parameters.count(Lora.layout(config, lora))
  const head = config.head_dim ?? config.hidden_size / config.num_attention_heads
  const cache = 4 * config.num_hidden_layers * config.num_key_value_heads * head
  return (
    `on the server at least 2 bytes x ${millions(parameters)} parameters + 16 x ${millions(adapter)} of the adapter = ${gib(2 * parameters + 16 * adapter)}, ` +
    `and ${count(cache)} bytes x ${count(positions)} positions = ${gib(cache * positions)} of keys and values for every response in progress`
  )
}

const localMemory = (fit: Fit.Fit, lora: boolean): string => {
  const { heap, parameters, shared, trained } = fit.estimate
  return (
    `${gib(heap)} of a worker's 4 GiB: 8 bytes x ${millions(parameters)} parameters + 4 x ${millions(trained)} trained + head, cache and activations` +
    `${fit.checkpointActivations ? " (recomputed)" : ""}; ${gib(shared)} outside: 4 x ${millions(parameters)} + 12 x ${millions(trained)}${lora ? ", an adapter" : ""}; ` +
    `this machine has ${gib(totalmem())}`
  )
}

/** Memory of the policy that training starts from, kept for objectives with a KL to it. */
const referenceMemory = (here: boolean, parameters: number, lora: boolean): string =>
  here
    ? `reference the policy that training starts from is kept for the KL, on its own workers: 4 bytes x ${millions(parameters)} parameters = ${gib(4 * parameters)} in each` +
      (lora ? ", none outside" : `, and ${gib(4 * parameters)} outside`)
    : "reference the base model is kept for the KL, as a second adapter on the server that is never trained"

/** Lines about memory and time, and why the run is impossible. */
const arithmetic = (settings: Settings, config: ModelConfig.ModelConfig, tokens: number, judged: number) => {
  const { engine, evaluation, model, train } = settings
  const lora = model.kind === "checkpoint" ? model.lora : null
  const { maxTokens } = train.sampling
  const positions = Fit.promptTokens + maxTokens
  const parameters = Parameters.count(Parameters.layout(config))
  const here = engine.name !== "tinker"
  const cores = availableParallelism()
  const time = () => {
    if (!here) {
      // A forward pass for the log-probs before the step; in every epoch another, and one with the gradients of an adapter.
      const sampling = (parameters * 2 * (tokens + judged)) / gpuRate.sampling
      const learning = (parameters * (2 + 6 * train.epochs) * tokens) / gpuRate.learning
      return (
        `${millions(parameters)} parameters x 2 operations x ${count(tokens + judged)} tokens sampled or judged, at ${gpuRate.sampling / 1e12} TFLOP/s of a GPU, ` +
        `and x (2 + 6 x ${train.epochs}) x ${count(tokens)} learned from, at ${gpuRate.learning / 1e12} TFLOP/s = ${count(Math.round(sampling / 3600))} + ${count(Math.round(learning / 3600))} GPU hours; ` +
        "responses that end early take less"
      )
    }
    // 2 operations a parameter forward, 2 for the gradient of the inputs, 2 for that of the weights.
    const learning = lora === null ? 6 : 4
    const flops = parameters * (2 * tokens + learning * train.epochs * tokens + 2 * judged)
    return (
      `${millions(parameters)} parameters x (2 + ${learning} x ${train.epochs}) operations x ${count(tokens)} tokens, and 2 x ${count(judged)} to judge = ${flops.toExponential(1)}; ` +
      `at ${coreRate / 1e9} GFLOP/s on each of ${cores} cores at most ${duration(flops / (coreRate * cores))}; responses that end early take less`
    )
  }
  const fit = Fit.of(config, lora, {
    groupSize: train.groupSize,
    maxTokens,
    evaluationSamples: Math.max(evaluation.samples, ...evaluation.benchmarks.map(({ samples }) => samples)),
  })
  const { rank } = engine.options as { readonly rank?: number }
  const { max_position_embeddings: room } = config
  const context =
    maxTokens >= room
      ? `a response of ${count(maxTokens)} tokens leaves no room for a prompt in the model's ${count(room)} positions; give --max-tokens ${Math.max(Math.floor(room / 2), room - Fit.promptTokens)} or less`
      : null
  const elsewhere = "train on a server: --engine tinker --server URL"
  const reference = Objectives.make(settings.objective).needsReference ? (lora === null ? 8 : 4) * parameters : 0
  const total = fit.estimate.heap + fit.estimate.shared + reference
  const memory = !here
    ? null
    : fit.refusal !== null
      ? `${fit.refusal}; or ${elsewhere}`
      : total > totalmem()
        ? `it takes ${gib(total)}, but this machine has ${gib(totalmem())}; train an adapter with --lora-rank, choose a smaller --model, or ${elsewhere}`
        : null
  return {
    lines: [
      `memory    ${here ? localMemory(fit, lora !== null) : serverMemory(config, rank ?? 32, positions)}`,
      ...(Objectives.make(settings.objective).needsReference ? [referenceMemory(here, parameters, lora !== null)] : []),
      `time      ${time()}`,
    ],
    refusal: context ?? memory,
  }
}

/** Lines for people: the settings as config.json will record them, then the arithmetic. Fails if the run is impossible. */
export const show = Effect.fn("Plan.show")(function* (settings: Settings, print: (line: string) => void) {
  const { engine, evaluation, model, task, train } = settings
  const { groupSize, promptsPerStep, sampling, steps } = train
  const preset = yield* Preset.load(settings.preset)
  const responses = steps * promptsPerStep * groupSize
  const sets = [
    { name: "held-out", problems: evaluation.problems, samples: evaluation.samples },
    ...evaluation.benchmarks.map(({ name, samples }) => ({ name, problems: Benchmark.all[name].problems, samples })),
  ]
  const judged = 2 * sets.reduce((sum, { problems, samples }) => sum + problems * samples, 0)
  const config = yield* shapeOf(settings)
  const parameters = config === null ? null : Parameters.count(Parameters.layout(config))
  const remote = downloads(settings, preset, parameters)
  const absent = missing(settings)
  const isMissing = JSON.stringify(engine.options).includes(noServer)
  const sums =
    config === null ? null : arithmetic(settings, config, responses * sampling.maxTokens, judged * sampling.maxTokens)
  const unknown =
    model.kind === "checkpoint"
      ? ["memory    unknown until the model's config.json is downloaded; it is checked before the weights are"]
      : []
  const lines = [
    JSON.stringify(settings, null, 2),
    `engine    ${engine.name}${isMissing ? `; it needs a server: give ${engine.name === "tinker" ? "--server" : "--rollouts"} URL` : ""}`,
    `training  ${count(steps)} steps x ${count(promptsPerStep)} prompts x ${groupSize} responses = ${count(responses)} responses, of at most ${count(sampling.maxTokens)} tokens: ${count(responses * sampling.maxTokens)} tokens at most; ${train.miniBatches} updates a step, learning rate ${train.optimizer.learningRate}`,
    ...(train.noise === null
      ? []
      : [
          `noise     per ${train.noise.per}: J = 1 - ${train.noise.falseNegative} - ${train.noise.falsePositive} = ${Number(Noise.informedness(train.noise).toFixed(6))}`,
        ]),
    `judging   2 x (${sets.map(({ name, problems, samples }) => `${name} ${count(problems)} x ${samples}`).join(" + ")}) = ${count(judged)} responses, at temperature ${evaluation.temperature}`,
    `download  ${remote.length === 0 ? "nothing" : `${remote.join("; ")}; unless the hub's cache has them`}`,
    ...(absent.length === 0 ? [] : [`missing   ${absent.join(", ")}; the run needs them to start`]),
    ...(sums?.lines ?? unknown),
  ]
  for (const line of lines) print(line)
  const images =
    task.name !== "geometry3k" || model.kind !== "checkpoint"
      ? null
      : engine.name !== "tinker"
        ? `the engine ${engine.name} trains text models only, but the rows of geometry3k have images; train on a server: --engine tinker --server URL`
        : imagesRefusal(String(engine.options["profile"]))
  const refusal = images ?? sums?.refusal ?? null
  if (refusal !== null) return yield* new UsageError({ reason: `this run cannot be trained: ${refusal}` })
})
