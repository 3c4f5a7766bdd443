/**
 * What a checkpoint keeps besides the learner's files, as `state.json`: the number of problems drawn, the waiting rollouts (a run
 * that samples ahead cannot sample them again, its policy is gone), the groups to replay, and what the objective keeps from step to
 * step.
 */
import type { Dataset } from "@lpo/rollout"
import * as Group from "@lpo/rollout/Group"
import type { SmallGroup } from "@lpo/simplex"
import { Effect, Schema } from "effect"
import * as Best from "../Best.ts"
import * as Health from "../Health.ts"
import * as Objective from "../Objective.ts"
import type * as Replay from "../Replay.ts"
import type { Rolled } from "../Rollout.ts"
import type { Run } from "../Run.ts"
import { CheckpointError } from "../TrainerError.ts"

const file = "state.json"

/** Problems are kept by id: the dataset has the rest. */
const KeptGroup = Schema.Struct({ ...Group.ScoredGroup.fields, problem: Schema.String })
const Kept = Schema.fromJsonString(
  Schema.Struct({
    drawn: Schema.Int,
    pending: Schema.Array(
      Schema.Struct({
        step: Schema.Int,
        policyStep: Schema.Int,
        drawn: Schema.Int,
        leftOut: Schema.Array(Schema.Struct({ problem: Schema.String, reason: Schema.String })),
        resampled: Schema.Int,
        secondsSampling: Schema.Finite,
        secondsVerifying: Schema.Finite,
        groups: Schema.Array(KeptGroup),
      }),
    ),
    replay: Schema.Array(Schema.Struct({ group: KeptGroup, policyStep: Schema.Int, uses: Schema.Int })),
    curriculum: Schema.Record(Schema.String, Schema.Literals(["low", "high"])),
    health: Health.State,
    best: Schema.NullOr(Best.State),
    compared: Schema.Int,
    baselines: Schema.Record(Schema.String, Schema.Struct({ value: Schema.Finite, count: Schema.Int })),
  }),
)
const encode = Schema.encodeSync(Kept)
const decode = Schema.decodeUnknownEffect(Kept)

/** @category models */
export interface State {
  readonly drawn: number
  readonly pending: ReadonlyArray<Rolled>
  readonly replay: Replay.Buffer
  /** Which side each switch of the objective's curriculum is on. */
  readonly curriculum: Objective.State
  readonly best: Best.State | null
  /** Steps of the policy last compared with the best one; 0 for none. */
  readonly compared: number
  /** The state of alarms and limits. */
  readonly health: Health.State
  /** The expected reward of each problem, for objectives that need it. */
  readonly baselines: Readonly<Record<string, SmallGroup.Baseline>>
}

/** The state of a run that has not started. */
export const initial = (objective: Objective.Objective): State => ({
  drawn: 0,
  pending: [],
  replay: [],
  curriculum: Objective.start(objective),
  health: Health.initial,
  best: null,
  compared: 0,
  baselines: {},
})

const byId = (group: Group.ScoredGroup): typeof KeptGroup.Type => ({ ...group, problem: group.problem.id })

/** The file of a checkpoint, by name. */
export const files = ({ pending, replay, ...rest }: State): Readonly<Record<string, string>> => ({
  [file]: `${encode({
    ...rest,
    pending: pending.map((rolled) => ({ ...rolled, groups: rolled.groups.map(byId) })),
    replay: replay.map((entry) => ({ ...entry, group: byId(entry.group) })),
  })}\n`,
})

/** The state of the checkpoint at `path` that a run resumes from. Fails with a `CheckpointError` that says what does not fit. */
export const read = Effect.fn("state.read")(function* (run: Run, path: string, problems: Dataset.Problems) {
  const fail = (reason: string) => new CheckpointError({ path, reason: `${file} ${reason}` })
  const text = yield* run.saved(file)
  const kept = yield* decode(text).pipe(Effect.mapError((error) => fail(`does not decode: ${error.message}`)))
  const whole = Effect.fn("state.whole")(function* (group: typeof KeptGroup.Type) {
    const problem = yield* problems.find(group.problem)
    if (problem === null)
      return yield* fail(
        `has problem "${group.problem}", which is not in the dataset; resume with the run's own dataset`,
      )
    return { ...group, problem } satisfies Group.ScoredGroup
  })
  const state: State = {
    ...kept,
    pending: yield* Effect.forEach(kept.pending, (rolled) =>
      Effect.map(Effect.forEach(rolled.groups, whole), (groups): Rolled => ({ ...rolled, groups })),
    ),
    replay: yield* Effect.forEach(kept.replay, (entry) =>
      Effect.map(whole(entry.group), (group): Replay.Entry => ({ ...entry, group })),
    ),
  }
  return state
})
