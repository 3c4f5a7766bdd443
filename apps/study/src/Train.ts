/** One run of a study: from the preset's warm start to the last of its tokens, without its own folder. */
import { Evaluator } from "@lpo/eval"
import { type Problem, Seed } from "@lpo/rollout"
import { Run, Trainer } from "@lpo/trainer"
import { Task } from "@lpo/verifiers"
import { Cause, Effect, Exit, Layer } from "effect"
import * as Opening from "../../polaris/src/Opening.ts"
import * as Preset from "../../polaris/src/Preset.ts"
import * as Settings from "../../polaris/src/Settings.ts"
import { open as openTask } from "../../polaris/src/tasks/index.ts"
import * as View from "../../polaris/src/View.ts"
import { nothing } from "../../polaris/src/Given.ts"
import * as Arm from "./Arm.ts"
import * as Distortion from "./Distortion.ts"
import type * as Kept from "./Record.ts"

/** A run that is never resumed: its reports are kept elsewhere, and its checkpoints nowhere. */
const unkept = (): Run.Run => ({
  ...Run.held({ groups: 0 }),
  checkpoint: ({ step }) => Effect.succeed({ step, path: "unkept" }),
})

const silent = View.make({ write: () => true })

/** Held-out problems of a seed: they vary with it, like everything else that is random. */
const drawn = (all: ReadonlyArray<Problem.Problem>, { scale, seed }: Arm.Job): ReadonlyArray<Problem.Problem> =>
  Seed.shuffle(all, `study/held-out/${seed}`).slice(0, scale.problems)

const evaluatedOf = ({ problems, summary }: Evaluator.Evaluation, samples: number): Kept.Evaluated => ({
  correct: Evaluator.counts(problems).map(({ correct }) => correct),
  samples,
  entropy: summary.entropy,
  length: summary.responseLength,
  distinct: summary.distinctAnswers,
})

/** The problems of each preset. */
const made = new Map<string, Record<"training" | "heldOut", ReadonlyArray<Problem.Problem>>>()

/** The score of the warm start, by preset, seed and evaluation: the same for every arm. */
const known = new Map<string, Kept.Evaluated>()

/** Trains and evaluates. A run that ends early is a record like any other, scored by what its policy can still do. */
export const run = Effect.fn("Train.run")(function* (job: Arm.Job) {
  const started = process.cpuUsage()
  const settings = yield* Arm.settings(job)
  const { arm, learningRate, preset: name, scale, seed } = job
  const preset = yield* Preset.load(name)
  const domain = yield* openTask(settings.task.name, settings.task.parameters)
  const streams = Settings.seedOf(settings)
  const given = { ...nothing, backend: "wasm" as const, workers: 0 }
  const opened = yield* Opening.engine(settings, { domain, folder: "unkept", given, preset, view: silent })
  const task = yield* domain.task(opened.reads)
  const generate = task.generate
  if (generate === undefined) return yield* Effect.die(`${name} makes no problems of its own`)
  const problems = made.get(name) ?? {
    training: generate({ side: "train", seed: name }),
    heldOut: generate({ side: "held-out", seed: name }),
  }
  made.set(name, problems)
  const heldOut = drawn(problems.heldOut, job)
  const judge = Task.layer(Effect.succeed(task))
  const evaluate = Effect.map(
    Evaluator.evaluate(heldOut, {
      samples: scale.samples,
      maxTokens: settings.train.sampling.maxTokens,
      // Common draws: the same for every arm of a seed, before and after.
      seed: `study/${name}/${seed}`,
    }).pipe(Effect.provide(judge)),
    (evaluation) => evaluatedOf(evaluation, scale.samples),
  )
  const budget = scale.tokens[name]
  const steps: Array<Kept.Step> = []
  let [tokens, isSpent] = [0, false]
  const body = Effect.gen(function* () {
    const key = JSON.stringify([name, seed, scale.problems, scale.samples])
    const before = known.get(key) ?? (yield* evaluate)
    known.set(key, before)
    const exit = yield* Trainer.train({
      config: { ...Settings.trainConfig(settings), checkpointEvery: Number.MAX_SAFE_INTEGER },
      problems: problems.training,
      run: unkept(),
      onStep: ({ entropy, gradNorm, passRate, responseTokens }) =>
        Effect.suspend(() => {
          tokens += responseTokens
          steps.push({ tokens, passRate, entropy, gradNorm })
          isSpent = tokens >= budget
          return isSpent ? Effect.interrupt : Effect.void
        }),
    }).pipe(
      Effect.provide(
        arm.distortion === undefined ? judge : Distortion.layer(arm.distortion, streams).pipe(Layer.provide(judge)),
      ),
      Effect.exit,
    )
    if (Exit.isFailure(exit) && !isSpent && !Cause.hasFails(exit.cause)) return yield* Effect.failCause(exit.cause)
    const ended = isSpent || Exit.isSuccess(exit) ? null : (Cause.squash(exit.cause) as Error).message
    // A policy that cannot be sampled solves nothing.
    const after = yield* ended === null
      ? evaluate
      : evaluate.pipe(
          Effect.catch(() =>
            Effect.succeed({ ...before, correct: heldOut.map(() => 0), entropy: 0, length: 0, distinct: 0 }),
          ),
        )
    const used = process.cpuUsage(started)
    const record: Kept.Run = {
      id: Arm.identity(job, settings),
      preset: name,
      arm: arm.name,
      seed,
      learningRate,
      ended,
      steps,
      before,
      after,
      seconds: (used.user + used.system) / 1e6,
    }
    return record
  })
  return yield* body.pipe(Effect.provide(opened.layer))
}, Effect.scoped)
