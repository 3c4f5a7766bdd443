/** The page on datasets has an example of every format of every task, and its reader takes it. */
import { Tasks } from "@lpo/verifiers"
import { Effect, Result } from "effect"
import { expect, it } from "vitest"
import * as Blocks from "./Blocks.ts"

const page = Blocks.read("docs/guides/datasets.md")
const examples = [...page.matchAll(/^```json format=(\w+)\/([\w-]+)\n([\s\S]*?)^```$/gm)].map(
  ([, task, format, text]) => ({ task, format, row: JSON.parse(text) as unknown }),
)

it("every format of every task is shown, and its example is read", async () => {
  const tasks = await Effect.runPromise(Effect.scoped(Tasks.standard))
  const formats = [...tasks].flatMap(([task, { fromRow }]) => Object.keys(fromRow).map((name) => `${task}/${name}`))
  expect(examples.map(({ format, task }) => `${task}/${format}`).toSorted()).toEqual(formats.toSorted())
  for (const { format, row, task } of examples) {
    const read = tasks.get(task)?.fromRow[format]?.(row, "example")
    expect(read !== undefined && Result.isFailure(read) ? read.failure.message : "", `${task}/${format}`).toBe("")
  }
})
