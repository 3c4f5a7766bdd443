/**
 * The reference graders of mathematics against the verdicts of the originals: every row of the tables in every mode, and 500
 * mutated answers and responses. All verdicts in the case files are output of the original code: verl 0.9.1, Math-Verify 0.8.0 and
 * mathruler on SymPy 1.14.
 */
import { Mathematics } from "@lpo/verifiers"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { times } from "./helpers/size.ts"
import { read } from "./mathCorpus.ts"
import { floods, judge, letters, mutated, survive, text } from "./mathGraders.ts"

interface Row {
  readonly gold: string
  readonly verdicts: Readonly<Record<(typeof letters)[number], number>>
}
const extraction = read<ReadonlyArray<Row & { readonly response: string }>>("math-extraction.json")
const verdicts = read<ReadonlyArray<Row & { readonly answer: string }>>("math-verdicts.json")
const polaris = read<
  ReadonlyArray<{
    readonly name: string
    readonly response: string
    readonly gold: string | ReadonlyArray<string>
    readonly score: number
  }>
>("polaris.json")

/** The answer as each grader finds it. */
const wrap = (name: string, answer: string): string =>
  name === "math_dapo" ? `Answer: ${answer}` : `\\boxed{${answer}}`

describe.each(letters)("%s", (name) => {
  it.each(extraction.map((row) => [row.response.slice(0, 60), row] as const))("finds the answer of %s", (_, row) => {
    expect(Number(judge(name, row.response, row.gold).correct)).toBe(row.verdicts[name])
  })

  it.each(verdicts.map((row) => [row.answer, row.gold, row] as const))("%s against %s", (answer, gold, row) => {
    expect(Number(judge(name, wrap(name, answer), gold).correct)).toBe(row.verdicts[name])
  })

  /** Left to itself, `25.0 \pi / 6` differs from `25 \pi / 6` in the last bit of a double; here it does not. */
  const known = (answer: string): boolean => /\.0+.*(?:\}\{|\/)/.test(answer)

  it("agrees with the original on mutated answers and responses", () => {
    const at = letters.indexOf(name)
    for (const [answer, gold, all] of mutated.answers)
      if (!known(answer))
        expect(String(Number(judge(name, wrap(name, answer), gold).correct)), `${answer} against ${gold}`).toBe(all[at])
    for (const [response, gold, all] of mutated.responses)
      expect(String(Number(judge(name, response, gold).correct)), `${response} against ${gold}`).toBe(all[at])
  })
})

describe("polaris", () => {
  it.each(polaris.map((row) => [row.name, row] as const))("%s", (_, row) => {
    expect(Mathematics.graders()["reference:polaris"].grade(row.gold, row.response)).toMatchObject({ score: row.score })
    expect(Number(Mathematics.Reference.Polaris.grade(row.response, row.gold).correct)).toBe(row.score)
  })

  it("asks for no thinking in evaluation, and takes numbers for golds", () => {
    expect(judge("polaris-evaluation", "\\boxed{204}", "204").correct).toBe(true)
    expect(judge("polaris-evaluation", "204", "204").correct).toBe(false)
    expect(Mathematics.Reference.Polaris.grade("</think>\\boxed{204}", 204).correct).toBe(true)
    expect(Mathematics.Reference.Polaris.grade("</think>\\boxed{0.02}", [0.01, 0.02]).correct).toBe(true)
    expect(Mathematics.Reference.Polaris.grade("</think>\\boxed{5}", "\\boxed{5").correct).toBe(false)
  })
})

it("scores -1 for a wrong answer where DAPO does, and says what was extracted", () => {
  expect(judge("math_dapo", "Answer: 41", "42")).toMatchObject({ score: -1, correct: false, extracted: "41" })
  expect(judge("math_dapo", "nothing", "42")).toMatchObject({ score: -1, format: false })
  expect(judge("math_dapo", "so \\boxed{42}", "42")).toMatchObject({ score: 1, extracted: "42" })
})

describe("extraction strategies", () => {
  const { strategies } = Mathematics.Extract
  it.each([
    ["lastBox", "\\boxed{1} \\boxed{ \\frac{1}{2} }", "\\frac{1}{2}"],
    ["lastBox", "\\boxed{1", null],
    ["rawBox", "\\boxed{ 1 }", " 1 "],
    ["hendrycksBox", "\\boxed 42$ and \\boxed{1}", "42"],
    ["hendrycksBox", "\\fbox{42}", null],
    ["anyBox", "\\fbox{42}", "42"],
    ["anyBox", "\\boxed}{42}", null],
    ["anyBox", "\\boxed}{{42}}", "{42"],
    ["answerLine", "Answer: 41\nanswer :  42 \nDone", "42 "],
    ["answerLine", "answer\n:\n42", "42"],
    ["answerLine", "the answer is 42", null],
    ["primeAnswer", "The answer is x = 42. Done", "42"],
    ["primeAnswer", "42 is the answer", "42"],
    ["hashes", "so\n#### 1,042", "1042"],
    ["hashes", `#### 42${" and".repeat(100)}`, null],
    ["lastNumber", "between 3 and 1,042.5 m", "1,042.5"],
    ["lastNumber", "none", null],
    ["lastMath", "first $x$ then \\(y\\) here", "y"],
    ["lastMath", "$$a$$ and \\[b\\] and $c$", "c"],
    ["lastMath", "costs $5", null],
  ] as const)("%s of %j is %j", (name, response, found) => {
    expect(strategies[name](response)).toBe(found)
  })

  it("compose: the first that finds something, on a part of the text", () => {
    const { afterThinking, firstOf, inLast, lastBox, lastNumber, within } = Mathematics.Extract
    const extract = within(afterThinking, firstOf(lastBox, lastNumber))
    expect(extract("<think>\\boxed{1}</think> so 42")).toBe("42")
    expect(extract("<think>\\boxed{1}</think> so \\boxed{2} of 42")).toBe("2")
    expect(extract("<think>\\boxed{1}")).toBeNull()
    expect(inLast(5, lastNumber)("42 and more")).toBeNull()
    expect(Mathematics.Extract.lastCharacters("\u{1d49e}ab", 2)).toBe("ab")
    expect(Mathematics.Extract.lastCharacters("a\u{1d49e}b", 2)).toBe("\u{1d49e}b")
  })
})

it("survives random, mutated and adversarial texts in every extractor and grader", () => {
  fc.assert(fc.property(text, text, survive), { numRuns: times(300, 800) })
})

// What Math-Verify 0.8.0 says of answer and gold: after a leading 0 a comma is a decimal one, a sign hides that 0, and what Python
// reads as no number is none.
it.each([
  ["0,123.5", "123.5", 0],
  ["0,123.5", "0.123", 0],
  ["0,123,456", "0.123456", 0],
  ["0,123,456", "123456", 0],
  ["0,123", "0.123", 1],
  ["0,123", "123", 0],
  ["00,123", "0.123", 1],
  ["00,123.5", "123.5", 0],
  ["012,345", "12.345", 1],
  ["012,345", "12345", 0],
  ["-0,123", "-123", 0],
  ["-0,123", "-0.123", 0],
  ["-0,123.5", "-123.5", 1],
  ["-00,123.5", "-123.5", 1],
  ["12,345.5", "12345.5", 1],
  ["-12,345.5", "-12345.5", 1],
  ["1,234,567", "1234567", 1],
] as const)("math-verify reads the commas of %s against %s", (answer, gold, verdict) => {
  expect(Number(judge("math-verify", `\\boxed{${answer}}`, gold).correct)).toBe(verdict)
})

it("refuses digits in a name that are not 0 to 9, as SymPy does", () => {
  for (const digits of ["٥", "١٢", "५", "５", "1٥", "²", "₂", "①"]) {
    survive(`\\boxed{\\pi${digits}}`, "1.2")
    survive(`\\boxed{x${digits}}`, `x${digits}+0.5`)
    for (const name of ["prm800k", "prime_math", "prime_math-0.3", "polaris"] as const) {
      expect(judge(name, `\\boxed{x${digits}}`, "5*x").correct).toBe(false)
      expect(judge(name, `\\boxed{x${digits}-1.5}`, "5*x-1.5").correct).toBe(false)
    }
  }
})

it("is bounded on long hostile texts", () => {
  for (const flood of floods(times(2000, 5000))) {
    survive(flood, "42")
    survive(`</think>Answer: \\boxed{${flood}}`, "42")
  }
})

it("gives up on powers that no one can compute", () => {
  for (const tower of ["9^{9^{9^9}}", "9^9^9^9", "(9^9)!!", "10^{10^{10}}", "\\binom{10^9}{5 \\cdot 10^8}"])
    for (const name of letters) expect(judge(name, wrap(name, tower), "9").correct).toBe(false)
})

it("finds what it is given: a gold equals itself, white space around an answer does not matter", () => {
  for (const [, gold] of mutated.answers) {
    // A gold with open braces is not what a box holds.
    if (Mathematics.Extract.rawBox(`\\boxed{${gold}}`) !== gold) continue
    for (const name of ["math_reward", "prm800k", "math-verify"] as const)
      expect(judge(name, wrap(name, gold), gold).correct, `${name}: ${gold}`).toBe(true)
    for (const name of ["prm800k", "prime_math", "math-verify"] as const)
      expect(judge(name, wrap(name, ` ${gold}\n`), gold).correct).toBe(judge(name, wrap(name, gold), gold).correct)
  }
})
