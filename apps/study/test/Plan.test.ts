import { Effect } from "effect"
import { expect, it } from "vitest"
import * as Settings from "../../polaris/src/Settings.ts"
import * as Arm from "../src/Arm.ts"
import { axes } from "../src/Axes.ts"
import * as Plan from "../src/Plan.ts"
import { run } from "./records.ts"

const every: Plan.Rates = new Proxy({}, { get: () => 4e-4, has: () => true })
const jobs = axes.flatMap((axis) => Plan.reported({ ...Plan.full, seeds: [1] }, axis, every))
const resolve = (job: Arm.Job) => Effect.runPromise(Arm.settings(job))

it("every arm of every axis is a run that polaris could make", async () => {
  for (const job of jobs) {
    const settings = await resolve(job)
    const config = Settings.trainConfig(settings)
    expect(config.groupSize).toBeGreaterThanOrEqual(config.objective.leastGroup)
    // Equal responses an iteration, whatever the size of a group.
    expect(config.groupSize * config.promptsPerStep).toBe(8 * job.scale.prompts)
    expect(job.scale.tokens[job.preset]).toBeGreaterThan(0)
  }
})

it("arms differ in what they are, and the same name is the same run everywhere", async () => {
  const ids = new Map<string, Set<string>>()
  for (const job of jobs) {
    const id = Arm.identity(job, await resolve(job))
    const name = `${job.preset}/${job.arm.name}`
    ids.set(name, (ids.get(name) ?? new Set()).add(id))
  }
  for (const [name, found] of ids) expect([name, found.size]).toEqual([name, 1])
  expect(new Set([...ids.values()].flatMap((found) => Array.from(found))).size).toBe(ids.size)
})

it("claims speak of arms of their own axis, names are of one arm, and every method has an arm that tunes", () => {
  const everyArm = axes.flatMap(({ arms }) => arms)
  const tuned = new Set(everyArm.filter(({ tunes }) => tunes === true).map(({ method }) => method))
  for (const { arms, claims, name } of axes) {
    const names = new Set(arms.map((arm) => arm.name))
    expect([name, names.size]).toEqual([name, arms.length])
    for (const { contrast, says } of claims)
      for (const arm of Object.keys(contrast)) expect([says, arm, names.has(arm)]).toEqual([says, arm, true])
    for (const arm of arms) {
      expect([arm.name, tuned.has(arm.method)]).toEqual([arm.name, true])
      expect(arm).toEqual(everyArm.find((other) => other.name === arm.name))
    }
  }
  const says = axes.flatMap(({ claims }) => claims.map((claim) => claim.says))
  expect(new Set(says).size).toBe(says.length)
})

it("a schedule goes over the scale's steps", async () => {
  const job = jobs.find(({ arm }) => arm.name === "forward to reverse KL")
  const settings = job && (await resolve(job))
  expect(settings?.objective.options).toMatchObject({ divergence: { schedule: "blend", over: Plan.full.scale.steps } })
})

it("a method's rate is chosen on seeds that are not reported, over all its arms that tune, whichever axis is asked about", () => {
  for (const { seeds, tuningSeeds } of [Plan.full, Plan.quick])
    expect(seeds.filter((seed) => tuningSeeds.includes(seed))).toEqual([])
  const [first] = axes
  const tuning = Plan.tuning(Plan.full, first, axes, {})
  expect(new Set(tuning.map(({ arm }) => arm.name))).toEqual(
    new Set(["LPO-fwd, τ = σ", "LPO-fwd, τ = 1", "LPO-fwd, τ = μ"]),
  )
  expect(new Set(tuning.map(({ learningRate }) => learningRate))).toEqual(new Set(Plan.full.rates))
  expect(tuning.every(({ seed }) => Plan.full.tuningSeeds.includes(seed))).toBe(true)
  expect(Plan.tuning(Plan.full, first, axes, { "LPO-fwd": 1e-3 })).toEqual([])
})

it("the rate is that of the highest mean of pass@1 and pass@16 over a method's runs, the smaller one where two are even", () => {
  const at = (learningRate: number, seed: number, rate: number) => ({
    ...run(`${seed}`, 1, rate, 0, { learningRate }),
    method: "m",
  })
  expect(Plan.chosen([at(1e-3, 1, 0.3), at(1e-3, 2, 0.9), at(2e-3, 1, 0.5), at(2e-3, 2, 0.5)])).toEqual({ m: 1e-3 })
  expect(Plan.chosen([at(2e-3, 1, 0.5), at(1e-3, 1, 0.5)])).toEqual({ m: 1e-3 })
  expect(() => Plan.rateOf({}, { name: "b", objective: "grpo", method: "m" })).toThrow(
    /b: no learning rate was chosen for m/,
  )
})
