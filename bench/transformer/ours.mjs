/** Our side: a training step, decoding and a whole LPO step, through the public services. */
import { tmpdir } from "node:os"
import { join } from "node:path"
import { mkdtempSync, rmSync } from "node:fs"
import { Sampler } from "@lpo/rollout"
import { Learner, Lpo, RunStore, TrainConfig, Trainer } from "@lpo/trainer"
import { Policy, TransformerLearner, TransformerSampler } from "@lpo/transformer"
import { Verifier } from "@lpo/verifiers"
import { Effect, Layer, Stream } from "effect"
import { weights } from "./model.mjs"

export const optimizer = { ...TrainConfig.defaults.optimizer, learningRate: 1e-4, maxGradNorm: 1 }

/** Counts the digit 1 in the response: trivial, and the peers' reward too. */
const verifier = Layer.succeed(Verifier.Verifier, {
  verify: (_, { text }) =>
    Effect.succeed({ status: "ok", score: (text.split("1").length - 1) / 10, correct: false, key: null }),
})

const sampling = { temperature: 1, topP: 1, topK: 0, logprobs: "raw" }
const completion = (tokens) => ({
  tokens,
  text: "",
  logprobs: new Float32Array(tokens.length),
  finish: "length",
  policyVersion: 0,
  sampling,
})

/** Sequences after their first token, in groups of 8, and the objective that weighs them; `onWeigh` is called as it does. */
const trainingBatch = (tokens, onWeigh) => {
  const [rows, length] = [tokens.length, tokens[0].length - 1]
  const perToken = weights(rows, length)
  const groups = Array.from({ length: rows / 8 }, (_, g) => ({
    anchor: [],
    group: {
      problem: { id: String(g), task: "bench", prompt: "", answer: null },
      promptTokens: tokens[g * 8].subarray(0, 1),
      completions: tokens.slice(g * 8, g * 8 + 8).map((row) => completion(row.subarray(1))),
      // The objective is not told which group it sees, so the first reward says it.
      verdicts: Array.from({ length: 8 }, () => ({ status: "ok", score: g, correct: false, key: null })),
    },
  }))
  const objective = {
    name: "given weights",
    evaluate: ({ rewards }) => {
      onWeigh()
      const zeros = new Float64Array(8)
      return {
        weights: perToken.slice(rewards[0] * 8, rewards[0] * 8 + 8),
        coefficients: zeros,
        target: zeros,
        policy: zeros,
      }
    },
  }
  return { groups, objective }
}

const timed = (effect) =>
  Effect.gen(function* () {
    const started = performance.now()
    const result = yield* effect
    return { result, seconds: (performance.now() - started) / 1000 }
  })

/**
 * What is measured, on a policy that `workers` threads work on, each on WASM; they end with the scope. 0 stands for this thread
 * and the backend that was started.
 */
export const engine = ({ config, problems, sequences, tokenizer, values }, workers) =>
  Effect.gen(function* () {
    const policy = yield* Policy.make(config, tokenizer, values, { workers })
    const layers = Layer.mergeAll(TransformerSampler.layer(), TransformerLearner.layer(), verifier).pipe(
      Layer.provide(Layer.succeed(Policy.Policy, policy)),
    )
    const context = yield* Layer.build(layers)

    /** Token log-probs of sequences given their first token. */
    const logprobs = (tokens) =>
      policy.logprobs(tokens.map((row) => ({ prompt: row.subarray(0, 1), completion: row.subarray(1) })))

    /**
     * Forward and backward of a weighted sum of log-probs, then clipping and AdamW, and the seconds of these. `onWeigh` is called
     * between forward and backward of every micro-batch, while all activations are there.
     */
    const train = ({ rows, time }, onWeigh = () => {}) => {
      const { groups, objective } = trainingBatch(sequences(rows, time + 1), onWeigh)
      return Effect.gen(function* () {
        const learner = yield* Learner.Learner
        const pass = yield* timed(learner.accumulate(groups, objective, 1))
        const step = yield* timed(learner.step(optimizer))
        return {
          seconds: pass.seconds + step.seconds,
          gradientSeconds: pass.seconds,
          adamWSeconds: step.seconds,
          norm: step.result.gradNorm,
        }
      }).pipe(Effect.provideContext(context))
    }

    /** Samples `rows` responses, eight to a prompt. */
    const generate = ({ newTokens, promptTokens, rows }) => {
      const asked = problems(rows / 8, promptTokens)
      return timed(
        Effect.gen(function* () {
          const sampler = yield* Sampler.Sampler
          return yield* Stream.runCollect(
            sampler.sample(asked, { groupSize: 8, maxTokens: newTokens, seed: `bench/${rows}` }),
          )
        }),
      ).pipe(
        Effect.map(({ result, seconds }) => ({
          seconds,
          tokens: result.flatMap((g) => g.completions).reduce((sum, c) => sum + c.tokens.length, 0),
        })),
        Effect.provideContext(context),
      )
    }

    /** Takes whole LPO-fwd steps (sample, verify, weigh, accumulate, step); `onStep` gets the trainer's report of each. */
    const steps = (count, { groupSize, newTokens, prompts, promptTokens }, onStep) =>
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
