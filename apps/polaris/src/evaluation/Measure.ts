/** One set of problems, sampled and judged into a file, problem by problem, so it can resume where it stopped. */
import { join } from "node:path"
import * as Evaluator from "@lpo/eval/Evaluator"
import * as Interval from "@lpo/eval/Interval"
import * as Metrics from "@lpo/eval/Metrics"
import * as Samples from "@lpo/eval/Samples"
import type { Problem, RolloutError, Sampler } from "@lpo/rollout"
import { Task, type Verifier } from "@lpo/verifiers"
import { Effect, type Layer, Stream } from "effect"
import type * as View from "../View.ts"
import type * as Sets from "./Sets.ts"
import * as Stored from "./Stored.ts"
import type * as Table from "./Table.ts"

export interface Options {
  /** The folder of the samples, which exists. */
  readonly folder: string
  readonly seed: string
  /** A file of responses sampled earlier, if there is no policy. */
  readonly completions: string | null
  /** Printed after the name of the set. Default nothing. */
  readonly title?: string
  readonly view: View.View
}

/** The samples of a set to judge; its problems `left` have none yet. */
const rowsOf = (
  { maxTokens, name, problems, samples, stopStrings, temperature }: Sets.Set,
  policy: { readonly layer: Layer.Layer<Sampler.Sampler> } | null,
  left: ReadonlyArray<{ readonly problem: Problem.Problem; readonly place: number }>,
  { completions, seed }: Options,
): Stream.Stream<Samples.Row, RolloutError.DatasetError | RolloutError.SamplerError, Verifier.Verifier> => {
  if (policy === null) {
    const wanted = new Set(left.map(({ place }) => place))
    return Stream.filter(Stored.rows(completions ?? "", problems), ({ place }) => wanted.has(place))
  }
  const asked = left.map(({ problem }) => problem)
  return Evaluator.stream(asked, { samples, maxTokens, temperature, stopStrings, seed: `${seed}/${name}` }).pipe(
    // Only part of the problems is sampled, but a row carries its place in the whole.
    Stream.map((row) => ({ ...row, place: left[row.place].place })),
    Stream.provide(policy.layer),
  )
}

/** Evaluates one set into its folder; what is already in the folder is not sampled again. */
export const evaluate = Effect.fn("Measure.evaluate")(function* (
  set: Sets.Set,
  policy: { readonly layer: Layer.Layer<Sampler.Sampler> } | null,
  options: Options,
) {
  const { folder, seed, title = "", view } = options
  const { name, problems, task } = set
  const path = join(folder, `${name}.samples.jsonl`)
  yield* Effect.scoped(
    Effect.gen(function* () {
      const stored = yield* Samples.open(path)
      const left = problems.flatMap((problem, place) => (stored.done.has(place) ? [] : [{ problem, place }]))
      const shares: Array<number> = []
      let done = problems.length - left.length
      if (done > 0) view.print(`${name}: ${done} of ${problems.length} problems are done already`)
      view.progress({ title: `Evaluating ${name}${title}`, done, total: problems.length, detail: [] })
      const rows = rowsOf(set, policy, left, options)
      yield* rows.pipe(
        Stream.runForEach((row) =>
          Effect.gen(function* () {
            yield* stored.append(row)
            done++
            shares.push(...Metrics.average([row]))
            const now = shares.length === 0 ? null : Interval.bootstrap(shares, { seed, resamples: 200 })
            view.progress({
              title: `Evaluating ${name}${title}`,
              done,
              total: problems.length,
              detail:
                now === null
                  ? []
                  : [`pass@1 ${now.mean.toFixed(3)} [${now.low.toFixed(3)}, ${now.high.toFixed(3)}] so far`],
            })
          }),
        ),
        Effect.provide(Task.layer(Effect.succeed(task))),
      )
    }),
  )
  view.done()
  const judged = yield* Samples.read(path)
  const result: Table.Result = {
    name,
    problems: judged.length,
    samples: Math.max(...judged.map((one) => one.samples.length)),
    evaluation: Evaluator.of(judged, seed),
  }
  const answered = judged.filter(({ samples }) => samples.length > 0).length
  if (answered < problems.length)
    view.print(`warning: ${name}: ${problems.length - answered} of ${problems.length} problems have no response`)
  return result
})
