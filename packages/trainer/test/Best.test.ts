/** Evaluation in the loop: its own schedule, the best policy kept, an early end, and nothing of it lost or done twice by a resume. */
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Best, Lpo, RunStore, TrainConfig, Trainer } from "@lpo/trainer"
import { Effect } from "effect"
import { afterEach, beforeEach, expect, it } from "vitest"
import { makeEngine, problems } from "./tabular.ts"

let root = ""
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "lpo-best-"))
})
afterEach(() => rm(root, { recursive: true }))

/** What an evaluation finds after so many steps: it rises until step 6, and then falls. */
const found: Readonly<Record<number, number>> = { 2: 0.2, 4: 0.3, 6: 0.5, 8: 0.5, 10: 0.4, 12: 0.1 }

const run = (
  name: string,
  best: Best.Options | null,
  options: { readonly resume?: boolean; readonly dieAt?: number; readonly evaluated?: Array<number> } = {},
) => {
  const { dieAt, evaluated = [], resume = false } = options
  const engine = makeEngine()
  const config: TrainConfig.TrainConfig = {
    ...TrainConfig.defaults,
    seed: "1",
    steps: 12,
    promptsPerStep: 2,
    maxTokens: 2,
    checkpointEvery: 5,
    checkpointsKept: 1,
    objective: Lpo.make({ divergence: "forward", tau: "std" }),
    optimizer: { ...TrainConfig.defaults.optimizer, learningRate: 0.5 },
    best,
  }
  return Effect.gen(function* () {
    const open = yield* RunStore.open({ folder: join(root, name), config: {}, resume })
    const taken = yield* Trainer.train({
      config,
      problems,
      run: open,
      evaluation: {
        every: 2,
        run: (step) =>
          Effect.sync(() => {
            evaluated.push(step)
            return { "eval/pass_at_1": found[step] }
          }),
      },
      onEvaluation: ({ step }) => (step === dieAt ? Effect.die("killed") : Effect.void),
    })
    return { taken, rows: yield* open.evaluations, logits: [...engine.logits] }
  }).pipe(Effect.scoped, Effect.provide(engine.layer))
}
const checkpoints = async (name: string) => (await readdir(join(root, name, "checkpoints"))).sort()
const noted = async (name: string): Promise<unknown> =>
  Effect.runPromise(Best.read(await readFile(join(root, name, Best.file), "utf8")))

const higher: Best.Options = { metric: "eval/pass_at_1", better: "higher", patience: null }

it("logs evaluations by their schedule, and keeps the best policy's checkpoint beside the newest", async () => {
  const { rows, taken } = await Effect.runPromise(run("a", higher))
  expect(taken).toBe(12)
  expect(rows.map(({ step, values }) => [step, values["eval/pass_at_1"]])).toEqual(
    Object.entries(found).map(([step, value]) => [Number(step), value]),
  )
  expect(await checkpoints("a")).toEqual(["step-000006", "step-000012"])
  expect(await noted("a")).toEqual({ ...higher, step: 6, value: 0.5 })
})

it("ends early when the best has stood long enough, also by a number that is to be low, and does not begin again", async () => {
  const { taken } = await Effect.runPromise(run("a", { ...higher, patience: 2 }))
  expect(taken).toBe(10)
  expect((await Effect.runPromise(run("a", { ...higher, patience: 2 }, { resume: true }))).taken).toBe(10)
  expect((await Effect.runPromise(run("low", { ...higher, better: "lower", patience: 1 }))).taken).toBe(4)
})

it("training does not depend on evaluation, and a run that is killed and resumed evaluates and compares as one that is not", async () => {
  const plain = await Effect.runPromise(run("plain", null))
  const whole = await Effect.runPromise(run("whole", higher))
  expect(whole.logits).toEqual(plain.logits)
  for (const dieAt of [4, 6, 8]) {
    const name = `killed-${dieAt}`
    expect((await Effect.runPromiseExit(run(name, higher, { dieAt })))._tag).toBe("Failure")
    const evaluated: Array<number> = []
    const resumed = await Effect.runPromise(run(name, higher, { resume: true, evaluated }))
    expect(resumed.logits).toEqual(whole.logits)
    expect(resumed.rows).toEqual(whole.rows)
    expect(evaluated).toEqual([2, 4, 6, 8, 10, 12].filter((step) => step > dieAt))
    expect(await noted(name)).toEqual({ ...higher, step: 6, value: 0.5 })
    expect(await checkpoints(name)).toEqual(await checkpoints("whole"))
  }
})

it("goes by a number of the steps' reports too, where a checkpoint is due", async () => {
  await Effect.runPromise(run("a", { metric: "train/entropy", better: "lower", patience: null }))
  const rows = (await readFile(join(root, "a", "events.jsonl"), "utf8")).trim().split("\n")
  const entropies = rows.map((row) => JSON.parse(row) as { step: number; entropy: number })
  const [least] = entropies.filter(({ step }) => step % 5 === 0).sort((a, b) => a.entropy - b.entropy)
  expect(await noted("a")).toMatchObject({ step: least.step, value: least.entropy })
})

it.each(["", "{}", '{"metric":"eval/pass_at_1"', '{"metric":1,"better":"higher","patience":null,"step":1,"value":1}'])(
  "a note that is damaged is an error that says what to do: %s",
  async (text) => {
    const reason = await Effect.runPromise(Effect.flip(Best.read(text)))
    expect(reason).toMatch(/^best\.json is damaged \(.*\); remove it, and resuming writes it again$/)
  },
)
