/**
 * What travels to a Tinker server: prompts as chunks, tensors, and datums. And LPO's gradient as datums, in three forms.
 *
 * A datum of a prompt of P tokens and a response of L tokens has the input `full[0..-1)` and N = P + L - 1 entries in every
 * loss input; entry i concerns the prediction of `full[i + 1]`, so token t of the response is at P - 1 + t. With one weight
 * w per response token, held constant, the ascent direction `sum w * grad log pi` is
 *
 * - form A: `cross_entropy` with `weights = w`;
 * - form B: `importance_sampling` with `logprobs` = the current log-probs (so that the ratio is 1) and `advantages = w`;
 * - form B': as B for servers that average over a datum's L response tokens and then over the M datums of a step:
 *   `advantages = w * L * M`.
 *
 * Which form a server needs is in its `ServerProfile`, and proved by `Conformance`. Sparse tensors are left out.
 *
 * @module
 */

import "@lpo/rollout/SupportedNode"
import type { Sequence } from "@lpo/rollout"

/** Part of a prompt. @category models */
export type Chunk =
  | { readonly type: "encoded_text"; readonly tokens: Int32Array }
  | {
      readonly type: "image"
      /** The file's bytes. */
      readonly data: Uint8Array
      readonly format: "png" | "jpeg"
      /** Positions that the image takes in the model's input. */
      readonly expectedTokens?: number
    }
  | {
      readonly type: "image_asset_pointer"
      readonly location: string
      readonly format: "png" | "jpeg"
      readonly expectedTokens?: number
    }

/** A prompt, or the input of a datum: chunks in order. @category models */
export type ModelInput = ReadonlyArray<Chunk>

/** A flat, row-major array; `shape` defaults to one axis. @category models */
export type Tensor =
  | { readonly dtype: "float32"; readonly data: Float32Array; readonly shape?: ReadonlyArray<number> }
  | { readonly dtype: "int64"; readonly data: Int32Array; readonly shape?: ReadonlyArray<number> }

/** One training example. @category models */
export interface Datum {
  readonly modelInput: ModelInput
  /** By name: `target_tokens`, `weights`, `logprobs`, `advantages`; N entries each. */
  readonly lossInputs: Readonly<Record<string, Tensor>>
}

/** A prompt and a response. @category models */
export interface Example {
  /** Its positions are P. */
  readonly prompt: ModelInput
  /** [L], L >= 1. */
  readonly completion: Int32Array
}

/** How a server turns datums into LPO's gradient; see the module. @category models */
export type Form = "A" | "B" | "B'"

/** An example with the weight of each response token, [L], ascent direction. @category models */
export interface WeightedExample extends Example {
  readonly weights: Float32Array
  /** Current log-probs of the response, [L], nats. */
  readonly logprobs: Float32Array
}

/** Text as a prompt. @category constructors */
export const text = (tokens: Int32Array): ModelInput => [{ type: "encoded_text", tokens }]

/** A prompt's chunks as the protocol has them. @category constructors */
export const fromChunks = (chunks: ReadonlyArray<Sequence.Chunk>): ModelInput =>
  chunks.map((chunk): Chunk => {
    if (chunk.type === "text") return { type: "encoded_text", tokens: chunk.tokens }
    const { format, positions: expectedTokens, source } = chunk
    return "data" in source
      ? { type: "image", data: source.data, format, expectedTokens }
      : { type: "image_asset_pointer", location: source.location, format, expectedTokens }
  })

/** The other way round; null when an image does not say how many positions it takes. @category combinators */
export const toChunks = (input: ModelInput): ReadonlyArray<Sequence.Chunk> | null => {
  const chunks: Array<Sequence.Chunk> = []
  for (const chunk of input) {
    if (chunk.type === "encoded_text") {
      chunks.push({ type: "text", tokens: chunk.tokens })
      continue
    }
    const { expectedTokens, format } = chunk
    if (expectedTokens === undefined) return null
    const source = chunk.type === "image" ? { data: chunk.data } : { location: chunk.location }
    chunks.push({ type: "image", format, source, positions: expectedTokens })
  }
  return chunks
}

/** Positions of a chunk in the model's input; an image without `expectedTokens` counts none. @category getters */
export const positions = (input: ModelInput): number =>
  input.reduce(
    (sum, chunk) => sum + (chunk.type === "encoded_text" ? chunk.tokens.length : (chunk.expectedTokens ?? 0)),
    0,
  )

const float32 = (data: Float32Array): Tensor => ({ dtype: "float32", data })

/** The response's values at their places among N entries, 0 elsewhere. */
const place = (n: number, from: number, values: ArrayLike<number>): Float32Array => {
  const out = new Float32Array(n)
  out.set(values, from)
  return out
}

const joined = (a: Int32Array, b: Int32Array): Int32Array => {
  const out = new Int32Array(a.length + b.length)
  out.set(a)
  out.set(b, a.length)
  return out
}

/** Input and `target_tokens` of an example; image positions have target 0, where the weight is 0 too. */
const base = ({ completion, prompt }: Example) => {
  const p = positions(prompt)
  const n = p + completion.length - 1
  const targets = new Int32Array(n)
  let at = -1
  for (const chunk of prompt) {
    if (chunk.type === "encoded_text") targets.set(at < 0 ? chunk.tokens.subarray(1) : chunk.tokens, Math.max(0, at))
    at += positions([chunk])
  }
  targets.set(completion, p - 1)
  const rest = completion.subarray(0, -1)
  const last = prompt.at(-1)
  // Text after text is one chunk, as a sampler's prompt is.
  const modelInput: ModelInput =
    rest.length === 0
      ? prompt
      : last?.type === "encoded_text"
        ? [...prompt.slice(0, -1), { type: "encoded_text", tokens: joined(last.tokens, rest) }]
        : [...prompt, { type: "encoded_text", tokens: rest }]
  return { modelInput, n, from: p - 1, target: { dtype: "int64", data: targets } as const }
}

/** A datum that asks for log-probs and moves nothing: `cross_entropy` with weights 0. @category constructors */
export const scoring = (example: Example): Datum => {
  const { modelInput, n, target } = base(example)
  return { modelInput, lossInputs: { target_tokens: target, weights: float32(new Float32Array(n)) } }
}

/** The response's part of a datum's `logprobs`, [L]. @category getters */
export const completionLogprobs = ({ completion, prompt }: Example, logprobs: ArrayLike<number>): Float32Array => {
  const from = positions(prompt) - 1
  return Float32Array.from(completion, (_, t) => logprobs[from + t])
}

/**
 * Examples as datums of a form, and the loss they need.
 *
 * ```ts
 * const examples = [{
 *   prompt: Datum.text(Int32Array.of(11, 12, 13)), completion: Int32Array.of(21, 2),
 *   weights: Float32Array.of(0.25, 0.25), logprobs: Float32Array.of(-1.1, -0.3),
 * }]
 * Datum.weighted(examples, { form: "A", mask: false }).datums[0].lossInputs.weights.data // [0, 0, 0.25, 0.25]
 * ```
 *
 * @category constructors
 */
export const weighted = (
  examples: ReadonlyArray<WeightedExample>,
  options: {
    readonly form: Form
    /** Form B': send `weights` = 1 on the response; without them such a server counts every place. */
    readonly mask: boolean
  },
): { readonly lossFn: "cross_entropy" | "importance_sampling"; readonly datums: ReadonlyArray<Datum> } => {
  const datums = examples.map((example): Datum => {
    const { from, modelInput, n, target } = base(example)
    const { logprobs, weights } = example
    if (options.form === "A") {
      return { modelInput, lossInputs: { target_tokens: target, weights: float32(place(n, from, weights)) } }
    }
    const scale = options.form === "B" ? 1 : weights.length * examples.length
    return {
      modelInput,
      lossInputs: {
        target_tokens: target,
        ...(options.mask ? { weights: float32(new Float32Array(n).fill(1, from)) } : {}),
        logprobs: float32(place(n, from, logprobs)),
        advantages: float32(
          place(
            n,
            from,
            weights.map((w) => w * scale),
          ),
        ),
      },
    }
  })
  return { lossFn: options.form === "A" ? "cross_entropy" : "importance_sampling", datums }
}
