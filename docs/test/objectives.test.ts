/** The guide to the objectives: its examples run, and its table and its settings are those of the registry. */
import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { Paper, Registry } from "@lpo/trainer"
import { expect, it } from "vitest"
import * as Example from "../examples/objectives.ts"

const guide = readFileSync(fileURLToPath(new URL("../guides/objectives.md", import.meta.url)), "utf8")

const near = (actual: ReadonlyArray<ArrayLike<number>>, expected: ReadonlyArray<ReadonlyArray<number>>) => {
  expect(actual.map((row) => row.length)).toEqual(expected.map((row) => row.length))
  for (const [k, row] of expected.entries()) for (const [t, w] of row.entries()) expect(actual[k][t]).toBeCloseTo(w, 7)
}

it("what the comments show is what the examples give", () => {
  near(Example.weights, [[0.19039854, 0.19039854], [-0.38079708]])
  near([Example.coefficients], [[-0.38079708, 0.38079708]])
  expect(Example.recorded).toBe('{"name":"grpo","clip":{"low":0.2,"high":0.28},"aggregation":"token-sum","kl":null}')
  expect(Example.refused).toBe("objective lpo: tua is not known; did you mean tau? Kno")
  expect(Example.before).toEqual({ divergence: "high" })
  expect(Example.first).toEqual({ divergence: "reverse-kl", tau: 1 })
  expect(Example.after).toEqual({ divergence: "low" })
  expect(Example.later).toEqual({ divergence: "forward-kl", tau: 0.75 })
  near(Example.pulled, [[0, 0.0125], [0]])
  near(Example.lone, [[0.23105858, 0.23105858]])
})

it("the table is the registry's", () => {
  const rows = Registry.table().map(
    ({ defaults, name, summary, weight }) =>
      `| \`${name}\` | ${summary} | \`${weight}\` | \`${JSON.stringify(defaults)}\` |`,
  )
  expect(guide.split("\n").filter((line) => /^\| `.*\{.*\} *` \|$/.test(line))).toEqual(rows)
})

it("every JSON block is a configuration that decodes", () => {
  const blocks = [...guide.matchAll(/```json\n([\s\S]*?)```/g)].map(([, text]) => text)
  expect(blocks.length).toBeGreaterThan(5)
  for (const block of blocks) expect(() => Registry.make(Registry.settings(JSON.parse(block)))).not.toThrow()
})

it("every name of the paper's settings is told", () => {
  for (const name of Object.keys(Paper.objectives)) expect(guide).toContain(`\`${name}\``)
})
