/** The same LPO loop on a server and on a local bigram policy; and time that runs 200 times faster. */
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import {
  type Completion,
  type Environment,
  Episodes,
  Sampler,
  SamplingParams,
  Seed,
  Verdict,
  Verifier,
} from "@lpo/rollout"
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

const textOf = (content: unknown): string => (typeof content === "string" ? content : "")
const digits = (text: string): ReadonlyArray<number> => (text.match(/\d/g) ?? []).map(Number)
/** Chats are rendered with a 0 before every question, and what was said is left out: a prompt never begins with the one before it. */
export const turns: Sampler.TurnTokens = {
  encode: (prompt) =>
    typeof prompt === "string"
      ? tokenizer.encode(prompt)
      : Effect.succeed(
          Int32Array.from(
            prompt.flatMap(({ content, role }) => (role === "user" ? [0, ...digits(textOf(content))] : [])),
          ),
        ),
  encodeText: tokenizer.encode,
  between: () => Effect.succeed(null),
}

/** Three actions with a 6 between them; a text, or a chat. Each earns the share of its tokens that are 3. */
export const environment = (kind: "chat" | "text"): Environment.EnvironmentService => {
  const said = (text: string) => ({ content: kind === "text" ? text : [{ role: "user" as const, content: text }] })
  return {
    name: "threes",
    open: ({ prompt }) =>
      Effect.sync((): Environment.Episode => {
        let taken = 0
        return {
          observation: said(textOf(prompt)),
          step: ({ tokens }) =>
            Effect.sync(() => {
              const reward = tokens.filter((token) => token === 3).length / (3 * tokens.length)
              return ++taken < 3
                ? { observation: said("6"), reward, done: "no" as const }
                : { reward, done: "terminated" as const }
            }),
        }
      }),
  }
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
  /** Episodes of several turns, as texts or as chats. Default: one question, one answer. */
  readonly turns?: "chat" | "text"
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
    const kind = options.turns
    yield* Trainer.train({ config: config(options), problems, run }).pipe(
      Effect.updateService(Sampler.Sampler, (inner) =>
        kind === undefined ? inner : Episodes.sampler(inner, environment(kind), { maxTurns: 3 }),
      ),
      Effect.provide(Layer.merge(engine, kind === undefined ? verifier : Verifier.ofEpisodes)),
    )
    return { events: yield* run.events, redone: run.redone }
  }).pipe(Effect.scoped)

export const server = (baseUrl: string, profile: ServerProfile.ServerProfile) =>
  Layer.mergeAll(TinkerLearner.layer, TinkerSampler.layer({ tokenizer, turns })).pipe(
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
  const draw = (prompt: Int32Array, law: SamplingParams.Options, seed: number): Completion.Completion => {
    const { maxTokens } = law
    const drawn = Bigram.sample(weights, prompt[prompt.length - 1], { seed, maxTokens })
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
  }
  const first = (stream: string): number => Seed.stream(stream).int(0, 2 ** 30)
  const sampler = Layer.succeed(Sampler.Sampler, {
    turns: Effect.sync((): Sampler.Turns => ({
      ...turns,
      policyVersion: version,
      positions: null,
      sample: (asked, law) => Effect.sync(() => asked.map(({ prompt, stream }) => draw(prompt, law, first(stream)))),
    })),
    sample: (problems, law) =>
      Stream.fromIterable(Sampler.asked(problems, law.seed)).pipe(
        Stream.mapEffect(({ place, problem, stream }) =>
          Effect.map(tokenizer.encode(typeof problem.prompt === "string" ? problem.prompt : ""), (promptTokens) => {
            const completions = Array.from({ length: law.groupSize }, (_, k) =>
              draw(promptTokens, law, first(stream) + k),
            )
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
