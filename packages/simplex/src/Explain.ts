/**
 * One group's update as a table: what each response earned, where the target puts it, and which way it is pushed.
 *
 * @module
 */
import * as Diagnostics from "./Diagnostics.ts"
import type { Divergence } from "./Divergence.ts"
import { forwardKl } from "./divergence/Kullback.ts"
import * as Guarantee from "./Guarantee.ts"
import * as Projection from "./Projection.ts"
import { checkVector } from "./SimplexError.ts"
import { gibbsTarget, isSilent, listwise, logListwise, resolve, type ZeroVariance } from "./Target.ts"
import type { Context, Temperature } from "./Temperature.ts"

/** One response. @category models */
export interface Row {
  readonly k: number
  readonly reward: number
  /** P_t,k */
  readonly anchor: number
  /** w*_k */
  readonly target: number
  /** P_theta,k */
  readonly policy: number
  /** c_k: below 0 the response is made more likely. */
  readonly coefficient: number
}

/** @category models */
export interface Explanation {
  readonly rows: ReadonlyArray<Row>
  readonly tau: number | "zero-signal"
  readonly divergence: string
  /** D(w*, P_theta) */
  readonly value: number
  /** Theorem 2, with the total variation between P_theta and w* as epsilon, units of reward; null without a signal. */
  readonly gainBound: number | null
  /** sum_k P_theta,k R_k - sum_k P_t,k R_k: what the policy has gained so far, units of reward. */
  readonly gain: number
  /** Effective sample sizes of w* and P_theta. */
  readonly ess: { readonly target: number; readonly policy: number }
}

/**
 * Explains the update of a group: `s` are the policy's log-ratios, `anchor` the anchor's (both [K], nats, default 0); the
 * divergence is forward KL by default. Throws `SimplexError`.
 *
 * {@includeCode ../examples/Explain.ts#import,group,explain}
 *
 * @category explaining
 */
export const explain = (group: {
  readonly rewards: ArrayLike<number>
  readonly temperature: Temperature
  readonly s?: ArrayLike<number>
  readonly anchor?: ArrayLike<number>
  readonly divergence?: Divergence
  readonly zeroVariance?: ZeroVariance
  readonly rewardStd?: number
}): Explanation => {
  const { divergence = forwardKl, temperature, zeroVariance = "drop" } = group
  const rewards = checkVector("rewards", group.rewards)
  const anchor = checkVector("anchor", group.anchor ?? new Float64Array(rewards.length), rewards.length)
  const s = checkVector("log-ratios", group.s ?? anchor, rewards.length)
  const context: Context = { anchor, ...(group.rewardStd === undefined ? {} : { rewardStd: group.rewardStd }) }
  const tau = temperature.of(rewards, context)
  const silent = isSilent(zeroVariance, rewards, tau)
  const logTarget = silent ? logListwise(s) : resolve({ target: gibbsTarget, rewards, tau, anchor })
  const target = logTarget.map(Math.exp)
  const policy = listwise(s)
  const start = listwise(anchor)
  const c = silent ? new Float64Array(rewards.length) : Projection.coefficients(divergence, s, logTarget)
  const epsilon = Diagnostics.totalVariation(policy, target)
  const expected = (p: Float64Array): number => p.reduce((sum, v, k) => sum + v * rewards[k], 0)
  return {
    rows: Array.from(rewards, (reward, k) => ({
      k,
      reward,
      anchor: start[k],
      target: target[k],
      policy: policy[k],
      coefficient: c[k],
    })),
    tau,
    divergence: divergence.name,
    value: silent ? 0 : Projection.value(divergence, s, logTarget),
    gainBound: tau === "zero-signal" || silent ? null : Guarantee.gainBound({ rewards, tau, epsilon, anchor }),
    gain: expected(policy) - expected(start),
    ess: { target: Diagnostics.ess(target), policy: Diagnostics.ess(policy) },
  }
}

/**
 * The explanation as text for a log: one line per response and one for the whole.
 *
 * {@includeCode ../examples/Explain.ts#import,group,format}
 *
 * @category explaining
 */
export const format = ({ divergence, ess, gain, gainBound, rows, tau, value }: Explanation): string => {
  const columns = ["k", "reward", "P_t", "w*", "P", "c"]
  const cells = rows.map((r) => [
    String(r.k),
    ...[r.reward, r.anchor, r.target, r.policy, r.coefficient].map((v) => v.toPrecision(4)),
  ])
  const widths = columns.map((name, i) => Math.max(name.length, ...cells.map((row) => row[i].length)))
  const line = (row: ReadonlyArray<string>): string => row.map((cell, i) => cell.padStart(widths[i])).join("  ")
  const bound = gainBound === null ? "none" : gainBound.toPrecision(4)
  return [
    line(columns),
    ...cells.map(line),
    `tau ${typeof tau === "number" ? tau.toPrecision(4) : tau}, ${divergence} ${value.toPrecision(4)}, gain ${gain.toPrecision(4)}, bound ${bound}, ess ${ess.target.toFixed(2)} of w*, ${ess.policy.toFixed(2)} of P`,
  ].join("\n")
}
