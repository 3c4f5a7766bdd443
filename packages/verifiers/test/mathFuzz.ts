/** Random, mutated and adversarial texts through every strict parser and comparator. The full size runs in `full/`. */
import { Mathematics } from "@lpo/verifiers"
import fc from "fast-check"
import { expect } from "vitest"
import { judge } from "../src/math/compare/Strict.ts"
import { corpus } from "./mathCorpus.ts"
import { anyText } from "./helpers/texts.ts"

const pieces =
  "0 1 7 48 1000 , . ; : + - * / ^ _ ( ) [ ] { } | & % ' ! < > = \\ \\\\ \\frac \\dfrac \\sqrt \\sqrt[ \\pi \\infty \\pm \\mp \\cup \\cap \\in \\le \\ne \\text{ \\mathrm{ \\boxed{ \\left \\right \\circ ^{ _{ \\{ \\} \\begin{pmatrix} \\end{pmatrix} \\sin \\log_ \\ln \\binom \\overline{ \\cdot \\times \\$ $ x y i e n AB cm degrees or and million e9 1e5 x= f(x) \n π − ½ ² 9^9 99999999 .5 ! \\% <think> </think>".split(
    / /,
  )
const golds = corpus.flatMap(({ different, gold, same }) => [gold].concat(same, different))

/** A text with a few characters dropped, doubled or replaced by pieces. */
const mutated = fc
  .tuple(
    fc.constantFrom(...golds),
    fc.array(fc.tuple(fc.nat(200), fc.nat(2), fc.constantFrom(...pieces)), { minLength: 1, maxLength: 4 }),
  )
  .map(([text, edits]) =>
    edits.reduce((t, [where, how, piece]) => {
      const at = where % (t.length + 1)
      if (how === 0) return t.slice(0, at) + t.slice(at + 1)
      return t.slice(0, at) + (how === 1 ? piece : t.slice(at - 1, at)) + t.slice(at)
    }, text),
  )

export const text = fc.oneof(
  { weight: 3, arbitrary: mutated },
  { weight: 3, arbitrary: fc.array(fc.constantFrom(...pieces), { maxLength: 25 }).map((p) => p.join("")) },
  { weight: 1, arbitrary: fc.array(fc.constantFrom(...pieces), { maxLength: 12 }).map((p) => p.join(" ")) },
  { weight: 1, arbitrary: anyText(40) },
  { weight: 1, arbitrary: fc.tuple(fc.constantFrom(...pieces), fc.nat(300)).map(([p, n]) => p.repeat(n)) },
)

/** Milliseconds of processor time: far above what the steps allow, far below a hang. */
const limit = 5000

/** Judges `runs` pairs of texts; the slowest time is the result, in milliseconds. */
export const fuzz = (runs: number): number => {
  let slowest = 0
  fc.assert(
    fc.property(fc.oneof(text, fc.constantFrom(...golds)), text, (gold, given) => {
      const start = process.cpuUsage()
      const { outcome } = judge([gold], given)
      const verdict = Mathematics.grade(gold, `<think>${given}</think> \\boxed{${given}}`)
      Mathematics.extract(given)
      expect(Number.isFinite(verdict.score)).toBe(true)
      expect(verdict.correct && verdict.status !== "ok").toBe(false)
      const [a, b] = [Mathematics.Expression.parse(gold), Mathematics.Expression.parse(given)]
      if (typeof a !== "string" && typeof b !== "string") {
        const there = Mathematics.Equality.equal(a, b, 50_000)
        const back = Mathematics.Equality.equal(b, a, 50_000)
        // Steps may run out in one direction only.
        if (there !== "unknown" && back !== "unknown") expect(there).toBe(back)
      }
      if (typeof b !== "string" && outcome !== "exhausted") {
        // Reflexive and stable under white space around.
        expect(judge([given], given).outcome).toBe("equal")
        expect(judge([gold], ` ${given}\n`).outcome).toBe(outcome)
      }
      const { user } = process.cpuUsage(start)
      const took = user / 1000
      slowest = Math.max(slowest, took)
      expect(took).toBeLessThan(limit)
    }),
    { numRuns: runs },
  )
  return slowest
}
