/** Configurations and files that ask for more than they hold, or nest without end: refused before a weight is read. */
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Checkpoint, LoraFiles, ModelConfig, Safetensors } from "@lpo/transformer"
import { Effect } from "effect"
import { afterAll, beforeAll, expect, it } from "vitest"
import { folderOf } from "./fixtures.ts"

let root = ""
let folder = ""
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "lpo-hostile-"))
  folder = join(root, "checkpoint")
  await cp(folderOf("llama2"), folder, { recursive: true })
})
afterAll(() => rm(root, { recursive: true }))

const refusal = async <A>(effect: Effect.Effect<A, { readonly message: string }>): Promise<string> =>
  (await Effect.runPromise(Effect.flip(effect))).message

/** What opening says with a file changed; the file is put back. */
const withFile = async (name: string, edit: (text: string) => string): Promise<string> => {
  const path = join(folder, name)
  const text = await readFile(path, "utf8")
  await writeFile(path, edit(text))
  try {
    return await refusal(Checkpoint.open(folder))
  } finally {
    await writeFile(path, text)
  }
}
const config = (change: object) => (text: string) => JSON.stringify({ ...(JSON.parse(text) as object), ...change })

it.each<[string, object, RegExp]>([
  ["layers", { num_hidden_layers: 1e8 }, /num_hidden_layers/],
  ["a vocabulary", { vocab_size: 1e8 }, /tensor model\.embed_tokens\.weight is \[/],
  ["a width", { hidden_size: 1e8, head_dim: 2 }, /the model wants|does not fit/],
  ["an inner width", { intermediate_size: 1e8 }, /tensor model\.layers\.0\.mlp\.\w+_proj\.weight is \[/],
  ["heads", { num_attention_heads: 1e8, num_key_value_heads: 1e8, head_dim: 2 }, /the model wants/],
  ["a size of a head", { head_dim: 1e8 }, /the model wants/],
  [
    "everything",
    { vocab_size: 1e8, hidden_size: 1e8, intermediate_size: 1e8, num_hidden_layers: 1024, head_dim: 2 },
    /the model wants|has no tensor/,
  ],
  ["more than a number holds", { vocab_size: 1e300 }, /vocab_size/],
  ["less than nothing", { vocab_size: -1 }, /vocab_size/],
  ["half a layer", { num_hidden_layers: 0.5 }, /num_hidden_layers/],
])("refuses a configuration that asks for %s by the sizes of the files", async (_, change, reason) => {
  expect(await withFile("config.json", config(change))).toMatch(reason)
})

const deep = `${"[".repeat(100_000)}${"]".repeat(100_000)}`
it.each([
  "config.json",
  "tokenizer.json",
  "tokenizer_config.json",
  "generation_config.json",
  "special_tokens_map.json",
])("refuses a %s that nests without end", async (name) => {
  const path = join(folder, name)
  const before = await readFile(path).catch(() => null)
  await writeFile(path, `{"a":${deep}}`)
  // Without a tokenizer none of its files is read.
  if (
    !(await readFile(join(folder, "tokenizer.json")).then(
      () => true,
      () => false,
    )) &&
    name !== "config.json"
  ) {
    await writeFile(join(folder, "tokenizer.json"), before ?? "{}")
  }
  const said = await refusal(Checkpoint.open(folder))
  expect(said).toMatch(/nest deeper than 512 levels/)
  if (before === null) await rm(path)
  else await writeFile(path, before)
})

it("refuses an adapter whose rank no file has", async () => {
  const adapter = join(root, "adapter")
  await cp(folderOf("lora"), adapter, { recursive: true })
  const of = await Effect.runPromise(Checkpoint.readConfig(folderOf("qwen3")))
  const path = join(adapter, "adapter_config.json")
  await writeFile(path, config({ r: 1e8 })(await readFile(path, "utf8")))
  expect(await refusal(LoraFiles.read(of.config, adapter))).toMatch(/rank|tensor|r is/)
})

const file = (header: string, data = 0): Uint8Array => {
  const json = Buffer.from(header)
  const head = Buffer.alloc(8)
  head.writeBigUInt64LE(BigInt(json.length))
  return new Uint8Array(Buffer.concat([head, json, Buffer.alloc(data)]))
}
it.each<[string, string, RegExp]>([
  ["nests", `{"a":${deep}}`, /nest deeper/],
  ["nests in its metadata", `{"__metadata__":{"a":${deep}}}`, /nest deeper/],
  [
    "names a hundred thousand tensors",
    `{${Array.from({ length: 100_001 }, (_, i) => `"${i}":0`).join(",")}}`,
    /has 100001 tensors, the most is 100000/,
  ],
  ["has a shape without end", '{"a":{"dtype":"F32","shape":[0,1e300],"data_offsets":[0,0]}}', /shape/],
])("refuses a header that %s", async (_, header, reason) => {
  expect(await refusal(Safetensors.decode(file(header), "f"))).toMatch(reason)
})

it("takes no key of the language for an option", async () => {
  const text = await readFile(join(folder, "config.json"), "utf8")
  for (const key of ["constructor", "toString", "hasOwnProperty", "valueOf"]) {
    const raw = JSON.parse(`${text.trim().slice(0, -1)},"${key}":{"a":1}}`) as object
    expect(await refusal(ModelConfig.decode(raw))).toContain(key)
  }
  const raw = JSON.parse(`${text.trim().slice(0, -1)},"__proto__":{"vocab_size":7}}`) as object
  const { vocab_size } = await Effect.runPromise(ModelConfig.decode(raw))
  expect(vocab_size).toBe((JSON.parse(text) as { vocab_size: number }).vocab_size)
})
