/** The evaluations of a run: of the policy before and after training, and in the loop. */
import * as Evaluator from "@lpo/eval/Evaluator"
import { type Problem, Sampler } from "@lpo/rollout"
import { Tracker, TrainerError } from "@lpo/trainer"
import { Effect } from "effect"
import * as Base from "./Base.ts"
import * as Job from "./Job.ts"
import * as Settings from "./Settings.ts"
import { UsageError } from "./Usage.ts"

/** The held-out problems that can be sampled: one too long for the model must not end the run. */
export const fitting = Effect.fn("Evaluations.fitting")(function* ({ problems: { heldOut }, settings, view }: Job.Job) {
  const sampler = yield* Sampler.Sampler
  const { maxTokens, stopStrings } = settings.train.sampling
  const options = { groupSize: settings.evaluation.samples, maxTokens, stopStrings, seed: "refusal" }
  const reasons = yield* Effect.forEach(
    heldOut,
    (problem) => sampler.refusal?.(problem, options) ?? Effect.succeed(null),
  )
  const why = reasons.filter((reason) => reason !== null)
  if (why.length === heldOut.length)
    return yield* new UsageError({
      reason: `none of the ${heldOut.length} held-out problems can be sampled: ${why[0]}`,
    })
  if (why.length > 0)
    view.print(
      `${why.length} of ${heldOut.length} held-out problems cannot be sampled and are skipped; the first: ${why[0]}`,
    )
  return heldOut.filter((_, i) => reasons[i] === null)
})

/** Evaluates on every problem, as set. */
export const evaluate = (title: string, heldOut: ReadonlyArray<Problem.Problem>, job: Job.Job) =>
  Effect.gen(function* () {
    const { settings, view } = job
    const { samples, temperature } = settings.evaluation
    const { maxTokens, stopStrings } = settings.train.sampling
    // The clock for the time left starts with the first problem, not with the first that is done.
    view.progress({ title, done: 0, total: heldOut.length, detail: [] })
    const evaluation = yield* Evaluator.evaluate(heldOut, {
      samples,
      temperature,
      maxTokens,
      stopStrings,
      // The same stream before and after: both are compared on the same draws.
      seed: `${Settings.seedOf(settings)}/evaluation`,
      onProgress: (done, total) => Effect.sync(() => view.progress({ title, done, total, detail: [] })),
    })
    view.done()
    return evaluation
  }).pipe(Job.inEpisodes(job, { steps: null }))

/** The evaluation of the policy before training: the recorded one, unless the settings have changed. */
export const evaluateBase = Effect.fn("Evaluations.evaluateBase")(function* (
  heldOut: ReadonlyArray<Problem.Problem>,
  job: Job.Job,
) {
  const { opened, settings, store } = job
  const text = yield* store.read(Base.file)
  if (text !== null) {
    const found = yield* Base.read(text).pipe(
      Effect.mapError(
        (reason) =>
          new TrainerError.RunError({
            folder: store.folder,
            reason: `${Base.file} ${reason}; remove it, and the evaluation is repeated`,
          }),
      ),
    )
    if (JSON.stringify(found.asked) === JSON.stringify(settings.evaluation)) return { ...found, before: found.seconds }
  }
  const begun = Job.seconds()
  const evaluation = yield* evaluate(`Evaluating the ${opened.label}`, heldOut, job)
  const made = { ...evaluation, asked: settings.evaluation, seconds: Job.seconds() - begun }
  yield* store.write(Base.file, Base.write(made))
  return { ...made, before: 0 }
})

/** The estimates of an evaluation as a tracker's values. */
export const estimates = ({ curve, summary }: Evaluator.Evaluation): Readonly<Record<string, number>> =>
  Object.fromEntries([
    ...Object.entries(curve).map(([k, { mean }]) => [`eval/pass_at_${k}`, mean] as const),
    ...Object.entries(Tracker.valuesOf(summary)).map(
      ([name, value]) => [name.replace("train/", "eval/"), value] as const,
    ),
  ])

/** An evaluation in the loop: on fewer problems, and on draws that are neither those of training nor of the others. */
export const watch = (problems: ReadonlyArray<Problem.Problem>, { settings }: Job.Job) => {
  const { maxTokens, stopStrings } = settings.train.sampling
  return Evaluator.evaluate(problems, {
    samples: settings.train.evaluation.samples,
    temperature: settings.evaluation.temperature,
    maxTokens,
    stopStrings,
    seed: `${Settings.seedOf(settings)}/evaluation/loop`,
  })
}
