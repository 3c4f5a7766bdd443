/**
 * Adapters of PEFT whose maps differ: ranks and alphas by pattern, some layers only, targets by suffix or regular expression. Which maps
 * have an adapter, and of which rank, is what the file's tensors say. They are read as one adapter of the largest rank: a smaller one is
 * filled up with zeros, which stay zeros when it learns, and another alpha / rank is multiplied into B.
 */
import { Effect } from "effect"
import * as Lora from "../model/Lora.ts"
import type { ModelConfig } from "../model/ModelConfig.ts"
import * as Parameters from "../model/Parameters.ts"
import { ModelError } from "../TransformerError.ts"
import * as LoraNames from "./LoraNames.ts"
import type { Entry } from "./Safetensors.ts"

/** Of `adapter_config.json`. */
export interface Options {
  /** What it says of all maps. */
  readonly lora: Lora.LoraConfig
  readonly rank: number
  readonly alpha: number
  readonly isRankStabilised: boolean
  readonly rankPattern: Readonly<Record<string, number>>
  readonly alphaPattern: Readonly<Record<string, number>>
}

/** Why a pattern's key cannot be followed, or null: names are, other regular expressions are not. */
export const refusal = (key: string, pattern: Readonly<Record<string, number>>): string | null => {
  const bad = Object.keys(pattern).find((name) => !/^\^?(\w|\\?\.)+$/.test(name))
  return bad === undefined
    ? null
    : `${key} has the regular expression ${JSON.stringify(bad)}; give names of modules, such as q_proj or layers.0.self_attn.q_proj`
}

/** The entry of a module: the first key that is its name, or the end of it after a dot. */
const lookUp = (pattern: Readonly<Record<string, number>>, module: string): number | undefined => {
  const key = Object.keys(pattern).find((name) => {
    const plain = name.replace(/^\^/, "").replaceAll("\\.", ".")
    return module === plain || (!name.startsWith("^") && module.endsWith(`.${plain}`))
  })
  return key === undefined ? undefined : pattern[key]
}

interface Side {
  readonly entry: Entry
  /** As it is here. */
  readonly shape: ReadonlyArray<number>
  readonly isTransposed: boolean
}

/** The two sides of a module's adapter in the file. */
interface Pair {
  readonly a: Side
  readonly b: Side
  readonly factor: number
  readonly rank: number
}

/** The adapters of a file by module, and its tensors that learn whole. */
const find = Effect.fn("LoraPatterns.find")(function* (
  entries: ReadonlyMap<string, Entry>,
  whole: ReadonlySet<string>,
  options: Options,
  fail: (reason: string) => ModelError,
) {
  const sides = new Map<string, Side>()
  const saved = new Map<string, Entry>()
  for (const [name, entry] of entries) {
    if (LoraNames.copyOf(name) !== null) continue
    const own = LoraNames.ours(name)
    if (own !== null && whole.has(own.name)) saved.set(own.name, entry)
    else if (own === null || !/\.lora_[AB]\.weight$/.test(own.name))
      return yield* fail(
        `has a tensor the model does not know, ${name}; merge the adapter with PEFT's merge_and_unload`,
      )
    else {
      const { isTransposed } = own
      sides.set(own.name, { entry, isTransposed, shape: isTransposed ? entry.shape.toReversed() : entry.shape })
    }
  }
  const pairs = new Map<string, Pair>()
  for (const name of sides.keys()) {
    const module = name.replace(/\.lora_[AB]\.weight$/, "")
    const [a, b] = ["A", "B"].map((side) => sides.get(`${module}.lora_${side}.weight`))
    if (a === undefined || b === undefined)
      return yield* fail(`has no tensor ${module}.lora_${a === undefined ? "A" : "B"}.weight`)
    const rank = lookUp(options.rankPattern, module) ?? options.rank
    const alpha = lookUp(options.alphaPattern, module) ?? options.alpha
    if (a.shape[0] !== rank || b.shape[1] !== rank)
      return yield* fail(`${module} has an adapter of rank ${a.shape[0]}, and adapter_config.json says ${rank}`)
    pairs.set(module, { a, b, rank, factor: alpha / (options.isRankStabilised ? Math.sqrt(rank) : rank) })
  }
  return { pairs, saved }
})

/** The adapter of a file's tensors; `values` reads one of them. */
export const read = Effect.fn("LoraPatterns.read")(function* (
  config: ModelConfig,
  entries: ReadonlyMap<string, Entry>,
  options: Options,
  source: string,
  values: (entry: Entry) => Effect.Effect<Float32Array, ModelError>,
) {
  const fail = (reason: string) => new ModelError({ reason: `${source}: ${reason}` })
  const whole = Lora.layout(config, options.lora).filter(({ name }) => !/\.lora_[AB]\.weight$/.test(name))
  const { pairs, saved } = yield* find(entries, new Set(whole.map(({ name }) => name)), options, fail)
  const leaves = new Set([...pairs.keys()].map((name) => name.split(".").at(-1)))
  const targets = [...Lora.modules, ...Lora.ends].filter((module) => leaves.has(module))
  const all = [...pairs.values()]
  if (all.length === 0 || targets.length === 0) return yield* fail("has no adapter on any map of the model")
  const rank = Math.max(...all.map((pair) => pair.rank))
  // That of most maps, so that these keep their bits.
  const usual = options.alpha / (options.isRankStabilised ? Math.sqrt(options.rank) : options.rank)
  const lora: Lora.LoraConfig = { ...options.lora, rank, alpha: usual * rank, targets }
  const refusal = Lora.configRefusal(config, lora)
  if (refusal !== null) return yield* fail(refusal)
  const slots = Lora.layout(config, lora)
  const out = new Float32Array(Parameters.count(slots))
  const known = new Set<string>()
  for (const { name, offset, shape, size } of slots) {
    const module = name.replace(/\.lora_[AB]\.weight$/, "")
    known.add(module)
    const pair = pairs.get(module)
    const view = out.subarray(offset, offset + size)
    const wanted = (side: ReadonlyArray<number>, found: ReadonlyArray<number>) =>
      fail(`tensor ${name} is [${found.join(", ")}], the model wants [${side.join(", ")}]`)
    if (whole.some((slot) => slot.name === name)) {
      const entry = saved.get(name)
      if (entry === undefined) return yield* fail(`has no tensor ${name}, which modules_to_save names`)
      if (entry.shape.join() !== shape.join()) return yield* wanted(shape, entry.shape)
      view.set(yield* values(entry))
      continue
    }
    if (pair === undefined) continue
    const isA = name.endsWith("lora_A.weight")
    const side = isA ? pair.a : pair.b
    const [rows, columns] = shape as readonly [number, number]
    const own = isA ? [pair.rank, columns] : [rows, pair.rank]
    if (side.shape.join() !== own.join()) return yield* wanted(own, side.shape)
    const raw = yield* values(side.entry)
    const data = side.isTransposed ? LoraNames.transposed(raw, own[1], own[0]) : raw
    if (isA) view.set(data)
    else {
      const factor = pair.factor / usual
      for (let row = 0; row < rows; row++)
        for (let r = 0; r < pair.rank; r++) view[row * rank + r] = factor * data[row * pair.rank + r]
    }
  }
  const stray = [...pairs.keys()].find((module) => !known.has(module))
  if (stray !== undefined)
    return yield* fail(
      `has an adapter on ${stray}, and adapters are read on ${Lora.modules.join(", ")} of the layers, ${Lora.ends.join(" and ")}; merge it with PEFT's merge_and_unload`,
    )
  const adapter: Lora.Adapter = { config: lora, values: out }
  return adapter
})
