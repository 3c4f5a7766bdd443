/** The walk through the code names files and functions: they exist, and each is exported. */
import { existsSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { Advantage, Divergence, Projection, Target } from "@lpo/simplex"
import { Countdown } from "@lpo/verifiers"
import { expect, it } from "vitest"

const root = fileURLToPath(new URL("../..", import.meta.url))
const steps = [...readFileSync(`${root}/docs/guides/walk.md`, "utf8").matchAll(/^`([^`]+\.ts)` · `([^`]+)`$/gm)].map(
  ([, file, name]) => [file, name] as const,
)

it("follows a group through every package on its way", () => {
  const packages = new Set(steps.map(([file]) => file.split("/")[1]))
  expect([...packages].sort()).toEqual(["rollout", "simplex", "trainer", "transformer", "verifiers"])
  expect(steps.length).toBeGreaterThan(15)
})

it.each(steps)("%s has %s", (file, name) => {
  expect(existsSync(`${root}/${file}`)).toBe(true)
  const text = readFileSync(`${root}/${file}`, "utf8")
  expect(text).toMatch(new RegExp(`^export (?:const|function|interface|type) ${name}\\b`, "m"))
})

it("its numbers are those of the code", () => {
  const answer = { nums: [3, 4, 5], target: 7 }
  const responses = ["3 * 4 - 5", "3 + 4 + 5", "4 + 3", "3 * 4 - 5 + 5 - 5"]
  const rewards = responses.map((text) => Countdown.grade(answer, `<answer>${text}</answer>`).score)
  expect(rewards).toEqual([1, 0.1, 0, 0])
  const tau = Advantage.std(rewards)
  expect(tau).toBeCloseTo(0.4206, 4)
  const logTarget = Target.logGibbs(rewards, tau)
  const round = (values: Float64Array) => [...values].map((v) => Number(v.toFixed(3)))
  expect(round(logTarget.map(Math.exp))).toEqual([0.767, 0.09, 0.071, 0.071])
  expect(round(Projection.coefficients(Divergence.forwardKl, [0, 0, 0, 0], logTarget))).toEqual([
    -0.517, 0.16, 0.179, 0.179,
  ])
})
