/** The problems of a run: those for training, and those for evaluation. */
import { type Problem, Seed } from "@lpo/rollout"
import type { Trainer } from "@lpo/trainer"
import type { Task } from "@lpo/verifiers"
import { Effect } from "effect"
import * as Data from "./Data.ts"
import type { Settings } from "./Settings.ts"
import { UsageError } from "./Usage.ts"
import type { View } from "./View.ts"

/** The problems of a run, and lines about them to print. */
export interface Problems {
  readonly training: Trainer.Options["problems"]
  /** As many as the settings say. */
  readonly heldOut: ReadonlyArray<Problem.Problem>
  readonly about: ReadonlyArray<string>
}

/** The datasets of a run. */
export interface Files {
  readonly train: Data.Opened
  readonly evaluation: Data.Opened | null
}

/** Opens the datasets of a run; they close with the scope. */
export const open = Effect.fn("Problems.open")(function* (data: Data.Data, task: Task.AnyTask, view: View) {
  const { evaluation } = data
  const files: Files = {
    train: yield* Data.open(data.train, task, view),
    evaluation: evaluation === null ? null : yield* Data.open(evaluation, task, view),
  }
  return files
})

const tooMany = (asked: number, there: number) =>
  new UsageError({ reason: `--problems is ${asked}, and ${there} are held out; give at most that` })

/** Problems that the task makes itself. */
export const generated = Effect.fn("Problems.generated")(function* (task: Task.AnyTask, settings: Settings) {
  const { generate } = task
  if (generate === undefined)
    return yield* new UsageError({ reason: `the task ${task.name} does not generate problems; give --data` })
  const all = generate({ side: "held-out", seed: settings.preset })
  const { problems } = settings.evaluation
  if (problems > all.length) return yield* tooMany(problems, all.length)
  const made: Problems = {
    training: generate({ side: "train", seed: settings.preset }),
    heldOut: all.slice(0, problems),
    about: [],
  }
  return made
})

/** Problems of datasets; the held-out ones are the same for every seed. There may be fewer than a preset asks for. */
export const read = Effect.fn("Problems.read")(function* (
  data: Data.Data,
  task: Task.AnyTask,
  { evaluation, train }: Files,
  asked: number,
  isGiven: boolean,
) {
  const { heldOut, shared, training } = yield* Data.sides(data, task, train, evaluation).pipe(
    Effect.mapError((error) =>
      error.row === null
        ? error
        : new UsageError({
            reason: `${error.message}; fix the row, or skip such rows with --bad-rows leave-out`,
          }),
    ),
  )
  if (isGiven && asked > heldOut.length) return yield* tooMany(asked, heldOut.length)
  const places = Seed.shuffle(
    Array.from({ length: heldOut.length }, (_, place) => place),
    "held-out",
  ).slice(0, asked)
  const left = [...training.leftOut, ...(evaluation === null ? [] : heldOut.leftOut)]
  const made: Problems = {
    training,
    heldOut: yield* heldOut.at(places),
    about: [
      `${training.length.toLocaleString("en")} problems to train on from ${train.rows.source} (${train.settings.format}); ` +
        `${heldOut.length.toLocaleString("en")} held out${evaluation === null ? ", chosen by hash" : ` from ${evaluation.rows.source} (${evaluation.settings.format})`}`,
      ...(left.length === 0
        ? []
        : [`rows skipped, because they cannot be turned into problems: ${left.length}; the first: ${left[0].message}`]),
      ...(shared === 0
        ? []
        : [`warning: ${shared} training problems are also held out; polaris data overlap lists them`]),
    ],
  }
  return made
})
