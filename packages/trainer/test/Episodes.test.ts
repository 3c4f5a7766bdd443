/** Episodes through the training loop: the waist takes groups of several turns as it takes others. */
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Environment, Episodes, Sampler, type Sequence, Verifier } from "@lpo/rollout"
import { Lpo, RunStore, type StepReport, TrainConfig, Trainer } from "@lpo/trainer"
import { Effect, Layer } from "effect"
import { afterEach, beforeEach, expect, it } from "vitest"
import { makeEngine } from "./tabular.ts"

let root = ""
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "lpo-episodes-"))
})
afterEach(() => rm(root, { recursive: true }))

const problems = Array.from({ length: 4 }, (_, i) => ({ id: `p${i}`, task: "digits", prompt: "00", answer: null }))

/** Two turns with an observation of two digits between them; both should be 23. A 4 that begins the second one breaks it. */
const environment: Environment.EnvironmentService = {
  name: "twice",
  open: ({ prompt }) => {
    let first: string | null = null
    return Effect.succeed({
      observation: { content: prompt },
      step: ({ text }) => {
        if (first === null) {
          first = text
          return Effect.succeed({
            observation: { content: "11" },
            done: "no" as const,
            metrics: { hit: text === "23" ? 1 : 0 },
          })
        }
        if (text.startsWith("4"))
          return Effect.fail(new Environment.EnvironmentError({ environment: "twice", reason: "broken" }))
        const reward = ((first === "23" ? 1 : 0) + (text === "23" ? 1 : 0)) / 2
        return Effect.succeed({ reward, done: "terminated" as const })
      },
    })
  },
}

const config = (over: Partial<TrainConfig.TrainConfig> = {}): TrainConfig.TrainConfig => ({
  ...TrainConfig.defaults,
  seed: "1",
  steps: 10,
  promptsPerStep: 4,
  maxTokens: 2,
  checkpointEvery: 4,
  anchor: "recompute",
  objective: Lpo.make({ divergence: "forward", tau: "std" }),
  ...over,
  optimizer: { ...TrainConfig.defaults.optimizer, learningRate: 0.8 },
})

const run = (
  name: string,
  options: {
    readonly config?: TrainConfig.TrainConfig
    readonly episodes?: Partial<Episodes.Options>
    readonly engine?: ReturnType<typeof makeEngine>
    readonly resume?: boolean
    readonly onStep?: (report: StepReport.StepReport) => Effect.Effect<void>
  } = {},
) => {
  const engine = options.engine ?? makeEngine()
  const sampler = Episodes.layer({ maxTurns: 2, ...options.episodes }).pipe(
    Layer.provide([engine.layer, Layer.succeed(Environment.Environment, environment)]),
  )
  return Effect.gen(function* () {
    const open = yield* RunStore.open({ folder: join(root, name), config: {}, resume: options.resume ?? false })
    yield* Trainer.train({
      config: options.config ?? config(),
      problems,
      run: open,
      ...(options.onStep === undefined ? {} : { onStep: options.onStep }),
    })
    return { logits: [...engine.logits], events: yield* open.events, completions: yield* open.completions }
  }).pipe(Effect.scoped, Effect.provide(Layer.mergeAll(engine.layer, sampler, Verifier.ofEpisodes)), Effect.runPromise)
}

it.each([
  ["whole episodes", { steps: null }],
  ["continuations of one state", { steps: { depth: 2, rollouts: 2 } }],
])("trains on %s; a kill and a resume change nothing", async (_, episodes) => {
  const whole = await run("whole", { episodes, config: config({ steps: 8, checkpointEvery: 8 }) })
  expect(whole.events.at(-1)?.reward).toBeGreaterThan(0.6)
  expect(whole.events[0].reward).toBeLessThan(0.3)
  expect(whole.events[0].episodes?.["turns"]).toBe(2)
  expect(whole.events.some(({ masked }) => masked > 0)).toBe(true)
  const stopped = run("part", {
    episodes,
    config: config({ steps: 8, checkpointEvery: 8 }),
    onStep: ({ step }) => (step === 3 ? Effect.die("killed") : Effect.void),
  })
  await expect(stopped).rejects.toThrow(/killed/)
  const resumed = await run("part", { episodes, config: config({ steps: 8, checkpointEvery: 8 }), resume: true })
  expect(resumed.logits).toEqual(whole.logits)
  expect(resumed.completions).toEqual(whole.completions)
})

it.each(["sum", "mean"] as const)(
  "gives observations no weight, and under %s spreads a response's weight over all its sampled tokens",
  async (reduction) => {
    const seen: Array<readonly [Sequence.Sequence, Float32Array]> = []
    const engine = makeEngine({ onWeigh: (sequence, weights) => seen.push([sequence, weights.slice()]) })
    const objective = Lpo.make({ divergence: "forward", tau: "std", reduction })
    const { completions } = await run("w", {
      engine,
      config: config({ steps: 5, miniBatches: 1, objective, groupsLogged: 4 }),
    })
    expect(seen.length).toBeGreaterThan(8)
    const coefficients = completions.flatMap((group) =>
      group.completions.flatMap(({ coefficient }) => coefficient ?? []),
    )
    const scale = 1 / 4
    const perToken = coefficients.map((c) => Math.fround((-c * scale) / (reduction === "mean" ? 4 : 1)))
    for (const [{ completion }, weights] of seen) {
      // Two actions of two digits, and two observed ones between them.
      expect(completion).toHaveLength(6)
      expect([...completion.subarray(2, 4)]).toEqual([1, 1])
      expect([...weights.subarray(2, 4)]).toEqual([0, 0])
      const [w] = weights
      for (const at of [1, 4, 5]) expect(weights[at]).toBe(w)
      expect(Math.min(...perToken.map((p) => Math.abs(p - w)))).toBeLessThan(1e-7)
    }
  },
)

it("says that a response is not an episode where its sampler makes none", async () => {
  const engine = makeEngine()
  const program = Effect.gen(function* () {
    const sampler = yield* Sampler.Sampler
    const verifier = yield* Verifier.Verifier
    expect(sampler.turns).toBeDefined()
    return yield* verifier.verify(problems[0], { text: "23", finish: "stop" })
  })
  const verdict = await Effect.runPromise(Effect.provide(program, Layer.mergeAll(engine.layer, Verifier.ofEpisodes)))
  expect(verdict).toMatchObject({ status: "error", reason: expect.stringMatching(/is not an episode/) as unknown })
})
