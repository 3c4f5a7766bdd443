/**
 * The client's side: an LPO run on a Countdown-like task, through @lpo/tinker. As a program it runs until it is killed:
 * `client.ts BASE_URL MODEL FOLDER DIVERGENCE STEPS DIE_AT`.
 */
import { existsSync } from "node:fs"
import { join } from "node:path"
import { type Problem, Verdict } from "@lpo/rollout"
import { Learner, Lpo, RunStore, type StepReport, TrainConfig, Trainer } from "@lpo/trainer"
import { ServerProfile, TinkerLearner, TinkerPolicy, TinkerSampler } from "@lpo/tinker"
import { Verifier } from "@lpo/verifiers"
import { Effect, Layer } from "effect"

export const divergences = ["forward", "reverse"] as const
type Divergence = (typeof divergences)[number]

export const words = ["<pad>", "<eos>", "1", "2", "3", "4", "5", "6", "7", "8", "9", "+", "-", "*", "=", "?"]
const stop = 1
export const tokenizer = {
  stops: [stop],
  encode: (text: string) => Effect.succeed(Int32Array.from(text.split(" "), (word) => words.indexOf(word))),
  decode: (tokens: Int32Array) => Array.from(tokens, (token) => words[token]).join(" "),
}

/** Two numbers and a target that an operation on them reaches. */
export const problems: ReadonlyArray<Problem.Problem> = Array.from({ length: 8 }, (_, i) => {
  const [a, b] = [(i % 4) + 2, (i % 3) + 3]
  return { id: `p${i}`, task: "countdown", prompt: `${a} ${b} =`, answer: { numbers: [a, b], target: a + b } }
})

interface Question {
  readonly numbers: ReadonlyArray<number>
  readonly target: number
}

/** 1 for an expression of the numbers that reaches the target, 0.5 for a well-formed one, else 0.1 per token that fits. */
const reward = ({ numbers, target }: Question, text: string): number => {
  const tokens = text === "" ? [] : text.split(" ")
  const fits = (token: string, i: number) => (i % 2 === 0 ? /^\d$/ : /^[-+*]$/).test(token)
  const good = tokens.findIndex((token, i) => !fits(token, i))
  const length = good < 0 ? tokens.length : good
  if (good >= 0 || length !== 3) return 0.1 * Math.min(length, 3)
  const [a, op, b] = [Number(tokens[0]), tokens[1], Number(tokens[2])]
  const value = op === "+" ? a + b : op === "-" ? a - b : a * b
  const uses = Math.min(a, b) === Math.min(...numbers) && Math.max(a, b) === Math.max(...numbers)
  return uses && value === target ? 1 : 0.5
}
const verifier = Layer.succeed(Verifier.Verifier, {
  verify: ({ answer }, { text }) => {
    const score = reward(answer as Question, text)
    return Effect.succeed(Verdict.judged({ correct: score === 1, score, extracted: text }))
  },
})

export const policyOptions = (baseUrl: string, baseModel: string) => ({
  baseUrl,
  baseModel,
  profile: ServerProfile.skyrlJax,
  rank: 8,
  seed: 7,
})

export interface TrainOptions {
  readonly baseUrl: string
  readonly baseModel: string
  readonly folder: string
  readonly divergence: Divergence
  readonly steps: number
  /** Runs when the nth optimiser step of this process is about to be sent. */
  readonly beforeUpdate?: (n: number) => void
  readonly onStep?: (report: StepReport.StepReport) => void
}

/** Trains to `steps` or fails. */
export const train = ({ baseModel, baseUrl, beforeUpdate, divergence, folder, onStep, steps }: TrainOptions) =>
  Effect.gen(function* () {
    const config = {
      ...TrainConfig.defaults,
      seed: "skyrl",
      steps,
      promptsPerStep: 4,
      groupSize: 8,
      maxTokens: 4,
      miniBatches: 1,
      checkpointEvery: 5,
      objective: Lpo.make({ divergence, tau: "std" }),
      optimizer: { ...TrainConfig.defaults.optimizer, learningRate: 0.01, maxGradNorm: Number.POSITIVE_INFINITY },
    }
    const run = yield* RunStore.open({
      folder,
      config: { divergence },
      resume: existsSync(join(folder, "config.json")),
    })
    const resumed = { from: run.resumeFrom?.step ?? 0, redone: run.redone }
    let updates = 0
    const watched = Layer.effect(
      Learner.Learner,
      Effect.map(Learner.Learner, (learner) => ({
        ...learner,
        step: (options) => {
          beforeUpdate?.(++updates)
          return learner.step(options)
        },
      })),
    ).pipe(Layer.provide(TinkerLearner.layer))
    yield* Trainer.train({
      config,
      problems,
      run,
      onStep: (report) => Effect.sync(() => onStep?.(report)),
    }).pipe(
      Effect.provide(
        Layer.mergeAll(watched, TinkerSampler.layer({ tokenizer }), verifier).pipe(
          Layer.provide(TinkerPolicy.layer(policyOptions(baseUrl, baseModel))),
        ),
      ),
    )
    return { resumed, events: yield* run.events }
  }).pipe(Effect.scoped)

if (import.meta.main) {
  const [baseUrl, baseModel, folder, divergence, steps, dieAt] = process.argv.slice(2)
  await Effect.runPromise(
    train({
      baseUrl,
      baseModel,
      folder,
      divergence: divergence === "reverse" ? "reverse" : "forward",
      steps: Number(steps),
      // The step is in progress when the process ends.
      beforeUpdate: (n) => {
        if (n === Number(dieAt)) setImmediate(() => process.kill(process.pid, "SIGKILL"))
      },
    }),
  )
}
