/** Every published shape from files: Parquet as pyarrow writes it and JSON lines of the same rows make the same problems. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { Dataset } from "@lpo/rollout"
import { Code, Countdown, Geometry3k, Mathematics, type Task } from "@lpo/verifiers"
import { Effect } from "effect"
import { afterAll, expect, it } from "vitest"

const folder = await mkdtemp(join(tmpdir(), "lpo-shapes-"))
afterAll(() => rm(folder, { recursive: true }))
const fixture = (name: string): string => fileURLToPath(new URL(`fixtures/shapes/${name}`, import.meta.url))

interface Shape {
  readonly name: string
  readonly task: string
  readonly format: string
  /** As JSON has them: the bytes of images in base64. */
  readonly rows: ReadonlyArray<Readonly<Record<string, unknown>>>
  readonly answers: ReadonlyArray<unknown>
  /** The rows of one domain in a file of two. */
  readonly where?: Readonly<Record<string, unknown>>
}
const shapes = JSON.parse(await readFile(fixture("shapes.json"), "utf8")) as ReadonlyArray<Shape>

const readers: Readonly<Record<string, Readonly<Record<string, Task.FromRow>>>> = {
  code: Code.fromRow(),
  countdown: Countdown.fromRow(),
  geometry3k: Geometry3k.fromRow(),
  math: Mathematics.fromRow(),
}

const problems = (path: string, { format, task, where = {} }: Shape) =>
  Effect.gen(function* () {
    const rows = yield* Dataset.open(path)
    const wanted = (row: unknown): boolean =>
      Object.entries(where).every(([column, value]) => (row as Readonly<Record<string, unknown>>)[column] === value)
    const made = yield* Dataset.fromRows(rows, readers[task][format], { wanted })
    expect(made.leftOut).toEqual([])
    return yield* made.at(Array.from({ length: made.length }, (_, place) => place))
  }).pipe(Effect.scoped, Effect.runPromise)

it.each(shapes.map((shape) => [shape.name, shape] as const))("%s", async (name, shape) => {
  const lines = join(folder, `${name}.jsonl`)
  await writeFile(lines, shape.rows.map((row) => `${JSON.stringify(row)}\n`).join(""))
  const [parquet, json] = [await problems(fixture(`${name}.parquet`), shape), await problems(lines, shape)]
  expect(parquet).toEqual(json)
  expect(parquet.map(({ answer }) => answer)).toEqual(shape.answers)
  const images = parquet.flatMap(({ prompt }) =>
    typeof prompt === "string"
      ? []
      : prompt.flatMap(({ content }) => (typeof content === "string" ? [] : content.filter((p) => p.type === "image"))),
  )
  expect(images).toHaveLength(shape.task === "geometry3k" ? shape.rows.length : 0)
  for (const { data } of images) expect(Buffer.from(data).subarray(0, 4).toString("hex")).toBe("89504e47")
})
