import { mkdtemp, readdir, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Lpo, RunStore, type StepReport, TrainConfig, Trainer } from "@lpo/trainer"
import { Effect } from "effect"
import { afterEach, beforeEach, expect, it } from "vitest"
import { makeEngine, problems } from "./tabular.ts"

let root = ""
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "lpo-lag-"))
})
afterEach(() => rm(root, { recursive: true }))

const config = (over: Partial<TrainConfig.TrainConfig> = {}): TrainConfig.TrainConfig => ({
  ...TrainConfig.defaults,
  seed: "1",
  steps: 9,
  promptsPerStep: 4,
  maxTokens: 2,
  checkpointEvery: 3,
  anchor: "recompute",
  objective: Lpo.make({ divergence: "forward", tau: "std" }),
  optimizer: { ...TrainConfig.defaults.optimizer, learningRate: 2 },
  ...over,
})

const run = (
  name: string,
  options: {
    engine: ReturnType<typeof makeEngine>
    config: TrainConfig.TrainConfig
    resume?: boolean
    onStep?: (report: StepReport.StepReport) => Effect.Effect<void>
  },
) =>
  Effect.gen(function* () {
    const open = yield* RunStore.open({ folder: join(root, name), config: {}, resume: options.resume ?? false })
    yield* Trainer.train({
      config: options.config,
      problems,
      run: open,
      ...(options.onStep ? { onStep: options.onStep } : {}),
    })
    return { logits: [...options.engine.logits], events: yield* open.events }
  }).pipe(Effect.scoped, Effect.provide(options.engine.layer))

/** Lets other fibers run a number of turns that differs from problem to problem. */
const delay = (turns: number) => (problem: string) =>
  Effect.repeat(Effect.yieldNow, { times: turns * Number(problem.slice(1)) })

it.each([1, 2])(
  "with maxLag %i step s learns from samples of the policy of step s - maxLag, however slow they come",
  async (lag) => {
    const pinned = (behind: number, turns: number) => makeEngine({ pinned: { behind }, delay: delay(turns) })
    // Strictly in turns, from the weights published `lag` steps before.
    const inTurns = await Effect.runPromise(run("turns", { engine: pinned(lag, 0), config: config() }))
    expect(inTurns.logits.some((v) => v !== 0)).toBe(true)
    for (const turns of [0, 3, 40]) {
      const over = await Effect.runPromise(
        run(`over-${turns}`, { engine: pinned(0, turns), config: config({ maxLag: lag }) }),
      )
      expect(over.logits).toEqual(inTurns.logits)
      expect(over.events.map((e) => e.lag)).toEqual(Array.from({ length: 9 }, (_, s) => Math.min(s, lag)))
      // The first step is on policy; others have moved on from the policy that sampled.
      expect([over.events[0].anchorEss, over.events[0].anchorLogRatio]).toEqual([1, 0])
      expect(Math.min(...over.events.map((e) => e.anchorEss))).toBeLessThan(1)
      expect(Math.max(...over.events.map((e) => e.anchorLogRatio))).toBeGreaterThan(0)
    }
  },
)

it("samples the next step before it learns from this one, and not the one after", async () => {
  const events: Array<string> = []
  const engine = makeEngine({ pinned: { behind: 0 }, onEvent: (event) => events.push(event) })
  await Effect.runPromise(run("order", { engine, config: config({ maxLag: 1, steps: 4 }) }))
  expect(events.map((e) => e.replace("1/sample/", ""))).toEqual([
    "publish 1",
    "sample 0",
    "sample 1",
    "publish 2",
    "sample 2",
    "publish 3",
    "sample 3",
    "publish 4",
    "publish 5",
  ])
})

it.each([1, 2])(
  "with maxLag %i a run killed anywhere and resumed ends bit for bit like one that was not",
  async (lag) => {
    const engine = () => makeEngine({ pinned: { behind: 0 }, delay: delay(2) })
    const options = config({ maxLag: lag })
    const whole = await Effect.runPromise(run("whole", { engine: engine(), config: options }))
    for (const stopAt of [2, 3, 4, 7]) {
      const name = `killed-${stopAt}`
      const died = await Effect.runPromiseExit(
        run(name, {
          engine: engine(),
          config: options,
          onStep: ({ step }) => (step === stopAt ? Effect.die("killed") : Effect.void),
        }),
      )
      expect(died._tag).toBe("Failure")
      const kept = await readdir(join(root, name, "checkpoints"))
      expect(kept.every((folder) => Number(folder.slice(5)) % 3 === 0)).toBe(true)
      const resumed = await Effect.runPromise(run(name, { engine: engine(), config: options, resume: true }))
      expect(resumed.logits).toEqual(whole.logits)
      expect(resumed.events.map((e) => [e.step, e.reward, e.lag])).toEqual(
        whole.events.map((e) => [e.step, e.reward, e.lag]),
      )
    }
  },
)

it.each<{
  name: string
  engine: Parameters<typeof makeEngine>[0]
  over: Partial<TrainConfig.TrainConfig>
  message: RegExp
}>([
  {
    name: "a sampler that does not pin its policy",
    engine: {},
    over: { maxLag: 1 },
    message: /reads the weights that are being trained/,
  },
  {
    name: "the sampled anchor",
    engine: { pinned: { behind: 0 } },
    over: { maxLag: 1, anchor: "sampled" },
    message: /give anchor "recompute"/,
  },
  { name: "a negative lag", engine: { pinned: { behind: 0 } }, over: { maxLag: -1 }, message: /whole number of steps/ },
  {
    name: "samples of another policy",
    engine: { claim: 7 },
    over: {},
    message: /sampled by policy 7, but 1 was published/,
  },
])("refuses $name", async ({ engine, message, over }) => {
  const error = await Effect.runPromise(Effect.flip(run("a", { engine: makeEngine(engine), config: config(over) })))
  expect(error.message).toMatch(message)
})
