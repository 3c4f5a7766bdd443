/** The model in this process, for the engines that train here: started on a backend, opened, checked, and made a policy. */
import { basename, join } from "node:path"
import { type Problem, Terminal } from "@lpo/rollout"
import {
  Backend,
  Checkpoint,
  Frozen,
  type HfTokenizer,
  type Hub,
  Lora,
  LoraFiles,
  type ModelConfig,
  ModelFiles,
  Policy,
  type TransformerError,
} from "@lpo/transformer"
import { Effect } from "effect"
import * as Tokens from "../data/Tokens.ts"
import type * as Model from "../Model.ts"
import { readsOf } from "../tasks/index.ts"
import { UsageError } from "../Usage.ts"
import type { View } from "../View.ts"
import * as WarmStart from "../WarmStart.ts"
import * as Fit from "./Fit.ts"
import { type Asked, EngineError, type Opened } from "./Engine.ts"

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`

/** Shows a download; files already in the cache are not shown. */
export const downloadIn = (view: View, source: string) => {
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

/** The commit of a folder of the hub's cache; null for any other. */
export const commitOf = (folder: string): string | null =>
  basename(join(folder, "..")) === "snapshots" ? basename(folder) : null

/** Why the longest prompt does not fit the model, or null. */
const refusal = (
  config: ModelConfig.ModelConfig,
  tokenizer: HfTokenizer.HfTokenizer,
  prompt: Problem.Problem["prompt"],
  template: Model.Template | undefined,
  maxTokens: number,
) =>
  Effect.gen(function* () {
    const tokens = yield* Tokens.encode(tokenizer, prompt, template)
    const outside = tokens.find((token) => token >= config.vocab_size)
    if (outside !== undefined)
      return `its tokenizer makes token ${outside} of a prompt, but its config.json has a vocab_size of ${config.vocab_size}; the two do not match`
    const positions = config.max_position_embeddings
    return tokens.length + maxTokens <= positions
      ? null
      : `a prompt takes ${tokens.length} tokens and a response up to ${maxTokens} (--max-tokens), but the model has ${positions} positions; ` +
          (tokens.length < positions
            ? `give --max-tokens ${positions - tokens.length} or less, or a model with a longer context`
            : "give a model with a longer context")
  })

/** A model that is ready to become a policy. */
interface Ready {
  readonly config: ModelConfig.ModelConfig
  readonly values: Float32Array
  readonly tokenizer: Policy.PolicyService["tokenizer"]
  readonly options: Pick<Policy.Options, "lora" | "checkpointActivations">
  readonly memoryMiB: number
  readonly opened: Pick<Opened, "label" | "reads" | "commit">
  readonly about: string
  readonly save: (policy: Policy.PolicyService) => Effect.Effect<void, TransformerError.ModelError>
}

const warmStart = Effect.fn("policy.warmStart")(function* (model: Model.WarmStart, asked: Asked) {
  const { domain, folder, preset } = asked
  const { tiny } = domain
  if (tiny === null)
    return yield* new EngineError({
      engine: "embedded",
      reason: `the task ${domain.name} does not have its own small model; give --model`,
    })
  const config = yield* WarmStart.modelConfig(model, tiny)
  const ready: Ready = {
    config,
    values: yield* ModelFiles.readModel(config, WarmStart.shipped(preset.name)),
    tokenizer: tiny.tokenizer,
    options: {},
    memoryMiB: Fit.activationsMiB,
    opened: { label: "warm start", reads: "words", commit: null },
    about: `${preset.name}: ${preset.about}`,
    save: (policy) => WarmStart.saveCheckpoint(policy, join(folder, "model")),
  }
  return ready
})

const checkpoint = Effect.fn("policy.checkpoint")(function* (model: Model.Checkpoint, asked: Asked) {
  const { commit, source } = model
  const fail = (reason: string) => new EngineError({ engine: "embedded", reason: `${source}: ${reason}` })
  const revision = commit ?? model.revision
  const at = revision === null ? {} : { revision }
  // The weights of a model that cannot be trained are not needed.
  const ignoring = model.ignore === undefined ? {} : { ignore: model.ignore }
  const { config } = yield* Checkpoint.readConfig(
    yield* Checkpoint.locate(source, { ...at, only: /^config\.json$/ }),
    ignoring,
  )
  const { domain, folder: run, maxTokens, preset, view } = asked
  const misfit = model.lora && Lora.configRefusal(config, model.lora)
  if (misfit !== null) return yield* fail(`the adapter: ${misfit}`)
  const { checkpointActivations, learnMiB, refusal: misses } = Fit.of(config, model.lora, asked)
  if (misses !== null) return yield* fail(misses)
  const folder = yield* Checkpoint.locate(source, { ...at, onProgress: downloadIn(view, source) })
  view.done()
  const opened = yield* Checkpoint.open(folder, ignoring)
  const { tokenizer, values } = opened
  if (tokenizer === null) return yield* fail("has no tokenizer.json; convert the tokenizer with transformers first")
  const reads = readsOf(tokenizer, domain)
  const longest = domain.longest === null ? null : domain.longest(reads)
  const problem = longest === null ? null : yield* refusal(config, tokenizer, longest, model.template, maxTokens)
  if (problem !== null) return yield* fail(problem)
  const lora = model.lora === null ? null : Lora.initialise(config, model.lora, asked.seed, values)
  const size = values.length.toLocaleString("en")
  const ready: Ready = {
    config,
    values,
    tokenizer,
    options: { checkpointActivations, ...(lora === null ? {} : { lora }) },
    memoryMiB: learnMiB,
    opened: { label: "base model", reads, commit: commitOf(folder) },
    about:
      `${preset.name} with ${source}${revision === null ? "" : ` at ${revision}`}: ${config.model_type}, ${size} parameters, ` +
      (lora === null ? "all trained" : `an adapter of ${lora.values.length.toLocaleString("en")} trained`) +
      (checkpointActivations ? ", activations recomputed" : ""),
    save: (policy) =>
      Effect.gen(function* () {
        const to = join(run, "model")
        if (policy.lora === null) return yield* Checkpoint.save({ ...opened, values: policy.values }, to)
        const adapter = { config: policy.lora.config, values: policy.values }
        yield* LoraFiles.write(config, adapter, join(run, "adapter"), { baseModel: source })
        yield* Checkpoint.save(Checkpoint.merged(opened, adapter), to)
      }),
  }
  return ready
})

/** Starts the backend and makes the policy; its workers end with the scope. */
export const open = Effect.fn("policy.open")(function* (asked: Asked) {
  const { flags, model } = asked
  const wanted = Backend.names.find((name) => name === flags.backend)
  const running = yield* wanted === undefined ? Backend.auto : Backend.start(wanted)
  if (running.name !== "wasm" && flags.workers !== null && flags.workers > 0) {
    return yield* new UsageError({
      reason: `--workers is ${flags.workers}, but the backend ${running.name} uses one thread; leave it out, or give --backend wasm`,
    })
  }
  const workers = running.name === "wasm" ? (flags.workers ?? Policy.defaultWorkers()) : 0
  const ready = yield* model.kind === "warm-start" ? warmStart(model, asked) : checkpoint(model, asked)
  const { memoryMiB } = ready
  // Before the policy, which may train these parameters in place.
  const reference = asked.reference
    ? yield* Frozen.logprobs(ready.config, ready.values, {
        workers,
        memoryMiB,
        unchanging: ready.options.lora !== undefined,
      })
    : null
  const policy = yield* Policy.make(ready.config, ready.tokenizer, ready.values, { ...ready.options, workers })
  return {
    ...ready.opened,
    policy,
    reference,
    about: [
      ready.about,
      `backend ${running.name} (${running.device}): ${running.reason}; ${Terminal.counted(workers, "worker")}`,
    ],
    record: { backend: running.name, device: running.device, workers },
    memoryMiB,
    trained: policy.values.length,
    save: Effect.as(ready.save(policy), null),
  }
})
