/**
 * An environment: what a policy acts in over several turns. `open` makes an episode from one row, so a group never mixes problems;
 * the same row and seed open the same state.
 *
 * An episode gives an observation, takes an action and says how it went on. What the policy does wrong is an observation or a
 * reward; an `EnvironmentError` says that the environment itself could not go on, and masks the member.
 *
 * @module
 */
import { Context, Effect, Schema, type Scope } from "effect"
import { Message, type Problem } from "./Problem.ts"
import { StopReason } from "./Trajectory.ts"
import { Int32 } from "./internal/TypedArray.ts"

/** The environment could not go on; `reason` names the value, the rule and the fix. @category errors */
export class EnvironmentError extends Schema.TaggedError<EnvironmentError>()("EnvironmentError", {
  environment: Schema.String,
  reason: Schema.String,
}) {
  override get message(): string {
    return `environment ${this.environment}: ${this.reason}`
  }
}

/** What the policy reads before its next action. @category models */
export const Observation = Schema.Struct({
  /** Text to continue, chat messages since the last action, or tokens as they are. */
  content: Schema.Union([Schema.String, Schema.Array(Message), Schema.Struct({ tokens: Int32 })]),
  /** Texts that end the next action, in the place of the rollout's own. */
  stopStrings: Schema.optionalKey(Schema.Array(Schema.String)),
  /** Most tokens of the next action; the rollout's own limit counts too. */
  budget: Schema.optionalKey(Schema.Int),
})
/** @category models */
export interface Observation extends Schema.Schema.Type<typeof Observation> {}

/** What the policy said in a turn. @category models */
export const Action = Schema.Struct({
  /** Without the token that ended it. */
  text: Schema.String,
  /** [T], T >= 1. */
  tokens: Int32,
  /** `length`: it was cut at the limit. */
  finish: Schema.Literals(["stop", "length"]),
})
/** @category models */
export interface Action extends Schema.Schema.Type<typeof Action> {}

/** How an action went. @category models */
export const StepResult = Schema.Struct({
  /** What the policy reads next; needed where the episode goes on. */
  observation: Schema.optionalKey(Observation),
  /** Rewards of the turns add up; 0 unless given. */
  reward: Schema.optionalKey(Schema.Finite),
  /** `terminated`: it came to an end. `truncated`: the environment's own limit cut it. */
  done: Schema.Literals(["no", "terminated", "truncated"]),
  /** At the end: whether it was solved, by default a return of 1 or more. */
  correct: Schema.optionalKey(Schema.Boolean),
  /** At the end: why, by default what `done` says. */
  stop: Schema.optionalKey(StopReason),
  metrics: Schema.optionalKey(Schema.Record(Schema.String, Schema.Finite)),
})
/** @category models */
export interface StepResult extends Schema.Schema.Type<typeof StepResult> {}

/** One go at a row. @category models */
export interface Episode {
  /** The first observation. */
  readonly observation: Observation
  readonly step: (action: Action) => Effect.Effect<StepResult, EnvironmentError>
  /**
   * Another episode in this one's present state, which goes its own way. Absent: it is opened again with its row and seed, and its
   * actions are taken again; see {@link fork}.
   */
  readonly fork?: Effect.Effect<Episode, EnvironmentError, Scope.Scope>
}

/** @category services */
export interface EnvironmentService {
  readonly name: string
  /** What the episode holds is given back with the scope, once. */
  readonly open: (row: Problem, seed: string) => Effect.Effect<Episode, EnvironmentError, Scope.Scope>
}

/** @category services */
export class Environment extends Context.Service<Environment, EnvironmentService>()("@lpo/rollout/Environment") {}

/** What has happened in an episode so far. @category forking */
export interface Past {
  readonly row: Problem
  readonly seed: string
  readonly actions: ReadonlyArray<Action>
  /** The observation that the last action was answered with; the first one where there was none. */
  readonly observation: Observation
}

/**
 * An episode in the state of another. Where the episode cannot fork by itself its past is taken again, which asks for an environment
 * that answers the same to the same; one that does not fails.
 *
 * @category forking
 */
export const fork = Effect.fn("Environment.fork")(function* (
  environment: EnvironmentService,
  episode: Episode,
  { actions, observation, row, seed }: Past,
) {
  if (episode.fork !== undefined) return yield* episode.fork
  const again = yield* environment.open(row, seed)
  let seen = again.observation
  for (const action of actions) {
    const result = yield* again.step(action)
    if (result.observation === undefined) break
    seen = result.observation
  }
  if (JSON.stringify(seen) !== JSON.stringify(observation))
    return yield* new EnvironmentError({
      environment: environment.name,
      reason: `problem ${row.id}: the same ${actions.length} actions led to another observation, so its state cannot be reached again; give episodes a \`fork\``,
    })
  return again
})
