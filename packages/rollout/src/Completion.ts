/**
 * A completion: one response sampled from the behaviour policy, with the log-prob of every token as it was sampled.
 *
 * `tokens` includes the stop token that ended it; `text` does not. Where a stop string ended it, `text` ends with that string, and
 * `tokens` with the token that completed it. `logprobs` has one entry per token.
 */

/** How a completion was sampled: what its log-probs mean depends on it. @category models */
export interface SamplingInfo {
  /** Divides the logits; 1 samples from the policy itself, 0 is greedy. */
  readonly temperature: number
  /** Nucleus mass kept, in (0, 1]; 1 is off. */
  readonly topP: number
  /** Number of most likely tokens kept; 0 is off. */
  readonly topK: number
  /** Least probability of a token kept, relative to the likeliest one's; absent or 0 is off. */
  readonly minP?: number
  /** `raw`: log-softmax of the logits. `processed`: after temperature, top-k, top-p and min-p, i.e. of the law sampled from. */
  readonly logprobs: "raw" | "processed"
}

/** A sampled response of T tokens. @category models */
export interface Completion {
  /** Token ids, [T], T >= 1. */
  readonly tokens: Int32Array
  /** The response as text, without the stop token. */
  readonly text: string
  /** Log-probs of `tokens` under the behaviour policy, in nats, [T], each <= 0. */
  readonly logprobs: Float32Array
  /** `stop`: the policy ended it. `length`: it was cut at `maxTokens`. */
  readonly finish: "stop" | "length"
  /** Which published policy sampled it. */
  readonly policyVersion: number
  readonly sampling: SamplingInfo
}

/**
 * Whether importance ratios against these log-probs are unbiased: the completion was drawn from the policy itself
 * (temperature 1, no top-k, no top-p, no min-p), where `raw` and `processed` are the same thing. Anything else is refused by the
 * trainer rather than trained on with a silent bias.
 *
 * @category predicates
 */
export const isSampledFromPolicy = (completion: Completion): boolean => {
  const { minP = 0, temperature, topP, topK } = completion.sampling
  return temperature === 1 && topP === 1 && topK === 0 && minP === 0
}
