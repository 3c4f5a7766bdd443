import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Dataset, Group, SamplingParams } from "@lpo/rollout"
import { Effect } from "effect"
import { expect, it } from "vitest"

const withFile = async <A>(text: string, use: (path: string) => Promise<A>): Promise<A> => {
  const folder = await mkdtemp(join(tmpdir(), "lpo-dataset-"))
  const path = join(folder, "data.jsonl")
  await writeFile(path, text)
  try {
    return await use(path)
  } finally {
    await rm(folder, { recursive: true })
  }
}
const row = (id: string) =>
  JSON.stringify({ id, task: "countdown", prompt: "3 4 -> 7", answer: { nums: [3, 4], target: 7 } })
const failure = (path: string) => Effect.runPromise(Effect.flip(Dataset.fromJsonLines(path)))

it("reads problems and skips blank lines", () =>
  withFile(`${row("a")}\n\n${row("b")}\n`, async (path) => {
    const problems = await Effect.runPromise(Dataset.fromJsonLines(path))
    expect(problems.map((p) => p.id)).toEqual(["a", "b"])
  }))

it("takes a byte-order mark, whole numbers as ids, and columns of one's own into meta", () => {
  const more = { task: "t", prompt: "x", answer: 1 }
  const rows = [
    { id: 7, ...more, level: 3, source: { set: "a" } },
    { id: "b", ...more, meta: { level: 1 }, level: 2, tags: ["x"] },
    { id: "c", ...more },
  ]
  const text = `\ufeff${rows.map((one) => JSON.stringify(one)).join("\r\n")}\n`.replace(
    '"id":7',
    '"id":9007199254740993',
  )
  return withFile(text, async (path) => {
    expect(await Effect.runPromise(Dataset.fromJsonLines(path))).toEqual([
      { id: "9007199254740993", ...more, meta: { level: 3, source: { set: "a" } } },
      // What stands in meta already counts.
      { id: "b", ...more, meta: { level: 1, tags: ["x"] } },
      { id: "c", ...more },
    ])
  })
})

it.each([
  ["a broken row", `${row("a")}\n{`, 2, /not JSON/],
  ["a missing field", `{"id":"a"}`, 1, /task/],
  ["an id that is not a name", JSON.stringify({ id: 1.5, task: "t", prompt: "x", answer: 1 }), 1, /id/],
  [
    "a meta that is not a record",
    JSON.stringify({ id: "a", task: "t", prompt: "x", answer: 1, meta: 3, b: 1 }),
    1,
    /meta/,
  ],
  ["a repeated whole number", `${row("1")}\n${row("1").replace('"1"', "1")}`, 2, /occurs twice/],
  ["a repeated id", `${row("a")}\n${row("a")}`, 2, /occurs twice/],
  ["an empty file", "", null, /has no rows/],
])("names the row of %s", (_, text, line, reason) =>
  withFile(text, async (path) => {
    const error = await failure(path)
    expect(error._tag).toBe("DatasetError")
    expect(error.row).toBe(line)
    expect(error.message).toMatch(reason)
  }),
)

it("names a file that does not exist", async () => {
  expect((await failure("/nonexistent/data.jsonl")).message).toContain("/nonexistent/data.jsonl")
})

it("masks completions whose verdict is not ok", () => {
  const completion = (n: number) => ({
    tokens: Int32Array.of(n),
    text: String(n),
    logprobs: Float32Array.of(-1),
    finish: "stop" as const,
    policyVersion: 0,
    logprobsOf: "raw" as const,
    sampling: SamplingParams.make({ maxTokens: 2 }),
  })
  const masked = Group.maskUnverified({
    problem: { id: "p", task: "t", prompt: "x", answer: null },
    place: 0,
    promptTokens: Int32Array.of(1),
    completions: [completion(0), completion(1), completion(2)],
    verdicts: [
      { status: "ok", score: 1, correct: true, key: "1" },
      { status: "timeout", score: 0, correct: false, key: null },
      { status: "ok", score: 0, correct: false, key: null },
    ],
  })
  expect(masked.completions.map((c) => c.text)).toEqual(["0", "2"])
})
