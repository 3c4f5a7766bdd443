/**
 * What the loop records of a run, and where it resumes. `RunStore.open` keeps a run on disk; `held` keeps one in memory, for a
 * browser, a test or a notebook.
 *
 * @module
 */
import type { LoggedGroup } from "@lpo/rollout"
import { Effect, Schema } from "effect"
import type { LearnerError, LearnerService } from "./Learner.ts"
import type { StepReport } from "./StepReport.ts"
import { CheckpointError, type RunError } from "./TrainerError.ts"

/** The results of an evaluation in the loop. @category models */
export const Evaluated = Schema.Struct({
  /** Steps that the policy had taken. */
  step: Schema.Int,
  /** By name, such as `eval/pass_at_1`. */
  values: Schema.Record(Schema.String, Schema.Finite),
})
/** @category models */
export interface Evaluated extends Schema.Schema.Type<typeof Evaluated> {}

/** The place of a checkpoint: the learner restores itself from `path`. @category models */
export interface Place {
  /** Training steps taken before it was written. */
  readonly step: number
  readonly path: string
}

/** The content of a checkpoint. @category models */
export interface Saving {
  readonly step: number
  readonly learner: LearnerService
  /** Files besides the learner's, by name. */
  readonly files: Readonly<Record<string, string>>
  /** How many checkpoints stay, the newest. */
  readonly keep: number
  /** A step whose checkpoint stays whatever its age. */
  readonly best: number | null
}

/** @category models */
export interface Run {
  /** The checkpoint to resume from; null for a new run. */
  readonly resumeFrom: Place | null
  /** A file of that checkpoint. */
  readonly saved: (file: string) => Effect.Effect<string, CheckpointError>
  readonly checkpoint: (saving: Saving) => Effect.Effect<Place, CheckpointError | LearnerError | RunError>
  readonly appendEvent: (report: StepReport) => Effect.Effect<void, RunError>
  readonly appendCompletions: (groups: ReadonlyArray<LoggedGroup.LoggedGroup>) => Effect.Effect<void, RunError>
  readonly appendEvaluation: (evaluated: Evaluated) => Effect.Effect<void, RunError>
  /** Writes a whole file of the run. */
  readonly write: (file: string, text: string) => Effect.Effect<void, RunError>
  readonly events: Effect.Effect<ReadonlyArray<StepReport>, RunError>
}

/** A run in memory, and its records so far. @category models */
export interface Held extends Run {
  readonly reports: ReadonlyArray<StepReport>
  readonly groups: ReadonlyArray<LoggedGroup.LoggedGroup>
  readonly evaluations: ReadonlyArray<Evaluated>
  /** The files that were written, by name. */
  readonly files: ReadonlyMap<string, string>
}

/**
 * A run in memory. Train on it again after an interruption, and it resumes where it stopped, with another configuration if you
 * like. It keeps one checkpoint, the newest; the learner saves itself under the path `held`.
 *
 * @category constructors
 */
export const held = (
  options: {
    /** How many logged groups are kept, the newest. Default 1,000. */
    readonly groups?: number
    /** Called with the logged groups of every step. */
    readonly onGroups?: (groups: ReadonlyArray<LoggedGroup.LoggedGroup>) => Effect.Effect<void>
  } = {},
): Held => {
  const { groups: most = 1000, onGroups = () => Effect.void } = options
  const reports: Array<StepReport> = []
  const groups: Array<LoggedGroup.LoggedGroup> = []
  const evaluations: Array<Evaluated> = []
  const files = new Map<string, string>()
  const path = "held"
  let latest: { readonly place: Place; readonly files: Readonly<Record<string, string>> } | null = null
  return {
    reports,
    groups,
    evaluations,
    files,
    get resumeFrom() {
      return latest?.place ?? null
    },
    saved: (file) =>
      Effect.suspend(() => {
        const text = latest?.files[file]
        return text === undefined
          ? Effect.fail(new CheckpointError({ path, reason: `has no file ${file}` }))
          : Effect.succeed(text)
      }),
    checkpoint: ({ files: kept, learner, step }) =>
      Effect.map(learner.save(path), () => {
        latest = { place: { step, path }, files: kept }
        return latest.place
      }),
    appendEvent: (report) => Effect.sync(() => void reports.push(report)),
    appendCompletions: (more) =>
      Effect.suspend(() => {
        groups.push(...more)
        groups.splice(0, groups.length - most)
        return onGroups(more)
      }),
    appendEvaluation: (evaluated) => Effect.sync(() => void evaluations.push(evaluated)),
    write: (file, text) => Effect.sync(() => void files.set(file, text)),
    events: Effect.sync(() => reports),
  }
}
