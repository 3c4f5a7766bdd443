/**
 * Strict mode of mathematics: every row of the reference tables, reviewed by hand; a corpus of golds with their rewritings and
 * near misses; pairs whose truth SymPy 1.14 proved or refuted; properties; texts made to break it.
 */
import { Mathematics } from "@lpo/verifiers"
import fc from "fast-check"
import { assert, describe, expect, it } from "vitest"
import { judge } from "../src/math/compare/Strict.ts"
import { times } from "./helpers/size.ts"
import { corpus, read, rewritings } from "./mathCorpus.ts"
import { fuzz } from "./mathFuzz.ts"

interface Row {
  readonly prediction: string
  readonly gold: string
  readonly strict: boolean
  readonly reason: string
}
const rows = read<ReadonlyArray<Row>>("math-strict.json")
const responses =
  read<ReadonlyArray<Omit<Row, "prediction"> & { readonly response: string }>>("math-strict-extraction.json")

it.each(rows.map((row) => [row.prediction, row.gold, row] as const))("%s against %s", (_, __, row) => {
  const verdict = Mathematics.grade(row.gold, `\\boxed{${row.prediction}}`)
  expect(verdict.status).toBe("ok")
  expect(verdict.correct, row.reason).toBe(row.strict)
  expect(verdict.score).toBe(row.strict ? 1 : 0)
})

it.each(responses.map((row) => [row.response.slice(0, 60), row.gold, row] as const))("%s for %s", (_, __, row) => {
  const verdict = Mathematics.grade(row.gold, row.response)
  expect(verdict.status).toBe("ok")
  expect(verdict.correct, row.reason).toBe(row.strict)
})

/** Every text that the corpus says equals a gold. */
const same = ({ class: kind, gold, same }: (typeof corpus)[number]): ReadonlyArray<string> => [
  ...new Set([gold, ...same, ...Object.values(rewritings).flatMap((rewrite) => rewrite(gold, kind) ?? [])]),
]

/** Every pair once for all tests. */
const verdicts = new Map<string, ReturnType<typeof judge>>()
const judged = (gold: string, given: string) => {
  const pair = JSON.stringify([gold, given])
  const verdict = verdicts.get(pair) ?? judge([gold], given)
  verdicts.set(pair, verdict)
  return verdict
}

describe("the corpus", () => {
  it("has 300 golds of all classes, ten rewritings of each, and 300 near misses", () => {
    expect(corpus.length).toBeGreaterThanOrEqual(300)
    for (const entry of corpus) expect(same(entry).length, entry.gold).toBeGreaterThan(10)
    expect(corpus.flatMap((entry) => entry.different).length).toBeGreaterThanOrEqual(300)
  })
  const classes = [...new Set(corpus.map((entry) => entry.class))]
  it.each(classes)("%s: every rewriting is right, in both directions, and every near miss is wrong", (kind) => {
    for (const entry of corpus.filter((e) => e.class === kind)) {
      for (const given of same(entry)) {
        expect(judged(entry.gold, given), `${given} for ${entry.gold}`).toMatchObject({ outcome: "equal" })
        expect(judge([given], entry.gold), `${entry.gold} for ${given}`).toMatchObject({ outcome: "equal" })
      }
      for (const given of entry.different)
        expect(judge([entry.gold], given).outcome, `${given} for ${entry.gold}`).not.toBe("equal")
    }
  })
  it("gives equal answers one key, but for the exceptions that the guide lists", () => {
    let kept = 0
    let all = 0
    for (const entry of corpus) {
      // Named equations and decimals that stand for other numbers keep their own.
      if (entry.class === "relation") continue
      const { key } = judged(entry.gold, entry.gold)
      for (const given of same(entry)) {
        all++
        if (judged(entry.gold, given).key === key) kept++
      }
    }
    expect(all - kept).toBeLessThanOrEqual(8)
  })
})

it("agrees with SymPy on random pairs", () => {
  const pairs = read<ReadonlyArray<readonly [string, string, boolean]>>("math-sympy.json")
  expect(pairs.length).toBeGreaterThanOrEqual(300)
  for (const [a, b, truth] of pairs) {
    const [x, y] = [Mathematics.Expression.parse(a), Mathematics.Expression.parse(b)]
    assert(typeof x !== "string" && typeof y !== "string", `${a} and ${b} can be read`)
    expect(Mathematics.Equality.equal(x, y), `${a} and ${b}`).toBe(truth ? "equal" : "different")
  }
})

it("any of several golds will do; one that cannot be read is an error unless another decides", () => {
  expect(Mathematics.grade(["4", "5"], "\\boxed{5}").correct).toBe(true)
  expect(Mathematics.grade(["\\sum_i i", "5"], "\\boxed{5}").correct).toBe(true)
  expect(Mathematics.grade(["\\sum_i i", "5"], "\\boxed{6}").status).toBe("error")
  expect(Mathematics.grade("\\sum_i i", "\\boxed{\\sum_{i} i}").correct).toBe(false)
  expect(Mathematics.grade("\\sum_i i", "\\boxed{\\sum_i i}").correct).toBe(true)
})

it("tells an answer that cannot be read from one that is wrong", () => {
  expect(Mathematics.grade("5", "\\boxed{6}").reason).toBe("is not 5")
  expect(Mathematics.grade("5", "\\boxed{4 8}").reason).toBe('unreadable: 4 8 cannot be read: "8" right after a number')
  expect(Mathematics.grade("5", "\\boxed{1/0}")).toMatchObject({ status: "ok", correct: false })
})

it.each([
  ["50", "50\\%"],
  ["120\\text{ cm}", "1.2\\text{ m}"],
  ["5 m", "5\\text{ m}"],
  ["2 m/s", "2\\text{ m/s}"],
  ["[1,2,3]", "(1,2,3)"],
  ["(1,000)", "1000"],
  ["2\\frac{5}{3}", "\\frac{11}{3}"],
  ["\\log x", "\\ln x"],
  ["x^2=4", "x=\\pm 2"],
  ["|x|<1", "(-1,1)"],
  ["a+b=5", "5"],
  ["\\pm 1 \\pm \\sqrt{2}", "1+\\sqrt{2},1-\\sqrt{2},-1+\\sqrt{2},-1-\\sqrt{2}"],
  ["f(t)=2t", "f(x)=2x"],
  ["\\sqrt{a^2b}", "a\\sqrt{b}"],
  ["\\arctan x+\\arctan\\frac1x", "\\frac{\\pi}{2}"],
  ["x^2<4", "-2<x<2"],
  ["x=1+4t,y=6t", "x=1+2t,y=3t"],
])("does not recognise %s as %s: the false negatives that the guide lists", (given, gold) => {
  expect(Mathematics.grade(gold, `\\boxed{${given}}`)).toMatchObject({ status: "ok", correct: false })
})

it("takes options: places of a decimal, and percent as a unit", () => {
  const judged = (gold: string, given: string, options: Mathematics.Options) =>
    Mathematics.grade(gold, `\\boxed{${given}}`, options).correct
  expect(judged("3\\pi", "9.42", { decimals: 2 })).toBe(true)
  expect(judged("3\\pi", "9.43", { decimals: 2 })).toBe(false)
  expect(judged("2\\pi", "6.28", { decimals: 2 })).toBe(true)
  expect(judged("\\frac{1}{3}", "0.333333333", { decimals: Number.POSITIVE_INFINITY })).toBe(false)
  expect(judged("50", "50\\%", { percent: "unit" })).toBe(true)
  expect(judged("0.5", "50\\%", { percent: "unit" })).toBe(false)
})

it("is reflexive, symmetric on the corpus, and stable under white space", () => {
  const texts = corpus.flatMap(({ different, gold, same }) => [gold].concat(same, different))
  fc.assert(
    fc.property(fc.constantFrom(...texts), fc.constantFrom(...texts), (a, b) => {
      expect(judge([a], a).outcome).toBe("equal")
      const outcome = judge([a], b).outcome === "equal"
      expect(judge([b], a).outcome === "equal").toBe(outcome)
      expect(judge([a], `\n ${b}  `).outcome === "equal").toBe(outcome)
    }),
    { numRuns: times(400, 1000) },
  )
})

it("judges random, mutated and adversarial texts: no exception, no hang, symmetric and reflexive", () => {
  fuzz(times(500, 1500))
})

it.each([
  "{",
  "(",
  "\\frac{",
  "\\sqrt",
  "-",
  "^",
  "9^{",
  "9!",
  "\\boxed{",
  "|",
  "\\left(",
  "1,",
  "x_",
  "\\text{",
  "\\{",
])("is bounded on 100 kB of %s", (piece) => {
  const long = piece.repeat(100_000 / piece.length)
  for (const text of [long, long.slice(0, 3900)]) {
    expect(Mathematics.grade("48", text).correct).toBe(false)
    expect(Mathematics.grade("48", `\\boxed{${text}}`).correct).toBe(false)
    expect(Mathematics.grade(text, "\\boxed{48}").correct).toBe(false)
  }
})
