/** What a script prints against what it should, and which block of a response is the program: `cases/code-further.json`. */
import { readFileSync } from "node:fs"
import { Code, type Sandbox, Verifier } from "@lpo/verifiers"
import { Effect } from "effect"
import { expect, it } from "vitest"

interface Block {
  readonly name: string
  readonly response: string
  readonly language: string
  readonly fn_name?: string
  readonly reads: boolean
  /** Null: there is none. White space at its ends does not count. */
  readonly program: string | null
}
const { blocks, outputs } = JSON.parse(
  readFileSync(new URL("../cases/code-further.json", import.meta.url), "utf8"),
) as {
  readonly outputs: ReadonlyArray<readonly [printed: string, expected: string, passes: boolean]>
  readonly blocks: ReadonlyArray<Block>
}

/** A sandbox in which every program prints the same; a call returns null. */
const printing = (stdout: string): Sandbox.SandboxService => ({
  name: "printing",
  languages: ["python", "javascript", "typescript"],
  run: <A>(job: Sandbox.Job, each?: (outcome: Sandbox.Outcome, index: number) => A) =>
    Effect.succeed(
      job.tests.map((_, i) => {
        const outcome: Sandbox.Outcome = { status: "done", exitCode: 0, seconds: 0, stdout, stderr: "", value: "null" }
        return each === undefined ? (outcome as A) : each(outcome, i)
      }),
    ),
})
const judge = (sandbox: Sandbox.SandboxService, answer: unknown, text: string) =>
  Effect.runPromise(
    Verifier.define(Code.graders(sandbox).strict).verify(
      { id: "p", task: "code", prompt: "", answer },
      { text, finish: "stop" },
    ),
  )

it("compares what is printed line by line and word by word", async () => {
  const long = `1${"0".repeat(400)}`
  const more: typeof outputs = [
    [`${long}1`, `${long}2`, false],
    [`${long}.0`, `${long}.5`, false],
    [`${"9".repeat(400)}.0`, "9".repeat(400), true],
    [`0.1${"0".repeat(400)}`, "0.1", true],
    ["x ".repeat(100_000), "x ".repeat(100_000).trim(), true],
    ["x ".repeat(100_000), "x ".repeat(99_999), false],
  ]
  for (const [printed, expected, passes] of [...outputs, ...more]) {
    const { score } = await judge(printing(printed), { inputs: [""], outputs: [expected] }, "print()")
    expect(score, `${JSON.stringify(printed.slice(0, 80))} for ${JSON.stringify(expected.slice(0, 80))}`).toBe(
      passes ? 1 : 0,
    )
  }
})

it.each(blocks.map((block) => [block.name, block] as const))("finds the program: %s", async (_, block) => {
  const input = block.reads ? "1" : ""
  const call = block.fn_name === undefined ? {} : { fn_name: block.fn_name }
  const answer = { inputs: [input], outputs: ["1"], language: block.language, ...call }
  const { extracted } = await judge(printing("1"), answer, block.response)
  expect(extracted?.trim() ?? null).toBe(block.program?.trim() ?? null)
})
