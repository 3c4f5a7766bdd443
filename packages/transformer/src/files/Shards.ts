/**
 * The tensors of a checkpoint folder: one `model.safetensors`, or shards named by `model.safetensors.index.json`. What is in the
 * files must be what the index says and what the model wants: names, shapes, nothing missing, nothing more.
 */
import { rm, stat } from "node:fs/promises"
import { join } from "node:path"
import { Effect, type Scope } from "effect"
import { io, readJson, whole, writeText } from "../Files.ts"
import * as Parameters from "../model/Parameters.ts"
import * as Safetensors from "./Safetensors.ts"
import * as Slots from "./Slots.ts"
import { ModelError } from "../TransformerError.ts"

const exists = (path: string): Effect.Effect<boolean> =>
  Effect.promise(() =>
    stat(path).then(
      () => true,
      () => false,
    ),
  )

/** The file of every tensor by `index`; a file name is a name, not a path. */
const readIndex = Effect.fn("Shards.index")(function* (path: string) {
  const fail = (reason: string) => new ModelError({ reason: `${path}: ${reason}` })
  const index = yield* readJson(path)
  const map = index?.["weight_map"]
  if (map === null || typeof map !== "object" || Array.isArray(map)) return yield* fail("has no weight_map")
  const files = new Map<string, string>()
  for (const [name, file] of Object.entries(map as Record<string, unknown>)) {
    if (typeof file !== "string" || !/^[\w-][\w.-]*\.safetensors$/.test(file)) {
      return yield* fail(
        `places tensor ${name} in ${JSON.stringify(file)}; a shard is a .safetensors file in the same folder`,
      )
    }
    files.set(name, file)
  }
  return files
})

interface Located {
  readonly file: Safetensors.OpenFile
  readonly entry: Safetensors.Entry
}

/** Opens the files of a folder (`stem` is "model" or "adapter_model") and finds every tensor in them. */
export const locate = (
  folder: string,
  stem: string,
): Effect.Effect<ReadonlyMap<string, Located>, ModelError, Scope.Scope> =>
  Effect.gen(function* () {
    const single = join(folder, `${stem}.safetensors`)
    const indexPath = `${single}.index.json`
    const found = new Map<string, Located>()
    if (yield* exists(single)) {
      const file = yield* Safetensors.open(single)
      for (const entry of file.entries.values()) found.set(entry.name, { file, entry })
      return found
    }
    if (!(yield* exists(indexPath))) {
      return yield* new ModelError({
        reason: `${folder}: has neither ${stem}.safetensors nor ${stem}.safetensors.index.json; checkpoints in other formats are not read`,
      })
    }
    const files = yield* readIndex(indexPath)
    /** Tensors in another file than the index says, as some converters leave them. */
    const again: Array<Located> = []
    for (const name of new Set(files.values())) {
      const file = yield* Safetensors.open(join(folder, name))
      for (const entry of file.entries.values()) {
        const place = files.get(entry.name)
        if (place !== undefined && place !== name) again.push({ file, entry })
        if (place === undefined) {
          return yield* new ModelError({
            reason: `${file.path}: has a tensor ${entry.name}, which the index places in no file`,
          })
        }
        if (place === name) found.set(entry.name, { file, entry })
      }
    }
    for (const [name, file] of files) {
      if (!found.has(name))
        return yield* new ModelError({
          reason: `${join(folder, file)}: has no tensor ${name}, which the index places in it`,
        })
    }
    for (const { entry, file } of again) {
      const indexed = found.get(entry.name)
      if (indexed === undefined) continue
      if ((yield* file.digest(entry)) !== (yield* indexed.file.digest(indexed.entry)))
        return yield* new ModelError({
          reason: `${file.path}: has a tensor ${entry.name} that differs from that of ${indexed.file.path}, where the index places it; remove the wrong one`,
        })
    }
    return found
  })

const fill = Effect.fn("Shards.fill")(function* (
  source: string,
  tensors: ReadonlyMap<string, Located>,
  slots: ReadonlyArray<Parameters.Slot>,
  allocate: () => Float32Array,
  twins: Readonly<Record<string, string>>,
) {
  const fail = (reason: string) => new ModelError({ reason: `${source}: ${reason}` })
  const reason = Slots.refusal(slots, new Map([...tensors].map(([name, { entry }]) => [name, entry.shape])), twins)
  if (reason !== null) return yield* fail(reason)
  for (const [name, twin] of Object.entries(twins)) {
    const [second, first] = [tensors.get(name), tensors.get(twin)]
    if (second === undefined || first === undefined) continue
    if ((yield* second.file.digest(second.entry)) !== (yield* first.file.digest(first.entry)))
      return yield* fail(
        `has a tensor ${name} that differs from ${twin}, and config.json ties the two; remove one, or set tie_word_embeddings to false`,
      )
  }
  // Only now: what a configuration says is believed where the files are as large.
  const to = yield* Effect.try({
    try: allocate,
    catch: (cause) => fail(`does not fit into memory (${(cause as Error).message})`),
  })
  for (const { name, offset, size } of slots) {
    const tensor = tensors.get(name)
    if (tensor !== undefined) yield* tensor.file.read(tensor.entry, to.subarray(offset, offset + size))
  }
  return to
})

/**
 * Reads the tensors of `slots` from a folder into a flat vector, which is made once the files are seen to hold them; those named in
 * `twins` may be there too, with the bytes of the tensor that they are the same as. `names` gives the model's name of a tensor in the files, null for one that it has no use for.
 *
 * @category io
 */
export const read = (
  folder: string,
  stem: "model" | "adapter_model",
  slots: ReadonlyArray<Parameters.Slot>,
  allocate: () => Float32Array,
  twins: Readonly<Record<string, string>> = {},
  names: (name: string) => string | null = (name) => name,
): Effect.Effect<Float32Array, ModelError> =>
  Effect.scoped(
    Effect.flatMap(locate(folder, stem), (tensors) => {
      const named = new Map<string, Located>()
      for (const [name, tensor] of tensors) {
        const own = names(name)
        if (own !== null) named.set(own, tensor)
      }
      return fill(folder, named, slots, allocate, twins)
    }),
  )

/** The same from one file. @category io */
export const readFile = (
  path: string,
  slots: ReadonlyArray<Parameters.Slot>,
  to: Float32Array,
): Effect.Effect<Float32Array, ModelError> =>
  Effect.scoped(
    Effect.flatMap(Safetensors.open(path), (file) =>
      fill(path, new Map([...file.entries].map(([name, entry]) => [name, { file, entry }])), slots, () => to, {}),
    ),
  )

/** @category models */
export interface WriteOptions {
  /** Default F32, which loses nothing. */
  readonly dtype?: Safetensors.DType
  /** Largest file in bytes; more than that goes into several with an index. Default 5e9. */
  readonly maxFileBytes?: number
}

/** Writes tensors into a folder as `<stem>.safetensors`, or as shards with an index where that would be too large. @category io */
export const write = Effect.fn("Shards.write")(function* (
  folder: string,
  stem: "model" | "adapter_model",
  tensors: ReadonlyArray<Safetensors.NamedTensor>,
  { dtype = "F32", maxFileBytes = 5e9 }: WriteOptions = {},
) {
  const groups: Array<Array<Safetensors.NamedTensor>> = [[]]
  let filled = 0
  for (const tensor of tensors) {
    const bytes = tensor.data.length * Safetensors.bytesOf(dtype)
    if (filled > 0 && filled + bytes > maxFileBytes) {
      groups.push([])
      filled = 0
    }
    groups.at(-1)?.push(tensor)
    filled += bytes
  }
  const number = (n: number): string => String(n).padStart(5, "0")
  const names = groups.map((_, i) =>
    groups.length === 1 ? `${stem}.safetensors` : `${stem}-${number(i + 1)}-of-${number(groups.length)}.safetensors`,
  )
  for (const [i, group] of groups.entries()) {
    yield* whole(join(folder, names[i]), (path) =>
      Safetensors.write(path, group, { dtype, metadata: { format: "pt" } }),
    )
  }
  const indexPath = join(folder, `${stem}.safetensors.index.json`)
  if (groups.length === 1) return yield* io(indexPath, () => rm(indexPath, { force: true }))
  const size = tensors.reduce((sum, t) => sum + t.data.length, 0)
  const index = {
    metadata: { total_parameters: size, total_size: size * Safetensors.bytesOf(dtype) },
    weight_map: Object.fromEntries(groups.flatMap((group, i) => group.map(({ name }) => [name, names[i]]))),
  }
  yield* writeText(indexPath, `${JSON.stringify(index, null, 2)}\n`)
  // A single file from an earlier save would be read instead of the shards.
  const single = join(folder, `${stem}.safetensors`)
  yield* io(single, () => rm(single, { force: true }))
})
