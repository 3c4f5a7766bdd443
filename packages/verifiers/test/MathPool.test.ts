/** Comparisons that take long. Their deadline, and processes that die under them: `slow/MathPool.test.ts`. */
import { Mathematics, Task, Tasks } from "@lpo/verifiers"
import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { identity, item } from "./helpers/comparisons.ts"

/** Millions of terms, were it multiplied out. */
const monster = `\\sin(${Array.from({ length: 12 }, (_, k) => `(x_${k}+y_${k}+z_${k}+w_${k})^{18}`).join("")})`

it("what takes long here is a timeout, never a zero", () => {
  assert.strictEqual(Mathematics.grade("40", `\\boxed{${identity(40)}}`).status, "timeout")
})

it("what is too large to compute is wrong, and no timeout", () => {
  for (const huge of ["9^{9^{9^9}}", "9999999!", monster]) {
    const { correct, status } = Mathematics.grade("5", `\\boxed{${huge}}`)
    assert.deepStrictEqual([status, correct], ["ok", false])
  }
})

it.live("the standard tasks have it, with its modes", () =>
  Effect.gen(function* () {
    const tasks = yield* Tasks.standard
    for (const mode of Task.modes(Mathematics.graders())) {
      const verifier = Tasks.verifier(tasks, mode)
      const { completion, problem } = item("48", "48")
      const text = `<think>a</think> ${completion.text} Answer: 48`
      const verdict = yield* verifier.verify(problem, { ...completion, text })
      assert.strictEqual(verdict.correct, true, `${mode}: ${verdict.reason}`)
    }
  }).pipe(Effect.scoped),
)
