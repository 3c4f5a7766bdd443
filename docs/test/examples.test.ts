/** The examples of the guides, run: what their comments say is what they give. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { fileURLToPath } from "node:url"
import { dirname, join } from "node:path"
import { Effect } from "effect"
import { Lpo, RunStore, StepReport, TrainConfig } from "@lpo/trainer"
import { expect, it } from "vitest"
import { makeEngine, problems } from "../../packages/trainer/test/tabular.ts"
import { rewardByStep } from "../examples/events.ts"
import * as Group from "../examples/group.ts"
import * as Trackers from "../examples/trackers.ts"
import { program } from "../examples/train.ts"

const near = (actual: ArrayLike<number>, expected: ReadonlyArray<number>) =>
  expect(Array.from(actual, (x) => Math.round(x * 1e6) / 1e6)).toEqual(expected)

it("theory: the target, the coefficients and the guarantee of one group", () => {
  near([Group.tau], [0.420565])
  near(Group.target, [0.767357, 0.090285, 0.071179, 0.071179])
  near(Group.forward, [-0.517357, 0.159715, 0.178821, 0.178821])
  near(Group.reverse, [-0.430968, 0.104027, 0.163471, 0.163471])
  for (const [k, c] of Group.reverse.entries()) expect(Group.policyGradient[k]).toBeCloseTo(c, 12)
  near([Group.gain, Group.before, Group.after], [0.501385, 0.275, 0.776385])
  expect(Group.after - Group.before).toBeGreaterThanOrEqual(Group.gain - 1e-12)
})

it("quickstart: the program trains, and its run can be read", async () => {
  const { events, folder } = await Effect.runPromise(program)
  try {
    const rewards = rewardByStep(folder)
    expect(rewards).toEqual(events.map(({ reward, step }) => [step, reward]))
    expect(rewards).toHaveLength(30)
    expect(rewards[0][1]).toBeLessThan(0.5)
    expect(rewards[29][1]).toBeGreaterThan(0.9)
  } finally {
    rmSync(dirname(folder), { recursive: true })
  }
})

it("trackers: the example's curves stand beside the log", async () => {
  const root = mkdtempSync(join(tmpdir(), "lpo-docs-"))
  const config: TrainConfig.TrainConfig = {
    ...TrainConfig.defaults,
    seed: "docs",
    steps: 3,
    promptsPerStep: 2,
    maxTokens: 2,
    objective: Lpo.make({ divergence: "forward", tau: "std" }),
  }
  const standings = await Effect.runPromise(
    RunStore.open({ folder: join(root, "run"), config: {}, resume: false }).pipe(
      Effect.flatMap((run) => Trackers.train(run, config, problems)),
      Effect.scoped,
      Effect.provide(makeEngine().layer),
    ),
  )
  expect(standings).toEqual([{ tracker: "tensorboard", delivered: 3, missing: 0, failures: 0, reason: null }])
  expect(readdirSync(join(root, "run", "tensorboard"))).toHaveLength(1)
  rmSync(root, { recursive: true })
})

it("runs: every field of a step's report is explained", () => {
  const page = readFileSync(fileURLToPath(new URL("../guides/runs.md", import.meta.url)), "utf8")
  const explained = new Set([...page.matchAll(/^\| (`.*?) \|/gm)].flatMap(([, cell]) => cell.match(/\w+/g)))
  expect(Object.keys(StepReport.StepReport.fields).filter((name) => !explained.has(name))).toEqual([])
})
