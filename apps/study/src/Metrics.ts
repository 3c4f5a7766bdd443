/** The numbers of a run that claims refer to. */
import { PassAtK } from "@lpo/eval"
import type { Metric } from "./Axis.ts"
import type { Evaluated, Run } from "./Record.ts"

const mean = (values: ReadonlyArray<number>): number => values.reduce((a, b) => a + b, 0) / values.length

/** pass@k over the problems of an evaluation. @category metrics */
export const passAt = ({ correct, samples }: Evaluated, k: number): number =>
  mean(correct.map((c) => PassAtK.passAtK(samples, c, k)))

/** The pass rate of training over the tokens, as a mean over the steps; 0 for a run that took none. */
const learning = ({ steps }: Run): number => (steps.length === 0 ? 0 : mean(steps.map(({ passRate }) => passRate)))

/** @category metrics */
export const of = (run: Run, metric: Metric): number => {
  switch (metric) {
    case "gain":
      return passAt(run.after, 1) - passAt(run.before, 1)
    case "learning":
      return learning(run)
    case "entropy":
      return run.after.entropy
    case "pass@1":
    case "pass@4":
    case "pass@16":
      return passAt(run.after, Number(metric.slice("pass@".length)))
  }
}

/** Whether the run ended below its start, or could not continue. @category metrics */
export const isCollapsed = (run: Run): boolean => run.ended !== null || passAt(run.after, 1) < passAt(run.before, 1)

/** Steps over which a pass rate is smoothed. */
const window = 5

/** Smoothed pass rates, each with the tokens sampled by then. @category curves */
export const curve = ({ steps }: Run): ReadonlyArray<{ readonly tokens: number; readonly passRate: number }> =>
  steps.slice(window - 1).map(({ tokens }, i) => ({
    tokens,
    passRate: mean(steps.slice(i, i + window).map(({ passRate }) => passRate)),
  }))

/**
 * Tokens until the best smoothed pass rate that both runs reach, b's less a's, as a share of `budget`. The level is the lower of the two
 * bests, so neither is favoured: for equal arms the number is above 0 as often as below. 0 if either has no curve.
 *
 * @category curves
 */
export const toBest = (b: Run, a: Run, budget: number): number => {
  const [curveB, curveA] = [curve(b), curve(a)]
  if (curveB.length === 0 || curveA.length === 0) return 0
  const best = (points: typeof curveA): number => Math.max(...points.map(({ passRate }) => passRate))
  const level = Math.min(best(curveB), best(curveA))
  const at = (points: typeof curveA): number => points.find(({ passRate }) => passRate >= level)?.tokens ?? budget
  return (at(curveB) - at(curveA)) / budget
}
