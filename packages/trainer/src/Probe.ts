/**
 * Does the sampler follow the learner? Three steps that reward only the length of responses must move their mean length,
 * on any engine: a sampler that lags behind, an adapter that was not loaded or weights that were not published show at once.
 *
 * Lengths are measured before and after on the same draws. The learner is restored afterwards, so a run continues as if nothing had
 * happened.
 *
 * @module
 */
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Group, type Problem, Sampler, Verdict } from "@lpo/rollout"
import { Effect, Schema, Stream } from "effect"
import { mean } from "./internal/mean.ts"
import { Learner } from "./Learner.ts"
import * as Grpo from "./objectives/Grpo.ts"
import * as Selection from "./Selection.ts"
import type { TrainConfig } from "./TrainConfig.ts"
import * as Update from "./Update.ts"

/** The probe failed; `reason` says what was seen and what to check. @category errors */
export class ProbeError extends Schema.TaggedError<ProbeError>()("ProbeError", { reason: Schema.String }) {
  override get message(): string {
    return this.reason
  }
}

/** @category models */
export interface Options {
  /** The run's sampling, seed and AdamW. */
  readonly config: TrainConfig
  /** The problems to sample from; a few are enough. */
  readonly problems: ReadonlyArray<Problem.Problem>
  /** Responses per problem. Default 16. */
  readonly groupSize?: number
  /** Learning rates to try, in order, until one moves the length. Default 1e-4, 1e-3, 1e-2. */
  readonly rates?: ReadonlyArray<number>
}

/** The measured change. @category models */
export interface Measured {
  readonly direction: "longer" | "shorter"
  /** Mean lengths, tokens. */
  readonly before: number
  readonly after: number
  /** The mean change in that direction in standard errors, over responses from the same draws. */
  readonly z: number
  readonly learningRate: number
}

/** Steps of the learner, and the standard errors that count as a change. */
const steps = 3
const enough = 3

const lengthsOf = (groups: ReadonlyArray<Group.Group>): ReadonlyArray<number> =>
  groups.flatMap(({ completions }) => completions.map(({ tokens }) => tokens.length))

/** Fails with a `ProbeError` unless the lengths move. @category running */
export const run = Effect.fn("Probe.run")(function* (options: Options) {
  const { config, groupSize = 16, problems, rates = [1e-4, 1e-3, 1e-2] } = options
  const learner = yield* Learner
  const sampler = yield* Sampler.Sampler
  const { anchor, maxTokens, stopStrings = [], temperature = 1 } = config
  const law = temperature === 1 ? {} : ({ temperature, logprobsOf: "processed" } as const)
  const sample = (name: string) =>
    sampler.sample(problems, { groupSize, maxTokens, stopStrings, seed: `${config.seed}/probe/${name}`, ...law }).pipe(
      Stream.runCollect,
      Effect.map((groups) => [...groups].sort((a, b) => a.place - b.place)),
    )
  const folder = yield* Effect.acquireRelease(
    Effect.tryPromise({
      try: () => mkdtemp(join(tmpdir(), "lpo-probe-")),
      catch: (cause) =>
        new ProbeError({
          reason: `there is no room for the learner's state in ${tmpdir()} (${(cause as Error).message}); free space, or set TMPDIR`,
        }),
    }),
    // What cannot be removed is left to the system, like everything in that folder.
    (path) => Effect.promise(() => rm(path, { recursive: true, force: true }).catch(() => undefined)),
  )
  yield* learner.save(folder)
  yield* learner.publish
  const back = Effect.andThen(learner.restore(folder), learner.publish).pipe(
    Effect.mapError(
      ({ message }) =>
        new ProbeError({
          reason: `the learner could not be restored (${message}); it is now three steps away from the run's policy, so do not use it: start again, or resume from the last checkpoint`,
        }),
    ),
  )
  const first = yield* sample("measure")
  const sequences = first.flatMap(Group.sequences)
  const known = yield* learner.logprobs(sequences)
  const before = lengthsOf(first)
  if (new Set(before).size < 2)
    return yield* new ProbeError({
      reason: `all ${before.length} responses have ${before[0] ?? 0} tokens, so there is no length to choose; probe with a larger --max-tokens, or other prompts`,
    })
  const direction = mean(before) > maxTokens / 2 ? "shorter" : "longer"
  const sign = direction === "longer" ? 1 : -1
  const scored = (group: Group.Group): Group.ScoredGroup => ({
    ...group,
    verdicts: group.completions.map(({ tokens }) =>
      Verdict.judged({ correct: false, score: (sign * tokens.length) / maxTokens }),
    ),
  })
  const attempt = Effect.fn("Probe.attempt")(function* (learningRate: number) {
    const own: TrainConfig = {
      ...config,
      epochs: 1,
      miniBatches: 1,
      promptsPerStep: problems.length,
      objective: Grpo.make({ clip: null }),
      optimizer: { ...config.optimizer, learningRate, warmupSteps: 0, decay: "constant" },
    }
    for (let step = 0; step < steps; step++) {
      const { kept } = Selection.select((yield* sample(`${learningRate}/${step}`)).map(scored))
      yield* Update.run(own, yield* Update.anchored(kept, anchor), step)
    }
    const lengths = lengthsOf(yield* sample("measure"))
    const changes = lengths.map((length, i) => sign * (length - before[i]))
    const move = mean(changes)
    const error = Math.sqrt(mean(changes.map((c) => (c - move) ** 2)) / changes.length)
    const now = yield* learner.logprobs(sequences)
    const drift = mean(now.flatMap((row, k) => Array.from(row, (v, t) => Math.abs(v - known[k][t]))))
    return { learningRate, after: mean(lengths), z: move === 0 ? 0 : move / Math.max(error, 1e-9), drift }
  })
  const tried = []
  for (const rate of rates) {
    // Whatever happened in the steps, even an interrupt: a learner that is not restored would be trained from where they ended.
    const found = yield* Effect.uninterruptibleMask((restore) =>
      Effect.flatMap(Effect.exit(restore(attempt(rate))), (exit) => Effect.andThen(back, exit)),
    )
    if (found.z > enough) {
      const measured: Measured = { direction, before: mean(before), ...found }
      return measured
    }
    tried.push(found)
  }
  const last = tried.at(-1)
  const seen = tried
    .map(
      ({ after, learningRate, z }) =>
        `${after.toFixed(2)} at learning rate ${learningRate} (${z.toFixed(1)} standard errors)`,
    )
    .join(", ")
  return yield* new ProbeError({
    reason:
      `${steps} steps on the reward "${direction}" did not move the mean length of responses: ${mean(before).toFixed(2)} tokens before, ${seen} after; ` +
      (last === undefined || last.drift < 1e-6
        ? "and the learner's own log-probs did not move either, so it does not learn: check its optimiser and the trained parameters"
        : `the learner's own log-probs moved by ${last.drift.toPrecision(2)} nats per token, so the sampler does not follow it: check which weights it samples from, and whether publishing reaches it`),
  })
}, Effect.scoped)
