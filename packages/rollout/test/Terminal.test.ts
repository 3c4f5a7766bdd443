import { Terminal } from "@lpo/rollout"
import fc from "fast-check"
import { expect, it } from "vitest"

const help = [
  "FLAGS",
  "  --tau string    Temperature of the target, for objectives that have one. Default std",
  "  --out           Folder",
].join("\n")

it("breaks a long line between its words, and goes on under the last column", () => {
  expect(Terminal.wrapped(help, 44).split("\n")).toEqual([
    "FLAGS",
    "  --tau string    Temperature of the target,",
    "                  for objectives that have",
    "                  one. Default std",
    "  --out           Folder",
  ])
})

it("gives a first column that takes more than half a short indent", () => {
  expect(Terminal.wrapped("  --a-long-option-name integer    What it is for", 40).split("\n")).toEqual([
    "  --a-long-option-name integer    What",
    "      it is for",
  ])
})

it("leaves a text alone where nobody says how wide it may be", () => {
  expect(Terminal.wrapped(help, undefined)).toBe(help)
})

it("counts no colours", () => {
  const line = "  \u001b[32m--k\u001b[0m    How many responses"
  expect(Terminal.wrapped(line, 20).split("\n")).toEqual(["  \u001b[32m--k\u001b[0m    How many", "         responses"])
})

it("keeps every word, and no line longer than it must be", () => {
  const word = fc.stringMatching(/^[a-z]{1,9}$/)
  const rows = fc.array(fc.tuple(word, fc.array(word, { minLength: 1, maxLength: 20 })), { minLength: 1, maxLength: 5 })
  fc.assert(
    fc.property(rows, fc.integer({ min: 40, max: 90 }), (all, columns) => {
      const text = all.map(([name, words]) => `  --${name.padEnd(12)}${words.join(" ")}`).join("\n")
      const out = Terminal.wrapped(text, columns)
      expect(out.split(/\s+/)).toEqual(text.split(/\s+/))
      for (const line of out.split("\n")) expect(line.length).toBeLessThanOrEqual(columns)
    }),
  )
})

it("counts one thing as one", () => {
  expect([0, 1, 2].map((n) => Terminal.counted(n, "row"))).toEqual(["0 rows", "1 row", "2 rows"])
})
