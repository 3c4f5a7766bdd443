/** Health: alarms by what a step measured, steps that are not taken, and nothing that was computed is lost. */
import { cp, mkdtemp, readdir, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { RolloutError, Sampler, Verdict, Verifier } from "@lpo/rollout"
import { Health, Learner, Lpo, RunStore, type StepReport, TrainConfig, Trainer } from "@lpo/trainer"
import { Effect, Fiber, Layer, Result, Stream } from "effect"
import { afterEach, beforeEach, expect, it } from "vitest"
import { makeEngine, problems } from "./tabular.ts"

let root = ""
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "lpo-health-"))
})
afterEach(() => rm(root, { recursive: true }))

const config = (over: Partial<TrainConfig.TrainConfig> = {}): TrainConfig.TrainConfig => ({
  ...TrainConfig.defaults,
  seed: "1",
  steps: 9,
  promptsPerStep: 4,
  maxTokens: 2,
  checkpointEvery: 3,
  objective: Lpo.make({ divergence: "forward", tau: "std" }),
  ...over,
  optimizer: { ...TrainConfig.defaults.optimizer, learningRate: 0.5, ...over.optimizer },
})

type Engine = ReturnType<typeof makeEngine>
type Services = Learner.Learner | Sampler.Sampler | Verifier.Verifier

/** An engine whose learner does otherwise. */
const learning = (engine: Engine, change: (inner: Learner.LearnerService) => Partial<Learner.LearnerService>) =>
  Layer.effect(
    Learner.Learner,
    Effect.map(Learner.Learner, (inner) => ({ ...inner, ...change(inner) })),
  ).pipe(Layer.provide(engine.layer))

const run = (
  name: string,
  options: {
    readonly engine?: Engine
    readonly over?: Layer.Layer<never> | Layer.Layer<Services>
    readonly config?: TrainConfig.TrainConfig
    readonly resume?: boolean
    readonly onStep?: (report: StepReport.StepReport) => Effect.Effect<void>
    readonly onClosed?: NonNullable<Trainer.Options["onClosed"]>
  } = {},
) => {
  const { engine = makeEngine(), over = Layer.empty, resume = false, ...rest } = options
  return Effect.gen(function* () {
    const open = yield* RunStore.open({ folder: join(root, name), config: {}, resume })
    yield* Trainer.train({ problems, run: open, ...rest, config: rest.config ?? config() })
    return { logits: [...engine.logits], events: yield* open.events }
  }).pipe(Effect.scoped, Effect.provide(Layer.merge(engine.layer, over as Layer.Layer<Services>)))
}
const checkpoints = (name: string) => readdir(join(root, name, "checkpoints"))
const fails = (effect: ReturnType<typeof run>) => Effect.runPromise(Effect.flip(effect))

const calm: Health.Measured = {
  gradNorm: 1,
  entropy: 1,
  ess: 1,
  anchorEss: 1,
  anchorLogRatio: 0,
  samplerKl: 0,
  masked: 0,
}
const known: Health.State = { gradNorm: 1, measured: 9, silent: 0 }

it.each<readonly [Partial<Health.Measured>, string]>([
  [{ gradNorm: 10.5 }, "gradNorm is 10.5, above 10"],
  [{ entropy: 0.001 }, "entropy is 0.00100, below 0.0100"],
  [{ ess: 0.2 }, "ess is 0.200, below 0.300"],
  [{ anchorEss: 0.2 }, "anchorEss is 0.200, below 0.300"],
  [{ anchorLogRatio: 6 }, "anchorLogRatio is 6, above 5"],
  [{ samplerKl: 0.1 }, "samplerKl is 0.100, above 0.0500"],
  [{ masked: 9 }, "masked is 9, above 6.40"],
])("raises an alarm where a number leaves its range: %j", (change, text) => {
  const alarms = Health.alarms(Health.defaults, known, { ...calm, ...change }, 32)
  expect(alarms.map(Health.describe)).toEqual([text])
})

it("raises none where all is well, where nothing was measured, and on a norm before there is a mean", () => {
  expect(Health.alarms(Health.defaults, known, calm, 32)).toEqual([])
  const nothing = { ...calm, gradNorm: null, ess: null, samplerKl: null, entropy: 0, masked: 32 }
  expect(Health.alarms({ ...Health.defaults, maxMasked: 1 }, known, nothing, 32)).toEqual([])
  expect(Health.alarms(Health.defaults, { ...known, measured: 4 }, { ...calm, gradNorm: 99 }, 32)).toEqual([])
})

it("the running mean is the plain one of few steps, then follows; steps without a norm leave it", () => {
  let state = Health.initial
  for (const gradNorm of [1, 2, 3, 6]) state = Health.next(state, { ...calm, gradNorm }, 8)
  expect([state.gradNorm, state.measured]).toEqual([3, 4])
  expect(Health.next(state, { ...calm, gradNorm: null }, 8)).toEqual(state)
  for (let i = 0; i < 200; i++) state = Health.next(state, { ...calm, gradNorm: 10 }, 8)
  expect(state.gradNorm).toBeCloseTo(10, 6)
  expect(Health.largestGradNorm(Health.defaults, state)).toBeCloseTo(10_000, 2)
  expect(Health.largestGradNorm({ ...Health.defaults, explosion: null }, state)).toBe(Infinity)
})

it("alarms stand in the log, and a run that is killed and resumed raises the same ones", async () => {
  const options = config({ health: { ...Health.defaults, gradNormRise: 0.3, minEntropy: 1.2 } })
  const whole = await Effect.runPromise(run("whole", { config: options }))
  const metrics = new Set(whole.events.flatMap(({ alarms }) => alarms.map(({ metric }) => metric)))
  expect([...metrics].sort()).toEqual(["entropy", "gradNorm", "masked"])
  const kill = ({ step }: StepReport.StepReport) => (step === 7 ? Effect.die("killed") : Effect.void)
  await Effect.runPromiseExit(run("a", { config: options, onStep: kill }))
  await rm(join(root, "a", "checkpoints", "step-000007"), { recursive: true })
  const resumed = await Effect.runPromise(run("a", { config: options, resume: true }))
  expect(resumed.events.map(({ alarms }) => alarms)).toEqual(whole.events.map(({ alarms }) => alarms))
})

it.each([
  ["no number", Number.NaN, /the gradient norm is NaN; lower/],
  ["an explosion", 1e9, /the gradient norm is 1000000000, above the limit .* of this run; lower/],
])("%s in the gradient: the step is not taken, its groups are kept, the policy goes back", async (_, norm, message) => {
  const engine = makeEngine()
  let steps = 0
  const over = learning(engine, (inner) => ({
    step: (options) => Effect.map(inner.step(options), (stats) => (++steps === 15 ? { gradNorm: norm } : stats)),
  }))
  let sixth: Array<number> = []
  const onStep = ({ step }: StepReport.StepReport) =>
    Effect.sync(() => void (step === 6 && (sixth = [...engine.logits])))
  const error = await fails(run("a", { engine, over, onStep }))
  expect(error.message).toMatch(message)
  expect(error.message).toMatch(/its groups are in failed-step-000008\.json, and the policy is back at step 6$/)
  expect([...engine.logits]).toEqual(sixth)
  expect(JSON.parse(await readFile(join(root, "a", "failed-step-000008.json"), "utf8"))).toHaveLength(4)
  expect((await checkpoints("a")).sort()).toEqual(["step-000003", "step-000006"])
  // The learner does as it should again: nothing of the fault is left.
  expect((await Effect.runPromise(run("a", { resume: true }))).logits).toEqual(
    (await Effect.runPromise(run("whole"))).logits,
  )
})

it("a policy whose log-probs are not numbers any more is not saved", async () => {
  const engine = makeEngine()
  let steps = 0
  const over = learning(engine, (inner) => ({
    step: (options) =>
      Effect.map(inner.step(options), (stats) => {
        if (++steps === 10) engine.logits.fill(Number.NaN)
        return stats
      }),
  }))
  const error = await fails(run("a", { engine, over }))
  expect(error.message).toMatch(/step 6: .*log-prob .*NaN.*failed-step-000006\.json, and the policy is back at step 3$/)
  expect(await checkpoints("a")).toEqual(["step-000003"])
  expect((await Effect.runPromise(run("a", { resume: true }))).logits).toEqual(
    (await Effect.runPromise(run("whole"))).logits,
  )
})

/** What must be the same whatever happened: all but the times. */
const timeless = (events: ReadonlyArray<StepReport.StepReport>) =>
  events.map((row) => Object.entries(row).filter(([key]) => !/^seconds|PerSecond$/.test(key)))

/** A run that an outage ends at step 5 and that is resumed without it ends as if nothing had happened, and takes no step again. */
const outlives = async (over: (engine: Engine, out: () => boolean) => Layer.Layer<any>, message: RegExp) => {
  const engine = makeEngine()
  let taken = 0
  const onStep = ({ step }: StepReport.StepReport) => Effect.sync(() => void (taken = step))
  let saved = -1
  const error = await fails(
    run("a", {
      engine,
      over: over(engine, () => taken === 4),
      onStep,
      onClosed: (step, result) => Effect.sync(() => void (saved = Result.isSuccess(result) ? step : -1)),
    }),
  )
  expect(error.message).toMatch(message)
  expect(saved).toBe(4)
  expect(await checkpoints("a")).toContain("step-000004")
  const streams: Array<string> = []
  const resumed = await Effect.runPromise(
    run("a", { engine: makeEngine({ onDraw: (stream) => streams.push(stream) }), resume: true }),
  )
  const whole = await Effect.runPromise(run("whole"))
  expect(resumed.logits).toEqual(whole.logits)
  expect(timeless(resumed.events)).toEqual(timeless(whole.events))
  return streams
}

it("out of memory in the learner: the steps before are saved, and so are the rollouts of this one", async () => {
  const oom = "the backend could not allocate 9,000 MiB; lower maxTokens"
  const streams = await outlives(
    (engine, out) =>
      learning(engine, ({ accumulate }) => ({
        accumulate: (...args) =>
          out() ? Effect.fail(new Learner.LearnerError({ operation: "accumulate", reason: oom })) : accumulate(...args),
      })),
    /accumulate: the backend could not allocate 9,000 MiB; lower maxTokens/,
  )
  // Step 5 was sampled before the fault, and is not sampled again.
  expect(streams.some((stream) => stream.startsWith("1/sample/4/"))).toBe(false)
  expect(streams.some((stream) => stream.startsWith("1/sample/5/"))).toBe(true)
})

it("the sampler's outage: the steps before are saved", () =>
  outlives(
    (engine, out) =>
      Layer.effect(
        Sampler.Sampler,
        Effect.map(Sampler.Sampler, (inner) => ({
          ...inner,
          sample: (...args: Parameters<typeof inner.sample>) =>
            out()
              ? Stream.fail(new RolloutError.SamplerError({ problem: null, reason: "no connection", retryable: true }))
              : inner.sample(...args),
        })),
      ).pipe(Layer.provide(engine.layer)),
    /no connection/,
  ))

it("the verifier's outage: after a number of steps without any verdict the run stops, says so and loses nothing more", async () => {
  const engine = makeEngine()
  let taken = 0
  const over = Layer.effect(
    Verifier.Verifier,
    Effect.map(Verifier.Verifier, ({ verify }) => ({
      verify: (...args: Parameters<typeof verify>) =>
        taken >= 4 ? Effect.succeed(Verdict.unreached("error", "HTTP 503")) : verify(...args),
    })),
  ).pipe(Layer.provide(engine.layer))
  const options = config({ health: { ...Health.defaults, outage: 2 } })
  const events: Array<StepReport.StepReport> = []
  const onStep = (report: StepReport.StepReport) =>
    Effect.sync(() => {
      taken = report.step
      events.push(report)
    })
  const error = await fails(run("a", { engine, over, config: options, onStep }))
  expect(error.message).toMatch(
    /step 6: none of its 32 responses has a verdict, and this is step 2 in a row without one \(the first: error, HTTP 503\); fix the verifier, then resume/,
  )
  // The first such step is one whose alarm may be its prompts' fault.
  expect(events.at(-1)?.alarms.map(({ metric }) => metric)).toEqual(["masked"])
  expect(await checkpoints("a")).toContain("step-000005")
  const resumed = await Effect.runPromise(run("a", { config: options, resume: true }))
  expect(resumed.events.map(({ step }) => step)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9])
})

it("an interrupted run that samples ahead waits for what only an older policy samples, and loses no step", async () => {
  const options = config({ maxLag: 1, anchor: "recompute", checkpointEvery: 100 })
  const engine = () => makeEngine({ pinned: { behind: 0 } })
  const whole = await Effect.runPromise(run("whole", { config: options, engine: engine() }))
  await Effect.runPromise(
    Effect.gen(function* () {
      let taken = 0
      const fiber = yield* Effect.forkChild(
        run("a", {
          config: options,
          engine: engine(),
          onStep: ({ step }) => ((taken = step) === 5 ? Effect.never : Effect.void),
        }),
      )
      yield* Effect.yieldNow.pipe(Effect.andThen(Effect.sleep(1)), Effect.repeat({ until: () => taken === 5 }))
      yield* Fiber.interrupt(fiber)
    }),
  )
  expect(await checkpoints("a")).toEqual(["step-000005"])
  const resumed = await Effect.runPromise(run("a", { config: options, engine: engine(), resume: true }))
  expect(resumed.logits).toEqual(whole.logits)
})

it("a run's folder that was copied elsewhere goes on there to the same end", async () => {
  const kill = ({ step }: StepReport.StepReport) => (step === 5 ? Effect.die("killed") : Effect.void)
  await Effect.runPromiseExit(run("here", { onStep: kill }))
  await cp(join(root, "here"), join(root, "elsewhere"), { recursive: true })
  await rm(join(root, "here"), { recursive: true })
  const whole = await Effect.runPromise(run("whole"))
  expect((await Effect.runPromise(run("elsewhere", { resume: true }))).logits).toEqual(whole.logits)
})
