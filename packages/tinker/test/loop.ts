/** The same LPO loop on a server and on a local bigram policy; and time that runs 200 times faster. */
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { type Completion, Sampler, SamplingParams, Seed, Verdict, Verifier } from "@lpo/rollout"
import { Checkpoint, Learner, Lpo, RunStore, TrainConfig, Trainer } from "@lpo/trainer"
import { Clock, Duration, Effect, Layer, Stream } from "effect"
import { type ServerProfile, TinkerLearner, TinkerPolicy, TinkerSampler } from "../src/index.ts"
import * as Bigram from "./bigram.ts"

const speed = 200
/** Runs an effect with waits and timeouts 200 times shorter. */
export const fast = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.flatMap(Effect.service(Clock.Clock), (clock) =>
    Effect.provideService(effect, Clock.Clock, {
      currentTimeMillisUnsafe: () => clock.currentTimeMillisUnsafe(),
      currentTimeMillis: clock.currentTimeMillis,
      currentTimeNanosUnsafe: () => clock.currentTimeNanosUnsafe(),
      currentTimeNanos: clock.currentTimeNanos,
      monotonicTimeNanosUnsafe: () => clock.monotonicTimeNanosUnsafe(),
      monotonicTimeNanos: clock.monotonicTimeNanos,
      sleep: (duration) => clock.sleep(Duration.millis(Duration.toMillis(duration) / speed)),
    }),
  )

export const tokenizer = {
  stops: [Bigram.stop],
  encode: (text: string) => Effect.succeed(Int32Array.from(text.split(" "), Number)),
  decode: (tokens: Int32Array) => tokens.join(" "),
}

export const problems = ["2 3", "4", "0 5"].map((prompt, i) => ({ id: `p${i}`, task: "threes", prompt, answer: "3" }))

/** The share of tokens that are 3. */
const verifier = Layer.succeed(Verifier.Verifier, {
  verify: (_problem, { text }) => {
    const tokens = text.split(" ")
    const score = tokens.filter((t) => t === "3").length / tokens.length
    return Effect.succeed(Verdict.judged({ correct: score === 1, score, extracted: text }))
  },
})

export interface RunOptions {
  readonly folder: string
  readonly divergence: "forward" | "reverse"
  readonly steps: number
  /** Default 2. */
  readonly epochs?: number
  readonly maxGradNorm: number
}

/** The run whose server, or client, is killed. */
export const killable = {
  divergence: "reverse",
  steps: 5,
  epochs: 1,
  maxGradNorm: Number.POSITIVE_INFINITY,
} as const

export const adam = TrainConfig.defaults.optimizer

const config = ({ divergence, epochs = 2, maxGradNorm, steps }: RunOptions): TrainConfig.TrainConfig => ({
  ...TrainConfig.defaults,
  seed: "loop",
  steps,
  promptsPerStep: 2,
  groupSize: 4,
  maxTokens: 3,
  epochs,
  miniBatches: 1,
  checkpointEvery: 2,
  objective: Lpo.make({ divergence, tau: "std" }),
  // An epsilon well above rounding: Adam would blow the noise of a zero gradient up to a whole step.
  optimizer: { ...TrainConfig.defaults.optimizer, learningRate: 0.1, epsilon: 1e-2, maxGradNorm },
})

/** Trains in the folder, going on from its last checkpoint where there is one. */
export const train = <E>(options: RunOptions, engine: Layer.Layer<Sampler.Sampler | Learner.Learner, E>) =>
  Effect.gen(function* () {
    const resume = existsSync(join(options.folder, "config.json"))
    const run = yield* RunStore.open({ folder: options.folder, config: { divergence: options.divergence }, resume })
    yield* Trainer.train({ config: config(options), problems, run }).pipe(Effect.provide(Layer.merge(engine, verifier)))
    return { events: yield* run.events, redone: run.redone }
  }).pipe(Effect.scoped)

export const server = (baseUrl: string, profile: ServerProfile.ServerProfile) =>
  Layer.mergeAll(TinkerLearner.layer, TinkerSampler.layer({ tokenizer })).pipe(
    Layer.provide(TinkerPolicy.layer({ baseUrl, profile, baseModel: "bigram", rank: 8, seed: 7 })),
  )

/** Where the server keeps the weights of the run's last checkpoint. */
export const checkpointPath = async (folder: string): Promise<string> => {
  const latest = await Effect.runPromise(Checkpoint.latest(join(folder, "checkpoints")))
  return JSON.parse(readFileSync(join(latest?.path ?? "", "tinker.json"), "utf8")).path
}

/** A learner and a sampler without any server. */
export const local = () => {
  const weights = Bigram.make(7)
  let gradient = new Float64Array(weights.logits.length)
  let version = 0
  const score = (prompt: Int32Array, completion: Int32Array): Float32Array =>
    Float32Array.from(completion, (token, t) =>
      Bigram.logprob(weights, t === 0 ? prompt[prompt.length - 1] : completion[t - 1], token),
    )
  const sampler = Layer.succeed(Sampler.Sampler, {
    sample: (problems, { groupSize, maxTokens, seed }) =>
      Stream.fromIterable(Sampler.asked(problems, seed)).pipe(
        Stream.mapEffect(({ place, problem, stream }) =>
          Effect.map(tokenizer.encode(typeof problem.prompt === "string" ? problem.prompt : ""), (promptTokens) => {
            const first = Seed.stream(stream).int(0, 2 ** 30)
            const completions = Array.from({ length: groupSize }, (_, k): Completion.Completion => {
              const last = promptTokens[promptTokens.length - 1]
              const drawn = Bigram.sample(weights, last, { seed: first + k, maxTokens })
              const tokens = Int32Array.from(drawn.tokens)
              const ends = drawn.stop_reason === "stop"
              return {
                tokens,
                text: tokenizer.decode(ends ? tokens.subarray(0, -1) : tokens),
                logprobs: Float32Array.from(drawn.logprobs),
                finish: drawn.stop_reason,
                policyVersion: version,
                logprobsOf: "raw",
                sampling: SamplingParams.make({ maxTokens }),
              }
            })
            return { problem, place, promptTokens, completions }
          }),
        ),
      ),
  })
  const learner = Layer.succeed(Learner.Learner, {
    logprobs: (sequences) => Effect.succeed(sequences.map((s) => score(s.prompt, s.completion))),
    accumulate: (groups, weigh) =>
      Effect.sync(() => {
        for (const [i, group] of groups.entries()) {
          const rows = weigh(
            i,
            group.map((s) => score(s.prompt, s.completion)),
          )
          for (const [k, { completion, prompt }] of group.entries())
            for (const [t, token] of completion.entries()) {
              const previous = t === 0 ? prompt[prompt.length - 1] : completion[t - 1]
              Bigram.addGradient(weights, gradient, previous, token, rows[k][t])
            }
        }
        return { tokens: 0 }
      }),
    step: (options) =>
      Effect.sync(() => {
        const gradNorm = Bigram.norm(gradient)
        Bigram.step(weights, gradient, {
          ...options,
          clip: Number.isFinite(options.maxGradNorm) ? options.maxGradNorm : 0,
        })
        gradient = new Float64Array(gradient.length)
        return { gradNorm }
      }),
    publish: Effect.sync(() => ++version),
    save: () => Effect.void,
    restore: () => Effect.void,
  })
  return { weights, layer: Layer.merge(sampler, learner) }
}
