/**
 * Every row of the Countdown tables in every mode, and 600 mutated expressions whose scores are output of reference
 * code: TinyZero's and the lab's steps, transcribed to Python, and reasoning-gym 0.1.25 itself with SymPy 1.14, under CPython
 * 3.11. Left out: gamma functions, 0 over a symbol, and powers of millions of bits, where reasoning-gym is not matched.
 */
import { readFileSync } from "node:fs"
import { Countdown, Task, Verifier } from "@lpo/verifiers"
import { Effect } from "effect"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { judgeCountdown } from "./helpers/fuzz.ts"
import { times } from "./helpers/size.ts"

interface Row extends Countdown.Answer {
  readonly name?: string
  readonly response: string
  readonly scores: Readonly<Record<string, number>>
  readonly review?: string
}
const read = (file: string) =>
  JSON.parse(readFileSync(new URL(`../cases/${file}`, import.meta.url), "utf8")) as Array<Row>
const rows = read("countdown.json")
const mutated = read("countdown-mutated.json")
const graders = Countdown.graders()
const modes = Task.modes(graders)

describe.each(modes)("%s", (mode) => {
  const { grade } = graders[mode]
  const of = (row: Row) => row.scores[mode.replace("reference:", "")]
  it.each(rows.map((row) => [row.name, row] as const))("%s", (_, row) => {
    const verdict = grade(row, row.response)
    expect(verdict.score, verdict.reason).toBe(of(row))
    expect(verdict.correct).toBe(of(row) === 1)
  })
})

// The strict mode has a test of its own below: Python's graders are its bound, not its equals.
it.each(modes.slice(1))("%s: mutated expressions", (mode) => {
  const { grade } = graders[mode]
  for (const row of mutated)
    expect(grade(row, row.response).score, row.response).toBe(row.scores[mode.replace("reference:", "")])
})

it("reviews every row where strict differs from a grader", () => {
  for (const row of rows)
    if (new Set(Object.values(row.scores)).size > 1) expect(row.review?.length ?? 0, row.name).toBeGreaterThan(8)
})

it("strict accepts nothing that Python calls wrong, but for white space that Python does not know", () => {
  const plain = mutated.filter(({ response }) => /^[ -~]*$/.test(response))
  const right = plain.filter((row) => Countdown.grade(row, row.response).correct)
  expect(right.length).toBeGreaterThan(30)
  for (const row of right) expect(row.scores["lab"], row.response).toBe(1)
})

const answer = { nums: [19, 36, 55, 7], target: 65 }
const E = "55 + 36 - 7 - 19"

it("TinyZero looks at prompt and response together", () => {
  expect(Countdown.Reference.tinyzero(answer, `<answer>${E}</answer>`).score).toBe(0)
  expect(Countdown.Reference.tinyzero(answer, `User: Assistant: <answer>${E}</answer>`).score).toBe(1)
  expect(Countdown.Reference.tinyzero(answer, `<|im_start|>assistant\n<answer>${E}</answer>`).score).toBe(1)
  const { grade } = graders["reference:tinyzero"]
  expect(grade(answer, `<answer>${E}</answer>`, { prompt: "User: do it.\nAssistant: well," }).score).toBe(1)
})

it.each(["tinyzero", "lab", "reasoning-gym"] as const)(
  "%s would hang on a tower of powers: a timeout, not a zero",
  (name) => {
    const { grade } = graders[`reference:${name}`]
    expect(grade({ nums: [9, 9, 9], target: 1 }, "<answer>9**9**9</answer>").status).toBe("timeout")
  },
)

it("refuses a mode that there is not", async () => {
  const found = Task.grader(await Effect.runPromise(Countdown.task()), "reference:rllm")
  expect(found).toMatchObject({
    message: 'countdown: no reference grader "rllm"; there are tinyzero, lab, reasoning-gym',
  })
})

it("judges random texts in every mode: no exception, no hang, always a finite score", () =>
  judgeCountdown(times(800, 3000)))

it.each(modes)("%s is linear in long hostile texts", (mode) => {
  const { grade } = graders[mode]
  for (const piece of ["<answer>", "</answer>", "(", "-", "1+", "**", "9", " ", "<answer>(\n", "//"]) {
    const long = piece.repeat(times(2 ** 18, 2 ** 20) / piece.length)
    expect(grade(answer, long).correct).toBe(false)
    expect(grade(answer, `<answer>${long}</answer>`).correct).toBe(false)
  }
})

it("is stable under white space and under the order of the given numbers", () => {
  fc.assert(
    fc.property(
      fc.shuffledSubarray(answer.nums, { minLength: 4 }),
      fc.constantFrom(" ", "", "  ", "\t"),
      (nums, gap) => {
        const response = `<answer>${gap}${E.replaceAll(" ", gap)}${gap}</answer>`
        for (const mode of modes) expect(graders[mode].grade({ ...answer, nums }, response).score).toBe(1)
      },
    ),
  )
})

it("carries the mode in its name", async () => {
  const verify = Verifier.define(graders["reference:lab"])
  const verdict = await Effect.runPromise(
    verify.verify({ id: "p", task: "countdown", prompt: "", answer: { nums: [] } }, { text: "", finish: "stop" }),
  )
  expect(verdict.status).toBe("error")
  expect(verdict.reason).toContain("countdown, reference:lab: problem p: ground truth does not decode")
})
