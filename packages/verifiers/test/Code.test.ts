/** Every row of the table of `prime_code`, in every mode, and what strict mode adds, in the embedded sandbox. */
import { readFileSync } from "node:fs"
import { Code, EmbeddedSandbox, Sandbox, Verifier } from "@lpo/verifiers"
import { assert, it, layer } from "@effect/vitest"
import { Effect, Result } from "effect"
import fc from "fast-check"
import { describe, expect } from "vitest"
import { times } from "./helpers/size.ts"

interface Row {
  readonly name: string
  readonly answer: string
  readonly response: string
  /** Null: no verdict, status `error`. */
  readonly scores: Readonly<Record<"prime_code" | "strict", number | null>>
  readonly review: string
}
const rows = JSON.parse(readFileSync(new URL("../cases/code.json", import.meta.url), "utf8")) as Array<Row>
const within = (seconds: number): Code.Options => ({ limits: { seconds }, prime: { first: seconds, single: seconds } })
const options = within(1.5)

const fence = (code: string, language = "python") => `\`\`\`${language}\n${code}\n\`\`\``
const truth = (tests: ReadonlyArray<readonly [string, string]>, extra: object = {}) =>
  JSON.stringify({ inputs: tests.map(([input]) => input), outputs: tests.map(([, output]) => output), ...extra })

layer(EmbeddedSandbox.layer({ processes: 1 }), { timeout: "120 seconds", excludeTestServices: true })(
  "in the embedded sandbox",
  (it) => {
    const verdict = (mode: "strict" | "reference:prime_code", answer: unknown, text: string, more: Code.Options = {}) =>
      Effect.flatMap(Sandbox.Sandbox, (sandbox) =>
        Verifier.define(Code.graders(sandbox, { ...options, ...more })[mode]).verify(
          { id: "p", task: "code", prompt: "", answer },
          { text, finish: "stop" },
        ),
      )

    describe.each(["strict", "reference:prime_code"] as const)("%s", (mode) => {
      for (const row of rows) {
        it.effect(row.name, () =>
          Effect.gen(function* () {
            const score = row.scores[mode === "strict" ? "strict" : "prime_code"]
            // What never ends takes all the time that it is given.
            const limited = row.name.includes("infinite loop") ? within(0.4) : {}
            const { correct, reason, score: given, status } = yield* verdict(mode, row.answer, row.response, limited)
            assert.strictEqual(status, score === null ? "error" : "ok", reason)
            assert.approximately(given, score ?? 0, 1e-12, reason)
            assert.strictEqual(correct, score === 1)
          }),
        )
      }
    })

    it.effect("says which test fails first, and what became of every one", () =>
      Effect.gen(function* () {
        const sandbox = yield* Sandbox.Sandbox
        const answer = truth([
          ["1", "2"],
          ["2", "4"],
          ["3", "6"],
          ["0", "0"],
        ])
        const program = "n = int(input())\nif n == 2: raise KeyError(n)\nif n == 3: print(7)\nelse: print(2 * n)"
        const { tests, verdict } = yield* Code.Judge.judge(sandbox, answer, fence(program), options)
        assert.deepStrictEqual(
          tests.map((t) => t.status),
          ["done", "raised", "wrong", "done"],
        )
        assert.strictEqual(verdict.reason, "2 of 4 tests pass; test 2: KeyError: 2 (line 2)")
        assert.strictEqual(tests[2].reason, 'prints "7", expected "6"')
        assert.strictEqual(verdict.score, 0.5)
      }),
    )

    it.effect("compares every value of the further table", () =>
      Effect.gen(function* () {
        const sandbox = yield* Sandbox.Sandbox
        const { values } = JSON.parse(readFileSync(new URL("../cases/code-further.json", import.meta.url), "utf8")) as {
          readonly values: ReadonlyArray<readonly [returned: string, expected: string, passes: boolean]>
        }
        const program = `L = [${values.map(([returned]) => `lambda: (${returned})`).join(", ")}]\ndef f(i): return L[i]()`
        const tests = values.map(([, expected], i) => [String(i), expected] as const)
        const judged = yield* Code.Judge.judge(sandbox, truth(tests, { fn_name: "f" }), fence(program), {
          limits: { totalSeconds: 60 },
        })
        for (const [i, [returned, expected, passes]] of values.entries())
          assert.strictEqual(judged.tests[i].passed, passes, `${returned} for ${expected}`)
      }),
    )

    it.effect("gives programs that do the same one key, and others another", () =>
      Effect.gen(function* () {
        const answer = truth([
          ["1", "2"],
          ["5", "9"],
        ])
        const key = (code: string) => Effect.map(verdict("strict", answer, fence(code)), (v) => v.key)
        const double = yield* key("print(2 * int(input()))")
        assert.strictEqual(yield* key("n = int(input())\nprint(n + n)"), double)
        assert.notStrictEqual(yield* key("print(int(input()))"), double)
      }),
    )

    it.effect("runs JavaScript and TypeScript, as scripts and by calls", () =>
      Effect.gen(function* () {
        const read = 'const [a, b] = require("fs").readFileSync(0, "utf8").split(" ").map(Number)\nconsole.log(a + b)'
        const js = yield* verdict(
          "strict",
          truth(
            [
              ["1 2", "3"],
              ["4 5", "9"],
            ],
            { language: "javascript" },
          ),
          fence(read, "js"),
        )
        assert.isTrue(js.correct, js.reason)
        const typed = "interface P { x: number }\nfunction f(p: P, k: number): P[] { return [{ x: p.x * k }] }"
        const answer = truth(
          [
            ['{"x": 2}\n3', '[{"x": 6}]'],
            ['{"x": 1}\n1', "[]"],
          ],
          { fn_name: "f", language: "typescript" },
        )
        const ts = yield* verdict("strict", answer, fence(typed, "ts"))
        assert.strictEqual(ts.score, 0.5, ts.reason)
        const all = yield* verdict("strict", answer, fence(typed, "ts"), { credit: "all" })
        assert.strictEqual(all.score, 0)
      }),
    )

    it.effect("programs find what contests use: deep recursion, threads, asyncio, big integers, dates", () =>
      Effect.gen(function* () {
        const programs: ReadonlyArray<readonly [string, string]> = [
          [
            "import sys\nsys.setrecursionlimit(10**6)\ndef f(n): return 0 if n == 0 else 1 + f(n - 1)\nprint(f(100000))",
            "100000",
          ],
          [
            "import threading\nthreading.stack_size(2**27)\nt = threading.Thread(target=lambda: print(5))\nt.start()\nt.join()",
            "5",
          ],
          [
            "import asyncio\nasync def f():\n    await asyncio.sleep(0.001)\n    print('slept')\nasyncio.run(f())",
            "slept",
          ],
          ["print(len(str(3 ** 20000)))", "9543"],
          [
            "import datetime\nprint(datetime.datetime(2024, 2, 29).timestamp(), datetime.date(2024, 3, 1).weekday())",
            "1709164800.0 4",
          ],
          ["import sys\nfor line in sys.stdin:\n    print(line.strip()[::-1])", "cba\nfed"],
          ["import atexit\natexit.register(lambda: print('last'))\nprint('first')", "first\nlast"],
          ["print(sorted({'b', 'a'}), {1: 2}, f'{3.14159:.2f}')", "['a', 'b'] {1: 2} 3.14"],
          [
            "from decimal import Decimal\nfrom fractions import Fraction\nprint(Decimal('0.1') + 2, Fraction(1, 3))",
            "2.1 1/3",
          ],
        ]
        for (const [code, output] of programs) {
          const { correct, reason } = yield* verdict("strict", truth([["abc\ndef\n", output]]), fence(code), {
            limits: { seconds: 10 },
          })
          assert.isTrue(correct, `${code}: ${reason}`)
        }
      }),
    )
  },
)

const refusing: Sandbox.SandboxService = {
  name: "broken sandbox",
  languages: ["python"],
  run: () => Effect.fail(new Sandbox.SandboxError({ sandbox: "broken sandbox", reason: "no process starts" })),
}

it.effect("a sandbox that cannot run is an error in every mode, never a zero", () =>
  Effect.gen(function* () {
    for (const mode of ["strict", "reference:prime_code"] as const) {
      const verifier = Verifier.define(Code.graders(refusing)[mode])
      const { reason, status } = yield* verifier.verify(
        { id: "p", task: "code", prompt: "", answer: truth([["1", "1"]]) },
        { text: fence("print(1)"), finish: "stop" },
      )
      assert.strictEqual(status, "error")
      assert.include(reason, "no process starts")
    }
  }),
)

it.each([
  [{ inputs: ["1"], outputs: [] }, "1 inputs and 0 outputs"],
  [{ inputs: ["1"] }, "outputs"],
  [{ inputs: [], outputs: [] }, "no tests"],
  [{ inputs: ["x"], outputs: ["1"], fn_name: "f" }, "is not JSON"],
  [{ inputs: ["1"], outputs: ["1"], fn_name: "f()" }, "fn_name"],
  [{ inputs: ["1"], outputs: ["1"], language: "cobol" }, "language"],
  ["[", "not JSON"],
  [3, "does not decode"],
])("refuses the ground truth %j", (answer, why) => {
  expect(Result.getOrThrow(Result.flip(Code.GroundTruth.decode(answer)))).toContain(why)
})

it("finds the program of a response", () => {
  expect(Code.Program.strict("<think>\n```python\n1\n```\n</think>\n```python\n2\n```\n", "python")).toBe("2")
  expect(Code.Program.strict("<think>\n```python\n1\n```\n", "python")).toBe(null)
  expect(Code.Program.strict("```python\n1\n```\nIt prints:\n```text\n3\n```\n", "python")).toBe("1")
  expect(Code.Program.strict("```ts\n1\n```", "python")).toBe(null)
  expect(Code.Program.strict("```js\n1\n```\n```ts\n2\n```", "javascript")).toBe("1")
  expect(Code.Program.prime("```python\n1\n```\n```py\n2\n```")).toBe("\n1\n")
})

it.each([
  ["1 2", "1 3", false],
  ["1.0000001 2", "1.0 2", true],
  ["1000000.4", "1000000", false],
  ["2.9999999999", "3", false],
  ["007", "7", false],
  ["nan", "nan", true],
  ["1e999", "1e998", false],
  ["9007199254740993", "9007199254740992", false],
  ["", "0", false],
  ["1,2", "1, 2", false],
  ["1000000007.5", "1000000007", false],
  ["1000000007.0", "1000000007", true],
  ["1.000000007e9", "1000000007", true],
  ["1000000000000000002/2", "500000000000000001", false],
  ["1e18", "1000000000000000003", false],
  ["1e18", "1000000000000000000", true],
  ["1.2345678901234568e+17", "123456789012345678", false],
  ["9007199254740992.0", "9007199254740993", false],
  ["1e-10", "0", false],
  ["-0", "0", true],
  ["-0.000", "0", true],
  ["+5", "5", true],
  ["-5", "5", false],
  ["3.000001", "3", false],
  ["3.0000", "3", true],
  ["30e-1", "3", true],
  ["1e999999999999", "10", false],
  [`1${"0".repeat(50)}`, "1e50", true],
  ["1_000", "1000", false],
  ["0x10", "16", false],
  ["1/2", "0.5", false],
  ["100000", "1e5", true],
  ["Infinity", "1e400", false],
  ["1  2\t3", "1 2 3", true],
  ["  1 2", "1 2", true],
  ["1\r\n2\r\n", "1\n2", true],
  ["1\n\n2", "1\n2", true],
  ["1\n2", "1 2", false],
  ["1 2", "1\n2", false],
  ["ab", "a b", false],
  ["a\u00a0b", "a b", false],
  ["abc\0", "abc", false],
  ["1", "1 1", false],
  ["1 1", "1", false],
])("strict: prints %j for %j: %s", (given, expected, passes) => {
  expect(Code.Output.strict(given, expected)).toBe(passes)
})

const list = (...items: ReadonlyArray<Code.Value.Value>): Code.Value.Value => ({ type: "list", items })
const dict = (...pairs: ReadonlyArray<readonly [Code.Value.Value, Code.Value.Value]>): Code.Value.Value => ({
  type: "dict",
  pairs,
})
const outcome = (value: string): Sandbox.Outcome => ({
  status: "done",
  stdout: "",
  stderr: "",
  exitCode: 0,
  value,
  seconds: 0,
})
const written = (value: Code.Value.Value): string =>
  JSON.stringify(value, (_, v: unknown) => {
    if (typeof v === "bigint") return { i: `${v < 0n ? "-" : ""}0x${(v < 0n ? -v : v).toString(16)}` }
    if (typeof v === "number") return { f: Number.isNaN(v) ? "nan" : v === Infinity ? "inf" : String(v) }
    if (typeof v === "object" && v !== null && "type" in v) {
      const { items, pairs, type } = v as { type: string; items?: unknown; pairs?: unknown }
      return type === "list" ? items : type === "dict" ? { d: pairs } : type === "set" ? { s: items } : { t: items }
    }
    return v
  })

it.each<readonly [Code.Value.Value, string, boolean]>([
  [1000000007.5, "1000000007", false],
  [1000000007, "1000000007", true],
  [2.9999999999999996, "3", false],
  [2 ** 53, "9007199254740993", false],
  [10n ** 30n, "1000000000000000000000000000000", true],
  [10n ** 30n + 1n, "1000000000000000000000000000000", false],
  [0.1 + 0.2, "0.3", true],
  [0.3334, "0.3333", false],
  [Infinity, "Infinity", true],
  [5n, "Infinity", false],
  [10n ** 400n, "Infinity", false],
  [NaN, "NaN", true],
  [0n, "NaN", false],
  ["NaN", '"NaN"', true],
  ["4", "4", false],
  [true, "1", true],
  ["true", "true", false],
  [null, "[]", false],
  [dict([1n, 2n]), '{"1": 2}', true],
  [dict(["1", 2n]), '{"1": 2}', true],
  [dict([-1n, 2n]), '{"-1": 2}', true],
  [dict([1n, 2n]), '{"01": 2}', false],
  [dict([1n, 2n]), '{"2": 2}', false],
  [dict([1n, 2n], [2n, 2n]), '{"1": 2}', false],
  [list(1n, 2n), "[[1, 2]]", true],
  [list(2n, 1n), "[1, 2]", false],
  [{ type: "tuple", items: [1n, 2n] }, "[1, 2]", true],
  [{ type: "set", items: [1n, 2n] }, "[1, 2]", false],
])("strict: returns %s for %s: %s", (given, expected, passes) => {
  expect(Code.Judge.judgeTest(outcome(written(given)), expected, true).passed).toBe(passes)
})

it.each([
  "[".repeat(100_000),
  `${"[".repeat(100_000)}${"]".repeat(100_000)}`,
  '{"i": "zz"}',
  '{"i": 5}',
  '{"d": [5]}',
  '{"d": [[]]}',
  '{"o": {"toString": 5}}',
  '{"__proto__": {"i": "0x5"}}',
  '{"t": {"length": 1}}',
  '"\\ud800"',
  "undefined",
  "",
])("a value that a program forged, %j, is a wrong answer and nothing else", (value) => {
  const { passed, status } = Code.Judge.judgeTest(outcome(value), "5", true)
  expect([passed, ["wrong", "raised"].includes(status)]).toEqual([false, true])
})

it("a huge value costs what is expected, not what is given", () => {
  const huge = `{"i": "0x1${"0".repeat(4_000_000)}"}`
  expect(Code.Judge.judgeTest(outcome(huge), "5", true).reason).toContain('expected "5"')
  const number = BigInt(`0x1${"0".repeat(200_000)}`)
  expect(Code.Value.canonical(number)).toBe(`0x1${"0".repeat(200_000)}`)
})

it.each<readonly [object, ReadonlyArray<string>, ReadonlyArray<string>]>([
  [{ inputs: [[1237]], outputs: [[3]], fn_name: "f" }, ["1237"], ["[3]"]],
  [{ inputs: [[1, "a"]], outputs: ["b"], fn_name: "f" }, ['1\n"a"'], ['"b"']],
  [{ inputs: [[[1, 2], { a: null }]], outputs: [true], fn_name: "f" }, ['[1,2]\n{"a":null}'], ["true"]],
  [{ inputs: ["1\n2"], outputs: ["3"], fn_name: "f" }, ["1\n2"], ["3"]],
  [{ inputs: [5], outputs: [6], fn_name: "f" }, ["5"], ["6"]],
  [{ inputs: [[]], outputs: [6], fn_name: "f" }, [""], ["6"]],
  [{ inputs: [["3", "1 2"]], outputs: [["3", "7"]] }, ["3\n1 2"], ["3\n7"]],
  [
    {
      inputs: [
        [
          [1, 2],
          [3, 4],
        ],
      ],
      outputs: [[3, 7]],
    },
    ["1 2\n3 4"],
    ["3\n7"],
  ],
  [{ inputs: ["1\n"], outputs: [1] }, ["1\n"], ["1"]],
  [{ inputs: ["1"], outputs: ["1"], fn_name: "" }, ["1"], ["1"]],
])("reads the ground truth %j", (answer, inputs, outputs) => {
  for (const form of [answer, JSON.stringify(answer)]) {
    const truth = Result.getOrThrow(Code.GroundTruth.decode(form))
    expect([truth.inputs, truth.outputs]).toEqual([inputs, outputs])
  }
})

it("keeps every digit of a ground truth", () => {
  const text = '{"inputs": [[12345678901234567890, 27.0]], "outputs": [98765432109876543210], "fn_name": "f"}'
  const { inputs, outputs } = Result.getOrThrow(Code.GroundTruth.decode(text))
  expect([inputs, outputs]).toEqual([["12345678901234567890\n27.0"], ["98765432109876543210"]])
})

const script: Code.Program.Wanted = { name: null, reads: true }
const solution = "n = int(input())\nprint(n)"
it.each([
  ["~~~", "~~~python\n{}\n~~~"],
  ["four backticks", "````python\n{}\n````"],
  ["braces", "```{python}\n{}\n```"],
  ["attributes", "```{.python .numberLines}\n{}\n```"],
  ["a title", '```python title="a.py"\n{}\n```'],
  ["a file name", "```python:a.py\n{}\n```"],
  ["capitals", "```Python3\n{}\n```"],
  ["a mark of byte order", "\uFEFF```python\n\uFEFF{}\n```"],
  ["trailing blanks", "```python  \n{}\n```  "],
  ["carriage returns", "```python\r\n{}\r\n```\r\n"],
  ["answer tags", "<answer>\n{}\n</answer>"],
  ["a fence in answer tags", "<answer>```python\n{}\n```</answer>"],
  ["text before the fence", "Here it is: ```python\n{}\n```"],
  ["a usage block", "```python\n{}\n```\nUse it:\n```python\nprint(solve(3))\n```"],
  ["a block of comments", "```python\n{}\n```\n```python\n# prints 3\n```"],
  ["a session", "```python\n{}\n```\n```python\n>>> 1 + 1\n2\n```"],
  ["an output block", "```python\n{}\n```\n```\n3\n```"],
  ["a fence not closed before the next", "```text\nnotes\n```python\n{}\n```"],
  ["no closing fence", "```python\n{}"],
])("finds a program in %s", (_, text) => {
  expect(Code.Program.strict(text.replace("{}", solution), "python", script)?.trim()).toBe(solution)
})

it("finds an indented program, and the one that defines what is called", () => {
  const indented = "1. First:\n\n   ```python\n   def f(x):\n       return x\n   ```\n"
  expect(Code.Program.strict(indented, "python")).toBe("def f(x):\n    return x")
  const item = "- ```python\n  def f(x):\n      return x\n  ```\n"
  expect(Code.Program.strict(item, "python")).toBe("def f(x):\n    return x")
  const wanted: Code.Program.Wanted = { name: "f", reads: true }
  const two = "```python\ndef f(x):\n    return x\n```\nFor example:\n```python\nassert f(1) == 1\n```"
  expect(Code.Program.strict(two, "python", wanted)).toBe("def f(x):\n    return x")
  const corrected = "```python\ndef f(x): return 1\n```\nNo:\n```python\ndef f(x): return 2\n```"
  expect(Code.Program.strict(corrected, "python", wanted)).toBe("def f(x): return 2")
})

const json = fc.jsonValue({ maxDepth: 3 }).map((v) => JSON.stringify(v))
it("values: JSON read back is itself, and a change of one leaf is seen", () => {
  fc.assert(
    fc.property(json, json, (a, b) => {
      const [x, y] = [Code.Value.fromJson(a), Code.Value.fromJson(b)]
      if (x === undefined || y === undefined) throw new Error("no JSON")
      expect(Code.Value.equal(x, x, Code.Value.python)).toBe(true)
      expect(Code.Value.equal(x, y, Code.Value.python)).toBe(Code.Value.equal(y, x, Code.Value.python))
      if (Code.Value.equal(x, y, Code.Value.python)) expect(Code.Value.canonical(x)).toBe(Code.Value.canonical(y))
    }),
    { numRuns: times(500, 2000) },
  )
})

it("outputs: reflexive, and stable under white space at the ends of lines, in both modes", () => {
  const text = fc
    .array(fc.constantFrom("1", "2.5", "-3e2", "a", "yes", " ", "\n", "0.1"), { maxLength: 12 })
    .map((p) => p.join(" "))
  fc.assert(
    fc.property(text, text, (a, b) => {
      for (const compare of [Code.Output.strict, Code.Output.prime]) {
        expect(compare(a, a)).toBe(true)
        expect(compare(a.replaceAll("\n", " \n\n "), b)).toBe(compare(a, b))
      }
    }),
    { numRuns: times(500, 2000) },
  )
})
