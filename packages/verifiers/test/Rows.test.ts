/** Rows as the published data sets have them, one made by hand for every trap. */
import { Code, Countdown, Geometry3k, Mathematics, Task } from "@lpo/verifiers"
import { Result } from "effect"
import { describe, expect, it } from "vitest"
import { png } from "./helpers/images.ts"

/** What a reader makes of a row: the ground truth, or the refusal. */
const answerOf = (read: Task.FromRow, row: unknown): unknown => {
  const problem = read(row, "set/0")
  return Result.isSuccess(problem) ? problem.success.answer : `refused: ${problem.failure.reason}`
}
const problemOf = (read: Task.FromRow, row: unknown) => Result.getOrThrow(read(row, "set/0"))

const verl = (truth: unknown, extra: object = {}) => ({
  data_source: "lab/set",
  prompt: [{ role: "user", content: "What is it?" }],
  ability: "math",
  reward_model: { style: "rule", ground_truth: truth },
  extra_info: { split: "train", index: 7n },
  ...extra,
})

describe("countdown", () => {
  const { "countdown-tasks": tasks, verl: fromVerl } = Countdown.fromRow()
  it.each([
    ["nums and target", { target: 98, nums: [44, 19, 35] }, { nums: [44, 19, 35], target: 98 }],
    ["int64 as bigint", { target: 98n, nums: [44n, 19n, 35n] }, { nums: [44, 19, 35], target: 98 }],
    [
      "int64 as a typed array",
      { target: 98n, nums: BigInt64Array.of(44n, 19n, 35n) },
      { nums: [44, 19, 35], target: 98 },
    ],
    ["the mirror's name for the numbers", { target: 98, numbers: [44, 19, 35] }, { nums: [44, 19, 35], target: 98 }],
    ["no numbers", { target: 98 }, 'refused: "nums" or "numbers" is undefined; it must be a list of integers'],
    ["a target that is not whole", { target: 9.5, nums: [1] }, { target: 9.5, nums: [1] }],
    ["a number that is not whole", { target: 9, nums: [1.5] }, /^refused: number 0 is 1.5; it must be an integer/],
    [
      "an integer beyond what a number holds",
      { target: 2n ** 60n, nums: [1] },
      { target: "1152921504606846976", nums: [1] },
    ],
    ["a number that lost its last digits", { target: 1e20, nums: [1] }, /^refused: target is 100000000000000000000; /],
    ["a row that is none", [1, 2], "refused: it is [1,2]; give a record of columns"],
  ])("%s", (_, row, expected) => {
    const found = answerOf(tasks, row)
    if (expected instanceof RegExp) expect(found).toMatch(expected)
    else expect(found).toEqual(expected)
  })

  it.each([
    ["a struct", { target: 98n, numbers: [44n, 19n] }, { nums: [44, 19], target: 98 }],
    ["JSON text", '{"target": 98, "numbers": [44, 19]}', { nums: [44, 19], target: 98 }],
    [
      "JSON text with an integer beyond what a number holds",
      '{"target": 100000000000000000001, "numbers": [44, 19]}',
      { nums: [44, 19], target: "100000000000000000001" },
    ],
    ["a number", "98", "refused: ground_truth is 98; it must be { target, numbers }"],
    ["no JSON", "44, 19", 'refused: ground_truth is "44, 19", which is not JSON'],
    ["nothing", null, 'refused: reward_model is {"style":"rule","ground_truth":null}; it must hold a ground_truth'],
  ])("verl, the ground truth is %s", (_, truth, expected) => {
    expect(answerOf(fromVerl, verl(truth))).toEqual(expected)
  })

  it("keeps verl's prompt and what names the row, as JSON can say it", () => {
    const problem = problemOf(fromVerl, verl({ target: 98, numbers: [44, 19] }))
    expect(problem).toEqual({
      id: "set/0",
      task: "countdown",
      prompt: [{ role: "user", content: "What is it?" }],
      answer: { nums: [44, 19], target: 98 },
      meta: { data_source: "lab/set", ability: "math", split: "train", index: 7 },
    })
    expect(JSON.parse(JSON.stringify(problem))).toEqual(problem)
  })

  it("names task, format and row in its error", () => {
    const error = Result.getOrThrow(Result.flip(tasks({ target: 1, nums: [] }, "set/41")))
    expect(error).toBeInstanceOf(Task.RowError)
    expect(error.message).toBe(
      'countdown, countdown-tasks, row set/41: "nums" or "numbers" is []; it must be a list of integers',
    )
  })
})

describe("math", () => {
  const readers = Mathematics.fromRow()
  const problem = "How many?"

  it.each([
    ["the box of the solution", { problem, solution: "So \\boxed{4}.", level: "Level ?", type: "Algebra" }, "4"],
    ["the last of several boxes", { problem, solution: "\\boxed{3}, no: $\\boxed{\\frac{1}{2}}$." }, "\\frac{1}{2}"],
    ["a box in braces of its own", { problem, solution: "$\\boxed {\\text{a {b}}}$" }, "\\text{a {b}}"],
    ["a box without braces", { problem, solution: "so $\\boxed 42$ it is" }, "42"],
    ["a framed box", { problem, solution: "\\fbox{7}" }, "7"],
    ["no box", { problem, solution: "Four." }, /^refused: the solution has no \\boxed/],
    ["a box that stays open", { problem, solution: "\\boxed{4" }, /^refused: the last \\boxed\{ of the solution/],
    ["an empty box", { problem, solution: "\\boxed{}" }, /^refused: the answer is ""/],
    ["no solution", { problem, answer: "4" }, 'refused: no column "solution" or "Solution"; it has problem, answer'],
  ])("solution: %s", (_, row, expected) => {
    const found = answerOf(readers.solution, row)
    if (expected instanceof RegExp) expect(found).toMatch(expected)
    else expect(found).toBe(expected)
  })

  it.each([
    ["a text", { problem, answer: "\\frac{14}{3}", level: 5n }, "\\frac{14}{3}"],
    ["another name for the problem", { question: problem, answer: "27" }, "27"],
    ["capitalised columns", { ID: "2024-I-1", Problem: problem, Solution: "...", Answer: 204n }, "204"],
    ["an integer in a float column", { problem, answer: 142.0 }, "142"],
    ["a zero-padded integer", { problem, answer: "025" }, "25"],
    ["zero", { problem, answer: "000" }, "0"],
    ["a decimal", { problem, answer: "0.50" }, "0.50"],
    ["a degree", { problem, answer: "336^\\circ" }, "336^\\circ"],
    ["white space around", { problem, answer: " 9.6\n" }, "9.6"],
    ["a list of one", { problem, answer: ["9.6\n"] }, "9.6"],
    ["a list that says it twice", { problem, answer: ["7.5 \\times 10^7", "7.5 \\times 10^7\n"] }, "7.5 \\times 10^7"],
    ["a list", { problem, answer: ["0.01\n", "0.02"] }, ["0.01", "0.02"]],
    ["an empty list", { problem, answer: [] }, "refused: the answer is an empty list; give one answer at least"],
    ["null", { problem, answer: null }, "refused: there is no answer: its column is missing or null"],
    ["an empty text", { problem, answer: "" }, 'refused: the answer is ""; it must be a text or a number'],
    [
      "an empty text in a list",
      { problem, answer: ["1", " "] },
      'refused: the answer is " "; it must be a text or a number',
    ],
    ["no problem", { problem: "  ", answer: "1" }, /^refused: "problem" or .* is " {2}"; it must be a text$/],
    [
      "an image",
      { problem: "<image> How many?", answer: "1" },
      "refused: the problem has images; task geometry3k reads those",
    ],
  ])("answer: %s", (_, row, expected) => {
    const found = answerOf(readers.answer, row)
    if (expected instanceof RegExp) expect(found).toMatch(expected)
    else expect(found).toEqual(expected)
  })

  it("polaris keeps the difficulty", () => {
    const { answer, meta } = problemOf(readers.polaris, { problem, answer: "8", difficulty: "3/8" })
    expect([answer, meta]).toEqual(["8", { difficulty: "3/8" }])
  })

  const olympiad = { id: 1n, context: null, question: "Find r.", final_answer: ["4.2"], unit: null, error: null }
  it.each([
    ["one answer", olympiad, "4.2"],
    ["dollars in the gold", { ...olympiad, final_answer: ["$2^{1009}$"] }, "$2^{1009}$"],
    ["several answers in one", { ...olympiad, final_answer: ["$69$,$84$"], is_multiple_answer: true }, "$69$,$84$"],
    ["a unit of percent, written or not", { ...olympiad, unit: "%", error: "1e-1" }, ["4.2", "4.2\\%"]],
    ["another unit", { ...olympiad, final_answer: ["45"], unit: "minute" }, "45"],
  ])("olympiadbench: %s", (_, row, expected) => {
    expect(answerOf(readers.olympiadbench, row)).toEqual(expected)
  })

  it("olympiadbench puts the context before the question, and keeps unit and tolerance", () => {
    const row = { ...olympiad, context: "Let r > 0.", unit: "%", error: "1e-1" }
    const { meta, prompt } = problemOf(Mathematics.fromRow({ style: "text" }).olympiadbench, row)
    expect(prompt).toMatch(/^Question: Let r > 0\.\n\nFind r\.\n\n/)
    expect(meta).toEqual({ id: 1, unit: "%", error: "1e-1" })
  })

  it.each([
    ["a text that is also JSON", verl("42"), "42"],
    ["an interval that is also JSON", verl("[1,2]"), "[1,2]"],
    ["reward_model as JSON text", verl(0, { reward_model: '{"ground_truth": "042"}' }), "42"],
    ["a row of another ability", verl("{}", { ability: "code" }), /^refused: ability is "code"; this task reads math/],
    ["a row of Countdown", verl({ target: 1, numbers: [1] }), /^refused: the answer is \{"target":1,"numbers":\[1\]\}/],
    ["a row with images", verl("4", { images: [{ bytes: Uint8Array.of(1) }] }), /^refused: the row has images/],
    ["no prompt", verl("4", { prompt: [] }), "refused: prompt is []; it must be a list of { role, content }"],
    [
      "an unknown role",
      verl("4", { prompt: [{ role: "tool", content: "" }] }),
      /^refused: prompt\[0\] has role "tool"/,
    ],
    ["no reward_model", verl("4", { reward_model: null }), /^refused: reward_model is null/],
  ])("verl: %s", (_, row, expected) => {
    const found = answerOf(readers.verl, row)
    if (expected instanceof RegExp) expect(found).toMatch(expected)
    else expect(found).toBe(expected)
  })
})

describe("code", () => {
  const { apps, verl: fromVerl } = Code.fromRow()
  const truth = JSON.stringify({ inputs: ["1\n"], outputs: ["2\n"] })
  it.each([
    ["the ground truth is a JSON text, and stays one", verl(truth, { ability: "code" }), truth],
    ["a row of mathematics", verl("4"), /^refused: ability is "math"; this task reads code/],
    ["no tests", verl('{"inputs": [], "outputs": []}', { ability: "code" }), /has no tests/],
    ["one output too few", verl('{"inputs": ["1"], "outputs": []}', { ability: "code" }), /1 inputs and 0 outputs/],
    ["no JSON", verl("print(2)", { ability: "code" }), /^refused: the ground truth is not JSON/],
  ])("verl: %s", (_, row, expected) => {
    const found = answerOf(fromVerl, row)
    if (expected instanceof RegExp) expect(found).toMatch(expected)
    else expect(found).toBe(expected)
  })

  it("asks for the function that the tests call", () => {
    const called = JSON.stringify({ inputs: ["[1]"], outputs: ["1"], fn_name: "first" })
    const prompt = (input_output: string) =>
      JSON.stringify(problemOf(apps, { question: "Do it.", input_output }).prompt)
    expect(prompt(called)).toContain("Write the function first.")
    expect(prompt(truth)).toContain("reads from standard input")
  })
})

describe("geometry3k", () => {
  const { geometry3k, verl: fromVerl } = Geometry3k.fromRow()
  const row = { images: [{ bytes: png, path: null }], problem: "<image>Find x.", answer: "2 \\sqrt { 221 }" }
  it.each([
    ["the old columns", row, row.answer],
    ["the new columns", { ...row, id: 3n, choices: ["1", "2"], ground_truth: "B" }, row.answer],
    ["bytes as a list", { ...row, images: [{ bytes: [...png] }] }, row.answer],
    ["bytes as base64", { ...row, images: [Buffer.from(png).toString("base64")] }, row.answer],
    [
      "bytes that became a text",
      { ...row, images: [{ bytes: "\u0089PNG\r\n" }] },
      /not base64; read the column as bytes/,
    ],
    [
      "a path in a struct",
      { ...row, images: [{ bytes: null, path: "1.png" }] },
      /no bytes, only the path "1.png"; read them/,
    ],
    ["a path under another name", { ...row, images: [{ image: "/data/1.png" }] }, /only the path "\/data\/1.png"/],
    ["a path alone", { ...row, images: ["images/1.jpg"] }, /image 0 is the path "images\/1.jpg"; give its bytes/],
    [
      "another kind of image",
      { ...row, images: [Uint8Array.of(71, 73, 70)] },
      "refused: image 0 is neither PNG nor JPEG",
    ],
    ["an image too many", { ...row, images: [png, png] }, /^refused: it has 1 <image> placeholder and 2 images/],
    ["no images", { ...row, images: null }, /^refused: it has 1 <image> placeholder and 0 images/],
    ["no answer", { ...row, answer: null }, /^refused: no column "answer"/],
  ])("%s", (_, given, expected) => {
    const found = answerOf(geometry3k, given)
    if (expected instanceof RegExp) expect(found).toMatch(expected)
    else expect(found).toBe(expected)
  })

  it("verl: puts the images where the placeholders of its message stand", () => {
    const given = verl("48", { images: row.images, prompt: [{ role: "user", content: "<image>Find x." }] })
    const { answer, prompt } = problemOf(fromVerl, given)
    expect(answer).toBe("48")
    expect(prompt).toEqual([
      {
        role: "user",
        content: [
          { type: "image", format: "png", data: png },
          { type: "text", text: "Find x." },
        ],
      },
    ])
    expect(answerOf(fromVerl, { ...given, images: null })).toMatch(/1 <image> placeholder and 0 images/)
  })
})
