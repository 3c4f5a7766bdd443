/** The results of an evaluation, as a table and as a record. */
import type * as Evaluator from "@lpo/eval/Evaluator"
import * as Interval from "@lpo/eval/Interval"
import * as Metrics from "@lpo/eval/Metrics"
import Table from "cli-table3"

const three = (value: number): string => value.toFixed(3)
const estimate = ({ high, low, mean }: Interval.Estimate): string => `${three(mean)} [${three(low)}, ${three(high)}]`

/** One set with its result. */
export interface Result {
  readonly name: string
  readonly problems: number
  readonly samples: number
  readonly evaluation: Evaluator.Evaluation
}

/** maj@n with its interval; null if no problem has n verdicts. */
export const majority = ({ evaluation, samples }: Result, seed: string): Interval.Estimate | null => {
  const values = Metrics.majority(evaluation.problems, samples)
  return values.length === 0 ? null : Interval.bootstrap(values, { seed: `${seed}/maj@${samples}` })
}

/** The part of summary.json about one set. */
export const record = (result: Result, seed: string) => ({
  benchmark: result.name,
  problems: result.problems,
  samplesPerProblem: result.samples,
  passAt: result.evaluation.curve,
  majorityAt: { [String(result.samples)]: majority(result, seed) },
  verl: Metrics.verl(result.evaluation.problems, seed),
  ...result.evaluation.summary,
})

/** Lines to print. */
export const lines = (results: ReadonlyArray<Result>, seed: string): ReadonlyArray<string> => {
  const out = new Table({
    head: ["set", "problems x n", "pass@1 = avg@n", "pass@n", "maj@n", "unjudged", "cut", "tokens"],
    style: { head: [], border: [] },
  })
  for (const result of results) {
    const { curve, summary } = result.evaluation
    const vote = majority(result, seed)
    const one = curve["1"]
    const whole = curve[String(result.samples)]
    out.push([
      result.name,
      `${result.problems} x ${result.samples}`,
      one === undefined ? "–" : estimate(one),
      whole === undefined ? "–" : estimate(whole),
      vote === null ? "–" : estimate(vote),
      String(summary.unjudged),
      three(summary.truncated),
      summary.responseLength === 0 ? "–" : summary.responseLength.toFixed(1),
    ])
  }
  const ones = results.flatMap(({ evaluation }) => (evaluation.curve["1"] === undefined ? [] : [evaluation.curve["1"]]))
  const mean = ones.reduce((sum, one) => sum + one.mean, 0) / ones.length
  return [
    out.toString(),
    "95 % intervals by bootstrap over problems; cut: share of responses that reached the token limit",
    ...(ones.length > 1 ? [`mean pass@1 of the ${ones.length} sets: ${three(mean)}`] : []),
  ]
}
