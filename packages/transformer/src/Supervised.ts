/**
 * Supervised training: maximises the mean log-prob of the demonstrated completions' tokens.
 *
 * @module
 */
import type { Sequence } from "@lpo/rollout"
import { Effect } from "effect"
import * as AdamW from "./train/AdamW.ts"
import { cut, type Limits } from "./train/MicroBatch.ts"
import type { PolicyService } from "./policy/Service.ts"
import { ModelError } from "./TransformerError.ts"

/** @category models */
export interface Options extends Limits {
  /** Optimiser steps. */
  readonly steps: number
  /** Peak learning rate: reached linearly in `warmupSteps`, left linearly over the last `decayShare` of the steps. */
  readonly learningRate: number
  readonly warmupSteps: number
  readonly decayShare: number
  readonly maxGradNorm: number
  /** The demonstrations of a step. */
  readonly batch: (step: number) => ReadonlyArray<Sequence.Sequence>
  readonly onStep?: (report: {
    readonly step: number
    readonly loss: number
    readonly gradNorm: number
  }) => Effect.Effect<void>
}

/** The learning rate of a step (from 0). */
const learningRate = ({ decayShare, learningRate: peak, steps, warmupSteps }: Options, step: number): number =>
  peak *
  Math.min(1, (step + 1) / Math.max(1, warmupSteps)) *
  Math.min(1, (steps - step) / Math.max(1, decayShare * steps))

/**
 * Trains `policy` with fresh AdamW state (betas 0.9 and 0.95, no decay). Loss is in nats per token. Fails with a `ModelError`
 * when the loss or the gradient is not finite.
 *
 * @category running
 */
export const train = Effect.fn("Supervised.train")(function* (policy: PolicyService, options: Options) {
  const state = AdamW.init(policy.values.length)
  for (let step = 0; step < options.steps; step++) {
    const pairs = options.batch(step)
    const tokens = pairs.reduce((sum, p) => sum + p.completion.length, 0)
    const parts = yield* cut(pairs, (pair) => [pair], policy.bytesPerToken, options)
    const losses: Array<number> = []
    yield* policy.accumulate(parts, (index, logprobs) => {
      losses[index] = -logprobs.reduce((sum, row) => sum + row.reduce((a, b) => a + b, 0), 0) / tokens
      return logprobs.map((row) => new Float32Array(row.length).fill(1 / tokens))
    })
    const loss = losses.reduce((a, b) => a + b, 0)
    const gradNorm = yield* policy.step(
      {
        learningRate: learningRate(options, step),
        maxGradNorm: options.maxGradNorm,
        beta1: 0.9,
        beta2: 0.95,
        epsilon: 1e-8,
        weightDecay: 0,
      },
      state,
    )
    if (!Number.isFinite(loss) || !Number.isFinite(gradNorm)) {
      return yield* new ModelError({
        reason: `supervised step ${step + 1}: loss ${loss}, gradient norm ${gradNorm}; lower the learning rate (${options.learningRate})`,
      })
    }
    if (options.onStep !== undefined) yield* options.onStep({ step: step + 1, loss, gradNorm })
    yield* Effect.yieldNow
  }
})
