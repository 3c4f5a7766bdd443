/**
 * Rotary positions: position t turns the pair (x_i, x_{i + h/2}) of every head by the angle t * f_i (Su et al. 2021).
 *
 * Plain: f_i = theta^(-2i/h). The scalings stretch the context that a model was trained for:
 * linear (Chen et al. 2023): f_i / factor.
 * dynamic: theta grows with the sequence once it is longer than `max_position_embeddings`.
 * llama3: slow pairs as linear, fast ones as plain, a straight line in between (Llama 3.1).
 * yarn (Peng et al. 2023): the same by pair number, and cosine and sine times an attention factor.
 *
 * Frequencies and angles are rounded to float32, as in the code that the checkpoints were trained with: at position 30,000 the
 * rounding is more than the rest of the engine's error.
 */
import * as tf from "@tensorflow/tfjs-core"
import { headSize, type ModelConfig, type RopeScaling, turnOf } from "./ModelConfig.ts"
import type { Rotary } from "../ops/Ops.ts"

interface Frequencies {
  /** Radians per position, [headSize / 2]. */
  readonly perPosition: Float32Array
  /** Cosines and sines are multiplied by this. */
  readonly attentionFactor: number
}

const clamp = (x: number): number => Math.min(1, Math.max(0, x))

type Yarn = Extract<RopeScaling, { rope_type: "yarn" }>

const yarnAttention = ({ attention_factor, factor, mscale, mscale_all_dim }: Yarn): number => {
  const of = (scale: number): number => (factor <= 1 ? 1 : 0.1 * scale * Math.log(factor) + 1)
  if (attention_factor !== undefined) return attention_factor
  return mscale && mscale_all_dim ? of(mscale) / of(mscale_all_dim) : of(1)
}

/** The first and last pair between extrapolation and interpolation, as pair numbers. */
const yarnRange = (scaling: Yarn, theta: number, size: number): readonly [number, number] => {
  const pair = (rotations: number): number =>
    (size * Math.log(scaling.original_max_position_embeddings / (rotations * 2 * Math.PI))) / (2 * Math.log(theta))
  let low = pair(scaling.beta_fast ?? 32)
  let high = pair(scaling.beta_slow ?? 1)
  if (scaling.truncate ?? true) {
    low = Math.floor(low)
    high = Math.ceil(high)
  }
  low = Math.max(low, 0)
  high = Math.min(high, size - 1)
  return [low, low === high ? high + 0.001 : high]
}

/** Which layers: most, or the sliding ones where these have positions of their own. @category models */
export type Kind = "global" | "local"

/** The kinds that a model has. @category combinators */
export const kindsOf = (config: ModelConfig): ReadonlyArray<Kind> => {
  const all = new Set(Array.from({ length: config.num_hidden_layers }, (_, layer) => turnOf(config, layer)))
  return (["global", "local"] as const).filter((kind) => all.has(kind))
}

/**
 * The frequencies for a sequence of `length` positions, of the whole model or of its sliding layers (`local`); only dynamic scaling looks at the length, and only where it is above
 * `max_position_embeddings`.
 *
 * @category constructors
 */
export const frequencies = (config: ModelConfig, length: number, kind: Kind = "global"): Frequencies => {
  const size = headSize(config)
  const scaling = kind === "local" ? null : (config.rope_scaling ?? null)
  let theta = kind === "local" ? (config.rope_local_base_freq ?? config.rope_theta) : config.rope_theta
  if (scaling?.rope_type === "dynamic") {
    const stretch = Math.max(1, length / config.max_position_embeddings)
    theta *= (scaling.factor * stretch - (scaling.factor - 1)) ** (size / (size - 2))
  }
  const plain = Float64Array.from({ length: size / 2 }, (_, i) => theta ** (-(2 * i) / size))
  const give = (f: (plain: number, i: number) => number, attentionFactor = 1): Frequencies => ({
    perPosition: Float32Array.from(plain, f),
    attentionFactor,
  })
  switch (scaling?.rope_type) {
    case undefined:
    case "dynamic":
      return give((f) => f)
    case "linear":
      return give((f) => f / scaling.factor)
    case "llama3": {
      const { factor, high_freq_factor: high, low_freq_factor: low, original_max_position_embeddings } = scaling
      return give((f) => {
        // How much of the plain frequency is kept, by the number of turns over the original context.
        const kept = clamp(((original_max_position_embeddings * f) / (2 * Math.PI) - low) / (high - low))
        return (1 - kept) * (f / factor) + kept * f
      })
    }
    case "yarn": {
      const [low, high] = yarnRange(scaling, theta, size)
      return give((f, i) => {
        const interpolated = clamp((i - low) / (high - low))
        return interpolated * (f / scaling.factor) + (1 - interpolated) * f
      }, yarnAttention(scaling))
    }
  }
}

/** Cosines and sines at one position, [headSize / 2] each. @category combinators */
export const angles = (
  { attentionFactor, perPosition }: Frequencies,
  position: number,
): { cos: Float32Array; sin: Float32Array } => ({
  cos: perPosition.map((f) => attentionFactor * Math.cos(Math.fround(position * f))),
  sin: perPosition.map((f) => attentionFactor * Math.sin(Math.fround(position * f))),
})

/** The tables of positions 0 to `time - 1`, [time, headSize] each, on the backend. @category constructors */
export const tables = (config: ModelConfig, time: number, kind: Kind): Omit<Rotary, "positions"> => {
  const size = headSize(config)
  const half = size / 2
  const cos = new Float32Array(time * size)
  const sin = new Float32Array(time * size)
  const turn = frequencies(config, time, kind)
  for (let t = 0; t < time; t++) {
    const at = angles(turn, t)
    for (const from of [0, half]) {
      cos.set(at.cos, t * size + from)
      sin.set(at.sin, t * size + from)
    }
  }
  return { cos: tf.tensor2d(cos, [time, size]), sin: tf.tensor2d(sin, [time, size]) }
}

/** The rotary embedding of a layer's rows; null where it turns nothing. @category models */
export type OfLayer = (layer: number) => Rotary | null

/** The tables of every kind that a model has, for `time` positions; rows stand at `positions`. @category constructors */
export const allTables = (config: ModelConfig, time: number) =>
  new Map(kindsOf(config).map((kind) => [kind, tables(config, time, kind)]))

/** The rotary embedding layer by layer, of rows at `positions`. @category combinators */
export const ofLayers =
  (config: ModelConfig, of: ReturnType<typeof allTables>, positions: Rotary["positions"]): OfLayer =>
  (layer) => {
    const kind = turnOf(config, layer)
    const found = kind === null ? undefined : of.get(kind)
    return found === undefined ? null : { ...found, positions }
  }
