/** Our side: a training step, decoding and a whole LPO step, through the public services. */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Sampler } from "@lpo/rollout"
import { Learner, Lpo, RunStore, type StepReport, TrainConfig, Trainer } from "@lpo/trainer"
import { Policy, TransformerLearner, TransformerSampler } from "@lpo/transformer"
import { Verifier } from "@lpo/verifiers"
import { Effect, Layer, Stream } from "effect"
import { type Model, weights } from "../shared/Models.ts"
import type { Decode, Step, Train } from "./Work.ts"

export const optimizer = { ...TrainConfig.defaults.optimizer, learningRate: 1e-4, maxGradNorm: 1 }

/** Counts the digit 1 in the response: trivial, and the peers' reward too. */
const verifier = Layer.succeed(Verifier.Verifier, {
  verify: (_, { text }) =>
    Effect.succeed({ status: "ok", score: (text.split("1").length - 1) / 10, correct: false, key: null }),
})

const timed = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const started = performance.now()
    const result = yield* effect
    return { result, seconds: (performance.now() - started) / 1000 }
  })

/** Each sequence after its first token. */
const split = (rows: ReadonlyArray<Int32Array>) =>
  rows.map((row) => ({ prompt: row.subarray(0, 1), completion: row.subarray(1) }))

export interface Options {
  /** Threads, each on WASM; they end with the scope. 0 stands for this thread and the backend that was started. */
  readonly workers: number
  /** Most sequences decoded at once, by default as many as suit the backend. */
  readonly maxSequences?: number
  /** What bounds a micro-batch. */
  readonly limits?: TransformerLearner.Options
}

/** What is measured, on a policy of the model. */
export const engine = (model: Model, { limits, maxSequences, workers }: Options) =>
  Effect.gen(function* () {
    const { config, problems, sequences, tokenizer, values } = model
    const policy = yield* Policy.make(config, tokenizer, values, { workers })
    const sampling = TransformerSampler.layer(maxSequences === undefined ? {} : { maxSequences })
    const layers = Layer.mergeAll(sampling, TransformerLearner.layer(limits), verifier).pipe(
      Layer.provide(Layer.succeed(Policy.Policy, policy)),
    )
    const context = yield* Layer.build(layers)

    /** Token log-probs of sequences given their first token. */
    const logprobs = (tokens: ReadonlyArray<Int32Array>) => policy.logprobs(split(tokens))

    /**
     * Forward and backward of a weighted sum of log-probs in groups of eight, then clipping and AdamW, and the seconds of these.
     * `onWeigh` is called between forward and backward, while all activations are there.
     */
    const train = ({ rows, time }: Train, onWeigh: () => void = () => {}) => {
      const perToken = weights(rows, time)
      const pairs = split(sequences(rows, time + 1))
      const groups = Array.from({ length: rows / 8 }, (_, g) => pairs.slice(g * 8, g * 8 + 8))
      return Effect.gen(function* () {
        const learner = yield* Learner.Learner
        const weigh: Learner.Weigh = (group) => {
          onWeigh()
          return perToken.slice(group * 8, group * 8 + 8)
        }
        const pass = yield* timed(learner.accumulate(groups, weigh))
        const step = yield* timed(learner.step(optimizer))
        return {
          seconds: pass.seconds + step.seconds,
          gradientSeconds: pass.seconds,
          adamWSeconds: step.seconds,
          norm: step.result.gradNorm,
        }
      }).pipe(Effect.provideContext(context))
    }

    const generate = ({ newTokens, promptTokens, rows }: Decode) => {
      const asked = problems(rows / 8, promptTokens)
      const law = { groupSize: 8, maxTokens: newTokens, seed: `bench/${rows}` }
      return Effect.flatMap(Sampler.Sampler, (sampler) => timed(Stream.runCollect(sampler.sample(asked, law)))).pipe(
        Effect.map(({ result, seconds }) => ({
          seconds,
          tokens: result.flatMap((g) => g.completions).reduce((sum, c) => sum + c.tokens.length, 0),
        })),
        Effect.provideContext(context),
      )
    }

    /** Takes whole LPO-fwd steps (sample, verify, weigh, accumulate, step); `onStep` gets the trainer's report of each. */
    const steps = (
      count: number,
      { groupSize, newTokens, prompts, promptTokens }: Step,
      onStep: (report: StepReport.StepReport) => Effect.Effect<void>,
    ) =>
      Effect.gen(function* () {
        const folder = mkdtempSync(join(tmpdir(), "lpo-bench-run-"))
        yield* Effect.addFinalizer(() => Effect.sync(() => rmSync(folder, { recursive: true, force: true })))
        yield* Trainer.train({
          config: {
            ...TrainConfig.defaults,
            seed: "bench",
            steps: count,
            promptsPerStep: prompts,
            groupSize,
            maxTokens: newTokens,
            miniBatches: 1,
            objective: Lpo.make({ divergence: "forward", tau: "std" }),
            optimizer,
            checkpointEvery: count + 1,
          },
          problems: problems(prompts, promptTokens),
          run: yield* RunStore.open({ folder: join(folder, "run"), config: {}, resume: false }),
          onStep,
        })
      }).pipe(Effect.scoped, Effect.provideContext(context))

    return { parameters: policy.values.length, logprobs, train, generate, steps }
  })

export type Engine = Effect.Success<ReturnType<typeof engine>>
