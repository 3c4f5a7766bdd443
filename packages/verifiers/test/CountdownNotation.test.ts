/**
 * What strict Countdown reads: signs of print, LaTeX, wrappers and equations mean what they say, and nothing wrong passes by
 * being written in them.
 */
import { readFileSync } from "node:fs"
import { Countdown } from "@lpo/verifiers"
import fc from "fast-check"
import { describe, expect, it } from "vitest"

const grade = (nums: ReadonlyArray<number | string>, target: number | string, expression: string) =>
  Countdown.grade({ nums, target }, `<answer>${expression}</answer>`)

const four = [19, 36, 55, 7]

interface Row {
  readonly nums: ReadonlyArray<number | string>
  readonly target: number | string
  readonly response: string
  readonly score: number
}

it("scores every row of the further table", () => {
  const rows = JSON.parse(
    readFileSync(new URL("../cases/countdown-further.json", import.meta.url), "utf8"),
  ) as ReadonlyArray<Row>
  for (const { nums, response, score, target } of rows)
    expect(Countdown.grade({ nums, target }, response), response).toMatchObject({ status: "ok", score })
})

describe("right", () => {
  it.each([
    // Signs of print.
    ["2 \u00d7 3 \u00d7 4", [2, 3, 4], 24],
    ["2\u00b73\u00b74", [2, 3, 4], 24],
    ["2\u22c53\u22c54", [2, 3, 4], 24],
    ["2 \u2217 3 \u2219 4", [2, 3, 4], 24],
    ["12 \u00f7 3", [12, 3], 4],
    ["12 \u2215 3", [12, 3], 4],
    ["12\u20443", [12, 3], 4],
    ["55 + 36 \u2212 7 \u2212 19", four, 65],
    ["55 + 36 \u2013 7 \u2013 19", four, 65],
    ["\uff0855 \uff0b 36\uff09 \uff0d 7 \uff0d 19", four, 65],
    // LaTeX.
    ["2 \\times 3 \\times 4", [2, 3, 4], 24],
    ["2\\times3\\cdot4", [2, 3, 4], 24],
    ["2 \\ast 3", [2, 3], 6],
    ["12 \\div 3", [12, 3], 4],
    ["\\frac{12}{3}", [12, 3], 4],
    ["\\dfrac{12 + 8}{5} \\cdot 2", [12, 8, 5, 2], 8],
    ["\\frac{\\frac{12}{3}}{2}", [12, 3, 2], 2],
    ["-\\frac{12}{3} + 6", [12, 3, 6], 2],
    ["\\left(2 + 3\\right) \\times 4", [2, 3, 4], 20],
    ["\\left( 2+3 \\right)\\,\\cdot\\;4", [2, 3, 4], 20],
    ["{(2 + 3)} \\times {4}", [2, 3, 4], 20],
    ["2\\ +\\ 3 \\quad + 4", [2, 3, 4], 9],
    ["\\displaystyle 2 + 3", [2, 3], 5],
    // What stands around it.
    ["$2 \\times 3$", [2, 3], 6],
    ["$$2 \\times 3$$", [2, 3], 6],
    ["\\(2 \\times 3\\)", [2, 3], 6],
    ["\\[ 2 \\times 3 \\]", [2, 3], 6],
    ["\\boxed{2*3*4}", [2, 3, 4], 24],
    ["$\\boxed{\\frac{12}{3}}$", [12, 3], 4],
    ["\\fbox{2 + 3}", [2, 3], 5],
    ["`2 + 3`", [2, 3], 5],
    ["```\n2 + 3\n```", [2, 3], 5],
    ["```text\n2 + 3\n```", [2, 3], 5],
    ["\n  2 + 3\n", [2, 3], 5],
    // An equation, as the prompt words it.
    ["55 + 36 - 7 - 19 = 65", four, 65],
    ["65 = 55 + 36 - 7 - 19", four, 65],
    ["$55 + 36 - 7 - 19$ = 65", four, 65],
    ["$55 + 36 - 7 - 19 = 65$", four, 65],
    ["$55 + 36 - 7 - 19$ = $65$", four, 65],
    ["\\boxed{55 + 36 - 7 - 19} = 65", four, 65],
    ["\\boxed{55 + 36 - 7 - 19 = 65}", four, 65],
    ["2 \u00d7 3 = 6", [2, 3], 6],
    ["6/4 = 1.5", [6, 4], 1.5],
    ["6/4 = 3/2", [6, 4], 1.5],
    ["3 - 5 = -2", [3, 5], -2],
    ["2 + 3 = 5.0", [2, 3], 5],
    ["3 = 3", [3], 3],
    // Signs.
    ["+2+3", [2, 3], 5],
    ["2--3", [2, 3], 5],
    ["-2+3", [2, 3], 1],
    ["2 * -3", [2, 3], -6],
    // Numbers of any size, targets that are not whole.
    ["100000000000000000000+1", ["100000000000000000000", 1], "100000000000000000001"],
    ["9007199254740993 - 1", ["9007199254740993", 1], 9007199254740992n.toString()],
    ["6/4", [6, 4], 1.5],
    ["1/3", [1, 3], "1/3"],
    ["1/3 + 5", [1, 3, 5], "16/3"],
    ["3/8", [3, 8], 0.375],
    ["1/8", [1, 8], "0.125"],
    ["3-5", [3, 5], "-2"],
  ] as const)("%s", (expression, nums, target) => {
    const verdict = grade(nums, target, expression)
    expect(verdict.reason).toMatch(/^equals /)
    expect(verdict).toMatchObject({ status: "ok", correct: true, score: 1 })
  })
})

describe("wrong", () => {
  it.each([
    ["55 + 36 - 7 - 19 = 66", four, 65],
    ["55 + 36 + 7 - 19 = 65", four, 65],
    ["55 + 36 + 7 - 19 = 79", four, 65],
    ["65", four, 65],
    ["65 = 65", four, 65],
    ["55 + 36 - 7 - 19 = 91 - 26 = 65", four, 65],
    ["55 + 36 = 91, 91 - 7 - 19 = 65", four, 65],
    ["2*3=6, 6*4=24", [2, 3, 4], 24],
    ["2*3*4 = 24 = 24", [2, 3, 4], 24],
    ["2*3*4 \\approx 24", [2, 3, 4], 24],
    ["2*3 = 4*6/4", [2, 3], 6],
    ["2 x 3 x 4", [2, 3, 4], 24],
    ["2 3 4", [2, 3, 4], 24],
    ["(2)(3)(4)", [2, 3, 4], 24],
    ["2{3}4", [2, 3, 4], 24],
    ["2\\frac{12}{3}", [2, 12, 3], 8],
    ["2(3)", [2, 3], 6],
    ["23+4", [2, 3, 4], 27],
    ["1 2*3", [12, 3], 36],
    ["2**3", [2, 3], 8],
    ["2^3", [2, 3], 8],
    ["2^{3}", [2, 3], 8],
    ["7//2", [7, 2], 3],
    ["7\u00f7\u00f72", [7, 2], 3],
    ["2\u00d7*3", [2, 3], 6],
    ["\\frac123", [1, 23], "1/23"],
    ["\\frac{12}3", [12, 3], 4],
    ["\\frac(12)(3)", [12, 3], 4],
    ["\\frac{12}{3-3}", [12, 3, 3], 0],
    ["0/(2-2)", [2, 2, 0], 0],
    ["\\binom{4}{2}", [4, 2], 6],
    ["\\sqrt{9}", [9], 3],
    ["4!", [4], 24],
    ["50%", [50], 0.5],
    ["2,3", [2, 3], 23],
    ["1,000", [1, 0], 1],
    ["(2+3", [2, 3], 5],
    ["2+3)", [2, 3], 5],
    ["(2+3}", [2, 3], 5],
    ["\\left(2+3", [2, 3], 5],
    ["$2+3", [2, 3], 5],
    ["$2$+$3$", [2, 3], 5],
    ["\\boxed{2}+\\boxed{3}", [2, 3], 5],
    ["the answer is \\boxed{2+3}", [2, 3], 5],
    ["2+3 or 3+2", [2, 3], 5],
    ["2+3; 2*3", [2, 3], 5],
    ["\\text{2+3}", [2, 3], 5],
    ["`2+3` `2*3`", [2, 3], 5],
    ["2+3#", [2, 3], 5],
    ["2+3.0", [2, 3], 5],
    ["02+3", [2, 3], 5],
    ["2\\timesx3", [2, 3], 6],
    ["\u0662+3", [2, 3], 5],
    ["\u00bd", [1, 2], 0.5],
    ["", [2, 3], 5],
    ["=", [2, 3], 5],
    ["= 5", [2, 3], 5],
    ["2+3 =", [2, 3], 5],
    ["7/3", [7, 3], 2],
    ["1/3", [1, 3], 0.333333],
    ["100000000000000000000+1", ["100000000000000000000", 1], "100000000000000000000"],
    ["9007199254740993 - 0", ["9007199254740992", 0], "9007199254740992"],
  ] as const)("%s", (expression, nums, target) => {
    expect(grade(nums, target, expression)).toMatchObject({ status: "ok", correct: false })
  })
})

it.each([
  [[1e20, 1], 1e20],
  [[2, 3], 1e300],
  [["2.5", 3], 5],
  [["two", 3], 5],
  [[2, 3], "five"],
  [[2, 3], "1/0"],
] as const)("says that a problem with %j and %j cannot be judged", (nums, target) => {
  expect(grade(nums, target, "2+3")).toMatchObject({ status: "error" })
})

/** An expression as a tree, with its value worked out apart from the code under test. */
type Tree = number | { readonly op: "+" | "-" | "*" | "/"; readonly left: Tree; readonly right: Tree }

const tree: fc.Arbitrary<Tree> = fc.letrec<{ tree: Tree; leaf: number; node: Tree }>((tie) => ({
  leaf: fc.integer({ min: 0, max: 30 }),
  node: fc.record({
    op: fc.constantFrom("+", "-", "*", "/"),
    left: tie("tree"),
    right: tie("tree"),
  }) as fc.Arbitrary<Tree>,
  tree: fc.oneof({ maxDepth: 4 }, tie("leaf"), tie("node")),
})).tree

type Fraction = readonly [bigint, bigint]

const value = (t: Tree): Fraction | null => {
  if (typeof t === "number") return [BigInt(t), 1n]
  const [x, y] = [value(t.left), value(t.right)]
  if (x === null || y === null) return null
  const [[a, b], [c, d]] = [x, y]
  if (t.op === "+") return [a * d + c * b, b * d]
  if (t.op === "-") return [a * d - c * b, b * d]
  if (t.op === "*") return [a * c, b * d]
  return c === 0n ? null : [a * d, b * c]
}

const numbers = (t: Tree): ReadonlyArray<number> =>
  typeof t === "number" ? [t] : [...numbers(t.left), ...numbers(t.right)]

const styles: ReadonlyArray<(t: Tree) => string> = [
  function plain(t): string {
    return typeof t === "number" ? String(t) : `(${plain(t.left)} ${t.op} ${plain(t.right)})`
  },
  function print(t): string {
    const signs = { "+": "+", "-": "\u2212", "*": "\u00d7", "/": "\u00f7" }
    return typeof t === "number" ? String(t) : `(${print(t.left)}${signs[t.op]}${print(t.right)})`
  },
  function latex(t): string {
    if (typeof t === "number") return String(t)
    if (t.op === "/") return `\\frac{${latex(t.left)}}{${latex(t.right)}}`
    return `\\left(${latex(t.left)} ${t.op === "*" ? "\\cdot" : t.op} ${latex(t.right)}\\right)`
  },
]

const written = fc.tuple(
  tree,
  fc.constantFrom(...styles),
  fc.constantFrom(
    (s: string) => s,
    (s: string) => `$${s}$`,
    (s: string) => `\\boxed{${s}}`,
    (s: string) => `\`${s}\``,
  ),
)

it("reads every expression in every notation as what it is worth, and as nothing else", () => {
  fc.assert(
    fc.property(written, fc.integer({ min: 1, max: 5 }), ([t, style, wrap], off) => {
      const nums = numbers(t)
      const text = wrap(style(t))
      const worth = value(t)
      if (worth === null) {
        expect(grade(nums, 1, text)).toMatchObject({ correct: false, score: 0 })
        return
      }
      const [num, den] = worth[1] < 0n ? [-worth[0], -worth[1]] : worth
      const target = `${num}/${den}`
      expect(grade(nums, target, text), text).toMatchObject({ correct: true })
      expect(grade(nums, target, `${text} = ${target}`), text).toMatchObject({ correct: true })
      const wrong = `${num + BigInt(off)}/${den}`
      expect(grade(nums, wrong, text), text).toMatchObject({ correct: false, score: 0.1 })
      expect(grade(nums, wrong, `${text} = ${wrong}`), text).toMatchObject({ correct: false, score: 0 })
      expect(grade([...nums, 1], target, text), text).toMatchObject({ correct: false, score: 0 })
    }),
    { numRuns: 1500 },
  )
})

it("accepts no text that has other numbers than the given ones, whatever is put between them", () => {
  const pieces = "2 3 4 + - * / ( ) { } = \\times \\frac \\left( \\right) $ ` \\boxed{ . , ^ ** \u00d7 24".split(" ")
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...pieces), { maxLength: 14 }), (parts) => {
      const text = parts.join(" ")
      const verdict = grade([2, 3, 4], 24, text)
      if (!verdict.correct) return
      const used = (verdict.extracted ?? "").match(/[0-9]+/g)?.map(Number) ?? []
      // The result may be written once, at either end.
      expect(used.toSorted((a, b) => a - b)).toEqual(text.includes("=") ? [2, 3, 4, 24] : [2, 3, 4])
    }),
    { numRuns: 20_000 },
  )
})
