/**
 * What a run starts from: the preset's own small model, warm-started, in the words of its task; or a Hugging Face checkpoint, from
 * a folder or the hub, that reads Countdown as a question and answers in an `<answer>` tag.
 *
 * A checkpoint is opened and checked before the run's folder is made, so that nothing is left behind where it cannot be used.
 */
import { readFile } from "node:fs/promises"
import { basename, join } from "node:path"
import type { Problem } from "@lpo/rollout"
import {
  Checkpoint,
  type HfTokenizer,
  type Hub,
  Lora,
  LoraFiles,
  Memory,
  type ModelConfig,
  ModelFiles,
  type Policy,
  type Tokenizer,
  TransformerError,
} from "@lpo/transformer"
import type { Countdown } from "@lpo/verifiers"
import { Effect } from "effect"
import { makeTokenizer, promptOf, questionOf, type PromptOf } from "./CountdownTask.ts"
import type { Preset } from "./Preset.ts"
import type { Settings } from "./Settings.ts"
import type * as View from "./View.ts"
import * as Warmstart from "./Warmstart.ts"

export interface Start {
  /** What it is called in tables and titles. */
  readonly label: string
  readonly about: string
  readonly config: ModelConfig.ModelConfig
  readonly tokenizer: Tokenizer.TokenizerService
  readonly values: Float32Array
  readonly engine: Pick<Policy.Options, "lora" | "checkpointActivations">
  /** For the activations of a micro-batch. */
  readonly memoryMiB: number
  readonly prompt: PromptOf
  readonly extract: NonNullable<Countdown.Options["extract"]>
  /** The commit of a model of the hub; null for anything else. */
  readonly commit: string | null
  /** Writes the trained model into the run's folder. */
  readonly save: (policy: Policy.PolicyService, folder: string) => Effect.Effect<void, TransformerError.ModelError>
}

/** Memory for the activations of a micro-batch, where a group does not need more. */
const memoryMiB = 1024
/** About as many as a Countdown question takes, at most. */
const promptTokens = 256

/** The file of a run that pins the commit of its model. */
export const commitFile = "commit.json"

/** The commit that a run to be resumed began with; null where it is a new one or has none. */
const pinned = (folder: string, resume: boolean): Effect.Effect<string | null, TransformerError.ModelError> => {
  const path = join(folder, commitFile)
  return Effect.tryPromise({
    try: async () => {
      const text = resume
        ? await readFile(path, "utf8").catch((cause: NodeJS.ErrnoException) => {
            if (cause.code === "ENOENT" || cause.code === "ENOTDIR") return null
            throw cause
          })
        : null
      return text === null ? null : (JSON.parse(text) as { commit: string }).commit
    },
    catch: (cause) =>
      new TransformerError.ModelError({ reason: `${path}: cannot be read (${(cause as Error).message}); mend it` }),
  })
}

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`

/** Shows a download; files that the cache has already are not shown. */
const downloadIn = (view: View.View, source: string) => {
  let shown = false
  return ({ file, received, size, totalReceived, totalSize }: Hub.Progress): void => {
    shown ||= received < size
    if (!shown) return
    view.progress({
      title: `Downloading ${source}`,
      done: totalReceived,
      total: totalSize,
      format: megabytes,
      detail: [file],
    })
  }
}

const warmStart = Effect.fn("Start.warmStart")(function* (preset: Preset) {
  const config = yield* Warmstart.modelConfig(preset)
  const start: Start = {
    label: "warm start",
    about: `${preset.name}: ${preset.about}`,
    config,
    tokenizer: makeTokenizer(preset),
    values: yield* ModelFiles.readModel(config, Warmstart.shipped(preset)),
    engine: {},
    memoryMiB,
    prompt: promptOf,
    extract: "whole",
    commit: null,
    save: (policy, folder) => ModelFiles.save(policy, join(folder, "model"), { optimizer: false }),
  }
  return start
})

/** Why the longest prompt does not fit the model, or null. */
const misfit = (
  config: ModelConfig.ModelConfig,
  { encode, encodeChat }: HfTokenizer.HfTokenizer,
  prompt: Problem.Problem["prompt"],
  maxTokens: number,
) =>
  Effect.gen(function* () {
    const tokens = yield* typeof prompt === "string" ? encode(prompt) : encodeChat(prompt)
    const outside = tokens.find((token) => token >= config.vocab_size)
    if (outside !== undefined)
      return `its tokenizer makes token ${outside} of a prompt, and its config.json has a vocab_size of ${config.vocab_size}; the two do not belong together`
    const positions = config.max_position_embeddings
    return tokens.length + maxTokens <= positions
      ? null
      : `a prompt takes ${tokens.length} tokens and a response up to ${maxTokens} (--max-tokens), and the model has ${positions} positions; ` +
          (tokens.length < positions
            ? `give --max-tokens ${positions - tokens.length} or less, or a model with a longer context`
            : "give a model with a longer context")
  })

const checkpoint = Effect.fn("Start.checkpoint")(function* (
  preset: Preset,
  settings: Settings,
  { revision, source, ...given }: Extract<Settings["start"], { kind: "checkpoint" }>,
  view: View.View,
) {
  const fail = (reason: string) => new TransformerError.ModelError({ reason: `${source}: ${reason}` })
  const at = revision === null ? {} : { revision }
  // The weights of a model that cannot be trained need not come.
  const { config } = yield* Checkpoint.readConfig(yield* Checkpoint.locate(source, { ...at, only: /^config\.json$/ }))
  const { evaluation, train } = settings
  // A group is learned from as a whole: its prompt once, and its responses.
  const rows = promptTokens + train.groupSize * train.maxTokens
  const activations = (checkpointActivations: boolean) =>
    (rows * Memory.bytesPerToken(config, checkpointActivations)) / 2 ** 20
  const refusal = (checkpointActivations: boolean) =>
    Memory.refusal(config, {
      purpose: "train",
      lora: given.lora,
      checkpointActivations,
      tokens: rows,
      sequences: Math.max(train.groupSize, evaluation.samples),
      positions: promptTokens + train.maxTokens,
    })
  const checkpointActivations = refusal(false) !== null || activations(false) > memoryMiB
  const misses = checkpointActivations ? refusal(true) : null
  if (misses !== null) return yield* fail(misses)
  const folder = yield* Checkpoint.locate(source, { ...at, onProgress: downloadIn(view, source) })
  view.done()
  const opened = yield* Checkpoint.open(folder)
  const { tokenizer, values } = opened
  if (tokenizer === null) return yield* fail("has no tokenizer.json; convert the tokenizer with transformers first")
  const prompt = questionOf(preset, tokenizer.chatTemplate !== null)
  const { task } = preset
  const longest = prompt(Array<number>(task.size).fill(task.max), task.maxTarget)
  const problem = yield* misfit(config, tokenizer, longest, train.maxTokens)
  if (problem !== null) return yield* fail(problem)
  const lora = given.lora === null ? null : Lora.initialise(config, given.lora, `${settings.preset}/${settings.seed}`)
  const size = values.length.toLocaleString("en")
  const start: Start = {
    label: "base model",
    about:
      `${preset.name} with ${source}${revision === null ? "" : ` at ${revision}`}: ${config.model_type}, ${size} parameters, ` +
      (lora === null ? "all trained" : `an adapter of ${lora.values.length.toLocaleString("en")} trained`) +
      (checkpointActivations ? ", activations recomputed" : ""),
    config,
    tokenizer,
    values,
    engine: { checkpointActivations, ...(lora === null ? {} : { lora }) },
    memoryMiB: Math.max(memoryMiB, Math.ceil(activations(checkpointActivations))),
    prompt,
    extract: "answer-tag",
    commit: basename(join(folder, "..")) === "snapshots" ? basename(folder) : null,
    save: (policy, run) =>
      Effect.gen(function* () {
        const model = join(run, "model")
        if (policy.lora === null) return yield* Checkpoint.save({ ...opened, values: policy.values }, model)
        const adapter = { config: policy.lora.config, values: policy.values }
        yield* LoraFiles.write(config, adapter, join(run, "adapter"), { baseModel: source })
        yield* Checkpoint.save(Checkpoint.merged(opened, adapter), model)
      }),
  }
  return start
})

/** Opens what the settings name. Fails with a `ModelError` of one line. */
export const open = Effect.fn("Start.open")(function* (
  preset: Preset,
  settings: Settings,
  view: View.View,
  run: { readonly folder: string; readonly resume: boolean },
) {
  const { start } = settings
  if (start.kind === "warm-start") return yield* warmStart(preset)
  const commit = yield* pinned(run.folder, run.resume)
  return yield* checkpoint(preset, settings, commit === null ? start : { ...start, revision: commit }, view)
})
