/** The examples of the guides, run: what their comments say is what they give. */
import { readFileSync, rmSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { dirname } from "node:path"
import { Effect } from "effect"
import { StepReport } from "@lpo/trainer"
import { expect, it } from "vitest"
import { rewardByStep } from "../examples/events.ts"
import * as Group from "../examples/group.ts"
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

it("runs: every field of a step's report is explained", () => {
  const page = readFileSync(fileURLToPath(new URL("../guides/runs.md", import.meta.url)), "utf8")
  const explained = new Set([...page.matchAll(/^\| (`.*?) \|/gm)].flatMap(([, cell]) => cell.match(/\w+/g)))
  expect(Object.keys(StepReport.StepReport.fields).filter((name) => !explained.has(name))).toEqual([])
})
