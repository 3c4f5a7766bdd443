/**
 * `npm run checks -- replay`: if 60 % of the prompts have no signal, replay reaches a pass rate on the others with fewer sampled
 * tokens than dropping such groups. The real path: the embedded engine, the trainer, a run on disk; a tiny model, several seeds.
 */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Problem } from "@lpo/rollout"
import { Lpo, Replay, RunStore, TrainConfig, Trainer } from "@lpo/trainer"
import { Backend, Parameters, Policy, Tokenizer, TransformerLearner, TransformerSampler } from "@lpo/transformer"
import { Verifier } from "@lpo/verifiers"
import { Effect, Layer } from "effect"
import * as Arguments from "../../bench/shared/Arguments.ts"
import * as Report from "../shared/Report.ts"

const { seeds, steps } = Arguments.read("npm run checks -- replay", {
  seeds: Arguments.whole("seeds 1 to this one", 3),
  steps: Arguments.whole("largest number of training steps", 150),
})
/** The target pass rate on prompts with a signal, over this many steps. */
const [goal, window] = [0.8, 3]

const words = ["a", "b", "c", "d", "e", "f", "p", "q", "r", "s", "t"]
const tokenizer = Tokenizer.words(words)
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
/** Four prompts of ten can be answered: by a word of their own. */
const answers: Readonly<Record<string, string>> = { "p q": "a", "q r": "b", "r s": "c", "s t": "d" }
const prompts = [...Object.keys(answers), "p p", "q q", "r r", "s s", "t t", "p t"]
const problems = prompts.map((prompt, i): Problem.Problem => ({
  id: `p${i}`,
  task: "words",
  prompt,
  answer: answers[prompt] ?? "none",
}))

/** Sampled tokens until the goal; Infinity if it is not reached; and the share of replayed groups. */
const train = (seed: number, silentGroups: "drop" | "replay") =>
  Effect.gen(function* () {
    const folder = yield* Effect.acquireRelease(
      Effect.sync(() => mkdtempSync(join(tmpdir(), "lpo-replay-"))),
      (path) => Effect.sync(() => rmSync(path, { recursive: true })),
    )
    const policy = yield* Policy.make(model, tokenizer, Parameters.initialise(model, `replay/${seed}`), { workers: 0 })
    const engine = Layer.mergeAll(TransformerSampler.layer(), TransformerLearner.layer()).pipe(
      Layer.provide(Layer.succeed(Policy.Policy, policy)),
    )
    let [right, judged] = [0, 0]
    const rates: Array<number> = []
    const verifier = Verifier.Verifier.of({
      verify: ({ answer }, { text }) =>
        Effect.sync(() => {
          const correct = text.split(" ")[0] === answer
          if (answer !== "none") {
            judged++
            if (correct) right++
          }
          return { status: "ok" as const, score: correct ? 1 : 0, correct, key: text }
        }),
    })
    const config: TrainConfig.TrainConfig = {
      ...TrainConfig.defaults,
      seed: `replay/${seed}`,
      steps,
      promptsPerStep: 10,
      groupSize: 8,
      maxTokens: 2,
      miniBatches: 1,
      checkpointEvery: steps,
      silentGroups,
      replay: { ...Replay.defaults, maxUses: 3 },
      objective: Lpo.make({ divergence: "forward", tau: "std" }),
      optimizer: { ...TrainConfig.defaults.optimizer, learningRate: 3e-3 },
    }
    const run = yield* RunStore.open({ folder: join(folder, "run"), config: {}, resume: false })
    let [tokens, atGoal, replayed, fresh] = [0, Number.POSITIVE_INFINITY, 0, 0]
    yield* Trainer.train({
      config,
      problems,
      run,
      onStep: (report) =>
        Effect.sync(() => {
          tokens += report.responseTokens
          rates.push(judged === 0 ? 0 : right / judged)
          right = judged = 0
          if (atGoal !== Number.POSITIVE_INFINITY) return
          replayed += report.replayed
          fresh += config.promptsPerStep - report.zeroVariance - report.tooSmall
          const last = rates.slice(-window)
          if (last.length === window && last.reduce((sum, rate) => sum + rate, 0) / window >= goal) atGoal = tokens
        }),
    }).pipe(Effect.provide(Layer.merge(engine, Layer.succeed(Verifier.Verifier, verifier))))
    return { tokens: atGoal, ratio: replayed / Math.max(1, fresh) }
  }).pipe(Effect.scoped)

const report = Report.make("replay")
await Effect.runPromise(Backend.start("wasm"))
const rows: Array<string> = []
for (let seed = 1; seed <= seeds; seed++) {
  const drop = await Effect.runPromise(train(seed, "drop"))
  const replay = await Effect.runPromise(train(seed, "replay"))
  rows.push(
    `| ${seed} | ${drop.tokens} | ${replay.tokens} | ${(replay.tokens / drop.tokens).toFixed(2)} | ${replay.ratio.toFixed(2)} |`,
  )
  report.add(
    `seed ${seed}: replay reaches ${goal} with fewer sampled tokens`,
    Number.isFinite(drop.tokens) && replay.tokens < drop.tokens,
    `${replay.tokens} against ${drop.tokens}`,
  )
}
console.log(
  [
    "",
    `| seed | tokens to a pass rate of ${goal}: drop | replay | replay / drop | replayed groups per fresh one |`,
    "| ---: | ---: | ---: | ---: | ---: |",
    ...rows,
  ].join("\n"),
)
report.end({ seeds, steps })
