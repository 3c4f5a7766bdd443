import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { HfTokenizer } from "@lpo/transformer"
import { Effect } from "effect"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import * as ChatTemplate from "../src/tokenizer/ChatTemplate.ts"
import { expectedOf, folderOf } from "./fixtures.ts"

const run = <A, E>(effect: Effect.Effect<A, E>): Promise<A> => Effect.runPromise(effect)

describe.each(["qwen3", "tokenizer-llama3", "tokenizer-mistral"])("%s", (name) => {
  it("gives the ids and texts of transformers, token for token", async () => {
    const { facts } = await expectedOf(name)
    const tokenizer = await run(HfTokenizer.load(folderOf(name)))
    for (const { bare, decoded, ids, text } of facts.tokenizer.encoded) {
      expect([...(await run(tokenizer.encode(text)))], JSON.stringify(text)).toEqual(ids)
      expect([...(await run(tokenizer.encodeBare(text)))], JSON.stringify(text)).toEqual(bare)
      expect(tokenizer.decode(Int32Array.from(bare)), JSON.stringify(text)).toBe(decoded)
    }
    expect(tokenizer.stops[0]).toBe(facts.tokenizer.eos)
  })

  it("renders and encodes chats like transformers", async () => {
    const { facts } = await expectedOf(name)
    const tokenizer = await run(HfTokenizer.load(folderOf(name)))
    for (const { ids, messages, options, text } of facts.tokenizer.chats) {
      if (tokenizer.chatTemplate === null) throw new TypeError("no chat template")
      expect(await run(tokenizer.chatTemplate.render(messages, options))).toBe(text)
      expect([...(await run(tokenizer.encodeChat(messages, options)))]).toEqual(ids)
    }
  })

  it("gives a text back from its tokens, whatever it is", async () => {
    const tokenizer = await run(HfTokenizer.load(folderOf(name)))
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", maxLength: 30 }), (raw) => {
        const text = raw.normalize("NFC")
        // What looks like a special token is one, and SentencePiece writes a space as U+2581.
        fc.pre(!/[<[\u2581]/.test(text))
        expect(tokenizer.decodeAll(Effect.runSync(tokenizer.encodeBare(text)))).toBe(text)
      }),
      { numRuns: 300 },
    )
  })
})

it("a text that contains a special token has that token, as in transformers", async () => {
  const tokenizer = await run(HfTokenizer.load(folderOf("qwen3")))
  const ids = await run(tokenizer.encodeBare("a<|im_end|>b"))
  expect([...ids]).toContain(tokenizer.stops[0])
  expect(tokenizer.decode(ids)).toBe("ab")
  expect(tokenizer.decodeAll(ids)).toBe("a<|im_end|>b")
})

it("every token of generation_config.json ends a response", async () => {
  const { facts } = await expectedOf("qwen3")
  const tokenizer = await run(HfTokenizer.load(folderOf("qwen3")))
  // The fixture's generation_config.json says 1; the tokenizer's own is <|im_end|>.
  expect(tokenizer.stops).toEqual([facts.tokenizer.eos, 1])
})

/** Loads a folder that has the tokenizer of `qwen3` and these files. */
const loadWith = async (files: Readonly<Record<string, unknown>>) => {
  const folder = await mkdtemp(join(tmpdir(), "lpo-tokenizer-"))
  try {
    await writeFile(join(folder, "tokenizer.json"), await readFile(join(folderOf("qwen3"), "tokenizer.json")))
    for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), JSON.stringify(content))
    return await run(HfTokenizer.load(folder))
  } finally {
    await rm(folder, { recursive: true })
  }
}

it.each([
  ["config.json, a list", { "config.json": { eos_token_id: [0, 2] } }, [0, 2]],
  ["config.json, a number", { "config.json": { eos_token_id: 2 } }, [2]],
  ["the text side of config.json", { "config.json": { text_config: { eos_token_id: 3 } } }, [3]],
  [
    "generation_config.json alone where it is there",
    { "config.json": { eos_token_id: 2 }, "generation_config.json": { eos_token_id: 5 } },
    [5],
  ],
] as const)("the tokens that end a response are those of %s", async (_, files, ids) => {
  const { facts } = await expectedOf("qwen3")
  const tokenizer = await loadWith({ "tokenizer_config.json": { eos_token: "<|im_end|>" }, ...files })
  expect(tokenizer.stops).toEqual([facts.tokenizer.eos, ...ids])
})

it("reads special tokens that only special_tokens_map.json has", async () => {
  const { facts } = await expectedOf("qwen3")
  const chat_template = "{{ bos_token }}{{ messages[0].content }}{{ eos_token }}"
  const tokenizer = await loadWith({
    "tokenizer_config.json": { chat_template },
    "special_tokens_map.json": { bos_token: "<|im_start|>", eos_token: { content: "<|im_end|>" } },
  })
  expect(tokenizer.stops).toEqual([facts.tokenizer.eos])
  expect(await run(tokenizer.chatTemplate!.render([{ role: "user", content: "a" }]))).toBe("<|im_start|>a<|im_end|>")
})

it("says what is wrong with a folder, a template or a chat", async () => {
  const folder = await mkdtemp(join(tmpdir(), "lpo-tokenizer-"))
  const refusal = async () => (await run(Effect.flip(HfTokenizer.load(folder)))).message
  try {
    expect(await refusal()).toMatch(/has no tokenizer\.json/)
    await writeFile(join(folder, "tokenizer.json"), "{")
    expect(await refusal()).toMatch(/tokenizer\.json: is not JSON/)
    await writeFile(join(folder, "tokenizer.json"), `{"model":{"type":"Unheard"}}`)
    expect(await refusal()).toMatch(/tokenizer\.json cannot be used/)
    await writeFile(join(folder, "tokenizer.json"), await readFile(join(folderOf("qwen3"), "tokenizer.json")))
    expect(await refusal()).toMatch(/does not name a token that ends a response/)
    await writeFile(join(folder, "tokenizer_config.json"), `{"eos_token":{"content":"<|im_end|>"}}`)
    const bare = await run(HfTokenizer.load(folder))
    const messages = [{ role: "user", content: "hi" }] as const
    expect((await run(Effect.flip(bare.encodeChat(messages)))).message).toMatch(/has no chat template/)
    await writeFile(
      join(folder, "tokenizer_config.json"),
      `{"eos_token":"<|im_end|>","chat_template":[{"name":"default","template":"{{ messages[0].content }}"}]}`,
    )
    expect([...(await run((await run(HfTokenizer.load(folder))).encodeChat(messages)))].length).toBeGreaterThan(0)
  } finally {
    await rm(folder, { recursive: true })
  }
  expect((await run(Effect.flip(ChatTemplate.make("{% if %}", {})))).message).toMatch(/does not parse/)
  const mistral = (await run(HfTokenizer.load(folderOf("tokenizer-mistral")))).chatTemplate
  if (mistral === null) throw new TypeError("no chat template")
  expect((await run(Effect.flip(mistral.render([{ role: "assistant", content: "I begin" }])))).message).toMatch(
    /refuses: .*roles must alternate/,
  )
  const image = { type: "image", format: "png", data: new Uint8Array() } as const
  expect((await run(Effect.flip(mistral.render([{ role: "user", content: [image] }])))).message).toMatch(/has an image/)
})
