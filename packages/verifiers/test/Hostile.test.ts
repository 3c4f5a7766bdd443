/** Answers that are too large to compute: wrong at once, and nothing that masks them. */
import { readFileSync } from "node:fs"
import { Mathematics } from "@lpo/verifiers"
import { assert, it } from "@effect/vitest"

const nested = (n: number, text: (inner: string) => string, start: string): string =>
  Array.from({ length: n }).reduce<string>((inner) => text(inner), start)

/** Answers to a readable gold: each is wrong, whatever it would take to compute it. */
const huge: ReadonlyArray<readonly [string, string]> = [
  ["a factorial", "1000000!"],
  ["a factorial of a factorial", "(9!)!"],
  ["many factorials", nested(8, (inner) => `(${inner})!`, "3")],
  ["a tower", "9^{9^{9}}"],
  ["a tall tower", nested(40, (inner) => `9^{${inner}}`, "9")],
  ["a root of a tower", "\\sqrt{9^{9^{9^{9}}}}"],
  ["a power of a sum", "(x+y+z+w)^{100000}"],
  ["a binomial", "\\binom{10^{9}}{10^{8}}"],
  ["digits", "7".repeat(100_000)],
  ["a decimal", `0.${"3".repeat(100_000)}`],
  ["brackets", nested(2000, (inner) => `(${inner})`, "7")],
  ["fractions", nested(500, (inner) => `\\frac{1}{1+${inner}}`, "7")],
  ["a sum without an end", nested(3000, (inner) => `${inner}+x`, "7")],
  ["a product of sums", nested(60, (inner) => `(${inner})(x+y)`, "(x+y)")],
  ["a negative tower", "-9^{9^{9^{9}}}"],
  ["a fraction of towers", "\\frac{9^{9^{9}}}{9^{9^{9}}-1}"],
]

it.each(huge)("%s for 42 is wrong and judged", (_, text) => {
  const { correct, status } = Mathematics.grade("42", `\\boxed{${text}}`)
  assert.deepStrictEqual([status, correct], ["ok", false])
})

it("the published list has ten attacks and more for each way to hurt", () => {
  const attacks = JSON.parse(readFileSync(new URL("../cases/attacks.json", import.meta.url), "utf8")) as ReadonlyArray<{
    readonly tries: string
    readonly language: string
    readonly outcome: object
  }>
  for (const tries of [
    "an outage to be masked for",
    "more memory than its limit",
    "to freeze the process that judges",
    "memory that the tests after it would lack",
  ])
    for (const language of ["python", "javascript"])
      assert.isAtLeast(attacks.filter((a) => a.tries === tries && a.language === language).length, 10, tries)
  for (const { outcome } of attacks) assert.hasAllKeys(outcome, ["embedded", "native"])
})
