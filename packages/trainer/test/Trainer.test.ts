import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Lpo, PolicyGradient, Registry, RunStore, type StepReport, TrainConfig, Trainer } from "@lpo/trainer"
import { Verifier } from "@lpo/verifiers"
import { Effect, Fiber, Layer } from "effect"
import { afterEach, beforeEach, expect, it } from "vitest"
import { makeEngine, problems } from "./tabular.ts"

let root = ""
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "lpo-trainer-"))
})
afterEach(() => rm(root, { recursive: true }))

const config = (over: Partial<TrainConfig.TrainConfig> = {}): TrainConfig.TrainConfig => ({
  ...TrainConfig.defaults,
  seed: "1",
  steps: 12,
  promptsPerStep: 4,
  maxTokens: 2,
  checkpointEvery: 3,
  objective: Lpo.make({ divergence: "forward", tau: "std" }),
  ...over,
  optimizer: { ...TrainConfig.defaults.optimizer, learningRate: 2, ...over.optimizer },
})

const run = (
  name: string,
  options: {
    engine?: ReturnType<typeof makeEngine>
    config?: TrainConfig.TrainConfig
    resume?: boolean
    onStep?: (report: StepReport.StepReport) => Effect.Effect<void>
  } = {},
) => {
  const engine = options.engine ?? makeEngine()
  return Effect.gen(function* () {
    const open = yield* RunStore.open({
      folder: join(root, name),
      config: { task: "digits" },
      resume: options.resume ?? false,
    })
    yield* Trainer.train({
      config: options.config ?? config(),
      problems,
      run: open,
      ...(options.onStep ? { onStep: options.onStep } : {}),
    })
    return { logits: [...engine.logits], events: yield* open.events, completions: yield* open.completions }
  }).pipe(Effect.scoped, Effect.provide(engine.layer))
}

it("learns: the pass rate rises, and the log says what happened", async () => {
  const { completions, events } = await Effect.runPromise(run("a", { config: config({ steps: 40 }) }))
  expect(events.map((e) => e.step)).toEqual(Array.from({ length: 40 }, (_, i) => i + 1))
  expect(events[0]["passRate"]).toBeLessThan(0.3)
  expect(events[39]["passRate"]).toBeGreaterThan(0.8)
  expect(events.some((e) => Number(e["masked"]) > 0)).toBe(true)
  expect(completions[0]).toHaveProperty("completions")
})

it.each(Registry.names.filter((name) => name !== "pointwise"))("%s learns", async (objective) => {
  const over = { steps: 40, miniBatches: 1, objective: Registry.make(objective) }
  const { events } = await Effect.runPromise(run(objective, { config: config(over) }))
  const rewards = events.map((e) => Number(e["reward"]))
  const mean = (xs: ReadonlyArray<number>) => xs.reduce((a, b) => a + b, 0) / xs.length
  expect(mean(rewards.slice(-8))).toBeGreaterThan(mean(rewards.slice(0, 4)) + 0.1)
})

it("on policy, LPO-rev with tau = sigma and unclipped GRPO take the same first step", async () => {
  const once = { steps: 1, miniBatches: 1, promptsPerStep: 6 }
  const lpo = await Effect.runPromise(
    run("lpo", { config: config({ ...once, objective: Lpo.make({ divergence: "reverse", tau: "std" }) }) }),
  )
  const grpo = await Effect.runPromise(
    run("grpo", { config: config({ ...once, objective: PolicyGradient.grpo({ clip: null }) }) }),
  )
  expect(lpo.logits.some((v) => v !== 0)).toBe(true)
  for (const [i, v] of lpo.logits.entries()) expect(v).toBeCloseTo(grpo.logits[i], 6)
})

it("stopped anywhere and resumed, ends bit for bit like a run that was not", async () => {
  const whole = await Effect.runPromise(run("whole"))
  for (const stopAt of [1, 3, 5, 8, 11]) {
    const name = `stopped-${stopAt}`
    const died = await Effect.runPromiseExit(
      run(name, { onStep: ({ step }) => (step === stopAt ? Effect.die("killed") : Effect.void) }),
    )
    expect(died._tag).toBe("Failure")
    // A SIGKILL writes no checkpoint: only those of every third step are left.
    if (stopAt % 3 !== 0) {
      await rm(join(root, name, "checkpoints", `step-${String(stopAt).padStart(6, "0")}`), { recursive: true })
    }
    const resumed = await Effect.runPromise(run(name, { resume: true }))
    expect(resumed.logits).toEqual(whole.logits)
    expect(resumed.events.map((e) => [e.step, e["reward"]])).toEqual(whole.events.map((e) => [e.step, e["reward"]]))
  }
})

it("an interrupted run leaves a checkpoint of its last whole step and resumes", async () => {
  const whole = await Effect.runPromise(run("whole"))
  const exit = await Effect.runPromise(
    Effect.gen(function* () {
      const fiber = yield* Effect.forkChild(
        run("cut", { onStep: ({ step }) => (step === 5 ? Effect.never : Effect.void) }),
      )
      yield* Effect.sleep(0).pipe(
        Effect.andThen(Effect.promise(() => readFile(join(root, "cut", "events.jsonl"), "utf8").catch(() => ""))),
        Effect.repeat({ until: (text) => text.split("\n").length > 5 }),
      )
      yield* Effect.yieldNow
      return yield* Fiber.interrupt(fiber)
    }),
  )
  expect(exit).toBeUndefined()
  expect(await readdir(join(root, "cut", "checkpoints"))).toContain("step-000005")
  expect((await Effect.runPromise(run("cut", { resume: true }))).logits).toEqual(whole.logits)
})

it("masks what a verifier never answers, and goes on", async () => {
  const engine = makeEngine()
  const silent = Layer.succeed(Verifier.Verifier, { verify: () => Effect.never })
  const { events, logits } = await Effect.runPromise(
    run("a", {
      engine: { ...engine, layer: Layer.merge(engine.layer, silent) },
      config: config({ steps: 2, verifySeconds: 0.01 }),
    }),
  )
  expect(events.map((e) => [e["masked"], e["tooSmall"]])).toEqual([
    [32, 4],
    [32, 4],
  ])
  expect(logits).toEqual([...makeEngine().logits])
})

it("refuses a run that exists, one that is in use, one to resume that does not exist, and another configuration", async () => {
  await Effect.runPromise(run("a"))
  const message = (effect: Effect.Effect<unknown, { readonly message: string }>) =>
    Effect.runPromise(Effect.flip(effect)).then((e) => e.message)
  expect(await message(run("a"))).toMatch(/exists already; resume it/)
  expect(await message(run("b", { resume: true }))).toMatch(/nothing to resume/)
  await writeFile(join(root, "a", "lock"), "1")
  expect(await message(run("a", { resume: true }))).toMatch(/in use by process 1/)
  await rm(join(root, "a", "lock"))
  await writeFile(join(root, "a", "config.json"), `{"task":"letters"}`)
  expect(await message(run("a", { resume: true }))).toMatch(/started with task "letters", and now it is "digits"/)
})

it("refuses a damaged checkpoint by name, and ignores one without a manifest", async () => {
  await Effect.runPromise(run("a"))
  const newest = join(root, "a", "checkpoints", "step-000012")
  const bytes = await readFile(join(newest, "logits.bin"))
  bytes[3] ^= 1
  await writeFile(join(newest, "logits.bin"), bytes)
  const error = await Effect.runPromise(Effect.flip(run("a", { resume: true })))
  expect(error._tag).toBe("CheckpointError")
  expect(error.message).toMatch(/step-000012.*logits\.bin is damaged/)
  await rm(join(newest, "manifest.json"))
  const whole = await Effect.runPromise(run("whole"))
  expect((await Effect.runPromise(run("a", { resume: true }))).logits).toEqual(whole.logits)
})

it("stops on a learning rate that blows the policy up, and the last whole step can be resumed", async () => {
  const optimizer = { ...TrainConfig.defaults.optimizer, learningRate: Number.POSITIVE_INFINITY }
  const error = await Effect.runPromise(Effect.flip(run("a", { config: config({ optimizer }) })))
  expect(error._tag).toBe("TrainingError")
  expect(error.message).toMatch(/NaN|not finite|must be finite/)
})
