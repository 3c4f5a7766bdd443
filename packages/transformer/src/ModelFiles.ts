/**
 * A policy as files, for a run that stops and goes on: `config.json` and `model.safetensors` in Hugging Face names, or with LoRA
 * the adapter in the format of PEFT, and the optimiser's state beside them.
 *
 * @module
 */
import { join } from "node:path"
import { RegularFile } from "@lpo/rollout"
import { Effect } from "effect"
import * as Checkpoint from "./files/Checkpoint.ts"
import { io, writeText } from "./Files.ts"
import type { LoraConfig } from "./model/Lora.ts"
import * as LoraFiles from "./files/LoraFiles.ts"
import type * as ModelConfig from "./model/ModelConfig.ts"
import * as Parameters from "./model/Parameters.ts"
import type { PolicyService } from "./policy/Service.ts"
import * as Safetensors from "./files/Safetensors.ts"
import * as Shards from "./files/Shards.ts"
import { ModelError } from "./TransformerError.ts"

/** The parameters as the bytes of a safetensors file. @category io */
export const encodeModel = (policy: Pick<PolicyService, "config" | "values">): Uint8Array =>
  Safetensors.encode(Checkpoint.named(policy.config, policy.values), { format: "pt" })

/**
 * Writes what is trained into a folder, made where needed: the model, or with LoRA the adapter; and with `optimizer` the state
 * that exact resume needs.
 *
 * @category io
 */
export const save = Effect.fn("ModelFiles.save")(function* (
  policy: PolicyService,
  folder: string,
  options: { readonly optimizer: boolean },
) {
  yield* io(folder, () => RegularFile.makeFolder(folder))
  const { config, lora, values } = policy
  if (lora !== null) yield* LoraFiles.write(config, { config: lora.config, values }, folder)
  else {
    yield* Shards.write(folder, "model", Checkpoint.named(config, values))
    yield* writeText(join(folder, "config.json"), Checkpoint.configJson(config, null, {}))
  }
  if (!options.optimizer) return
  const { m, steps, v } = policy.optimizer
  yield* Safetensors.write(
    join(folder, "optimizer.safetensors"),
    [
      { name: "m", shape: [m.length], data: m },
      { name: "v", shape: [v.length], data: v },
    ],
    { metadata: { steps: String(steps), version: String(policy.version) } },
  )
})

/** Reads parameters of `config` from a safetensors file; every tensor must be there with its shape. @category io */
export const readModel = Effect.fn("ModelFiles.readModel")(function* (config: ModelConfig.ModelConfig, path: string) {
  const slots = Parameters.layout(config)
  const out = new Float32Array(Parameters.count(slots))
  yield* Shards.readFile(path, slots, out)
  return out
})

const readOptimizer = Effect.fn("ModelFiles.readOptimizer")(function* (policy: PolicyService, path: string) {
  const fail = (reason: string) => new ModelError({ reason: `${path}: ${reason}` })
  const { m, v } = policy.optimizer
  const slots = [
    { name: "m", shape: [m.length], offset: 0, size: m.length },
    { name: "v", shape: [v.length], offset: m.length, size: v.length },
  ] as const
  const { metadata } = yield* Effect.scoped(Safetensors.open(path))
  const [steps, version] = [Number(metadata["steps"]), Number(metadata["version"])]
  if (!Number.isInteger(steps) || !Number.isInteger(version) || steps < 0)
    return yield* fail(`says it has made ${metadata["steps"]} steps and published ${metadata["version"]} versions`)
  const both = new Float32Array(m.length + v.length)
  yield* Shards.readFile(path, slots, both)
  return { both, steps, version }
})

const describe = ({ alpha, dora, rank, saved = [], targets }: LoraConfig): string =>
  `rank ${rank}, alpha ${alpha} on ${[...targets].sort().join(", ")}` +
  (saved.length === 0 ? "" : `, with ${[...saved].sort().join(", ")} whole`) +
  (dora === true ? ", dora" : "")

/**
 * Restores what {@link save} wrote into `policy`, with `optimizer` the optimiser's state too. Nothing changes where a file is not
 * as it should be.
 *
 * @category io
 */
export const restore = Effect.fn("ModelFiles.restore")(function* (
  policy: PolicyService,
  folder: string,
  options: { readonly optimizer: boolean },
) {
  const { config, lora } = policy
  let values: Float32Array
  if (lora === null) {
    const slots = Parameters.layout(config)
    values = yield* Shards.read(folder, "model", slots, () => new Float32Array(Parameters.count(slots)))
  } else {
    const adapter = yield* LoraFiles.read(config, folder)
    if (describe(adapter.config) !== describe(lora.config)) {
      return yield* new ModelError({
        reason: `${folder}: has an adapter of ${describe(adapter.config)}, the policy one of ${describe(lora.config)}`,
      })
    }
    values = adapter.values
  }
  if (options.optimizer) {
    const { both, steps, version } = yield* readOptimizer(policy, join(folder, "optimizer.safetensors"))
    const { m, v } = policy.optimizer
    m.set(both.subarray(0, m.length))
    v.set(both.subarray(m.length))
    policy.optimizer.steps = steps
    policy.version = version
  }
  policy.values.set(values)
  policy.changed()
})
