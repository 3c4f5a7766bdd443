/** What a browser gets of the engine, but for its start, which docs/test/site opens in a real one: the same bits as on Node. */
import { type Problem, Verdict, Verifier } from "@lpo/rollout"
import { Lpo, Run, TrainConfig, Trainer } from "@lpo/trainer"
import {
  Backend,
  Browser,
  ModelFiles,
  Parameters,
  Policy,
  TransformerLearner,
  TransformerSampler,
} from "@lpo/transformer"
import { Effect, Layer, Schema } from "effect"
import { beforeAll, expect, it } from "vitest"
import { config, tokenizer } from "./tiny.ts"

beforeAll(() => Effect.runPromise(Backend.start("wasm")))

const problems: ReadonlyArray<Problem.Problem> = [3, 5, 7].map((digit) => ({
  id: `say-${digit}`,
  task: "say",
  prompt: `${digit}`,
  answer: digit,
}))
/** The share of a response that is the digit. */
const verifier = Layer.succeed(
  Verifier.Verifier,
  Verifier.define({
    name: "say",
    answer: Schema.Finite,
    grade: (digit, response) => {
      const said = response.split(" ")
      const score = said.filter((word) => word === String(digit)).length / said.length
      return Verdict.judged({ correct: score > 0.5, score })
    },
  }),
)
const options = (steps: number, run: Run.Run): Trainer.Options => ({
  problems,
  run,
  config: {
    ...TrainConfig.defaults,
    seed: "browser",
    steps,
    promptsPerStep: 3,
    groupSize: 4,
    maxTokens: 4,
    objective: Lpo.make({ divergence: "forward", tau: "std" }),
  },
})
const start = Parameters.initialise(config, "browser")

/** Weights after training in memory, in stretches that end after these steps. */
const held = (...ends: ReadonlyArray<number>) =>
  Effect.gen(function* () {
    const policy = yield* Browser.policy(config, tokenizer, start)
    const run = Run.held()
    const engine = yield* Layer.build(Layer.merge(Browser.layer(policy), verifier))
    for (const end of ends) yield* Effect.provideContext(Trainer.train(options(end, run)), engine)
    return { values: policy.values.slice(), run }
  }).pipe(Effect.scoped, Effect.runPromise)

it("trains to the same weights as the engine of Node, and goes on from its checkpoint in memory", async () => {
  const whole = await held(4)
  const node = await Effect.gen(function* () {
    const policy = yield* Policy.make(config, tokenizer, start, { workers: 0 })
    const engine = Layer.merge(TransformerSampler.layer(), TransformerLearner.layer()).pipe(
      Layer.provide(Layer.succeed(Policy.Policy, policy)),
    )
    yield* Effect.provide(
      Trainer.train(options(4, { ...Run.held(), checkpoint: () => Effect.succeed({ step: 4, path: "" }) })),
      [engine, verifier],
    )
    return policy.values.slice()
  }).pipe(Effect.scoped, Effect.runPromise)
  expect(whole.values).not.toEqual(start)
  expect(whole.values).toEqual(node)
  expect((await held(1, 3, 4)).values).toEqual(whole.values)
  expect(whole.run.reports.map(({ step }) => step)).toEqual([1, 2, 3, 4])
  expect(whole.run.groups).toHaveLength(12)
  expect(whole.run.resumeFrom).toEqual({ step: 4, path: "held" })
})

it("another configuration goes on from the same checkpoint", async () => {
  const { run, values } = await Effect.gen(function* () {
    const policy = yield* Browser.policy(config, tokenizer, start)
    const run = Run.held({ groups: 2 })
    const engine = yield* Layer.build(Layer.merge(Browser.layer(policy), verifier))
    yield* Effect.provideContext(Trainer.train(options(2, run)), engine)
    const next = options(4, run)
    const objective = Lpo.make({ divergence: "reverse", tau: 0.3 })
    yield* Effect.provideContext(Trainer.train({ ...next, config: { ...next.config, objective } }), engine)
    return { run, values: policy.values.slice() }
  }).pipe(Effect.scoped, Effect.runPromise)
  expect(run.reports.map(({ step }) => step)).toEqual([1, 2, 3, 4])
  expect(run.groups).toHaveLength(2)
  expect(values).not.toEqual((await held(4)).values)
})

it("reads a model of bytes, and names what does not fit", async () => {
  const bytes = ModelFiles.encodeModel({ config, values: start })
  expect(await Effect.runPromise(Browser.readModel(config, bytes))).toEqual(start)
  const wider = { ...config, hidden_size: 32 }
  await expect(Effect.runPromise(Browser.readModel(wider, bytes, "warm.safetensors"))).rejects.toThrow(
    /^warm\.safetensors: tensor model\.embed_tokens\.weight is \[11, 16\], the model wants \[11, 32\]$/,
  )
  await expect(Effect.runPromise(Browser.readModel(config, bytes.subarray(0, 100)))).rejects.toThrow(/^the model: /)
})
