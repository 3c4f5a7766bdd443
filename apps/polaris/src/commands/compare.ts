/** `polaris compare`: trained policies, or evaluations, on the problems that they share, with intervals and corrected p-values. */
import { stat } from "node:fs/promises"
import { join } from "node:path"
import { Terminal } from "@lpo/rollout"
import * as Compare from "@lpo/eval/Compare"
import * as Evaluator from "@lpo/eval/Evaluator"
import type * as Metrics from "@lpo/eval/Metrics"
import * as PassAtK from "@lpo/eval/PassAtK"
import * as Samples from "@lpo/eval/Samples"
import Table from "cli-table3"
import { Effect } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import * as Base from "../Base.ts"
import { UsageError } from "../Usage.ts"
import type { Entry } from "./Entry.ts"
import { evaluationOf } from "./report.ts"

/** What is compared: the name, and the judged samples by problem. */
interface Side {
  readonly name: string
  readonly problems: ReadonlyMap<string, Metrics.Judged>
}

const byProblem = (problems: ReadonlyArray<Metrics.Judged>): ReadonlyMap<string, Metrics.Judged> =>
  new Map(problems.map((one) => [one.problem, one]))

/** A run's trained policy, or a file of samples that `polaris eval` wrote. */
const sideOf = Effect.fn("compare.sideOf")(function* (path: string) {
  const isFile = yield* Effect.tryPromise({
    try: async () => (await stat(path)).isFile(),
    catch: () => new UsageError({ reason: `there is no ${path}; give runs, or samples.jsonl files of evaluations` }),
  })
  if (isFile) return { name: path, problems: byProblem(yield* Samples.read(path)) } satisfies Side
  const found = yield* evaluationOf(path, Base.trainedFile)
  if (found === null)
    return yield* new UsageError({
      reason: `${join(path, Base.trainedFile)} is missing, so the run has not ended; finish it with polaris train --resume`,
    })
  return { name: path, problems: byProblem(found.problems) } satisfies Side
})

const three = (x: number): string => x.toFixed(3)
const signed = (x: number): string => `${x >= 0 ? "+" : ""}${three(x)}`

export const command: Entry = Command.make(
  "compare",
  {
    what: Argument.String("what").pipe(
      Argument.withDescription(
        "Two or more: run folders, or samples.jsonl files of evaluations; the first is the base",
      ),
      Argument.between(0, 32),
    ),
    seed: Flag.Int("seed").pipe(
      Flag.withDescription("Seed of the intervals and tests. Default 1"),
      Flag.withDefault(1),
    ),
  },
  Effect.fn(function* ({ seed, what }) {
    if (what.length < 2)
      return yield* new UsageError({
        reason: `${what.length === 0 ? "nothing to compare is" : `only ${what[0]} is`} given; give two or more run folders, or samples.jsonl files of evaluations`,
      })
    const sides = yield* Effect.forEach(what, sideOf)
    const [base, ...others] = sides
    const shared = [...base.problems.keys()].filter((id) => others.every(({ problems }) => problems.has(id)))
    if (shared.length === 0)
      return yield* new UsageError({ reason: "they share no problems; compare evaluations of the same benchmark" })
    /** pass@k by problem; of those with k verdicts on every side. */
    const counts = sides.map(({ problems }) =>
      Evaluator.counts(shared.map((id) => problems.get(id) ?? { problem: id, samples: [] })),
    )
    const least = counts[0].map((_, i) => Math.min(...counts.map((side) => side[i].samples)))
    const ks = PassAtK.ks(Math.max(...least)).filter((k) => least.some((n) => n >= k))
    const rows = others.flatMap((other, o) =>
      ks.map((k) => {
        const fit = least.flatMap((n, i) => (n >= k ? [i] : []))
        const values = (side: number) =>
          fit.map((i) => PassAtK.passAtK(counts[side][i].samples, counts[side][i].correct, k))
        return {
          k,
          name: other.name,
          a: values(0),
          b: values(o + 1),
          found: Compare.compare(values(0), values(o + 1), { seed: `compare/${seed}/${o}/${k}` }),
        }
      }),
    )
    const corrected = Compare.holm(rows.map(({ found }) => found.p))
    const mean = (values: ReadonlyArray<number>): number => values.reduce((x, y) => x + y, 0) / values.length
    const table = new Table({
      head: ["against the base", "k", "base", "it", "difference [95 %]", "d", "p", "p (Holm)"],
      style: { head: [], border: [] },
    })
    for (const [i, { a, b, found, k, name }] of rows.entries())
      table.push([
        name,
        `pass@${k}`,
        three(mean(a)),
        three(mean(b)),
        `${signed(found.difference.mean)} [${signed(found.difference.low)}, ${signed(found.difference.high)}]`,
        found.effect === null ? "–" : found.effect.toFixed(2),
        found.p.toFixed(4),
        corrected[i].toFixed(4),
      ])
    const left = base.problems.size - shared.length
    process.stdout.write(
      `base: ${base.name}; ${Terminal.counted(shared.length, "problem")} in common${left > 0 ? `, ${left} of the base are not in all` : ""}\n${table.toString()}\n` +
        "paired by problem: intervals by bootstrap, p by sign-flip permutation, corrected over the whole table; d is Cohen's\n" +
        "one run each says nothing about other seeds\n",
    )
  }),
).pipe(
  Command.withDescription("Compare trained policies or evaluations on the problems that they share"),
  Command.withExamples([{ command: "polaris compare runs/grpo runs/lpo", description: "Two runs" }]),
)
