/** What becomes of groups that teach nothing, of prompts that cannot be sampled, and of steps that cannot be taken. */
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Group, Sampler, Verdict, Verifier } from "@lpo/rollout"
import { Lpo, Replay, RunStore, type StepReport, TrainConfig, Trainer, Update } from "@lpo/trainer"
import { Effect, Layer, Schema } from "effect"
import fc from "fast-check"
import { afterEach, beforeEach, expect, it } from "vitest"
import { makeEngine, problems as easy } from "./tabular.ts"

let root = ""
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "lpo-groups-"))
})
afterEach(() => rm(root, { recursive: true }))

/** Six of ten problems have no signal: whatever is said, it is wrong. */
const problems = [
  ...easy.slice(0, 4),
  ...Array.from({ length: 6 }, (_, i) => ({ id: `hopeless-${i}`, task: "digits", prompt: "?", answer: "none" })),
]

const config = (over: Partial<TrainConfig.TrainConfig> = {}): TrainConfig.TrainConfig => ({
  ...TrainConfig.defaults,
  seed: "1",
  steps: 12,
  promptsPerStep: 5,
  maxTokens: 2,
  checkpointEvery: 3,
  anchor: "recompute",
  objective: Lpo.make({ divergence: "forward", tau: "std" }),
  ...over,
  optimizer: { ...TrainConfig.defaults.optimizer, learningRate: 0.5, ...over.optimizer },
})

const run = (
  name: string,
  options: {
    config: TrainConfig.TrainConfig
    engine?: ReturnType<typeof makeEngine>
    /** In the place of the engine's own. */
    verifier?: Layer.Layer<Verifier.Verifier>
    sampler?: Layer.Layer<Sampler.Sampler>
    resume?: boolean
    onStep?: (report: StepReport.StepReport) => Effect.Effect<void>
  },
) => {
  const engine = options.engine ?? makeEngine()
  return Effect.gen(function* () {
    const open = yield* RunStore.open({ folder: join(root, name), config: {}, resume: options.resume ?? false })
    yield* Trainer.train({
      config: options.config,
      problems,
      run: open,
      ...(options.onStep ? { onStep: options.onStep } : {}),
    })
    return { logits: [...engine.logits], events: yield* open.events, completions: yield* open.completions }
  }).pipe(
    Effect.scoped,
    Effect.provide(Layer.mergeAll(engine.layer, options.verifier ?? Layer.empty, options.sampler ?? Layer.empty)),
  )
}

it("resamples other prompts in the place of silent groups, a bounded number of times, and goes on from there", async () => {
  const options = config({ silentGroups: "resample", resampleRounds: 2 })
  const { events } = await Effect.runPromise(run("a", { config: options }))
  expect(events.some((e) => e.resampled > 0)).toBe(true)
  for (const e of events) {
    // Each round asks for as many as are lacking, so three rounds at most see three times the prompts.
    expect(e.resampled).toBeLessThanOrEqual(2 * 5)
    expect(e.responseTokens).toBeLessThanOrEqual((5 + e.resampled) * 8 * 2)
  }
  const dropped = await Effect.runPromise(run("b", { config: config() }))
  const silent = (es: typeof events) => es.reduce((sum, e) => sum + 5 + e.resampled - e.zeroVariance - e.tooSmall, 0)
  expect(silent(events)).toBeGreaterThan(silent(dropped.events))
})

it.each([
  ["resample", config({ silentGroups: "resample" })],
  ["replay", config({ silentGroups: "replay", replay: { ...Replay.defaults, maxUses: 3, order: "uniform" } })],
  ["replay behind", config({ silentGroups: "replay", maxLag: 1 })],
])("%s: killed anywhere and resumed, ends bit for bit like a run that was not", async (name, options) => {
  const engine = () => makeEngine({ pinned: { behind: 0 } })
  const whole = await Effect.runPromise(run("whole", { config: options, engine: engine() }))
  expect(whole.events.some((e) => e.resampled + e.replayed > 0)).toBe(true)
  for (const stopAt of [1, 5, 11]) {
    const folder = `${name}-${stopAt}`
    const died = await Effect.runPromiseExit(
      run(folder, {
        config: options,
        engine: engine(),
        onStep: ({ step }) => (step === stopAt ? Effect.die("killed") : Effect.void),
      }),
    )
    expect(died._tag).toBe("Failure")
    const closing = join(root, folder, "checkpoints", `step-${String(stopAt).padStart(6, "0")}`)
    if (stopAt % 3 !== 0) await rm(closing, { recursive: true, force: true })
    const resumed = await Effect.runPromise(run(folder, { config: options, engine: engine(), resume: true }))
    expect(resumed.logits).toEqual(whole.logits)
    const strip = (es: typeof whole.events) => es.map((e) => [e.step, e.reward, e.replayed, e.resampled, e.stale])
    expect(strip(resumed.events)).toEqual(strip(whole.events))
  }
})

it("replays earlier groups where others teach nothing, and leaves out what has moved too far", async () => {
  const replay = { ...Replay.defaults, maxUses: 4, maxLogRatio: 50, minEss: 0 }
  const { events } = await Effect.runPromise(run("a", { config: config({ silentGroups: "replay", replay }) }))
  expect(events[0].replayed).toBe(0)
  expect(events.slice(1).some((e) => e.replayed > 0)).toBe(true)
  for (const e of events) expect(e.replayed).toBeLessThanOrEqual(e.zeroVariance + e.tooSmall)
  const strict = { ...replay, maxLogRatio: 0.05 }
  const far = await Effect.runPromise(run("b", { config: config({ silentGroups: "replay", replay: strict }) }))
  expect(far.events.some((e) => e.stale > 0)).toBe(true)
  for (const e of far.events) if (e.replayed === 0) expect(e.anchorLogRatio).toBeLessThan(1e-5)
})

it("leaves out groups from which the policy has moved too far, says by which limit, and trains as if they were not there", async () => {
  const engine = () => makeEngine({ pinned: { behind: 0 } })
  const behind = { maxLag: 1, anchor: "recompute" as const }
  const loose = { maxAge: 5, minEss: 0, maxLogRatio: 50 }
  const plain = await Effect.runPromise(run("plain", { config: config(behind), engine: engine() }))
  const none = await Effect.runPromise(run("none", { config: config({ ...behind, filter: loose }), engine: engine() }))
  expect(none.logits).toEqual(plain.logits)
  expect(none.events.every(({ filtered }) => filtered === 0)).toBe(true)
  const limits = [
    ["age", { ...loose, maxAge: 0 }],
    ["ess", { ...loose, minEss: 1 }],
    ["logRatio", { ...loose, maxLogRatio: 1e-4 }],
  ] as const
  for (const [limit, filter] of limits) {
    const { completions, events } = await Effect.runPromise(
      run(limit, { config: config({ ...behind, filter, groupsLogged: 99 }), engine: engine() }),
    )
    expect(events.some(({ filtered }) => filtered > 0)).toBe(true)
    for (const { filtered, lag, stale, staleBy, step } of events) {
      expect([stale, staleBy]).toEqual([0, { age: 0, ess: 0, logRatio: 0, [limit]: filtered }])
      expect(completions.filter((one) => one.step === step && one.outcome === "stale")).toHaveLength(filtered)
      // The first step's own groups are as old as its policy.
      if (lag === 0) expect(filtered).toBe(0)
    }
    // At age 1 every group is left out, and a step without groups moves nothing.
    if (limit === "age") for (const { gradNorm, lag } of events) if (lag > 0) expect(gradNorm).toBeNull()
  }
})

it("the buffer: capacity, order, age and uses", () => {
  const group = (id: number) => ({ problem: { id: `${id}` } }) as unknown as Group.ScoredGroup
  const options = { ...Replay.defaults, capacity: 6, maxAge: 3, maxUses: 2 }
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(4), fc.nat(4)), { maxLength: 12 }),
      fc.constantFrom("fifo" as const, "newest" as const, "uniform" as const),
      (steps, order) => {
        let buffer: Replay.Buffer = []
        const uses = new Map<string, number>()
        let id = 0
        for (const [step, [added, wanted]] of steps.entries()) {
          const { picked, rest } = Replay.pick(buffer, wanted, step, { ...options, order }, `s/${step}`)
          expect(picked.length).toBeLessThanOrEqual(wanted)
          for (const { group: one, policyStep } of picked) {
            expect(step - policyStep).toBeLessThanOrEqual(3)
            uses.set(one.problem.id, (uses.get(one.problem.id) ?? 0) + 1)
            expect(uses.get(one.problem.id)).toBeLessThanOrEqual(2)
          }
          const ids = picked.map(({ group: one }) => Number(one.problem.id))
          if (order !== "uniform") expect(ids).toEqual([...ids].sort((a, b) => (order === "fifo" ? a - b : b - a)))
          buffer = Replay.add(
            rest,
            Array.from({ length: added }, () => group(id++)),
            step,
            { ...options, order },
          )
          expect(buffer.length).toBeLessThanOrEqual(6)
        }
      },
    ),
  )
  for (const bad of [{ capacity: 0 }, { ratio: 2 }, { maxUses: 0 }, { maxAge: 0 }, { minEss: 2 }, { maxLogRatio: 0 }])
    expect(Replay.optionsRefusal({ ...options, ...bad })).toMatch(/^replay\.\w+ is /)
})

it("a prompt that the sampler refuses is left out and counted, and the run goes on", async () => {
  const engine = makeEngine()
  const refusing = Layer.effect(
    Sampler.Sampler,
    Effect.map(Sampler.Sampler, (sampler) =>
      Sampler.Sampler.of({
        ...sampler,
        refusal: ({ id }) => Effect.succeed(id === "p1" ? "its prompt has 9,000 tokens and the model 4,096" : null),
      }),
    ),
  ).pipe(Layer.provide(engine.layer))
  const { events } = await Effect.runPromise(run("a", { config: config(), engine, sampler: refusing }))
  expect(events.map((e) => e.step)).toHaveLength(12)
  expect(events.reduce((sum, e) => sum + e.leftOut, 0)).toBe(6)
  for (const e of events) expect(e.responseTokens).toBeLessThanOrEqual((5 - e.leftOut) * 8 * 2)
})

it("a step that cannot be weighed leaves its groups in a file, and the steps before it in a checkpoint", async () => {
  const engine = makeEngine()
  const poisoned = Layer.succeed(Verifier.Verifier, {
    verify: (_problem, { text }) =>
      Effect.succeed(Verdict.judged({ correct: text === "23", score: text.startsWith("2") ? 1 : 0 })),
  })
  // The learning rate is fine for five steps and then is not.
  const blown = { ...config(), steps: 9, anchor: "sampled" as const }
  const objective = {
    ...blown.objective,
    evaluate: (input: Parameters<typeof blown.objective.evaluate>[0]) => {
      const result = blown.objective.evaluate(input)
      return calls++ < 20 ? result : { ...result, weights: result.weights.map((row) => row.map(() => Number.NaN)) }
    },
  }
  let calls = 0
  let last: Array<number> = []
  const error = await Effect.runPromise(
    Effect.flip(
      run("a", {
        config: { ...blown, objective },
        engine,
        verifier: poisoned,
        onStep: () => Effect.sync(() => void (last = [...engine.logits])),
      }),
    ),
  )
  expect(error.message).toMatch(
    /a weight of lpo-fwd is NaN.*its groups are in failed-step-000005\.json, and the policy is still that of step 4/,
  )
  const file = (await readdir(join(root, "a"))).find((name) => name.startsWith("failed-step"))
  const groups = Schema.decodeUnknownSync(Schema.fromJsonString(Schema.Array(Group.ScoredGroup)))(
    await readFile(join(root, "a", file ?? ""), "utf8"),
  )
  expect(groups.length).toBeGreaterThan(0)
  expect(groups[0].completions).toHaveLength(8)
  expect([...engine.logits]).toEqual(last)
  expect(await readdir(join(root, "a", "checkpoints"))).toContain("step-000004")
})

it("the learning rate: warm-up, then constant, a line or half a cosine to 0", () => {
  const at = (decay: "constant" | "linear" | "cosine", step: number) =>
    Update.learningRate(
      { ...config({ steps: 12 }), optimizer: { ...config().optimizer, learningRate: 1, warmupSteps: 2, decay } },
      step,
    )
  expect([0, 1, 2].map((step) => at("constant", step))).toEqual([1 / 3, 2 / 3, 1])
  expect(at("constant", 11)).toBe(1)
  expect([2, 7, 12].map((step) => at("linear", step))).toEqual([1, 0.5, 0])
  expect(at("cosine", 2)).toBe(1)
  expect(at("cosine", 7)).toBeCloseTo(0.5, 12)
  expect(at("cosine", 12)).toBeCloseTo(0, 12)
})

it("the sampler's KL is 0 where both have the same arithmetic, and the estimate of the closed form where not", async () => {
  const { events } = await Effect.runPromise(run("a", { config: config() }))
  for (const e of events) expect(e.samplerKl).toBeLessThan(1e-10)
  // A token of probability p under the sampler and q under the learner, drawn as often as p says.
  const group = (logprobs: ReadonlyArray<number>) =>
    ({ completions: [{ logprobs: Float32Array.from(logprobs) }] }) as unknown as Group.ScoredGroup
  const [p, q] = [0.75, 0.5]
  const behaviour = [...Array<number>(3).fill(Math.log(p)), Math.log(1 - p)]
  const anchor = [Float32Array.from([...Array<number>(3).fill(Math.log(q)), Math.log(1 - q)])]
  const kl = p * Math.log(p / q) + (1 - p) * Math.log((1 - p) / (1 - q))
  expect(Update.samplerKl([{ group: group(behaviour), anchor }])).toBeCloseTo(kl, 6)
})
