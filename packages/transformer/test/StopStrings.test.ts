/** Stop strings against an oracle that decodes the whole response after every token and looks for them. */
import { isUtf8 } from "node:buffer"
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Sampler, SamplingParams } from "@lpo/rollout"
import { Backend, HfTokenizer, Policy, StopStrings, Tokenizer, TransformerSampler } from "@lpo/transformer"
import { Effect, Layer, Stream } from "effect"
import fc from "fast-check"
import { beforeAll, describe, expect, it } from "vitest"
import * as TokenBytes from "../src/tokenizer/TokenBytes.ts"
import { times } from "./counts.ts"
import { folderOf, openFixture } from "./fixtures.ts"
import { config, tokenizer as digits, values } from "./tiny.ts"

const run = <A, E>(effect: Effect.Effect<A, E>): Promise<A> => Effect.runPromise(effect)

/** How many tokens there are up to the first after which the decoded text has one of the strings; null where none does. */
const oracle = (
  { decode }: Tokenizer.TokenizerService,
  tokens: Int32Array,
  strings: ReadonlyArray<string>,
): number | null => {
  for (let n = 1; n <= tokens.length; n++) {
    const text = decode(tokens.subarray(0, n))
    if (strings.some((string) => text.includes(string))) return n
  }
  return null
}

/** The tokenizer of a fixture with other parts in its tokenizer.json. */
const loadWith = (parts: Record<string, unknown>) =>
  Effect.acquireUseRelease(
    Effect.promise(() => mkdtemp(join(tmpdir(), "lpo-decoder-"))),
    (folder) =>
      Effect.gen(function* () {
        for (const name of ["tokenizer.json", "tokenizer_config.json"]) {
          const text = yield* Effect.promise(() => readFile(join(folderOf("qwen3"), name), "utf8"))
          const json = JSON.parse(text) as Record<string, unknown>
          const other = name === "tokenizer.json" ? { ...json, ...parts } : json
          yield* Effect.promise(() => writeFile(join(folder, name), JSON.stringify(other)))
        }
        return yield* HfTokenizer.load(folder)
      }),
    (folder) => Effect.promise(() => rm(folder, { recursive: true })),
  )

const wordLevel = {
  decoder: null,
  pre_tokenizer: { type: "WhitespaceSplit" },
  added_tokens: [],
  model: {
    type: "WordLevel",
    unk_token: "what",
    vocab: { what: 0, "<|im_end|>": 1, "12": 2, "+": 3, é: 4, 日本: 5, ")": 6 },
  },
}

const words = Tokenizer.words(["1", "12", "+", "(", "répondre", "日本", "->", "a b"])
const kinds = ["words", "qwen3", "tokenizer-llama3", "tokenizer-mistral", "word level"] as const

describe.each(kinds)("%s", (name) => {
  let tokenizer: Tokenizer.TokenizerService
  let table: StopStrings.Table
  let bytes: TokenBytes.TokenBytes
  const fallbacks = new Set<number>()
  const byteTokens = new Map<number, number>()
  beforeAll(async () => {
    if (name === "words") tokenizer = words
    else tokenizer = await run(name === "word level" ? loadWith(wordLevel) : HfTokenizer.load(folderOf(name)))
    bytes = await run(tokenizer.tokenBytes)
    // A model's vocabulary is often padded beyond the tokenizer's.
    table = StopStrings.makeTable(bytes, tokenizer.vocabSize + 3)
    if (name === "tokenizer-mistral") {
      const file = await readFile(join(folderOf(name), "tokenizer.json"), "utf8")
      const { model } = JSON.parse(file) as { model: { vocab: Record<string, number> } }
      for (const [text, id] of Object.entries(model.vocab)) {
        if (!/^<0x[0-9A-F]{2}>$/.test(text)) continue
        fallbacks.add(id)
        byteTokens.set(Number.parseInt(text.slice(3, 5), 16), id)
      }
      expect(fallbacks.size).toBe(256)
    }
  })
  /** Any tokens, and those of texts whose characters take several. */
  const sequences = () =>
    fc
      .array(
        fc.oneof(
          fc.integer({ min: 0, max: tokenizer.vocabSize + 2 }).map((token) => [token]),
          fc
            .constantFrom("é", "日本", "🙂", "</answer>", " so", "12 + (", "\n\n", "répondre")
            .map((text) =>
              Array.from(Effect.runSync(Effect.orElseSucceed(tokenizer.encode(text), () => new Int32Array(0)))),
            ),
          // Bytes that are a character, part of one, or none, beside each other.
          fc
            .array(fc.constantFrom(0x0a, 0x20, 0x41, 0x80, 0xc3, 0xa9, 0xe6, 0x97, 0xa5, 0xf0), { maxLength: 5 })
            .map((run) => run.map((byte) => byteTokens.get(byte)).filter((token) => token !== undefined)),
        ),
        { minLength: 1, maxLength: 16 },
      )
      .map((parts) => Int32Array.from(parts.flat()))
      .filter((tokens) => tokens.length > 0)

  /** The bytes of the tokens; with byte fallback, tokens that are written as a byte are runs of their own. */
  const runsOf = (tokens: Int32Array): ReadonlyArray<{ fallback: boolean; of: Array<number> }> => {
    const runs: Array<{ fallback: boolean; of: Array<number> }> = []
    for (const token of tokens) {
      const of = bytes.of(token)
      if (of.length === 0) continue
      const fallback = fallbacks.has(token)
      if (runs.length > 0 && runs[runs.length - 1].fallback === fallback) runs[runs.length - 1].of.push(...of)
      else runs.push({ fallback, of: Array.from(of) })
    }
    return runs
  }
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true })

  it("decodes to the text of its tokens' bytes", () => {
    fc.assert(
      fc.property(sequences(), (tokens) => {
        const text = runsOf(tokens)
          .map(({ fallback, of }) => {
            const run = Buffer.from(of)
            // Tokens of one byte each that are not UTF-8 together: a replacement character for every byte, as in transformers.
            return fallback && !isUtf8(run) ? "\ufffd".repeat(run.length) : decoder.decode(run)
          })
          .join("")
        // A space that is a byte of no UTF-8 is not a space any more.
        expect(tokenizer.decode(tokens)).toBe(bytes.dropsFirstSpace && text.startsWith(" ") ? text.slice(1) : text)
      }),
      { numRuns: times(200, 500) },
    )
  })

  it("finds a string at the very token that completes it", () => {
    const runs = times(400, 1000)
    let found = 0
    let within = 0
    fc.assert(
      fc.property(
        sequences(),
        fc.array(fc.tuple(fc.nat(), fc.nat()), { minLength: 1, maxLength: 3 }),
        (tokens, cuts) => {
          // Pieces of the text itself, so that most are found, some of them across tokens and within characters' bytes.
          const characters = Array.from(tokenizer.decode(tokens))
          const strings = cuts
            .map(([from, length]) => {
              const start = from % Math.max(1, characters.length)
              return characters.slice(start, start + 1 + (length % 6)).join("")
            })
            .map((text, i) => (i === 2 ? `${text}${text}` : text))
            .filter(
              (stopString) =>
                SamplingParams.refusal(SamplingParams.make({ maxTokens: 1, stopStrings: [stopString] })) === null,
            )
          const expected = oracle(tokenizer, tokens, strings)
          // Two sequences that take turns must not see each other's text.
          const completes = StopStrings.matcher({ strings, table }, 3)
          let at: number | null = null
          for (let i = 0; i < tokens.length && at === null; i++) {
            if (completes(1, tokens[i])) at = i + 1
            else if (tokens[i] !== tokens[0]) completes(2, tokens[0])
          }
          expect(at).toBe(expected)
          if (expected === null) return
          found++
          const text = tokenizer.decode(tokens.subarray(0, expected))
          const cut = StopStrings.cut(text, strings)
          expect(text.startsWith(cut) && strings.some((string) => cut.endsWith(string))).toBe(true)
          expect(strings.some((string) => cut.slice(0, -1).includes(string))).toBe(false)
          if (cut !== text) within++
        },
      ),
      { numRuns: runs },
    )
    expect(found).toBeGreaterThan(0.3 * runs)
    // Tokens that go on behind the string.
    if (!name.startsWith("word")) expect(within).toBeGreaterThan(0)
  })
})

it("finds what one token holds, what many share, and a character of four bytes in four tokens", async () => {
  const tokenizer = await run(HfTokenizer.load(folderOf("qwen3")))
  const table = StopStrings.makeTable(await run(tokenizer.tokenBytes), tokenizer.vocabSize)
  const at = (tokens: ReadonlyArray<number> | Int32Array, ...strings: ReadonlyArray<string>) => {
    const completes = StopStrings.matcher({ strings, table }, 1)
    return Array.from(tokens).findIndex((token) => completes(0, token))
  }
  const bare = (text: string) => Effect.runSync(tokenizer.encodeBare(text))
  const smile = bare("a🙂b")
  expect(smile.length).toBe(6)
  expect(at(smile, "🙂")).toBe(4)
  expect(at(smile, "🙃")).toBe(-1)
  const think = bare("x</think>y")
  expect(at(think, "ink>")).toBe(1)
  expect(at(think, "k>y")).toBe(2)
  // A prefix that turns out to be none must not hide the string that begins within it.
  expect(at(bare("aabaabaaab"), "aabaaab")).toBeGreaterThan(0)
  // Special tokens are not text: what stands around them joins.
  expect(at(bare("a<|im_start|>b"), "im_start", "ab")).toBe(2)
})

it("a sample with stop strings is the one without, cut there, whatever the workers, the batch and the chunks", async () => {
  const { checkpoint, replica } = await openFixture("qwen3")
  replica.dispose()
  const hf = checkpoint.tokenizer
  if (hf === null) throw new TypeError("no tokenizer")
  const cases = [
    {
      config: checkpoint.config,
      tokenizer: hf,
      values: checkpoint.values,
      prompts: ["one", "two three"],
      maxTokens: 40,
    },
    { config, tokenizer: digits, values: values(), prompts: ["1 2 3", "4", "9 9"], maxTokens: 30 },
  ]
  for (const { prompts, maxTokens, ...model } of cases) {
    const sampled = (workers: number, options: { stopStrings?: ReadonlyArray<string>; maxSequences?: number } = {}) =>
      Effect.gen(function* () {
        const policy = yield* Policy.make(model.config, model.tokenizer, model.values.slice(), { workers })
        const { maxSequences, stopStrings = [] } = options
        const sampler = yield* Sampler.Sampler.pipe(
          Effect.provide(
            TransformerSampler.layer(maxSequences === undefined ? {} : { maxSequences }).pipe(
              Layer.provide(Layer.succeed(Policy.Policy, policy)),
            ),
          ),
        )
        const problems = prompts.map((prompt, i) => ({ id: `p${i}`, task: "t", prompt, answer: null }))
        const groups = yield* Stream.runCollect(
          sampler.sample(problems, { groupSize: 6, maxTokens, seed: "s", stopStrings }),
        )
        return groups.sort((a, b) => (a.problem.id < b.problem.id ? -1 : 1)).flatMap((group) => group.completions)
      }).pipe(Effect.scoped, run)
    const whole = await sampled(0)
    // Two characters, the second in another token than the first, from the middle of a response.
    const long = whole.map(({ text }) => Array.from(text)).find((characters) => characters.length > 12) ?? []
    const stopStrings = [long.slice(6, 9).join(""), "\u00e9", "7 1"].filter((text) => !text.includes("\uFFFD"))
    const ended = await sampled(0, { stopStrings })
    let cuts = 0
    for (const [i, { finish, logprobs, text, tokens }] of ended.entries()) {
      const n = oracle(model.tokenizer, whole[i].tokens, stopStrings)
      expect(tokens).toEqual(n === null ? whole[i].tokens : whole[i].tokens.slice(0, n))
      expect(logprobs.length).toBe(tokens.length)
      expect(finish).toBe(n === null ? whole[i].finish : "stop")
      if (n === null) expect(text).toBe(whole[i].text)
      else expect(stopStrings.some((string) => text.endsWith(string))).toBe(true)
      if (n !== null) cuts++
    }
    expect(cuts).toBeGreaterThan(0)
    if (model.tokenizer === hf) expect(await sampled(2, { stopStrings })).toEqual(ended)
    const few = await sampled(0, { stopStrings, maxSequences: 4 })
    expect(few.map(({ text, tokens }) => ({ text, tokens }))).toEqual(
      ended.map(({ text, tokens }) => ({ text, tokens })),
    )
  }
})

it("minP is honoured and recorded; what cannot be is refused in words", async () => {
  const program = Effect.gen(function* () {
    yield* Backend.start("wasm")
    const sample = (options: Partial<Sampler.SampleOptions>, tokenizer: Tokenizer.TokenizerService = digits) =>
      Effect.gen(function* () {
        const policy = yield* Policy.make(config, tokenizer, values(), { workers: 0 })
        const sampler = yield* Sampler.Sampler.pipe(
          Effect.provide(TransformerSampler.layer().pipe(Layer.provide(Layer.succeed(Policy.Policy, policy)))),
        )
        const problem = { id: "p", task: "t", prompt: "1 2", answer: null }
        const [group] = yield* Stream.runCollect(
          sampler.sample([problem], { groupSize: 5, maxTokens: 6, seed: "s", ...options }),
        )
        return group.completions
      }).pipe(Effect.scoped)
    const likeliest = yield* sample({ minP: 1 })
    expect(likeliest.map((c) => c.tokens)).toEqual((yield* sample({ temperature: 0 })).map((c) => c.tokens))
    expect(likeliest[0].sampling).toEqual(SamplingParams.make({ maxTokens: 6, minP: 1 }))
    const message = (options: Partial<Sampler.SampleOptions>, tokenizer?: Tokenizer.TokenizerService) =>
      Effect.map(Effect.flip(sample(options, tokenizer)), (error) => error.message)
    expect(yield* message({ minP: -0.1 })).toMatch(/minP is -0.1; give a number from 0 \(off\) to 1/)
    expect(yield* message({ stopStrings: [""] })).toMatch(/stopStrings has ""; give texts of one character or more/)
    const { tokenBytes } = yield* loadWith({ decoder: { type: "WordPiece", prefix: "##" } })
    expect(yield* message({ stopStrings: ["1"] }, { ...digits, tokenBytes })).toMatch(
      /its decoder {"type":"WordPiece".*does not say what bytes a token stands for; omit stop strings/,
    )
  })
  await run(program)
})
