import { Effect } from "effect"
import type { Problem } from "@lpo/rollout"
import { Countdown } from "@lpo/verifiers"
import { expect, it } from "vitest"
import { makeDemonstrations, makeTokenizer, problems } from "../src/CountdownTask.ts"
import { countdownTiny } from "../src/Preset.ts"

const multiset = (prompt: string): string =>
  prompt
    .split(" -> ")[0]
    .split(" ")
    .map(Number)
    .sort((a, b) => a - b)
    .join(",")

const text = ({ prompt }: Problem.Problem): string => (typeof prompt === "string" ? prompt : "")

const heldOut = problems(countdownTiny, "held-out")
const heldOutSets = new Set(heldOut.map((p) => multiset(text(p))))

it("holds out at least 500 problems, and none of their multisets of numbers is trained on", () => {
  expect(heldOut.length).toBeGreaterThanOrEqual(500)
  expect(new Set(heldOut.map((p) => p.id)).size).toBe(heldOut.length)
  for (const problem of problems(countdownTiny, "train")) expect(heldOutSets.has(multiset(text(problem)))).toBe(false)
})

it("demonstrates no held-out multiset, and is right about as often as the preset says", () => {
  const tokenizer = makeTokenizer(countdownTiny)
  const demonstrations = makeDemonstrations(countdownTiny)
  for (const share of [0.4, 1]) {
    const pairs = demonstrations(3000, share, `test/${share}`)
    let right = 0
    for (const { completion, prompt } of pairs) {
      const asked = tokenizer.decode(prompt)
      expect(heldOutSets.has(multiset(asked))).toBe(false)
      const [left, rest] = asked.split(" -> ")
      const answer = { nums: left.split(" ").map(Number), target: Number(rest.split(" ")[0]) }
      const verdict = Countdown.grade(answer, tokenizer.decode(completion), { extract: "whole" })
      expect(verdict.format).toBe(true)
      if (verdict.correct) right++
    }
    // A random expression is right now and then, so the share is a floor; 3,000 draws have a standard error under 0.01.
    expect(right / pairs.length).toBeGreaterThan(share - 0.04)
    expect(right / pairs.length).toBeLessThan(share + 0.08)
  }
})

it("writes every prompt and solution in the model's words", () => {
  const tokenizer = makeTokenizer(countdownTiny)
  for (const problem of heldOut) {
    const tokens = Effect.runSync(tokenizer.encode(text(problem)))
    expect(tokens.length).toBe(6)
    expect(tokenizer.decode(tokens)).toBe(problem.prompt)
  }
})
