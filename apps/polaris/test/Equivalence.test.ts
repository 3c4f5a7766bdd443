/** Proposition 1 through the whole stack: real model, real samples, real verifier, one optimiser step. */
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Lpo, type Objective, Grpo, RunStore, type TrainConfig, Trainer } from "@lpo/trainer"
import { Backend, ModelFiles, Policy, TransformerLearner, TransformerSampler } from "@lpo/transformer"
import { Countdown } from "@lpo/verifiers"
import { Effect, Layer } from "effect"
import { expect, it } from "vitest"
import * as Settings from "../src/Settings.ts"
import * as WarmStart from "../src/WarmStart.ts"
import { resolve } from "./given.ts"
import * as Tiny from "./tiny.ts"

/** How one step with this objective changes the shipped warm start. */
const firstUpdate = (objective: Objective.Objective) =>
  Effect.gen(function* () {
    yield* Backend.start("wasm")
    const { domain, model, preset } = yield* Effect.promise(Tiny.open)
    const config = yield* WarmStart.modelConfig(model, domain.tiny!)
    const start = yield* ModelFiles.readModel(config, WarmStart.shipped(preset.name))
    const policy = yield* Policy.make(config, domain.tiny!.tokenizer, start, { workers: 0 })
    const engine = Layer.mergeAll(TransformerSampler.layer(), TransformerLearner.layer()).pipe(
      Layer.provide(Layer.succeed(Policy.Policy, policy)),
    )
    const root = yield* Effect.promise(() => mkdtemp(join(tmpdir(), "lpo-equivalence-")))
    const run = yield* RunStore.open({ folder: join(root, "run"), config: {}, resume: false })
    const settings = yield* Effect.promise(() => resolve({ seed: 3, steps: 1, objective: "lpo-rev" }))
    // One mini-batch of everything is strictly on policy. A large epsilon keeps Adam linear, and a large rate keeps the
    // difference of the weights clear of their rounding, so the update shows the gradient.
    const trainer = Settings.trainConfig(settings)
    const config1: TrainConfig.TrainConfig = {
      ...trainer,
      objective,
      miniBatches: 1,
      optimizer: { ...trainer.optimizer, epsilon: 1, learningRate: 1000, maxGradNorm: Number.POSITIVE_INFINITY },
    }
    const problems = yield* Effect.promise(() => Tiny.problems("train", "words"))
    yield* Trainer.train({ config: config1, problems, run }).pipe(
      Effect.provide(Layer.merge(engine, Countdown.layer({ extract: "whole" }))),
    )
    yield* Effect.promise(() => rm(root, { recursive: true }))
    return policy.values.map((v, i) => v - start[i])
  }).pipe(Effect.scoped, Effect.runPromise)

it("strictly on policy, LPO-rev with tau = sigma and unclipped GRPO make the same first update", async () => {
  const reverse = await firstUpdate(Lpo.make({ divergence: "reverse", tau: "std" }))
  const grpo = await firstUpdate(Grpo.make({ clip: null }))
  const forward = await firstUpdate(Lpo.make({ divergence: "forward", tau: "std" }))
  const norm = (x: Float32Array) => Math.sqrt(x.reduce((sum, v) => sum + v * v, 0))
  const gap = (a: Float32Array, b: Float32Array) => norm(a.map((v, i) => v - b[i])) / norm(b)
  expect(norm(grpo)).toBeGreaterThan(0)
  expect(gap(reverse, grpo)).toBeLessThan(1e-3)
  expect(gap(forward, grpo)).toBeGreaterThan(0.01)
})
