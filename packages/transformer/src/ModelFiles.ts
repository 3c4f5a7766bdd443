/** A policy as files: `config.json` and `model.safetensors` in Hugging Face names, and the optimiser beside them. */
import { mkdir, readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { Effect } from "effect"
import * as ModelConfig from "./ModelConfig.ts"
import * as Parameters from "./Parameters.ts"
import type { PolicyService } from "./Policy.ts"
import * as Safetensors from "./Safetensors.ts"
import { ModelError } from "./TransformerError.ts"

const io = <A>(path: string, run: () => Promise<A>) =>
  Effect.tryPromise({ try: run, catch: (cause) => new ModelError({ reason: `${path}: ${(cause as Error).message}` }) })

const named = (config: ModelConfig.ModelConfig, values: Float32Array): Array<Safetensors.NamedTensor> =>
  Parameters.layout(config).map(({ name, offset, shape, size }) => ({
    name,
    shape,
    data: values.subarray(offset, offset + size),
  }))

/** The parameters as the bytes of a safetensors file. @category io */
export const encodeModel = (policy: Pick<PolicyService, "config" | "values">): Uint8Array =>
  Safetensors.encode(named(policy.config, policy.values), { format: "pt" })

/** Writes the model into a folder, made where needed, and with `optimizer` the state that exact resume needs. @category io */
export const save = Effect.fn("ModelFiles.save")(function* (
  policy: PolicyService,
  folder: string,
  options: { readonly optimizer: boolean },
) {
  yield* io(folder, () => mkdir(folder, { recursive: true }))
  const write = (file: string, data: string | Uint8Array) =>
    io(join(folder, file), () => writeFile(join(folder, file), data))
  yield* write(
    "config.json",
    `${JSON.stringify({ architectures: [ModelConfig.architectureOf(policy.config.model_type)], ...policy.config }, null, 2)}\n`,
  )
  yield* write("model.safetensors", encodeModel(policy))
  if (!options.optimizer) return
  const { m, steps, v } = policy.optimizer
  const state = Safetensors.encode(
    [
      { name: "m", shape: [m.length], data: m },
      { name: "v", shape: [v.length], data: v },
    ],
    { steps: String(steps), version: String(policy.version) },
  )
  yield* write("optimizer.safetensors", state)
})

/** Reads parameters of `config` from a safetensors file; every tensor must be there with its shape. @category io */
export const readModel = Effect.fn("ModelFiles.readModel")(function* (config: ModelConfig.ModelConfig, path: string) {
  const bytes = yield* io(path, () => readFile(path))
  const { tensors } = yield* Safetensors.decode(bytes, path)
  const slots = Parameters.layout(config)
  const out = new Float32Array(Parameters.count(slots))
  for (const { name, offset, shape } of slots) {
    const tensor = tensors.get(name)
    if (tensor === undefined) return yield* new ModelError({ reason: `${path}: has no tensor ${name}` })
    if (tensor.shape.join() !== shape.join()) {
      return yield* new ModelError({
        reason: `${path}: tensor ${name} is [${tensor.shape.join(", ")}], the model wants [${shape.join(", ")}]`,
      })
    }
    tensors.delete(name)
    out.set(tensor.data, offset)
  }
  const [extra] = tensors.keys()
  if (extra !== undefined)
    return yield* new ModelError({ reason: `${path}: has a tensor the model does not know, ${extra}` })
  return out
})

/** Restores parameters and, with `optimizer`, the optimiser's state into `policy`. @category io */
export const restore = Effect.fn("ModelFiles.restore")(function* (
  policy: PolicyService,
  folder: string,
  options: { readonly optimizer: boolean },
) {
  const values = yield* readModel(policy.config, join(folder, "model.safetensors"))
  if (options.optimizer) {
    const path = join(folder, "optimizer.safetensors")
    const bytes = yield* io(path, () => readFile(path))
    const { metadata, tensors } = yield* Safetensors.decode(bytes, path)
    for (const [name, target] of [
      ["m", policy.optimizer.m],
      ["v", policy.optimizer.v],
    ] as const) {
      const data = tensors.get(name)?.data
      if (data?.length !== target.length) {
        return yield* new ModelError({
          reason: `${path}: ${name} has ${data?.length ?? 0} values, the model wants ${target.length}`,
        })
      }
      target.set(data)
    }
    policy.optimizer.steps = Number(metadata["steps"])
    policy.version = Number(metadata["version"])
  }
  policy.values.set(values)
  policy.changed()
})
