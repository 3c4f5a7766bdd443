/** What objectives ask of the loop: schedules, a baseline of the prompt, a reference policy, single responses. */
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Learner, Registry, RunStore, type StepReport, TrainConfig, Trainer } from "@lpo/trainer"
import { Effect } from "effect"
import { afterEach, beforeEach, expect, it } from "vitest"
import { makeEngine, problems } from "./tabular.ts"

let root = ""
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "lpo-objectives-"))
})
afterEach(() => rm(root, { recursive: true }))

const config = (objective: unknown, over: Partial<TrainConfig.TrainConfig> = {}): TrainConfig.TrainConfig => ({
  ...TrainConfig.defaults,
  seed: "1",
  steps: 12,
  promptsPerStep: 6,
  maxTokens: 2,
  checkpointEvery: 3,
  objective: Registry.make(Registry.settings(objective)),
  ...over,
  optimizer: over.optimizer ?? { ...TrainConfig.defaults.optimizer, learningRate: 1 },
})

const run = (
  name: string,
  options: {
    config: TrainConfig.TrainConfig
    resume?: boolean
    reference?: boolean
    onStep?: (report: StepReport.StepReport) => Effect.Effect<void>
  },
) => {
  const engine = makeEngine()
  // The policy before any step: every digit alike.
  const initial = makeEngine()
  return Effect.gen(function* () {
    const open = yield* RunStore.open({ folder: join(root, name), config: {}, resume: options.resume ?? false })
    const { logprobs } = yield* Learner.Learner.pipe(Effect.provide(initial.layer))
    yield* Trainer.train({
      config: options.config,
      problems,
      run: open,
      ...(options.reference === true ? { reference: logprobs } : {}),
      ...(options.onStep ? { onStep: options.onStep } : {}),
    })
    return { logits: [...engine.logits], events: yield* open.events }
  }).pipe(Effect.scoped, Effect.provide(engine.layer))
}

const train = (...args: Parameters<typeof run>) => Effect.runPromise(run(...args))

it("a schedule is followed and logged, and differs from what it starts with", async () => {
  const pieces = {
    schedule: "pieces",
    pieces: [
      { from: 0, value: "forward-kl" },
      { from: 0.5, value: "reverse-kl" },
    ],
  }
  const tau = { schedule: "linear", from: 1, to: 0.1 }
  const scheduled = await train("a", { config: config({ name: "lpo", divergence: pieces, tau }) })
  const divergences = scheduled.events.map((e) => e.scheduled["divergence"])
  expect(divergences.slice(0, 6)).toEqual(Array(6).fill("forward-kl"))
  expect(divergences.slice(6)).toEqual(Array(6).fill("reverse-kl"))
  const taus = scheduled.events.map((e) => Number(e.scheduled["tau"]))
  expect([taus[0], taus[11]]).toEqual([1, 0.1])
  for (const [i, value] of taus.entries()) expect(value).toBeCloseTo(1 - (0.9 * i) / 11, 12)
  // The first step is that of the first values; the run is not.
  const plain = await train("b", { config: config({ name: "lpo", divergence: "forward-kl", tau: 1 }) })
  expect(plain.events[0].gradNorm).toBe(scheduled.events[0].gradNorm)
  expect(plain.logits).not.toEqual(scheduled.logits)
  expect(plain.events[0].scheduled).toEqual({})
})

const switching = {
  name: "lpo",
  tau: { schedule: "switch", metric: "passRate", fallAt: 0.2, riseAt: 0.4, low: 1, high: 0.3, start: "low" },
}

it.each([
  ["a switch", switching, {}],
  ["single responses", "lpo-single", { groupSize: 1, promptsPerStep: 24 }],
] as const)("%s: killed and resumed, ends bit for bit like a run that was not", async (name, objective, over) => {
  const options = config(objective, { steps: 14, ...over })
  const whole = await train("whole", { config: options })
  if (name === "a switch") expect(new Set(whole.events.map((e) => e.scheduled["tau"]))).toEqual(new Set([1, 0.3]))
  for (const stopAt of [4, 8, 11]) {
    const folder = `${stopAt}`
    const kill = ({ step }: StepReport.StepReport) => (step === stopAt ? Effect.die("killed") : Effect.void)
    expect((await Effect.runPromiseExit(run(folder, { config: options, onStep: kill })))._tag).toBe("Failure")
    await rm(join(root, folder, "checkpoints", `step-${String(stopAt).padStart(6, "0")}`), { recursive: true })
    const resumed = await train(folder, { config: options, resume: true })
    expect(resumed.logits).toEqual(whole.logits)
    expect(resumed.events.map((e) => e.scheduled)).toEqual(whole.events.map((e) => e.scheduled))
  }
})

it("single responses learn from the baseline of their prompt", async () => {
  const { events } = await train("a", {
    config: config("lpo-single", {
      steps: 60,
      groupSize: 1,
      promptsPerStep: 24,
      miniBatches: 1,
      optimizer: { ...TrainConfig.defaults.optimizer, learningRate: 8 },
    }),
  })
  const mean = (es: typeof events) => es.reduce((sum, e) => sum + e.reward, 0) / es.length
  expect(mean(events.slice(-8))).toBeGreaterThan(mean(events.slice(0, 8)) + 0.3)
  expect(events.every((e) => e.tooSmall < 24)).toBe(true)
})

it("refuses groups that are too small for the objective, and a KL without a reference", async () => {
  const message = (options: Parameters<typeof run>[1]) =>
    Effect.runPromise(Effect.map(Effect.flip(run("a", options)), (error) => error.message))
  expect(await message({ config: config("lpo-fwd", { groupSize: 1 }) })).toMatch(
    /groupSize is 1, but lpo\S* needs groups of 2 or more/,
  )
  await rm(join(root, "a"), { recursive: true })
  const kl = { in: "reward", beta: 0.1 }
  expect(await message({ config: config({ name: "lpo-fwd", kl }) })).toMatch(/no reference was given/)
})

it("a KL to the initial policy holds the policy back", async () => {
  const far = (logits: ReadonlyArray<number>) => Math.hypot(...logits)
  const options = { steps: 20, miniBatches: 1 }
  const free = await train("free", { config: config("lpo-fwd", options) })
  const held = await train("held", {
    config: config({ name: "lpo-fwd", kl: { in: "loss", beta: 0.5 } }, options),
    reference: true,
  })
  expect(far(held.logits)).toBeLessThan(far(free.logits) * 0.8)
})

it.each(["sum", "mean"] as const)(
  "on policy, LPO-rev at tau = sigma and unclipped GRPO go the same way through the whole loop: %s",
  async (reduction) => {
    const aggregation = reduction === "sum" ? "token-sum" : "sequence-mean"
    const options = { steps: 15, miniBatches: 1, epochs: 1 }
    const lpo = await train("lpo", { config: config({ name: "lpo-rev", tau: "std", reduction }, options) })
    const grpo = await train("grpo", { config: config({ name: "grpo", clip: null, aggregation }, options) })
    for (const [i, e] of lpo.events.entries()) expect(e.reward).toBe(grpo.events[i].reward)
    for (const [i, v] of lpo.logits.entries()) expect(v).toBeCloseTo(grpo.logits[i], 4)
    // With inner epochs they part.
    const inner = { ...options, steps: 5, epochs: 4 }
    const [a, b] = [
      await train("lpo4", { config: config({ name: "lpo-rev", tau: "std", reduction }, inner) }),
      await train("grpo4", { config: config({ name: "grpo", clip: null, aggregation }, inner) }),
    ]
    expect(Math.max(...a.logits.map((v, i) => Math.abs(v - b.logits[i])))).toBeGreaterThan(1e-3)
  },
)
