/** What all tasks share: the same exports, graders by mode, one reading of the thinking, problems that prove themselves fit. */
import {
  Code,
  Countdown,
  EmbeddedSandbox,
  Geometry3k,
  Mathematics,
  Sandbox,
  Task,
  Tasks,
  Verifier,
} from "@lpo/verifiers"
import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { describe, expect } from "vitest"

const modules = { countdown: Countdown, math: Mathematics, code: Code, geometry3k: Geometry3k }

describe.each(Object.entries(modules))("%s", (name, module) => {
  it("exports what every task does", () => {
    expect(module).toMatchObject({
      name,
      ask: expect.any(Function),
      fromRow: expect.any(Function),
      graders: expect.any(Function),
      validate: expect.any(Function),
      task: expect.any(Function),
      layer: expect.any(Function),
    })
    expect(module.Answer).toBeDefined()
    expect(Object.keys(module.fromRow())).toContain("verl")
  })
})

it.effect("the registry holds every task under its name, with its modes and graders named after both", () =>
  Effect.gen(function* () {
    const tasks = yield* Tasks.standard
    assert.deepStrictEqual([...tasks.keys()], Object.keys(modules))
    for (const task of tasks.values())
      for (const mode of Task.modes(task.graders)) {
        const grader = Tasks.grader(tasks, task.name, mode)
        assert.strictEqual(grader.name, mode === "strict" ? task.name : `${task.name}, ${mode}`)
      }
    assert.deepStrictEqual(Tasks.modes(tasks).slice(0, 2), ["strict", "reference:tinyzero"])
    expect(Tasks.grader(tasks, "code", "reference:lab")).toMatchObject({
      message: 'code: no reference grader "lab"; there are prime_code',
    })
  }).pipe(Effect.scoped),
)

/** A right answer of each task that needs no sandbox. */
const right = [
  ["countdown", { nums: [2, 4], target: 8 }, "<answer>2 * 4</answer>"],
  ["math", "8", "\\boxed{8}"],
  ["geometry3k", "8", "\\boxed{8}"],
] as const

it.effect.each(right)("%s takes no answer out of the thinking", ([name, answer, text]) =>
  Effect.gen(function* () {
    const verifier = Tasks.verifier(yield* Tasks.standard)
    const judge = (response: string) =>
      verifier.verify({ id: "p", task: name, prompt: "", answer }, { text: response, finish: "stop" })
    for (const response of [text, `<think>so</think>${text}`, `so</think>${text}`, `<think>${text}</think>${text}`])
      assert.isTrue((yield* judge(response)).correct, response)
    for (const response of [`<think>${text}`, `<think>${text}</think>`, `<think>${text}</think> I said so`]) {
      const verdict = yield* judge(response)
      assert.deepStrictEqual([verdict.status, verdict.correct, verdict.score], ["ok", false, 0], response)
    }
  }).pipe(Effect.scoped),
)

it.effect("code takes no program out of the thinking", () =>
  Effect.sync(() => {
    const program = "```python\nprint(1)\n```"
    expect(Code.Program.strict(`<think>${program}</think>`, "python")).toBe(null)
    expect(Code.Program.strict(`<think>\n${program}`, "python")).toBe(null)
    expect(Code.Program.strict(`<think>no</think>\n${program}`, "python")).toBe("print(1)")
  }),
)

it("the whole text of a Countdown response leaves the thinking out too", () => {
  const grade = (text: string) => Countdown.grade({ nums: [2, 4], target: 8 }, text, { extract: "whole" }).correct
  expect([grade("2 * 4"), grade("<think>4 2</think> 2 * 4"), grade("<think> 2 * 4")]).toEqual([true, true, false])
})

const problem = (task: string, answer: unknown) => ({ id: "p", task, prompt: "", answer })

it.effect.each([
  ["countdown", { nums: [2, 4], target: 8 }, null],
  ["countdown", { nums: [2, 4], target: 9 }, "no solution makes 9 of 2, 4"],
  ["countdown", { nums: [1, 2, 3, 4, 5, 6, 7], target: 8 }, "it has 7 numbers; solutions are searched up to 6"],
  ["countdown", { nums: [] }, /^ground truth does not decode/],
  ["math", "\\frac{1}{2}", null],
  ["math", ["0.01", "0.02"], null],
  ["math", "\\sum_{k} k", /^a wrong answer cannot be judged: math: the accepted answer \\sum_\{k\} k cannot be read/],
  ["math", "9753} \\boxed{2", /^its own ground truth is refused/],
  ["math", 4, null],
  ["math", { answer: 4 }, /^ground truth does not decode/],
  ["geometry3k", "2 \\sqrt { 221 }", null],
  ["geometry3k", "\\sum_{k} k", /^a wrong answer cannot be judged/],
  ["code", { inputs: ["1"], outputs: ["1"] }, null],
  ["code", '{"inputs": [], "outputs": []}', "the ground truth has no tests: nothing can be right or wrong"],
] as const)("%s %j is fit or says why not", ([name, answer, expected]) =>
  Effect.gen(function* () {
    const task = (yield* Tasks.standard).get(name)
    const refusal = yield* task?.validate(problem(name, answer)) ?? Effect.die("no task")
    if (expected instanceof RegExp) expect(refusal).toMatch(expected)
    else expect(refusal).toBe(expected)
  }).pipe(Effect.scoped),
)

it("asks as a chat, as a text to continue, or in Countdown's own words", () => {
  const asked = { nums: [3, 4, 5], target: 23 }
  expect(Countdown.ask(asked, { style: "words" })).toBe("3 4 5 -> 23 :")
  const text = Countdown.ask(asked, { style: "text", operators: ["+", "-", "*"] })
  expect(text).toBe(
    "Question: Make 23 from the numbers 3, 4, 5, each used exactly once, with + - * and parentheses. " +
      "Think first, then give the expression as <answer>expression</answer>.\nAnswer:",
  )
  expect(Mathematics.ask("How many? ")).toEqual([{ role: "user", content: `How many?\n\n${Mathematics.instruction}` }])
  for (const word of "3 4 5 -> 23 : + - * / ( )".split(" "))
    expect(Countdown.words({ max: 5, maxTarget: 23 })).toContain(word)
})

const space: Countdown.Space = {
  size: 3,
  max: 6,
  minTarget: 1,
  maxTarget: 30,
  operators: ["+", "-", "*"],
  heldOutShare: 0.3,
}

it.effect.each([space, "countdown-34"] as const)(
  "generates fit problems of %j, the same for a seed, apart by side",
  (from) =>
    Effect.gen(function* () {
      const task = yield* Countdown.task({ from, style: "words" })
      const generate = (side: "train" | "held-out", count: number) => task.generate?.({ side, seed: "s", count }) ?? []
      const train = generate("train", 40)
      assert.deepStrictEqual(train, generate("train", 40))
      assert.deepStrictEqual(train.slice(0, 10), generate("train", 10))
      assert.notDeepEqual(train, task.generate?.({ side: "train", seed: "t", count: 40 }))
      assert.strictEqual(new Set(train.map(({ id }) => id)).size, 40)
      const numbers = (ids: ReadonlyArray<{ readonly id: string }>) => ids.map(({ id }) => id.split("-to-")[0])
      const held = generate("held-out", 40)
      for (const set of numbers(held)) assert.notInclude(numbers(train), set)
      for (const one of [...train, ...held]) {
        assert.strictEqual(yield* task.validate(one), null)
        const answer = one.answer as Countdown.Answer
        const asked = /^([\d ]+) -> (\d+) :$/.exec(one.prompt as string)
        assert.deepStrictEqual(
          asked?.[1]
            .split(" ")
            .map(Number)
            .sort((a, b) => a - b),
          answer.nums,
        )
        assert.strictEqual(asked?.[2], String(answer.target))
      }
    }),
)

it("a recipe has no end: it must be told how many", () => {
  expect(() => Countdown.generate({ side: "train", seed: "s" })).toThrow("count is missing")
  const all = Countdown.generate({ side: "train", seed: "s" }, { from: space })
  expect(all).toHaveLength(Countdown.enumerate({ ...space, side: "train" }).length)
})

it.effect("every task provides a verifier as a layer", () =>
  Effect.gen(function* () {
    const judge = (task: string, answer: unknown, text: string) =>
      Verifier.Verifier.use(({ verify }) => verify(problem(task, answer), { text, finish: "stop" }))
    const [[, nums, expression], [, eight, box]] = right
    assert.isTrue((yield* Effect.provide(judge("countdown", nums, expression), Countdown.layer())).correct)
    assert.isTrue((yield* Effect.provide(judge("math", eight, box), Mathematics.layer())).correct)
    assert.isTrue((yield* Effect.provide(judge("geometry3k", eight, box), Geometry3k.layer())).correct)
    const sandbox: Sandbox.SandboxService = { ...(yield* EmbeddedSandbox.make()), run: () => Effect.succeed([]) }
    const code = Effect.provide(judge("code", "?", ""), Code.layer())
    const { reason } = yield* Effect.provideService(code, Sandbox.Sandbox, sandbox)
    assert.include(reason, "the ground truth is not JSON")
  }).pipe(Effect.scoped),
)
