import { Countdown, Verifier } from "@lpo/verifiers"
import { Effect } from "effect"
import fc from "fast-check"
import { expect, it } from "vitest"

const answer = { nums: [19, 36, 55, 7], target: 65 }
const E = "55 + 36 - 7 - 19"

it.each([
  [`<answer>${E}</answer>`, 1],
  ["<answer>(55 + 36) - (7 + 19)</answer>", 1],
  ["<answer>-7 + 55 + 36 - 19</answer>", 1],
  ["<answer>1 + 1</answer> then <answer>\n55+36-7-19\n</answer>", 1],
  ["<answer>55 + 36 + 7 - 19</answer>", 0.1],
  [`<answer>${E} = 65</answer>`, 1],
  ["<answer>55 + 36 - 7</answer>", 0],
  [`<answer>${E} + 0</answer>`, 0],
  ["<answer>65</answer>", 0],
  [E, 0],
  [`<answer>${E}`, 0],
  [`<ANSWER>${E}</ANSWER>`, 0],
  ["<answer>9**9**9</answer>", 0],
  ["<answer>55 // 36 - 7 - 19</answer>", 0],
  ["<answer>036 + 55 - 7 - 19</answer>", 0],
  ["<answer>55 / (36 - 36) + 7 * 19</answer>", 0],
  [`<answer>${"(".repeat(100_000)}</answer>`, 0],
])("scores %s", (text, score) => {
  const verdict = Countdown.grade(answer, text)
  expect(verdict.score).toBe(score)
  expect(verdict.correct).toBe(score === 1)
})

it("is exact: a third times three is one", () => {
  expect(Countdown.grade({ nums: [1, 3, 3], target: 1 }, "1 / 3 * 3", { extract: "whole" }).correct).toBe(true)
})

it("reports an undecodable ground truth as an error, not as a zero", async () => {
  const verify = Verifier.Verifier.use((v) =>
    v.verify({ id: "p", task: "countdown", prompt: "x", answer: { nums: "no" } }, { text: E, finish: "stop" }),
  )
  const verdict = await Effect.runPromise(Effect.provide(verify, Countdown.layer()))
  expect(verdict.status).toBe("error")
  expect(verdict.reason).toContain("p")
})

it("never throws, whatever the text", () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...Array.from("0123456789+-*/() .x\n")) }), (text) => {
      Countdown.Expression.parse(text)
      expect(Countdown.grade(answer, text, { extract: "whole" }).status).toBe("ok")
    }),
    { numRuns: 5000 },
  )
})

it("enumerates expressions: all distinct, each worth its value, and every reachable value of + - * among them", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 2, maxLength: 4 }), (nums) => {
      const all = Countdown.Expressions.byValue(nums, ["+", "-", "*"])
      const texts = [...all.values()].flat()
      expect(new Set(texts).size).toBe(texts.length)
      for (const [value, list] of all)
        for (const text of list)
          expect(Countdown.grade({ nums, target: value }, text, { extract: "whole" }).correct, text).toBe(true)
    }),
    { numRuns: 50 },
  )
  // 3 distinct numbers: 6 orders times 9 flat forms and 6 orders times 2 * 2 forms with parentheses.
  expect([...Countdown.Expressions.byValue([2, 5, 11], ["+", "-", "*"]).values()].flat()).toHaveLength(6 * 9 + 6 * 4)
})

it("enumerates every problem of a side once, and no multiset on both", () => {
  const ranges = {
    size: 3,
    max: 12,
    minTarget: 1,
    maxTarget: 100,
    operators: ["+", "-", "*"] as const,
    heldOutShare: 0.2,
  }
  const train = Countdown.enumerate({ ...ranges, side: "train" })
  const heldOut = Countdown.enumerate({ ...ranges, side: "held-out" })
  const multisets = (answers: ReadonlyArray<Countdown.Answer>) => new Set(answers.map((a) => a.nums.join(",")))
  expect(multisets(train).size + multisets(heldOut).size).toBe(364)
  for (const key of multisets(heldOut)) expect(multisets(train).has(key)).toBe(false)
  expect(heldOut.length).toBeGreaterThan(500)
})
