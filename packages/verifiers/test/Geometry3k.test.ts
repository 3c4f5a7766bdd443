/**
 * Every row of the Geometry3k table in every mode, and 695 answers whose verdicts are output of mathruler (June 2025, SymPy
 * 1.14). Five more of the 700 drawn are left out: LaTeX that mathruler's converter repairs in ways of its own.
 */
import { readFileSync } from "node:fs"
import { Geometry3k, Mathematics, Task, Verifier } from "@lpo/verifiers"
import { assert, it } from "@effect/vitest"
import { Effect, Result } from "effect"
import fc from "fast-check"
import { describe, expect } from "vitest"
import { judgeGeometry3k } from "./helpers/fuzz.ts"
import { jpeg, png } from "./helpers/images.ts"
import { times } from "./helpers/size.ts"

const { Numeric, Prm800k } = Mathematics.Reference

interface Row {
  readonly name: string
  readonly answer: string
  readonly response: string
  readonly acc: number
  readonly format: number
  readonly scores: Readonly<Record<string, number>>
  readonly review: string
}
const read = (file: string): unknown => JSON.parse(readFileSync(new URL(`../cases/${file}`, import.meta.url), "utf8"))
const rows = read("geometry3k.json") as Array<Row>
const mutated = read("geometry3k-mutated.json") as Array<readonly [string, string, boolean]>
const graders = Geometry3k.graders()
const modes = Task.modes(graders)
const equal = (given: string, gold: string): boolean =>
  Geometry3k.grade(gold, `<think></think>\\boxed{${given}}`).correct

describe.each(modes)("%s", (mode) => {
  const { grade } = graders[mode]
  it.each(rows.map((row) => [row.name, row] as const))("%s", (_, row) => {
    const verdict = grade(row.answer, row.response)
    const score = row.scores[mode.replace("reference:", "")]
    expect(verdict.score, verdict.reason).toBeCloseTo(score, 12)
    if (mode === "strict") expect(verdict.correct).toBe(score === 1)
    else expect([verdict.correct, verdict.format]).toEqual([row.acc === 1, row.format === 1])
  })
})

it("reviews every row where strict differs from the graders' accuracy", () => {
  for (const row of rows) if (row.acc !== row.scores["strict"]) expect(row.review, row.name).not.toBe("all agree")
})

it("takes degrees, units, names, roots and decimals for what they say", () => {
  const pairs = read("geometry3k-further.json") as Array<{ gold: string; answer: string; right: boolean }>
  for (const { answer, gold, right } of pairs) {
    const { correct, reason, status } = graders.strict.grade(gold, `<think>t</think> \\boxed{${answer}}`)
    expect([status, correct], `${answer} for ${gold}: ${reason}`).toEqual(["ok", right])
  }
})

it("agrees with mathruler on mutated answers", () => {
  for (const [given, gold, right] of mutated) expect(Prm800k.equal(given, gold), `${given} against ${gold}`).toBe(right)
})

const golds = [
  "48",
  "12.5",
  "2 \\sqrt { 221 }",
  "\\frac { 16 } { 3 }",
  "4 \\pi",
  "\\frac { 5 \\sqrt { 3 } } { 2 }",
  "7 \\sqrt { 13 }",
  "\\frac { 25 \\pi } { 6 }",
  "1,200",
  "0.8",
]
const rewritings: ReadonlyArray<(gold: string) => string> = [
  (g) => g,
  (g) => g.replaceAll(" ", ""),
  (g) => ` ${g} `,
  (g) => `$${g}$`,
  (g) => `x = ${g}`,
  (g) => `AC=${g}`,
  // A degree sign is a unit of a number; behind a pi it would be one of the pi alone.
  (g) => (g.includes("pi") ? g : `${g}^\\circ`),
  (g) => `${g} \\text{ cm}`,
  (g) => `${g}\\ \\mathrm{cm}`,
  (g) => `${g} units`,
  (g) => g.replaceAll("\\frac", "\\dfrac"),
  (g) => g.replace(/^\\frac \{ (.*) \} \{ (.*) \}$/, "($1)/$2"),
]

it("strict accepts every rewriting of a gold, and no gold for another", () => {
  for (const gold of golds) {
    for (const rewrite of rewritings) expect(equal(rewrite(gold), gold), rewrite(gold)).toBe(true)
    for (const other of golds)
      if (other !== gold) for (const rewrite of rewritings) expect(equal(rewrite(other), gold)).toBe(false)
  }
})

it.each([
  ["\\frac{1}{2x+2}", "\\frac{1}{2}x+2"],
  ["29.73", "2\\sqrt{221}"],
  ["12.57", "4\\pi"],
  ["5.333", "\\frac{16}{3}"],
  ["50\\%", "50"],
  ["4 8", "48"],
  ["-48", "48"],
  ["48, 47", "48"],
  ["2\\sqrt{3}", "\\sqrt{2}3"],
  ["\\sqrt{2x}", "\\sqrt{2}x"],
  ["", "48"],
])("strict refuses %s for %s", (given, gold) => {
  expect(equal(given, gold)).toBe(false)
})

it.each([
  ["12.566370614359172", "4\\pi"],
  ["5.333333333333333", "\\frac{16}{3}"],
])("strict takes %s for %s, as strict mathematics does from six places on", (given, gold) => {
  expect(equal(given, gold)).toBe(true)
  expect(Mathematics.grade(gold, `\\boxed{${given}}`).correct).toBe(true)
})

it("judges random texts in every mode against random golds: no exception, a finite score", () =>
  judgeGeometry3k(times(800, 3000)))

it("comparison is reflexive on golds, symmetric for values, and stable under white space", () => {
  fc.assert(
    fc.property(fc.constantFrom(...mutated), ([given, gold]) => {
      expect(equal(gold, gold)).toBe(true)
      expect(Prm800k.equal(gold, gold)).toBe(true)
      expect(Numeric.equal(given, gold)).toBe(Numeric.equal(gold, given))
      expect(equal(`  ${given} `, gold)).toBe(equal(given, gold))
    }),
    { numRuns: times(500, 2000) },
  )
})

it.each(modes)("%s is bounded on long hostile texts", (mode) => {
  const { grade } = graders[mode]
  for (const piece of [
    "\\boxed{",
    "{",
    "}",
    "<think>",
    "</think>",
    "\\frac{",
    "\\sqrt",
    "(",
    "-",
    "^",
    "9",
    " ",
    "1,",
    "cm ",
  ]) {
    const long = piece.repeat(times(2 ** 18, 2 ** 20) / piece.length)
    expect(grade("48", long).correct).toBe(false)
    expect(grade("48", `<think></think>\\boxed{${long}}`).correct).toBe(false)
  }
})

const fromRow = (row: unknown) => Geometry3k.fromRow().geometry3k(row, "g1")
const refusal = (row: unknown) => Result.getOrThrow(Result.flip(fromRow(row))).reason

it("makes a prompt of text and image parts in the order of the placeholders", () => {
  const row = { images: [png, { bytes: jpeg }], problem: "<image>Find x. <image>", answer: "48" }
  const problem = Result.getOrThrow(fromRow(row))
  assert.deepStrictEqual(problem.prompt, [
    {
      role: "user",
      content: [
        { type: "image", format: "png", data: png },
        { type: "text", text: "Find x." },
        { type: "image", format: "jpeg", data: jpeg },
        { type: "text", text: Geometry3k.instruction },
      ],
    },
  ])
  expect(refusal({ ...row, images: [png] })).toBe("it has 2 <image> placeholders and 1 image; give one for each")
  expect(refusal({ ...row, images: [png, Uint8Array.of(1, 2)] })).toBe("image 1 is neither PNG nor JPEG")
})

it("takes images as base64 from JSON, and text problems without any", () => {
  const image = Buffer.from(png).toString("base64")
  assert.isTrue(Result.isSuccess(fromRow({ images: [image], problem: "<image> x?", answer: "48" })))
  assert.isTrue(Result.isSuccess(fromRow({ images: [], problem: "x + 1 = 49", answer: "48" })))
})

it.effect("any of several golds will do, and a ground truth of another kind is an error", () =>
  Effect.gen(function* () {
    const verifier = Verifier.define(graders.strict)
    const judge = (answer: unknown) =>
      verifier.verify({ id: "g", task: "geometry3k", prompt: "", answer }, { text: "\\boxed{48}", finish: "stop" })
    assert.isTrue((yield* judge(["47", "48"])).correct)
    assert.isTrue((yield* judge(48)).correct)
    assert.strictEqual((yield* judge({ answer: 48 })).status, "error")
  }),
)
