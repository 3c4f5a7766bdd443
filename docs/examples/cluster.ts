// Training on a Tinker server, with the layers and by hand.
// #region train
import { existsSync } from "node:fs"
import { join } from "node:path"
import type { Problem } from "@lpo/rollout"
import { ServerProfile, TinkerLearner, TinkerPolicy, TinkerSampler } from "@lpo/tinker"
import { Lpo, RunStore, TrainConfig, Trainer } from "@lpo/trainer"
import type { Verifier } from "@lpo/verifiers"
import { Effect, Layer } from "effect"

export const train = (options: {
  readonly baseUrl: string
  readonly baseModel: string
  readonly tokenizer: TinkerSampler.Tokenizer
  readonly problems: ReadonlyArray<Problem.Problem>
  readonly verifier: Layer.Layer<Verifier.Verifier>
  readonly folder: string
  readonly steps: number
}) =>
  Effect.gen(function* () {
    const { baseModel, baseUrl, folder, problems, steps, tokenizer, verifier } = options
    const policy = TinkerPolicy.layer({ baseUrl, baseModel, profile: ServerProfile.skyrlJax, rank: 8, seed: 7 })
    const engine = Layer.mergeAll(TinkerSampler.layer({ tokenizer }), TinkerLearner.layer).pipe(Layer.provide(policy))
    const config: TrainConfig.TrainConfig = {
      ...TrainConfig.defaults,
      seed: "cluster/1",
      steps,
      promptsPerStep: 2,
      maxTokens: 4,
      checkpointEvery: 5,
      objective: Lpo.make({ divergence: "forward", tau: "std" }),
      // This server does not clip; a profile that cannot honour a setting refuses it.
      optimizer: { ...TrainConfig.defaults.optimizer, learningRate: 0.05, maxGradNorm: Number.POSITIVE_INFINITY },
    }
    const resume = existsSync(join(folder, "config.json"))
    const run = yield* RunStore.open({ folder, config: { seed: config.seed }, resume })
    if (resume)
      yield* Effect.logInfo(`after step ${run.resumeFrom?.step ?? 0}; ${run.redone} logged steps are done again`)
    yield* Trainer.train({ config, problems, run }).pipe(Effect.provide(Layer.merge(engine, verifier)))
    return yield* run.events
  }).pipe(Effect.scoped)
// #endregion train

// #region client
import { Datum, TinkerClient } from "@lpo/tinker"

/** One step of supervised training by hand: no layers, no loop. */
export const byHand = (baseUrl: string, baseModel: string) =>
  Effect.gen(function* () {
    const client = yield* TinkerClient.make({ baseUrl, profile: { ...ServerProfile.hosted, encoding: "json" } })
    const model = yield* client.createModel({ baseModel, rank: 8, seed: 7 })
    const example = {
      prompt: Datum.text(Int32Array.of(2, 3)),
      completion: Int32Array.of(4, 1),
      weights: Float32Array.of(1, 1),
      logprobs: Float32Array.of(0, 0),
    }
    const score = Effect.flatten(model.forward({ datums: [Datum.scoring(example)], lossFn: "cross_entropy" })).pipe(
      Effect.map(({ outputs }) => Datum.completionLogprobs(example, outputs[0]?.["logprobs"]?.data ?? [])),
    )
    const before = yield* score
    const backward = yield* model.forwardBackward(Datum.weighted([example], { form: "A", mask: false }))
    const adam = { learningRate: 0.1, beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0, gradClipNorm: 0 }
    const step = yield* model.optimStep(adam) // sent before the backward pass is done
    yield* backward
    yield* step
    return { before, after: yield* score, checkpoint: yield* Effect.flatten(model.saveWeights("step-1")) }
  }).pipe(Effect.scoped)
// #endregion client
