/**
 * Groups of one and of two responses, where the listwise method reduces to older ones.
 *
 *     K = 1   no simplex; the response is paired with a virtual one of reward b (appendix)
 *     K = 2   forward KL is the logistic loss of a soft preference (C.5): DPO's form, with a target that is not 1
 *
 * @module
 */
import { logSigmoid, sigmoid } from "./internal/softmax.ts"
import { badValue, checkPositive } from "./SimplexError.ts"

const checkFinite = (values: Record<string, number>): void => {
  for (const [name, v] of Object.entries(values)) if (!Number.isFinite(v)) throw badValue(name, v, "it must be finite")
}

/** (a - b) / tau, clipped to +-1e300 for huge rewards over a tiny tau instead of overflowing. */
const preference = (a: number, b: number, tau: number): number => Math.max(-1e300, Math.min(1e300, (a - b) / tau))

/**
 * The coefficient of a single response of reward R against a baseline b, such as the batch's mean:
 * `c = sigma(s) - sigma((R - b) / tau + s_t)`. While s = 0 it is the paper's `1/2 - sigma((R - b) / tau)`, in [-1/2, 1/2].
 * No other response takes the difference, so coefficients do not sum to zero. `s`, `anchor` in nats, default 0. Throws
 * `SimplexError`.
 *
 * {@includeCode ../examples/SmallGroup.ts#import,single}
 *
 * @category K = 1
 */
export const single = (options: {
  readonly reward: number
  readonly baseline: number
  readonly tau: number
  readonly s?: number
  readonly anchor?: number
}): number => {
  const { anchor = 0, baseline, reward, s = 0, tau } = options
  checkFinite({ anchor, baseline, reward, s })
  checkPositive("tau", tau)
  return sigmoid(s) - sigmoid(preference(reward, baseline, tau) + anchor)
}

/** Statistics of a prompt's rewards: plain data, for a table by prompt and for a checkpoint. @category K = 1 */
export interface Baseline {
  /** Units of reward. */
  readonly value: number
  /** Rewards seen so far. */
  readonly count: number
}

/**
 * A prompt's baseline after one more reward: their plain mean at first, later a moving average with `decay` in [0, 1] per
 * reward; 1 never forgets. `before` is undefined for a new prompt. Combine a reward with the baseline from before that
 * reward: with the one after it, you would compare the response with itself. Throws `SimplexError`.
 *
 * {@includeCode ../examples/SmallGroup.ts#import,track}
 *
 * @category K = 1
 */
export const track = (before: Baseline | undefined, reward: number, decay = 0.9): Baseline => {
  checkFinite({ reward })
  if (!(decay >= 0 && decay <= 1)) throw badValue("decay", decay, "the share of the past to keep is in [0, 1]")
  const { count, value } = before ?? { count: 0, value: 0 }
  const share = Math.max(1 / (count + 1), 1 - decay)
  return { value: value + share * (reward - value), count: count + 1 }
}

/** The two responses of a pair. @category K = 2 */
export interface Pair {
  /** Rewards of the first and the second response. */
  readonly rewards: readonly [number, number]
  readonly tau: number
  /** s_1 - s_2, nats: how much more than the behaviour policy the policy prefers the first; default 0. */
  readonly margin?: number
  /** The same of the anchor; default 0, a fresh group. */
  readonly anchorMargin?: number
}

/** The target's preference, w*_1 = sigma(z), as its logit z. */
const logit = ({ anchorMargin = 0, margin = 0, rewards: [first, second], tau }: Pair): readonly [number, number] => {
  checkFinite({ anchorMargin, margin, "rewards[0]": first, "rewards[1]": second })
  checkPositive("tau", tau)
  return [preference(first, second, tau) + anchorMargin, margin]
}

/**
 * C.5: `-sigma(z) log sigma(m) - sigma(-z) log sigma(-m)` with z = (R_1 - R_2) / tau + anchor margin and m the policy's
 * margin: the cross entropy of the pair, which is KL(w* || P) plus the target's entropy. Nats. Throws `SimplexError`.
 *
 * {@includeCode ../examples/SmallGroup.ts#import,pairLoss}
 *
 * @category K = 2
 */
export const pairLoss = (pair: Pair): number => {
  const [z, m] = logit(pair)
  return -sigmoid(z) * logSigmoid(m) - sigmoid(-z) * logSigmoid(-m)
}

/**
 * Its coefficients, equal to those of forward KL on the group of two: `c_1 = sigma(m) - sigma(z) = -c_2`.
 *
 * {@includeCode ../examples/SmallGroup.ts#import,pairCoefficients}
 *
 * @category K = 2
 */
export const pairCoefficients = (pair: Pair): readonly [number, number] => {
  const [z, m] = logit(pair)
  const c = sigmoid(m) - sigmoid(z)
  return [c, -c]
}
