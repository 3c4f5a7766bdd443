/** Rows of files: every format to the same rows, read in any order, and the place of what is broken. */
import { createHash } from "node:crypto"
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { gzipSync } from "node:zlib"
import { Dataset, type Problem, Seed } from "@lpo/rollout"
import { Effect, Result, Stream } from "effect"
import { afterAll, expect, it } from "vitest"

const folder = await mkdtemp(join(tmpdir(), "lpo-rows-test-"))
afterAll(() => rm(folder, { recursive: true }))
const fixture = (name: string): string => fileURLToPath(new URL(`fixtures/rows/${name}`, import.meta.url))
const file = async (name: string, text: string | Uint8Array): Promise<string> => {
  const path = join(folder, name)
  await writeFile(path, text)
  return path
}

const using = <A, E>(path: string, use: (rows: Dataset.Rows) => Effect.Effect<A, E>) =>
  Effect.runPromise(Effect.scoped(Effect.flatMap(Dataset.open(path), use)))
const all = (path: string) =>
  using(path, ({ stream }) => Effect.map(Stream.runCollect(stream), (rows) => rows.map(({ value }) => value)))
const values = async (path: string) => (await all(path)).map(Result.getOrThrow)
const why = (path: string) =>
  Effect.runPromise(Effect.scoped(Effect.map(Effect.flip(Dataset.open(path)), ({ message }) => message)))

const rows = [
  { problem: "1 + 1 = ?", answer: "2", note: 'a "[quoted], {text}" \\' },
  { problem: "ü𝄞", answer: 3 },
  [1],
  7,
]
const texts = rows.map((row) => JSON.stringify(row))

it.each([
  ["lines.jsonl", `${texts.join("\n")}\n`, "json-lines"],
  ["unended.jsonl", texts.join("\n"), "json-lines"],
  ["windows.jsonl", `\uFEFF${texts.join("\r\n")}\r\n\r\n`, "json-lines"],
  ["blank.jsonl", `\n\n${texts.join("\n \n")}`, "json-lines"],
  ["list.json", JSON.stringify(rows), "json-array"],
  ["pretty.json", `\uFEFF\n${JSON.stringify(rows, null, 2)}\n`, "json-array"],
  ["packed.jsonl.gz", gzipSync(texts.join("\n")), "json-lines"],
  [
    "two.jsonl.gz",
    Buffer.concat([gzipSync(`${texts.slice(0, 1).join("\n")}\n`), gzipSync(texts.slice(1).join("\n"))]),
    "json-lines",
  ],
  ["packed.json.gz", gzipSync(JSON.stringify(rows)), "json-array"],
])("reads %s", async (name, text, format) => {
  const path = await file(name, text)
  expect(await values(path)).toEqual(rows)
  await using(path, ({ fingerprint, format: found, length, read }) =>
    Effect.gen(function* () {
      expect(found).toBe(format)
      expect(length).toBe(rows.length)
      expect(fingerprint).toEqual({ rows: 4, sha256: createHash("sha256").update(text).digest("hex") })
      expect(yield* read([2, 0, 2])).toEqual([rows[2], rows[0], rows[2]])
    }),
  )
})

it("reads rows that lie across the parts in which a file is read", async () => {
  const many = Array.from({ length: 40 }, (_, i) => ({ i, text: `${"é".repeat(60_000)}${i}` }))
  for (const [name, text] of [
    ["long.jsonl", many.map((row) => JSON.stringify(row)).join("\n")],
    ["long.json", JSON.stringify(many)],
  ]) {
    const path = await file(name, text)
    expect(await values(path)).toEqual(many)
    await using(path, ({ read }) => Effect.map(read([39, 17]), (found) => expect(found).toEqual([many[39], many[17]])))
  }
})

it("keeps integers that no number holds", async () => {
  const path = await file(
    "large.jsonl",
    '{"answer": 12345678901234567891, "list": [-9007199254740993], "text": "12345678901234567891", "x": 1e300}',
  )
  expect(await values(path)).toEqual([
    { answer: 12_345_678_901_234_567_891n, list: [-9_007_199_254_740_993n], text: "12345678901234567891", x: 1e300 },
  ])
})

it.each([
  ["a value", "x.jsonl", '{"a": 1}\n\n{"a": x}\n', 3, null, 7, /it wants a value/],
  ["a name", "name.jsonl", "{'a': 1}", 1, null, 2, /a name in double quotes/],
  ["an end", "end.jsonl", '{"a": 1', 1, null, 8, /at its end it wants a comma/],
  ["NaN", "nan.jsonl", '{"é": NaN}', 1, null, 7, /it wants a value/],
  ["two values", "two.jsonl", '{"a": 1} {"b": 2}', 1, null, 10, /nothing more/],
  ["a line break in a text", "break.json", '[\n  {"a": "x"},\n  {"a": "y\n"}]', 2, 3, 9, /it wants a value/],
  ["an element", "element.json", '[\n  1,\n  {"a": 1,}\n]', 2, 3, 11, /a name in double quotes/],
  ["a comma", "comma.json", "[1 2]", 1, 1, 4, /nothing more/],
])("says where %s is broken", async (_, name, text, row, line, column, reason) => {
  const path = await file(name, text)
  const broken = (await all(path)).flatMap((value) => (Result.isFailure(value) ? [value.failure] : []))
  expect(broken).toHaveLength(1)
  expect(broken[0]).toMatchObject({ source: path, row, line: line ?? row, column })
  expect(broken[0].reason).toMatch(reason)
})

it("says why a file is not a dataset", async () => {
  expect(await why(await file("cut.json", '[{"a": 1},\n {"a"'))).toMatch(
    /cut\.json, line 2, column 6: ends before its list does/,
  )
  expect(await why(await file("rest.json", "[1]\n2"))).toMatch(/line 2, column 1: .*follows the end of the list/)
  expect(await why(await file("comma-at-end.json", "[1,]"))).toMatch(/a comma stands before the end/)
  expect(await why(await file("empty.jsonl", " \n"))).toMatch(/has no rows/)
  expect(await why(join(folder, "no.jsonl"))).toMatch(/no\.jsonl: there is no such file/)
  const packed = gzipSync("x".repeat(10_000))
  expect(await why(await file("cut.gz", packed.subarray(0, 20)))).toMatch(/not a complete gzip file/)
  const parquet = await readFile(fixture("verl.parquet"))
  expect(await why(await file("cut.parquet", parquet.subarray(0, 200)))).toMatch(/not a readable Parquet file/)
  const [latin] = await all(await file("latin.jsonl", Buffer.from('{"a": "\xe9"}', "latin1")))
  expect(Result.isFailure(latin) && latin.failure.message).toMatch(/latin\.jsonl, row 1.*is not UTF-8/)
})

it("notices a file that changes under the reader", async () => {
  const path = await file("moving.jsonl", "1\n2\n")
  const { message } = await using(path, ({ read }) =>
    Effect.promise(() => writeFile(path, "10\n20\n")).pipe(Effect.andThen(Effect.flip(read([1])))),
  )
  expect(message).toMatch(/changed while it was being read/)
})

it.each(["snappy", "zstd", "gzip", "brotli", "lz4", "none"])("reads Parquet packed with %s", async (codec) => {
  const wanted = Array.from({ length: 7 }, (_, i) => ({ target: BigInt(10 + i), nums: [BigInt(i + 1), 2n, 3n] }))
  const path = fixture(`countdown.${codec}.parquet`)
  expect(await values(path)).toEqual(wanted)
  await using(path, ({ format, length, read }) =>
    Effect.gen(function* () {
      expect([format, length]).toEqual(["parquet", 7])
      // Across row groups of three, in any order.
      expect(yield* read([6, 0, 4, 3, 0])).toEqual([6, 0, 4, 3, 0].map((i) => wanted[i]))
    }),
  )
})

it("reads nested structs, and images as their bytes", async () => {
  expect((await values(fixture("verl.parquet")))[2]).toEqual({
    data_source: "math",
    prompt: [
      { role: "system", content: "Be brief." },
      { role: "user", content: "What is 2 + 1?" },
    ],
    ability: null,
    reward_model: { style: "rule", ground_truth: "3" },
    extra_info: { split: "train", index: 2n },
  })
  const geometry = (await values(fixture("geometry3k.parquet"))) as Array<{
    images: Array<{ bytes: Uint8Array; path: null }>
  }>
  for (const { images } of geometry) {
    expect(images[0].path).toBeNull()
    expect(Buffer.from(images[0].bytes).subarray(0, 8).toString("hex")).toBe("89504e470d0a1a0a")
  }
  expect(new Set(geometry.map(({ images }) => Buffer.from(images[0].bytes).toString("hex"))).size).toBe(3)
})

/** Reads `{ q, a }`. */
const read: Dataset.Read = (row, id) => {
  const { a, q } = row as { q?: string; a?: number }
  return typeof q === "string"
    ? Result.succeed({ id, task: "t", prompt: q, answer: a })
    : Result.fail({ reason: "no q" })
}
const problem = (i: number): Problem.Problem => ({ id: String(i + 1), task: "t", prompt: `q${i}`, answer: i })

it("draws problems of rows as it takes those that are held", async () => {
  const problems = Array.from({ length: 11 }, (_, i) => problem(i))
  const path = await file(
    "problems.jsonl",
    problems.map(({ prompt, answer }) => JSON.stringify({ q: prompt, a: answer })).join("\n"),
  )
  await using(path, (rows) =>
    Effect.gen(function* () {
      const made = yield* Dataset.fromRows(rows, read)
      for (const from of [0, 5, 9, 21]) {
        const which = { from, size: 13, seed: "7" }
        const taken = Dataset.take(problems, which)
        expect(yield* Dataset.draw(made, which)).toEqual(taken)
        expect(yield* Dataset.draw(Dataset.from(problems), which)).toEqual(taken)
      }
      // The order of an epoch is that of its shuffle.
      expect(Dataset.take(problems, { from: 11, size: 11, seed: "7" })).toEqual(Seed.shuffle(problems, "7/shuffle/1"))
      expect(yield* made.find("4")).toEqual(problem(3))
      expect(yield* made.find("12")).toBeNull()
    }),
  )
})

it("fails with the first bad row, or leaves bad rows out and lists them", async () => {
  const path = await file("bad.jsonl", '{"q": "q0", "a": 0}\n{"a": 1}\n{"q": \n{"q": "q3", "a": 3}')
  await using(path, (rows) =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(Dataset.fromRows(rows, read))
      expect(error.message).toBe(`${path}, row 2: no q`)
      const made = yield* Dataset.fromRows(rows, read, { badRows: "leave-out" })
      expect(made.leftOut.map(({ row }) => row)).toEqual([2, 3])
      expect(yield* made.at([1, 0])).toEqual([problem(3), problem(0)])
      const only = yield* Dataset.fromRows(rows, read, { badRows: "leave-out", only: ({ answer }) => answer === 3 })
      // A row that is not wanted is not a bad row.
      const wanted = yield* Dataset.fromRows(rows, read, { wanted: (_, index) => index === 3 })
      expect([wanted.length, wanted.leftOut]).toEqual([1, []])
      expect(yield* only.at([0])).toEqual([problem(3)])
    }),
  )
  const none = await file("none.jsonl", "{}\n{}")
  const { message } = await using(none, (rows) => Effect.flip(Dataset.fromRows(rows, read, { badRows: "leave-out" })))
  expect(message).toMatch(/none of its 2 rows makes a problem that is wanted; the first: .*row 1: no q/)
})
