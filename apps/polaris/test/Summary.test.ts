/** A run that came to its end and was for nothing says so. */
import { expect, it } from "vitest"
import { warnings } from "../src/Summary.ts"

const curve = (one: number, sixteen: number) => ({
  "1": { mean: one, low: Math.max(0, one - 0.02), high: one + 0.02 },
  "16": { mean: sixteen, low: Math.max(0, sixteen - 0.02), high: sixteen + 0.02 },
})
const events = (rewards: ReadonlyArray<number>, targetKl: number | null = 0.1) =>
  rewards.map((reward) => ({ reward, targetKl, alarms: [] }))
const rising = events([0.2, 0.4, 0.6])

it("is silent where the policy got better, or no worse than the intervals", () => {
  expect(warnings(curve(0.2, 0.9), curve(0.6, 0.9), rising)).toEqual([])
  expect(warnings(curve(0.2, 0.9), curve(0.19, 0.88), rising)).toEqual([])
  expect(warnings(curve(0, 0), curve(0, 0), events([0, 0.1]))).toEqual([])
})

it("names a collapse, a fall, a reward that vanishes, and a run without a signal", () => {
  const collapsed = warnings(curve(0.2, 0.9), { "1": zero, "16": zero }, events([0.3, 0.1, 0]))
  expect(collapsed).toHaveLength(2)
  expect(collapsed[0]).toMatch(/the policy collapsed: .*pass@16 was 0\.900/)
  expect(collapsed[1]).toMatch(/the reward fell to almost nothing, from 0\.300 to 0\.000/)
  expect(warnings(curve(0.6, 0.9), curve(0.4, 0.9), rising)[0]).toMatch(/worse: pass@1 fell from 0\.600 to 0\.400/)
  expect(warnings(curve(0.6, 0.9), curve(0.6, 0.5), rising)[0]).toMatch(/worse: pass@16 fell/)
  expect(warnings(curve(0, 0), curve(0, 0), events([0, 0], null))[0]).toMatch(/nothing was learned: .*--k/)
})
it("says how often alarms were raised", () => {
  const alarm = { metric: "entropy", value: 0.001, bound: 0.01 }
  const alarmed = [rising[0], ...rising.slice(1).map(({ reward, targetKl }) => ({ reward, targetKl, alarms: [alarm] }))]
  expect(warnings(curve(0.2, 0.9), curve(0.6, 0.9), alarmed)).toEqual([
    "alarms were raised: entropy in 2 of 3 steps; events.jsonl says when and by how much",
  ])
})
const zero = { mean: 0, low: 0, high: 0 }
