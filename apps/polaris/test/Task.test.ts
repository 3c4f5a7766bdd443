import { Effect } from "effect"
import type { Problem } from "@lpo/rollout"
import { Countdown } from "@lpo/verifiers"
import { expect, it } from "vitest"
import * as Tiny from "./tiny.ts"

const multiset = (prompt: string): string =>
  prompt
    .split(" -> ")[0]
    .split(" ")
    .map(Number)
    .sort((a, b) => a - b)
    .join(",")

const text = ({ prompt }: Problem.Problem): string => (typeof prompt === "string" ? prompt : "")

const { domain } = await Tiny.open()
const { demonstrations, tokenizer } = domain.tiny!
const heldOut = await Tiny.problems("held-out", "words")
const training = await Tiny.problems("train", "words")
const heldOutSets = new Set(heldOut.map((p) => multiset(text(p))))

it("holds out at least 500 problems, and none of their multisets of numbers is trained on", () => {
  expect(heldOut.length).toBeGreaterThanOrEqual(500)
  expect(new Set(heldOut.map((p) => p.id)).size).toBe(heldOut.length)
  for (const problem of training) expect(heldOutSets.has(multiset(text(problem)))).toBe(false)
})

it("demonstrates no held-out multiset, and is right about as often as the preset says", () => {
  const make = demonstrations()
  for (const share of [0.4, 1]) {
    const pairs = make(3000, share, `test/${share}`)
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
  for (const problem of heldOut.slice(0, 500)) {
    const tokens = Effect.runSync(tokenizer.encode(text(problem)))
    expect(tokens.length).toBe(6)
    expect(tokenizer.decode(tokens)).toBe(problem.prompt)
  }
})

it("names a wrong parameter of a preset", async () => {
  const { message } = await Effect.runPromise(Effect.flip(Tiny.make({ ...Tiny.parameters, size: "three" })))
  expect(message).toMatch(/the parameters of the task countdown: .*size/s)
})
