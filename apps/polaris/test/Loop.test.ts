/** What the loop can do, through the command line: each a short run. */
import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { afterAll, expect, it } from "vitest"
import { makeProgram } from "./program.ts"

const { end, events, out, polaris } = makeProgram()
afterAll(end)

/** As small as a run can be that learns. */
const tiny = ["--steps", "3", "--prompts", "8", "--problems", "2", "--samples", "1", "--seed", "3", "--workers", "0"]

const run = async (name: string, args: ReadonlyArray<string>) => {
  const { code, stderr } = await polaris([...tiny, "--name", name, ...args])
  expect(stderr).toBe("")
  expect(code).toBe(0)
  return events(name)
}
const config = async (name: string) => JSON.parse(await readFile(join(out, name, "config.json"), "utf8")).config

it("trains at a temperature of its own, with the log-probs of that law on both sides", async () => {
  const cold = await run("cold", ["--temperature", "0.5", "--set", "train.anchor=recompute"])
  const hot = await run("hot", ["--temperature", "1.5", "--set", "train.anchor=recompute"])
  // What the sampler recorded is what the learner computes: with log-probs of another law they would differ by tenths of nats.
  for (const { anchorLogRatio, samplerKl } of [...cold, ...hot]) {
    expect(samplerKl).toBeLessThan(1e-6)
    expect(anchorLogRatio).toBeLessThan(1e-3)
  }
  expect(cold[0].entropy).toBeLessThan(hot[0].entropy / 1.5)
  const { evaluation, train } = await config("cold")
  expect([train.sampling.temperature, evaluation.temperature]).toEqual([0.5, 1])
})

it("stays near the policy that it began with: no pull while it is that policy, one afterwards", async () => {
  const free = await run("free", [])
  const near = await run("near", ["--kl", "reward=0.5"])
  expect((await config("near")).objective.options.kl).toMatchObject({ in: "reward", estimator: "k1", beta: 0.5 })
  expect(near[0].targetKl).toBeCloseTo(free[0].targetKl ?? NaN, 4)
  expect(Math.abs((near[2].targetKl ?? NaN) - (free[2].targetKl ?? NaN))).toBeGreaterThan(1e-4)
})
