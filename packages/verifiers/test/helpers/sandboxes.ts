/** The sandboxes of this machine, one of each kind for all tests of a file, and what is judged in them. */
import { EmbeddedSandbox, NativeSandbox, Code, type Sandbox, Tasks, Verifier } from "@lpo/verifiers"
import { assert } from "@effect/vitest"
import { Effect, Exit, Result, Scope } from "effect"
import { afterAll, beforeAll, describe } from "vitest"

const layers = {
  embedded: EmbeddedSandbox.make({ processes: 2 }),
  native: NativeSandbox.make({ processes: 2 }),
}

type Skip = (why: string) => void
/** Gives the sandbox to a test, which is skipped where the machine has none of this kind. */
type Made = (skip: Skip) => Effect.Effect<Sandbox.SandboxService>

/** Tests of each kind of sandbox. */
export const describeEach = (tests: (made: Made) => void): void =>
  describe.each(["embedded", "native"] as const)("the %s sandbox", (name) => {
    const scope = Scope.makeUnsafe()
    let found: Result.Result<Sandbox.SandboxService, Sandbox.SandboxError>
    beforeAll(async () => {
      found = await Effect.runPromise(Effect.result(Scope.provide(layers[name], scope)))
    }, 120_000)
    afterAll(() => Effect.runPromise(Scope.close(scope, Exit.void)))
    tests((skip) =>
      Effect.sync(() =>
        Result.isSuccess(found) ? found.success : (skip(`no ${name} sandbox here: ${found.failure.message}`) as never),
      ),
    )
  })

export const print = (n: number) => ({ kind: "stdin" as const, stdin: String(n) })

const answer = { inputs: ["1\n"], outputs: ["unknown to the program"] }
export const item = (code: string, truth: unknown = answer): Verifier.Item => ({
  problem: { id: "p", task: "code", prompt: "", answer: truth },
  completion: { text: `\`\`\`python\n${code}\n\`\`\``, finish: "stop" },
})

/** Good programs get their verdicts while as many others hang. */
export const whileOthersHang = (sandbox: Sandbox.SandboxService, count: number): Effect.Effect<void> =>
  Effect.gen(function* () {
    const tasks = Tasks.make([
      { name: "code", graders: Code.graders(sandbox, { limits: { seconds: 30, totalSeconds: 60 } }) },
      { name: "short", graders: Code.graders(sandbox, { limits: { seconds: 0.3 } }) },
    ])
    const items = Array.from({ length: count }, (_, i) => {
      const one = item(i % 2 === 0 ? "while True: pass" : "print(2 * int(input()))", { inputs: ["4"], outputs: ["8"] })
      return i % 2 === 0 ? { ...one, problem: { ...one.problem, task: "short" } } : one
    })
    // Less than one program that hangs takes, and they all wait for each other.
    const options = { concurrency: count, deadline: "200 millis" } as const
    const verdicts = yield* Verifier.batch(Tasks.verifier(tasks, "strict", options), items, options)
    assert.deepStrictEqual(
      verdicts.map(({ correct, status }) => [status, correct]),
      items.map((_, i) => ["ok", i % 2 === 1]),
    )
  })
