// A training run put together from the packages: the model learns to say "a".
// #region program
import { mkdtempSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Problem } from "@lpo/rollout"
import { Lpo, RunStore, TrainConfig, Trainer } from "@lpo/trainer"
import { Parameters, Policy, Tokenizer, TransformerLearner, TransformerSampler } from "@lpo/transformer"
import { Verifier } from "@lpo/verifiers"
import { Effect, Layer } from "effect"

const problems = ["p", "q"].map((prompt): Problem.Problem => ({ id: prompt, task: "say-a", prompt, answer: "a" }))

/** The reward of a response is the share of its words that are "a". */
const verifier = Verifier.Verifier.of({
  verify: (problem, { text }) => {
    const words = text.split(" ")
    const score = words.filter((word) => word === problem.answer).length / words.length
    return Effect.succeed({ status: "ok", score, correct: score === 1, key: text })
  },
})

const tokenizer = Tokenizer.words(["a", "b", "c", "p", "q"])
const model = {
  model_type: "llama",
  vocab_size: tokenizer.vocabSize,
  hidden_size: 16,
  intermediate_size: 32,
  num_hidden_layers: 1,
  num_attention_heads: 2,
  num_key_value_heads: 2,
  max_position_embeddings: 16,
  rope_theta: 10000,
  rms_norm_eps: 1e-5,
  tie_word_embeddings: true,
} as const

const config: TrainConfig.TrainConfig = {
  ...TrainConfig.defaults,
  seed: "example/1",
  steps: 30,
  promptsPerStep: 8,
  maxTokens: 4,
  objective: Lpo.make({ divergence: "forward", tau: "std" }),
  optimizer: { ...TrainConfig.defaults.optimizer, learningRate: 0.01 },
}

export const program = Effect.gen(function* () {
  const policy = yield* Policy.make(model, tokenizer, Parameters.initialise(model, "example"), { workers: 1 })
  const engine = Layer.mergeAll(TransformerSampler.layer(), TransformerLearner.layer()).pipe(
    Layer.provide(Layer.succeed(Policy.Policy, policy)),
  )
  const folder = join(mkdtempSync(join(tmpdir(), "lpo-")), "run")
  const run = yield* RunStore.open({ folder, config: { seed: config.seed }, resume: false })
  yield* Trainer.train({ config, problems, run }).pipe(
    Effect.provide(Layer.merge(engine, Layer.succeed(Verifier.Verifier, verifier))),
  )
  return { folder, events: yield* run.events }
}).pipe(Effect.scoped)
// #endregion program
