/** Random, mutated and adversarial texts through every grader of Countdown and Geometry3k. */
import { Countdown, Geometry3k } from "@lpo/verifiers"
import fc from "fast-check"
import { expect } from "vitest"
import { anyText } from "./texts.ts"

const countdownPieces =
  "0 1 9 55 36 7 19 65 + - * / ( ) ** // . , ! # % ^ \n \t \r sqrt pi x = <answer> </answer> Assistant: 9**9**9 \u2212 \u0664 \u00a0 \u2028 {".split(
    / /,
  )
const countdownText = fc.oneof(
  fc.array(fc.constantFrom(...countdownPieces), { maxLength: 40 }).map((parts) => parts.join("")),
  fc
    .array(fc.constantFrom(...countdownPieces), { maxLength: 20 })
    .map((parts) => `<answer>${parts.join(" ")}</answer>`),
  anyText(60),
)

const geometryPieces =
  "0 1 48 16 3 . , ; + - * / ^ _ ( ) [ ] { } \\ \\frac \\dfrac \\sqrt \\sqrt[ \\pi \\text{ \\boxed{ \\left \\right \\circ ^{ <think> </think> = % $ $ x AC cm degrees or and million e9 \n \u03c0 \u2212 None".split(
    / /,
  )
const geometryText = fc.oneof(
  fc.array(fc.constantFrom(...geometryPieces), { maxLength: 30 }).map((p) => p.join("")),
  fc.array(fc.constantFrom(...geometryPieces), { maxLength: 12 }).map((p) => `<think></think>\\boxed{${p.join(" ")}}`),
  anyText(40),
)

/** Judges `runs` texts in every mode: no exception, no hang, always a finite score. */
export const judgeCountdown = (runs: number): void => {
  const answer = { nums: [19, 36, 55, 7], target: 65 }
  const graders = Object.values(Countdown.graders())
  fc.assert(
    fc.property(countdownText, (response) => {
      for (const { grade } of graders) {
        const verdict = grade(answer, response)
        expect(["ok", "timeout"]).toContain(verdict.status)
        expect(Number.isFinite(verdict.score)).toBe(true)
        expect(verdict.correct).toBe(verdict.score === 1)
      }
    }),
    { numRuns: runs },
  )
}

/** Judges `runs` texts in every mode against as many random golds; strict mode may call such a gold unreadable, but no response. */
export const judgeGeometry3k = (runs: number): void => {
  const { strict, ...references } = Geometry3k.graders()
  fc.assert(
    fc.property(geometryText, geometryText, (gold, response) => {
      for (const { grade } of Object.values(references)) {
        const { score, status } = grade(gold, response)
        expect(status).toBe("ok")
        expect(score >= 0 && score <= 1).toBe(true)
      }
      const { correct, score, status } = strict.grade(gold, response)
      expect(score).toBe(correct ? 1 : 0)
      expect(correct && status !== "ok").toBe(false)
      expect(["ok", "timeout"]).toContain(strict.grade("48", response).status)
    }),
    { numRuns: runs },
  )
}
