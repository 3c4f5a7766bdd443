/** The fixtures of fixtures/make/make.py: tiny checkpoints, and what PyTorch and transformers computed on them. */
import type { Sequence } from "@lpo/rollout"
import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { AdamW, Backend, Checkpoint, Replica, Safetensors } from "@lpo/transformer"
import type { Problem } from "@lpo/rollout"
import { Effect } from "effect"

export const folderOf = (name: string): string => fileURLToPath(new URL(`./fixtures/${name}`, import.meta.url))

export interface Case {
  readonly prompt: ReadonlyArray<number>
  readonly completion: ReadonlyArray<number>
  readonly weights: ReadonlyArray<number>
}

export interface TokenizerFacts {
  readonly encoded: ReadonlyArray<{ text: string; ids: Array<number>; bare: Array<number>; decoded: string }>
  readonly chats: ReadonlyArray<{
    messages: Array<Problem.Message>
    options: Record<string, unknown>
    text: string
    ids: Array<number>
  }>
  readonly eos: number
}

export interface Facts {
  readonly cases: ReadonlyArray<Case>
  readonly greedy: { readonly prompt: ReadonlyArray<number>; readonly tokens: ReadonlyArray<number> }
  readonly adamw: AdamW.Options
  readonly tokenizer: TokenizerFacts
  readonly sequences: ReadonlyArray<ReadonlyArray<number>>
  readonly ropes: ReadonlyArray<Record<string, unknown>>
  /** The model under an adapter. */
  readonly base: string
}

/** The facts of a fixture, and its expected tensors by name. */
export const expectedOf = async (name: string) => {
  const facts = JSON.parse(await readFile(join(folderOf(name), "expected.json"), "utf8")) as Facts
  const path = join(folderOf(name), "expected.safetensors")
  const bytes = await readFile(path).catch(() => null)
  const { tensors } =
    bytes === null
      ? { tensors: new Map<string, Safetensors.NamedTensor>() }
      : await Effect.runPromise(Safetensors.decode(bytes, path))
  const tensor = (key: string): Float32Array => {
    const found = tensors.get(key)
    if (found === undefined) throw new RangeError(`${name} has no expected ${key}`)
    return found.data
  }
  return { facts, tensor, names: [...tensors.keys()] }
}

/** Where the fixtures are opened: `LPO_BACKEND` of the environment, `wasm` by default. */
const backend = Backend.names.find((name) => name === (process.env.LPO_BACKEND ?? "wasm"))

/** A fixture's checkpoint and a replica of it. */
export const openFixture = async (name: string, options: Replica.Options = {}) => {
  if (backend === undefined)
    throw new RangeError(`LPO_BACKEND ${process.env.LPO_BACKEND} is none of ${Backend.names.join(", ")}`)
  await Effect.runPromise(Backend.start(backend))
  const checkpoint = await Effect.runPromise(Checkpoint.open(folderOf(name)))
  return { checkpoint, replica: Replica.make(checkpoint.config, checkpoint.values, options) }
}

export const pairOf = ({ completion, prompt }: Case): Sequence.Sequence => ({
  prompt: Int32Array.from(prompt),
  completion: Int32Array.from(completion),
})

/** Largest absolute difference. */
export const gap = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  let most = a.length === b.length ? 0 : Infinity
  for (let i = 0; i < a.length; i++) most = Math.max(most, Math.abs(a[i] - b[i]))
  return most
}

/** Euclidean distance, relative to the length of `truth`. */
export const relative = (ours: Float32Array, truth: Float32Array): number => {
  const difference = truth.map((v, i) => v - ours[i])
  return Math.sqrt(difference.reduce((s, v) => s + v * v, 0) / truth.reduce((s, v) => s + v * v, 0))
}
