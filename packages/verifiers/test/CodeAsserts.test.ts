/** Tests that are asserts, in the forms of HumanEval and MBPP. What there is to be said of their judging: `slow/CodeAsserts.test.ts`. */
import { Code, EmbeddedSandbox } from "@lpo/verifiers"
import { assert, it } from "@effect/vitest"
import { Effect, Result } from "effect"
import { expect } from "vitest"
import { fence, humaneval, mbpp } from "./helpers/asserts.ts"

it.live(
  "judges both forms in the embedded sandbox, by values alone",
  () =>
    Effect.gen(function* () {
      const sandbox = yield* EmbeddedSandbox.make({ processes: 1 })
      const score = (answer: unknown, code: string) =>
        Effect.map(Code.Judge.judge(sandbox, answer, fence(code)), ({ verdict }) => verdict.score)
      assert.strictEqual(yield* score(humaneval, "def root(xs):\n    return -xs[0] / xs[1]"), 1)
      assert.approximately(yield* score(mbpp, "def similar(a, b):\n    return ()"), 1 / 3, 1e-12)
      const same =
        "class Same(tuple):\n    def __eq__(self, other): return True\ndef similar(a, b): return Same((1, 99))"
      assert.strictEqual(yield* score(mbpp, same), 0)
      const broken = yield* Effect.exit(score({ test_list: ["assert f(1) =="] }, "def f(x): return x"))
      assert.strictEqual(broken._tag, "Failure")
    }).pipe(Effect.scoped),
  60_000,
)

it("reads the rows of both data sets", () => {
  const { humaneval: first, mbpp: second } = Code.fromRow()
  const row = { ...humaneval, task_id: "HumanEval/32", canonical_solution: "    return 1\n" }
  const problem = Result.getOrThrow(first(row, "h/0"))
  expect(problem.answer).toEqual(humaneval)
  expect(problem.meta).toEqual({ task_id: "HumanEval/32" })
  expect(JSON.stringify(problem.prompt)).toContain("Write the function root.")
  const other = Result.getOrThrow(second({ ...mbpp, code: "" }, "m/0"))
  expect(other.answer).toEqual({ test_list: mbpp.test_list, test_setup_code: "" })
  expect(JSON.stringify(other.prompt)).toContain("assert set(similar((1, 2), (3,))) == set(())")
  expect(JSON.stringify(other.prompt)).not.toContain("undefined")
  expect(Result.isFailure(first({ prompt: "def f():", test: 1 }, "h/1"))).toBe(true)
  expect(Result.isFailure(second({ text: "x", test_list: [] }, "m/1"))).toBe(true)
})
