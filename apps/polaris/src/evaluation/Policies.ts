/** What `polaris eval` evaluates: a checkpoint in this process, servers that sample, or the policy that a run trained. */
import { join } from "node:path"
import { OpenAiSampler, type Sampler } from "@lpo/rollout"
import { Backend, Checkpoint, ModelFiles, Policy, TransformerSampler } from "@lpo/transformer"
import { Config, Effect, Layer, Option } from "effect"
import { downloadIn } from "../engines/policy.ts"
import * as Model from "../Model.ts"
import * as Settings from "../Settings.ts"
import { open as openTask, type Reads } from "../tasks/index.ts"
import { UsageError, urls } from "../Usage.ts"
import type { View } from "../View.ts"
import * as WarmStart from "../WarmStart.ts"

/** A policy, ready to sample from. */
export interface Evaluated {
  /** Its name in tables. */
  readonly label: string
  readonly reads: Reads
  readonly layer: Layer.Layer<Sampler.Sampler>
}

interface Place {
  readonly backend: string | null
  readonly workers: number | null
}

const start = Effect.fn("Policies.start")(function* ({ backend, workers }: Place) {
  const wanted = Backend.names.find((name) => name === backend)
  const running = yield* wanted === undefined ? Backend.auto : Backend.start(wanted)
  return running.name === "wasm" ? (workers ?? Policy.defaultWorkers()) : 0
})

const sampler = (policy: Policy.PolicyService): Layer.Layer<Sampler.Sampler> =>
  TransformerSampler.layer().pipe(Layer.provide(Layer.succeed(Policy.Policy, policy)))

/** A checkpoint in Hugging Face's format: a folder, or `name[@revision]` on the hub. */
export const checkpoint = Effect.fn("Policies.checkpoint")(function* (text: string, place: Place, view: View) {
  const { revision, source } = yield* Model.parse(text)
  const at = revision === null ? {} : { revision }
  const folder = yield* Checkpoint.locate(source, { ...at, onProgress: downloadIn(view, source) })
  view.done()
  const workers = yield* start(place)
  const { config, tokenizer, values } = yield* Checkpoint.open(folder)
  if (tokenizer === null)
    return yield* new UsageError({
      reason: `${text} has no tokenizer.json; convert the tokenizer with transformers first`,
    })
  const policy = yield* Policy.make(config, tokenizer, values, { workers })
  const made: Evaluated = {
    label: text,
    reads: tokenizer.chatTemplate === null ? "text" : "chat",
    layer: sampler(policy),
  }
  return made
})

/** Servers with OpenAI's protocol; the key, if any, is LPO_ROLLOUTS_KEY. */
export const endpoint = Effect.fn("Policies.endpoint")(function* (
  text: string,
  servedName: string | null,
  reads: Reads,
) {
  if (servedName === null)
    return yield* new UsageError({
      reason: "--endpoint needs the model's name on the server; give --served-name",
    })
  const servers = yield* urls("endpoint", text)
  const secret = Option.getOrUndefined(yield* Config.option(Config.Redacted("LPO_ROLLOUTS_KEY")))
  const layer = yield* Layer.build(
    OpenAiSampler.layer({ servers, model: servedName, ...(secret === undefined ? {} : { key: secret }) }),
  )
  const made: Evaluated = { label: `${servedName} on ${text}`, reads, layer: Layer.succeedContext(layer) }
  return made
})

/** The policy that a finished run left in its folder. */
export const trained = Effect.fn("Policies.trained")(function* (folder: string, place: Place, view: View) {
  const settings = yield* Settings.ofRun(folder)
  const { model, task } = settings
  const at = join(folder, "model")
  if ((yield* WarmStart.read(join(at, "model.safetensors"))) === null && model.kind === "warm-start")
    return yield* new UsageError({
      reason: `the run ${folder} has no trained model yet; finish it with polaris train --resume`,
    })
  if (model.kind === "checkpoint") return yield* checkpoint(at, place, view)
  const { tiny } = yield* openTask(task.name, task.parameters)
  if (tiny === null) return yield* new UsageError({ reason: `the task ${task.name} does not have its own small model` })
  const workers = yield* start(place)
  const config = yield* WarmStart.modelConfig(model, tiny)
  const values = yield* ModelFiles.readModel(config, join(at, "model.safetensors"))
  const policy = yield* Policy.make(config, tiny.tokenizer, values, { workers })
  const made: Evaluated = { label: folder, reads: "words", layer: sampler(policy) }
  return made
})
