/** Tokenizers that mean harm: what they do to a text holds nobody up, and what harmless ones do is the same in a process. */
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { HfTokenizer } from "@lpo/transformer"
import { Effect } from "effect"
import { afterAll, beforeAll, expect, it } from "vitest"
import * as Bounded from "../src/tokenizer/Bounded.ts"
import * as EncoderProcess from "../src/tokenizer/EncoderProcess.ts"
import { folderOf } from "./fixtures.ts"

type Json = Record<string, any>
let root = ""
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "lpo-bounded-"))
})
afterAll(() => rm(root, { recursive: true }))

const run = <A, E>(effect: Effect.Effect<A, E>): Promise<A> => Effect.runPromise(effect)
const jsonOf = async (name: string): Promise<Json> =>
  JSON.parse(await readFile(join(folderOf(name), "tokenizer.json"), "utf8")) as Json

let folders = 0
const edited = async (edit: (json: Json) => void, name = "qwen3"): Promise<string> => {
  const folder = join(root, String(folders++))
  await cp(folderOf(name), folder, { recursive: true })
  const json = await jsonOf(name)
  edit(json)
  await writeFile(join(folder, "tokenizer.json"), JSON.stringify(json))
  return folder
}

const split = (Regex: string) => ({ type: "Split", pattern: { Regex }, behavior: "Isolated", invert: false })
const replace = (pattern: object, content: string) => ({ type: "Replace", pattern, content })
const many = (type: string, key: string, step: object, n = 60) => ({
  type,
  [key]: Array.from({ length: n }, () => step),
})
const normalizers = (step: object, n?: number) => many("Sequence", "normalizers", step, n)

/** Steps that take ages over, or make gigabytes of, a text of `a`. */
const hostile: ReadonlyArray<readonly [string, (json: Json) => void]> = [
  ["alternatives that overlap", (json) => (json["pre_tokenizer"] = split("(a|a|aa)*b"))],
  ["nested repetition", (json) => (json["pre_tokenizer"] = split("(a+)+$b"))],
  ["repetition after repetition", (json) => (json["pre_tokenizer"] = split("a*a*a*a*a*a*a*b"))],
  ["a reference back", (json) => (json["pre_tokenizer"] = split("(a*)*\\1*b"))],
  ["a lookahead of its own", (json) => (json["pre_tokenizer"] = split("(?=(a+a+)+b)x"))],
  ["an expression in a sequence", (json) => json["pre_tokenizer"].pretokenizers.unshift(split("(a|a)*b"))],
  ["an expression of the normaliser", (json) => (json["normalizer"] = replace({ Regex: "(a|aa)+b" }, ""))],
  ["a normaliser that doubles", (json) => (json["normalizer"] = normalizers(replace({ String: "a" }, "aa")))],
  ["a normaliser of nothing", (json) => (json["normalizer"] = normalizers(replace({ String: "" }, "a")))],
  [
    "a normaliser that doubles by an expression",
    (json) => (json["normalizer"] = normalizers(replace({ Regex: "a" }, "aa"))),
  ],
  ["one long replacement", (json) => (json["normalizer"] = normalizers(replace({ String: "a" }, "a".repeat(5000)), 2))],
  ["a long prefix, often", (json) => (json["normalizer"] = normalizers({ type: "Prepend", prepend: "a".repeat(1e4) }))],
  [
    "a template that doubles",
    (json) =>
      (json["post_processor"] = many("Sequence", "processors", {
        type: "TemplateProcessing",
        single: [{ Sequence: { id: "A", type_id: 0 } }, { Sequence: { id: "A", type_id: 0 } }],
        pair: [],
        special_tokens: {},
      })),
  ],
  ["a mark as long as a book", (json) => (json["pre_tokenizer"] = { type: "Metaspace", replacement: "a".repeat(1e6) })],
  [
    "sequences in sequences",
    (json) => {
      for (let i = 0; i < 200; i++) json["normalizer"] = { type: "Sequence", normalizers: [json["normalizer"]] }
    },
  ],
]

it.each(hostile)("is stopped over %s", async (_, edit) => {
  const tokenizer = await run(HfTokenizer.load(await edited(edit)))
  // A third of a second is enough to see that others go on meanwhile; the limit itself is tested with the long ones.
  const text = "a".repeat(40_000)
  const outcome = await run(tokenizer.encode(text).pipe(Effect.result, Effect.timeoutOption("300 millis")))
  expect(["None", "Some"]).toContain(outcome._tag)
  expect(
    Bounded.refusal(
      await (async () => {
        const json = await jsonOf("qwen3")
        edit(json)
        return json
      })(),
    ),
  ).not.toBeNull()
})

it.each<[string, object]>([
  ["an expression", replace({ Regex: "(a|a)*b" }, "")],
  ["doubling", many("Sequence", "decoders", replace({ String: "a" }, "aa"))],
  ["a kind that is not known", { type: "Mystery" }],
])("refuses a decoder with %s", async (_, decoder) => {
  const folder = await edited((json) => (json["decoder"] = decoder))
  expect((await run(Effect.flip(HfTokenizer.load(folder)))).message).toMatch(
    /tokenizer\.json cannot be used: its decoder/,
  )
})

it.each(["qwen3", "tokenizer-llama3", "tokenizer-mistral"])(
  "%s encodes at once, and the same in a process",
  async (name) => {
    expect(Bounded.refusal(await jsonOf(name))).toBeNull()
    const plain = await run(HfTokenizer.load(folderOf(name)))
    // Never matches, but nobody knows.
    const odd = await edited((json) => {
      json["normalizer"] = { type: "Sequence", normalizers: [json["normalizer"], replace({ Regex: "\u{10fff0}" }, "")] }
    }, name)
    const apart = await run(HfTokenizer.load(odd))
    for (const text of ["", "Hello, world!", "  two  spaces\n\n", "é ﬁ 🙂 1234", "don't", "<|im_end|>x"]) {
      expect(await run(apart.encode(text))).toEqual(await run(plain.encode(text)))
      expect(await run(apart.encodeBare(text))).toEqual(await run(plain.encodeBare(text)))
    }
    expect(apart.decodeAll(await run(apart.encodeBare("a b")))).toBe(
      plain.decodeAll(await run(plain.encodeBare("a b"))),
    )
  },
)

it("a long text is encoded in a process, as its parts are here, and one that is too long is not", async () => {
  const tokenizer = await run(HfTokenizer.load(folderOf("qwen3")))
  const line = "two words\n"
  const times = Math.ceil(EncoderProcess.maxInline / line.length) + 1
  const one = await run(tokenizer.encodeBare(line))
  const all = await run(tokenizer.encodeBare(line.repeat(times)))
  expect(all.length).toBe(times * one.length)
  expect(all.subarray(-one.length)).toEqual(one)
  const error = await run(Effect.flip(tokenizer.encode("a".repeat(EncoderProcess.maxText + 1))))
  expect(error.message).toMatch(/has 16777217 characters, the most is 16777216$/)
  expect(error.message.length).toBeLessThan(1000)
})

it("added tokens that strip or stand alone take time in proportion to the text", async () => {
  const folder = await edited((json) => {
    const token = { lstrip: true, rstrip: true, normalized: false, special: false, single_word: true }
    json["added_tokens"].push({ ...token, id: 5000, content: "#" })
  })
  const tokenizer = await run(HfTokenizer.load(folder))
  // The square of this many would be some ten thousand million steps.
  const ids = await run(tokenizer.encodeBare(" #".repeat(100_000)))
  expect(ids).toEqual(new Int32Array(100_000).fill(5000))
})
