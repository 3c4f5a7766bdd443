/** What the quick and the full fuzzing of the reference graders share: hostile texts, and everything that must survive them. */
import { Mathematics, Task } from "@lpo/verifiers"
import type { Verdict } from "@lpo/rollout"
import fc from "fast-check"
import { expect } from "vitest"
import { read } from "./mathCorpus.ts"
import { anyText } from "./helpers/texts.ts"

/** [given, gold, what the graders of `letters` say]. */
export type Mutated = readonly [string, string, string]
export const mutated = read<{ readonly answers: ReadonlyArray<Mutated>; readonly responses: ReadonlyArray<Mutated> }>(
  "math-mutated.json",
)

/** The graders in the order of the verdicts in the case files. */
export const letters = ["math_reward", "math_dapo", "prime_math", "prm800k", "math-verify", "prime_math-0.3"] as const

const graders = Mathematics.graders()
/** The reference graders' names. */
export const references = Task.modes(graders).flatMap((mode) =>
  mode === "strict"
    ? []
    : [mode.slice("reference:".length) as (typeof letters)[number] | "polaris" | "polaris-evaluation"],
)

/** The verdict of a reference grader. */
export const judge = (name: (typeof references)[number], response: string, gold: string): Verdict.Verdict =>
  graders[`reference:${name}`].grade(gold, response)

const pieces =
  "0 1 7 42 0.5 1,000 . , ; : + - * / ^ _ ( ) [ ] { } | ! = < > $ $$ % & \\ \\\\ \\frac \\frac{ \\dfrac12 \\sqrt \\sqrt[ \\pi \\infty \\text{ \\mathrm{ \\boxed{ \\boxed \\fbox{ \\left( \\right) \\left[ \\right] \\circ \\pm \\cup \\in \\le \\begin{pmatrix} \\end{pmatrix} \\{ \\} \\[ \\] \\( \\) \\sin \\log_ \\binom{ \\cdot \\times <think> </think> Answer: answer final#answer#is I#hope the#answer#is x y e i E f(x) cm degrees or and percent million Interval( 1e9 \n \u03c0 \u2212 \u0665 \ud835\udc9e \u0130 None #### {,} \\! \\, ~"
    .split(" ")
    .map((piece) => piece.replaceAll("#", " "))

/** Random, mutated and adversarial texts. */
export const text: fc.Arbitrary<string> = fc.oneof(
  fc.array(fc.constantFrom(...pieces), { maxLength: 30 }).map((p) => p.join("")),
  fc.array(fc.constantFrom(...pieces), { maxLength: 14 }).map((p) => `<think></think>\\boxed{${p.join(" ")}}`),
  fc.tuple(fc.constantFrom(...mutated.answers), fc.constantFrom(...pieces), fc.nat()).map(([[given], piece, at]) => {
    const cut = at % (given.length + 1)
    return `\\boxed{${given.slice(0, cut)}${piece}${given.slice(cut)}}`
  }),
  fc.tuple(fc.constantFrom(...mutated.responses), fc.nat(), fc.nat()).map(([[given], a, b]) => {
    const [from, to] = [a % (given.length + 1), b % (given.length + 1)].toSorted((x, y) => x - y)
    return given.slice(0, from) + given.slice(to)
  }),
  anyText(40),
)

/** Every extractor and every grader on one text, the gold being another: no exception, a finite score, an answer that is text. */
export const survive = (response: string, gold: string): void => {
  for (const extract of Object.values(Mathematics.Extract.strategies)) {
    const found = extract(response)
    expect(found === null || typeof found === "string").toBe(true)
  }
  expect(Mathematics.Reference.MathVerify.extract(response).text ?? "").toBeTypeOf("string")
  for (const name of references) {
    const { score, status } = judge(name, response, gold)
    expect(status).toBe("ok")
    expect(Math.abs(score) <= 1).toBe(true)
  }
}

/** Texts of about `size` characters of one piece each: what makes a backtracking search or a recursive reader blow up. */
export const floods = (size: number): ReadonlyArray<string> =>
  [
    ...pieces,
    "9^{",
    "9^",
    "{{",
    "}{",
    "\\frac1",
    "\\boxed{1}, ",
    "\\boxed ",
    "$1$ and ",
    "$ ",
    "\\[1",
    " [1",
    "answer: ",
    "final answer is ",
    "1 + ",
    "1 ",
    "1,",
    "x^2.0+",
    "sin ",
    "\\text{a",
    "$a",
    "(a,",
    "f(",
    "|x|",
    "be is are = ",
    "\\pi",
    "1!",
    "-",
  ].map((piece) => piece.repeat(Math.ceil(size / piece.length)))
