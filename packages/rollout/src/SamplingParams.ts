/**
 * How responses are sampled: the law that tokens are drawn from, and what ends a response. One type from the configuration
 * to the server's request, the engine's decoder and the completion that records it.
 *
 * @module
 */
import "./SupportedNode.ts"
import { Schema } from "effect"

/**
 * Every value spelled out; {@link make} fills in the defaults, which sample from the policy itself.
 *
 * @category models
 */
export const SamplingParams = Schema.Struct({
  /** Divides the logits; 1 samples from the policy itself, 0 is greedy. */
  temperature: Schema.Finite,
  /** Nucleus mass kept, in (0, 1]; 1 is off. */
  topP: Schema.Finite,
  /** Number of most likely tokens kept; 0 is off. */
  topK: Schema.Int,
  /** Least probability of a token kept, relative to the likeliest one's, in [0, 1]; 0 is off. */
  minP: Schema.Finite,
  /** Longest completion, in tokens, stop token included. */
  maxTokens: Schema.Int,
  /**
   * Texts that end a response, besides the policy's own stop tokens: at the token that completes one, with finish `stop`. The
   * response's text ends with the string; its tokens are those sampled, so that the last may reach beyond it.
   */
  stopStrings: Schema.Array(Schema.String),
})
/** @category models */
export interface SamplingParams extends Schema.Schema.Type<typeof SamplingParams> {}

/** What must be said: the longest completion. The rest has defaults. @category models */
export type Options = Partial<Omit<SamplingParams, "maxTokens">> & Pick<SamplingParams, "maxTokens">

/**
 * Temperature 1, no top-p, no top-k, no min-p, no stop strings, unless given.
 *
 * ```ts
 * SamplingParams.make({ maxTokens: 64, temperature: 0.6 }).topP // 1
 * ```
 *
 * @category constructors
 */
export const make = ({
  maxTokens,
  minP = 0,
  stopStrings = [],
  temperature = 1,
  topK = 0,
  topP = 1,
}: Options): SamplingParams => ({ temperature, topP, topK, minP, maxTokens, stopStrings })

/** Why no sampler can do this: the value, the rule and the fix; null when it can be done. @category predicates */
export const refusal = ({ maxTokens, minP, stopStrings, temperature, topK, topP }: SamplingParams): string | null => {
  if (!(Number.isInteger(maxTokens) && maxTokens >= 1)) return `maxTokens is ${maxTokens}; give a whole number from 1`
  if (!(temperature >= 0 && temperature < Infinity)) return `temperature is ${temperature}; give 0 (greedy) or more`
  if (!(topP > 0 && topP <= 1)) return `topP is ${topP}; give a number in (0, 1], where 1 is off`
  if (!(Number.isInteger(topK) && topK >= 0)) return `topK is ${topK}; give a whole number from 0 (off)`
  if (!(minP >= 0 && minP <= 1)) return `minP is ${minP}; give a number from 0 (off) to 1`
  // What a decoder writes for bytes that are not a character cannot be told from the character itself.
  const bad = stopStrings.find((text) => text === "" || /[\uFFFD\p{Surrogate}]/u.test(text))
  if (bad === undefined) return null
  return `stopStrings has ${JSON.stringify(bad)}; give texts of one character or more, without U+FFFD and lone surrogates`
}

/**
 * Whether tokens are drawn from the whole of the policy's distribution: no top-k, no top-p, no min-p. A law that leaves tokens out
 * gives no importance ratios for them, so the trainer refuses it rather than train with a silent bias.
 *
 * @category predicates
 */
export const isWhole = ({ minP, topK, topP }: SamplingParams): boolean => topP === 1 && topK === 0 && minP === 0

/** Whether tokens are drawn from the policy itself: the whole of it, at temperature 1. @category predicates */
export const isPolicyItself = (law: SamplingParams): boolean => law.temperature === 1 && isWhole(law)
