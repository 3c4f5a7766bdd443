/**
 * Algorithm 1 of the paper: sample a batch from the policy, score it, build the target, and project onto it in E epochs
 * of mini-batches with P_theta recomputed at the current theta; then publish the new policy.
 *
 * A step depends only on the run's seed, its index and the learner's state; a run resumed from a checkpoint
 * therefore ends like one that was never stopped. Sampling and verification can be interrupted; the update cannot, and
 * an interrupted run leaves a checkpoint of its last whole step.
 *
 * @module
 */
import type { Dataset, Problem, RolloutError, Verifier } from "@lpo/rollout"
import * as Group from "@lpo/rollout/Group"
import * as Problems from "@lpo/rollout/Problems"
import * as Sampler from "@lpo/rollout/Sampler"
import * as Terminal from "@lpo/rollout/Terminal"
import { Cause, Effect, Result, Schema } from "effect"
import * as Best from "./Best.ts"
import * as Filter from "./Filter.ts"
import * as Health from "./Health.ts"
import * as Clock from "./internal/clock.ts"
import * as Informed from "./internal/informed.ts"
import * as Measures from "./internal/measures.ts"
import * as Others from "./internal/others.ts"
import * as Refusals from "./internal/refusals.ts"
import * as State from "./internal/state.ts"
import { Learner, type LearnerError, type LearnerService } from "./Learner.ts"
import * as Noise from "./Noise.ts"
import * as Objective from "./Objective.ts"
import * as Offline from "./Offline.ts"
import * as Replay from "./Replay.ts"
import * as Rollout from "./Rollout.ts"
import type { Evaluated, Run } from "./Run.ts"
import * as Selection from "./Selection.ts"
import type { StepReport } from "./StepReport.ts"
import type { TrainConfig } from "./TrainConfig.ts"
import { type CheckpointError, type RunError, TrainingError } from "./TrainerError.ts"
import { valuesOf } from "./trackers/Tracker.ts"
import * as Update from "./Update.ts"

const encodeGroups = Schema.encodeResult(Schema.fromJsonString(Schema.Array(Group.ScoredGroup)))
/** Groups as JSON; numbers that JSON lacks become texts. */
const textOf = (groups: ReadonlyArray<Group.ScoredGroup>): string =>
  Result.getOrElse(encodeGroups(groups), () =>
    JSON.stringify(groups, (_, value: unknown) =>
      ArrayBuffer.isView(value)
        ? [...(value as Float32Array)]
        : typeof value === "number" && !Number.isFinite(value)
          ? String(value)
          : value,
    ),
  )
/** Whether the sampling policy is broken: its log-probs are not numbers. */
const isBroken = ({ groups }: Rollout.Rolled): boolean =>
  groups.some(({ completions }) => completions.some(({ logprobs }) => logprobs.some((v) => !Number.isFinite(v))))

/** What can stop a checkpoint. @category errors */
export type Saving = CheckpointError | LearnerError | RunError | Rollout.RolloutFailure

/** What can end a run. @category errors */
export type Failure = Saving | TrainingError

/** @category models */
export interface Options {
  readonly config: TrainConfig
  /** In memory, or read when drawn. */
  readonly problems: ReadonlyArray<Problem.Problem> | Dataset.Problems
  readonly run: Run
  /** Groups sampled elsewhere, which take `ratio` of each step's prompts, in (0, 1). */
  readonly offline?: { readonly entries: ReadonlyArray<Offline.Entry>; readonly ratio: number }
  readonly onStep?: (report: StepReport) => Effect.Effect<void>
  /** Measures the policy every few steps, by name: with its own seeds, so training does not depend on it. */
  readonly evaluation?: {
    readonly every: number
    readonly run: (
      step: number,
    ) => Effect.Effect<Evaluated["values"], RolloutError.SamplerError, Sampler.Sampler | Verifier.Verifier>
  }
  /** Called with every evaluation, and with the best policy so far if the configuration says how to choose it. */
  readonly onEvaluation?: (evaluated: Evaluated, best: Best.State | null) => Effect.Effect<void>
  /** Token log-probs under the reference policy, for an objective that needs them (a KL to it). */
  readonly reference?: LearnerService["logprobs"]
  /** Called when the run ends early, with the steps taken and whether they could be saved. */
  readonly onClosed?: (taken: number, saved: Result.Result<void, Saving>) => Effect.Effect<void>
}

/**
 * Trains from the run's last checkpoint (or from the learner's present weights) to `config.steps`. `onStep` is called
 * after every step. It ends with a checkpoint, even when interrupted or when a step fails before its update; with `maxLag`
 * above 0 it first waits for rollouts that only an older policy can sample.
 *
 * @category running
 */
export const train: (
  options: Options,
) => Effect.Effect<number, Failure, Learner | Sampler.Sampler | Verifier.Verifier> = Effect.fn("Trainer.train")(
  function* (options) {
    const { config, run } = options
    const problems = Problems.from(options.problems)
    const learner = yield* Learner
    const refused = Refusals.ofConfig(
      { config, offline: options.offline, hasReference: options.reference !== undefined },
      yield* Sampler.Sampler,
      learner,
    )
    if (refused !== null) return yield* new TrainingError({ step: 0, reason: refused })
    let taken = run.resumeFrom?.step ?? 0
    const from = taken
    let saved = taken
    const state =
      run.resumeFrom === null ? State.initial(config.objective) : yield* State.read(run, run.resumeFrom.path, problems)
    const kept = state.pending
    let { baselines, best, compared, curriculum, drawn, health, replay } = state
    const bestBy = config.best ?? null
    const healthOptions = config.health ?? Health.defaults
    if (run.resumeFrom !== null) yield* learner.restore(run.resumeFrom.path)
    const offline = options.offline
    const offlineCount = offline === undefined ? 0 : Offline.countOf(offline.ratio, config.promptsPerStep)
    const rollouts = yield* Rollout.make(
      offlineCount === 0 ? config : { ...config, promptsPerStep: config.promptsPerStep - offlineCount },
      problems,
      taken,
      kept,
      drawn,
    )
    /**
     * The result of `publish`, by the number of steps the policy had taken; rollouts of a checkpoint are from an earlier process.
     */
    const versions = new Map([[taken, yield* learner.publish]])
    const versionOf = (rolled: Rollout.Rolled): number =>
      (rolled.step < from + kept.length
        ? rolled.groups[0]?.completions[0]?.policyVersion
        : versions.get(rolled.policyStep)) ?? Number.NaN
    let latest = run.resumeFrom
    const checkpoint = Effect.gen(function* () {
      if (saved === taken) return
      const files = State.files({
        drawn,
        pending: yield* rollouts.pending(taken),
        replay,
        curriculum,
        health,
        best,
        compared,
        baselines,
      })
      latest = yield* run.checkpoint({
        step: taken,
        learner,
        files,
        keep: config.checkpointsKept,
        best: best?.step ?? null,
      })
      saved = taken
    })
    let whole = true
    let lastReport = yield* Clock.now
    const replayOptions = config.replay ?? Replay.defaults
    /**
     * A step that cannot be taken writes its groups to a file, and restores a changed learner from the last checkpoint.
     * An unchanged learner is that of the last whole step, which is saved.
     */
    const dumped = Effect.fn("Trainer.dumped")(function* (
      error: TrainingError,
      groups: ReadonlyArray<Group.ScoredGroup>,
    ) {
      const file = `failed-step-${String(error.step).padStart(6, "0")}.json`
      yield* run.write(file, textOf(groups))
      const at = latest
      if (!whole && at !== null) yield* learner.restore(at.path)
      const where = whole
        ? `the policy is still that of step ${taken}`
        : at === null
          ? "there is no checkpoint yet, so resuming starts over"
          : `the policy is back at step ${at.step}`
      return yield* new TrainingError({
        step: error.step,
        reason: `${error.reason}; its groups are in ${file}, and ${where}`,
      })
    })
    /** Why the verifier no longer works; null while it does. A single step without a verdict may be due to its prompts. */
    const outage = (rolled: Rollout.Rolled): string | null => {
      if (!Rollout.isUnjudged(rolled) || health.silent + 1 < healthOptions.outage) return null
      const verdicts = rolled.groups.flatMap((group) => group.verdicts)
      const [{ reason, status }] = verdicts
      return `none of its ${verdicts.length} responses has a verdict, and this is step ${healthOptions.outage} in a row without one (the first: ${status}${reason === undefined ? "" : `, ${reason}`}); fix the verifier, then resume`
    }
    const update = (rolled: Rollout.Rolled, secondsLearnerIdle: number) =>
      Effect.gen(function* () {
        const { step } = rolled
        const started = yield* Clock.now
        const reason = Refusals.ofRollouts(rolled, versionOf(rolled)) ?? outage(rolled)
        if (reason !== null) {
          const error = new TrainingError({ step: step + 1, reason })
          if (!isBroken(rolled)) return yield* error
          whole = false
          return yield* dumped(error, rolled.groups)
        }
        const { all, kept, ...dropped } = Selection.select(rolled.groups, config.objective)
        for (const { problem, reason } of rolled.leftOut)
          yield* Effect.logWarning(`step ${step + 1}: problem ${problem} is skipped: ${Terminal.visible(reason)}`)
        const sampled = yield* Update.anchored(kept, config.anchor)
        const decisions = sampled.map(({ anchor, group }) =>
          Filter.decide(config.filter, group, anchor, step - rolled.policyStep),
        )
        const fresh = sampled.filter((_, i) => decisions[i].keep)
        const left = new Set(sampled.flatMap(({ group }, i) => (decisions[i].keep ? [] : [group])))
        const others = yield* Others.offline(config, offline?.entries ?? [], offlineCount, step)
        const told = (one: Selection.Selected): Selection.Selected =>
          left.has(one.verified) ? { ...one, outcome: "stale" } : one
        const again = yield* Others.replayed(config, replay, step, config.promptsPerStep - offlineCount - fresh.length)
        const moment = { step, steps: config.steps, state: curriculum }
        const { objective, values: scheduled } = Objective.at(config.objective, moment)
        const groups = yield* Informed.informed(
          config.objective,
          [...fresh, ...others.groups, ...again.groups],
          baselines,
          options.reference,
        )
        const { gradNorms, results, tokens, version } = yield* Update.run(config, groups, step, objective, {
          gradNorm: Health.largestGradNorm(healthOptions, health),
          onMove: () => void (whole = false),
        }).pipe(
          Effect.catchTag("TrainingError", (error) =>
            dumped(
              error,
              groups.map(({ group }) => group),
            ),
          ),
        )
        whole = false
        taken = step + 1
        versions.set(taken, version)
        drawn = rolled.drawn
        if (config.silentGroups === "replay") replay = Replay.add(again.rest, kept, rolled.policyStep, replayOptions)
        const metrics = Selection.metrics(rolled.groups)
        const elapsed = yield* Clock.since(lastReport)
        const measured = {
          ...metrics,
          ...dropped,
          gradNorm: Measures.meanOrNull(gradNorms),
          ess: Measures.meanOrNull([...results.values()].map(Measures.essOf)),
          ...Update.drift(groups),
          samplerKl: config.anchor === "recompute" && step === rolled.policyStep ? Update.samplerKl(sampled) : null,
        }
        const responses = rolled.groups.reduce((sum, { completions }) => sum + completions.length, 0)
        const report: StepReport = {
          step: taken,
          ...measured,
          learningRate: Update.learningRate(config, step),
          targetKl: Measures.meanOrNull([...results.values()].map(Measures.targetKlOf)),
          ...Measures.guaranteeOf([...results.values()]),
          ...(config.noise == null ? {} : { noise: Noise.measure(rolled.groups) }),
          leftOut: rolled.leftOut.length,
          resampled: rolled.resampled,
          replayed: again.groups.length,
          stale: again.decisions.filter(({ keep }) => !keep).length,
          filtered: left.size,
          offline: others.groups.length,
          staleBy: Filter.count([...decisions, ...others.decisions, ...again.decisions], again.aged),
          scheduled,
          lag: step - rolled.policyStep,
          alarms: Health.alarms(healthOptions, health, measured, responses),
          secondsSampling: rolled.secondsSampling,
          secondsVerifying: rolled.secondsVerifying,
          secondsLearning: yield* Clock.since(started),
          secondsLearnerIdle,
          secondsSamplerIdle: yield* rollouts.idle,
          tokensPerSecond: (metrics.responseTokens + tokens) / Math.max(1e-9, elapsed),
        }
        curriculum = Objective.next(config.objective, curriculum, report)
        baselines = Informed.tracked(config.objective, baselines, kept)
        health = Health.next(health, measured, responses)
        lastReport = yield* Clock.now
        yield* run.appendCompletions(
          Others.share(all.map(told), others.logged, config.groupsLogged).map((one) =>
            Selection.describe(taken, one, results.get(one.verified)),
          ),
        )
        yield* run.appendEvent(report)
        // A checkpoint may only refer to a step whose rows are written.
        yield* rollouts.drop
        whole = true
        return report
      })
    const noteBest = (found: Best.State) =>
      bestBy === null ? Effect.void : run.write(Best.file, Best.write(bestBy, found))
    /** Once for every step: evaluates if that is due, and compares with the best policy so far. */
    const compare = Effect.fn("Trainer.compare")(function* (report: StepReport | undefined) {
      if (compared === taken) return
      const { evaluation } = options
      const isDue = evaluation !== undefined && taken % evaluation.every === 0
      const values = isDue ? yield* evaluation.run(taken) : null
      // As one, so no checkpoint has half of it.
      yield* Effect.gen(function* () {
        if (values !== null) yield* run.appendEvaluation({ step: taken, values })
        compared = taken
        const measured = report !== undefined && taken % config.checkpointEvery === 0 ? valuesOf(report) : {}
        const value = bestBy === null ? undefined : { ...measured, ...values }[bestBy.metric]
        if (bestBy === null || value === undefined) return
        best = Best.compare(best, bestBy, taken, value)
        if (best.step !== taken) return
        yield* checkpoint
        yield* noteBest(best)
      }).pipe(Effect.uninterruptible)
      if (values !== null && options.onEvaluation !== undefined)
        yield* options.onEvaluation({ step: taken, values }, best)
    })
    const loop = Effect.gen(function* () {
      // A process that ended before its last step was compared, or before the best one was recorded.
      if (taken > 0) yield* compare((yield* run.events).find(({ step }) => step === taken))
      if (best !== null) yield* noteBest(best)
      while (taken < config.steps && !Best.isOver(best, bestBy)) {
        yield* rollouts.admit(taken)
        const waited = yield* Clock.now
        const rolled = yield* rollouts.take
        const report = yield* Effect.uninterruptible(update(rolled, yield* Clock.since(waited)))
        // The policy is published: sampling ahead from it starts before anything else.
        if (config.maxLag > 0) yield* rollouts.admit(taken)
        yield* compare(report)
        if (taken % config.checkpointEvery === 0) yield* checkpoint
        if (options.onStep !== undefined) yield* options.onStep(report)
        yield* Effect.yieldNow
      }
    })
    // A step that failed half way has changed the weights: only whole steps are worth a checkpoint. Rollouts that an older policy
    // samples are waited for, but not after a bug in the program.
    yield* loop.pipe(
      Effect.onExit((exit) =>
        Effect.suspend(() =>
          exit._tag === "Failure" && whole && (config.maxLag === 0 || !Cause.hasDies(exit.cause))
            ? Effect.flatMap(Effect.result(checkpoint), (saved) => options.onClosed?.(taken, saved) ?? Effect.void)
            : Effect.void,
        ),
      ),
    )
    yield* checkpoint
    return taken
  },
)
