/** Files, answers and texts that mean harm: each ends in rows, or in an error that says why not. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { createGzip, gzipSync } from "node:zlib"
import { Dataset, Received, Seed, Terminal } from "@lpo/rollout"
import { Effect, Result, Stream } from "effect"
import fc from "fast-check"
import { afterAll, beforeAll, expect, it } from "vitest"

let root = ""
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "lpo-hostile-"))
})
afterAll(() => rm(root, { recursive: true }))

const fixture = (name: string) => readFile(fileURLToPath(new URL(`fixtures/rows/${name}`, import.meta.url)))

/** What the rows of a file are, or why there are none. */
const rowsOf = async (name: string, bytes: Uint8Array | string): Promise<ReadonlyArray<unknown> | string> => {
  const path = join(root, name)
  await writeFile(path, bytes)
  const read = Effect.gen(function* () {
    const rows = yield* Dataset.open(path)
    return yield* Stream.runCollect(rows.stream)
  })
  const outcome = await Effect.runPromise(read.pipe(Effect.scoped, Effect.result))
  if (Result.isFailure(outcome)) return outcome.failure.message
  const rows = [...outcome.success]
  return rows.map(({ value }) => (Result.isSuccess(value) ? value.success : value.failure.message))
}

it("refuses gzip that unpacks to far more than rows do", async () => {
  const packed = createGzip({ level: 9 })
  const parts: Array<Buffer> = []
  packed.on("data", (part: Buffer) => parts.push(part))
  for (let i = 0; i < 80; i++) packed.write(Buffer.alloc(2 ** 20, "1\n"))
  await new Promise<void>((resolve) => packed.on("end", () => resolve()).end())
  expect(await rowsOf("bomb.jsonl.gz", Buffer.concat(parts))).toMatch(
    /unpacks to more than 67108864 bytes, too many for rows/,
  )
  expect(await rowsOf("rows.jsonl.gz", gzipSync('{"a":1}\n'.repeat(3)))).toHaveLength(3)
  expect(await rowsOf("cut.jsonl.gz", gzipSync("1\n".repeat(1000)).subarray(0, 20))).toMatch(
    /is not a complete gzip file/,
  )
})

it.each<[string, string, RegExp | object]>([
  ["lists in lists", `{"a":${"[".repeat(100_000)}${"]".repeat(100_000)}}`, /nests deeper than 512 levels/],
  ["objects in objects", `${'{"a":'.repeat(600)}1${"}".repeat(600)}`, /nests deeper than 512 levels/],
  ["nesting without an end", "[1,".repeat(600), /nests deeper than 512 levels|ends before its list does/],
  ["nesting that may be", `${"[".repeat(512)}${"]".repeat(512)}`, /^$/],
  ["brackets in a text", JSON.stringify({ a: "[".repeat(10_000) }), { a: "[".repeat(10_000) }],
  ["quotes and backslashes", JSON.stringify({ a: '\\"[\\\\"'.repeat(300) }), { a: '\\"[\\\\"'.repeat(300) }],
  ["a prototype", '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}', /^$/],
  ["a number of many digits", `{"a":${"9".repeat(1000)}}`, /^$/],
])("reads rows with %s", async (name, line, expected) => {
  // A list of one row is read like lines.
  const rows = await rowsOf(`${name.replaceAll(" ", "-")}.json`, `[${line}]`)
  const [row] = Array.isArray(rows) ? rows : [rows]
  if (!(expected instanceof RegExp)) expect(row).toEqual(expected)
  else if (expected.source !== "^$") expect(row).toMatch(expected)
  expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined()
})

it.each(["countdown.none.parquet", "countdown.snappy.parquet", "verl.parquet"])(
  "a changed %s ends in rows or an error, and no change ends the process",
  async (name) => {
    const whole = await fixture(name)
    const footer = whole.readUInt32LE(whole.length - 8)
    for (let i = 0; i < 40; i++) {
      const random = Seed.stream(`hostile/${name}/${i}`)
      const bytes = Buffer.from(whole)
      for (let n = random.int(1, 3); n > 0; n--) {
        const isFooter = random.uniform() < 0.7
        const at = isFooter ? bytes.length - 8 - random.int(1, footer) : random.int(4, bytes.length - 9)
        bytes[at] = random.uniform() < 0.5 ? 0xff : random.int(0, 255)
      }
      const rows = await rowsOf("changed.parquet", bytes)
      if (typeof rows === "string")
        expect(rows).toMatch(/changed\.parquet.*(cannot be read|not a readable Parquet file|has no rows)/s)
    }
    expect(await rowsOf("whole.parquet", whole)).not.toHaveLength(0)
  },
)

it("reads JSON as JSON.parse does, but for what nests too deep", () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 20 }), (text) => {
      expect(Received.parse(text)).toEqual(JSON.parse(text))
    }),
  )
  fc.assert(
    fc.property(fc.string(), fc.string(), (before, after) => {
      const texts = JSON.stringify([before, after])
      const deep = `[${texts},${"[".repeat(600)}${"]".repeat(600)}]`
      expect(() => Received.parse(deep)).toThrow(/nest deeper than 512 levels/)
      expect(() => Received.json(deep)).toThrow(/nest deeper than 512 levels/)
      expect(Received.parse(texts)).toEqual([before, after])
    }),
  )
  for (const broken of ['"', '"\\', '["\\"', "[".repeat(10), "]".repeat(10), ""])
    expect(() => Received.parse(broken)).toThrow(SyntaxError)
})

it.each<[string, string, string]>([
  ["clears the screen", "\u001b[2J\u001b[Hdone", "\\u001b[2J\\u001b[Hdone"],
  ["sets the title", "\u001b]0;root@host\u0007", "\\u001b]0;root@host\\u0007"],
  ["fills the clipboard", "\u001b]52;c;cm0gLXJm\u0007", "\\u001b]52;c;cm0gLXJm\\u0007"],
  [
    "writes a link",
    "\u001b]8;;http://evil\u001b\\click\u001b]8;;\u001b\\",
    "\\u001b]8;;http://evil\\u001b\\click\\u001b]8;;\\u001b\\",
  ],
  ["goes by C1", "\u009b2J\u0090q\u009c", "\\u009b2J\\u0090q\\u009c"],
  ["writes over its line", "wrong\rright", "wrong\\rright"],
  ["goes back", "wrong\b\b\b\b\bright", "wrong\\u0008\\u0008\\u0008\\u0008\\u0008right"],
  ["turns the direction", "\u202egpj.exe\u2066", "\\u202egpj.exe\\u2066"],
  ["rings", "\u0007", "\\u0007"],
  ["ends a text of C", "a\u0000b", "a\\u0000b"],
  ["deletes", "a\u007f", "a\\u007f"],
])("shows a text that %s", (_, text, shown) => {
  expect(Terminal.visible(text)).toBe(shown)
})

it("shows other texts as they are", () => {
  for (const text of ["", "a\tb\nc", "é ß 漢字 🙂 👩‍👩‍👧", "\\u001b"]) expect(Terminal.visible(text)).toBe(text)
})
