/** Training from a Hugging Face checkpoint: a folder, and a model of a hub. */
import { readdir, readFile, rm } from "node:fs/promises"
import { join } from "node:path"
import { Checkpoint, LoraFiles } from "@lpo/transformer"
import { Effect } from "effect"
import { afterAll, expect, it } from "vitest"
import { commit } from "../../../../packages/transformer/test/hubDouble.ts"
import * as Opening from "../../src/Opening.ts"
import * as Resolve from "../../src/Resolve.ts"
import * as Settings from "../../src/Settings.ts"
import * as View from "../../src/View.ts"
import * as Tiny from "../checkpoint.ts"
import { makeTaught } from "../files.ts"
import { nothing } from "../given.ts"
import { makeProgram } from "../program.ts"
import * as Countdown from "../tiny.ts"

const { end, out, polaris } = makeProgram()
const tiny = await makeTaught()
afterAll(end)

it("trains every parameter of a checkpoint, and leaves a folder that opens as one", async () => {
  const result = await polaris([...Tiny.short, "--model", tiny.folder, "--name", "full"])
  expect(result.stderr).toBe("")
  expect(result.code).toBe(0)
  expect(result.stdout).toMatch(/qwen3, 9,824 parameters, all trained/)
  expect(result.stdout).toMatch(/base model: pass@1/)
  const saved = join(out, "full", "model")
  const [before, after] = await Tiny.run(Effect.all([Checkpoint.open(tiny.folder), Checkpoint.open(saved)]))
  expect(after.config).toEqual(before.config)
  expect(after.tokenizer?.files).toEqual(before.tokenizer?.files)
  expect(after.raw.generation).toBe(before.raw.generation)
  expect(after.values).not.toEqual(before.values)
  const [first] = (await readFile(join(out, "full", "completions.jsonl"), "utf8")).split("\n")
  const texts = (JSON.parse(first) as { completions: Array<{ text: string }> }).completions.map(({ text }) => text)
  // The model was taught no end but the stop string.
  expect(texts.some((text) => /^<answer>.*<\/answer>$/.test(text))).toBe(true)
  for (const text of texts) expect(text.slice(0, -1)).not.toMatch(/<\/answer>/)
  const [event] = (await readFile(join(out, "full", "events.jsonl"), "utf8")).split("\n")
  expect(JSON.parse(event)["truncated"]).toBeLessThan(1)
})

it("trains an adapter on a model of a hub, downloaded in sight; stopped, it goes on offline from the same commit", async () => {
  const stopped = await polaris(
    [...Tiny.adapter, "--name", "stopped"],
    (stdout) => (/Training \(lpo-fwd\) 1\/12/.test(stdout) ? "SIGINT" : null),
    tiny.online,
  )
  expect(stopped.stderr).toBe("")
  expect(stopped.code).toBe(130)
  expect(stopped.stdout).toMatch(/Downloading tiny\/qwen3 .* MB\/.* MB/)
  expect(stopped.stdout).toMatch(/an adapter of 1,072 trained/)
  const recorded = JSON.parse(await readFile(join(out, "stopped", "config.json"), "utf8")) as Record<string, unknown>
  expect(recorded).toMatchObject({
    model: {
      source: "tiny/qwen3",
      revision: "main",
      commit,
      template: { date: expect.stringMatching(/^\d{4}(-\d\d){2}T/) },
    },
  })
  const asked = tiny.hub.requests.length
  const resumed = await polaris([...Tiny.adapter, "--name", "stopped", "--resume"], undefined, tiny.offline)
  expect(resumed.stderr).toBe("")
  expect(resumed.code).toBe(0)
  expect(resumed.stdout).toMatch(/resuming after step \d+ of 12/)
  // Everything is in the cache: nothing to show, and no hub to ask.
  expect(resumed.stdout).not.toMatch(/Downloading/)
  expect(tiny.hub.requests.length).toBe(asked)
  const saved = join(out, "stopped", "model")
  const [base, merged] = await Tiny.run(Effect.all([Checkpoint.open(tiny.folder), Checkpoint.open(saved)]))
  const adapter = await Tiny.run(LoraFiles.read(base.config, join(out, "stopped", "adapter")))
  expect(merged.values).toEqual(Checkpoint.merged(base, adapter).values)
  expect(merged.values).not.toEqual(base.values)
  expect(merged.tokenizer?.files).toEqual(base.tokenizer?.files)
  const json = await readFile(join(out, "stopped", "adapter", "adapter_config.json"), "utf8")
  expect(JSON.parse(json)).toMatchObject({ base_model_name_or_path: "tiny/qwen3", r: 2, lora_alpha: 4 })
})

it("says in one line why a checkpoint cannot be trained, and leaves no run behind", async () => {
  const { domain, preset } = await Countdown.open()
  const refusal = async (model: string, more: Partial<Settings.Given> = {}, env: Record<string, string> = {}) => {
    const given = { ...nothing, model, ...more }
    const program = Effect.gen(function* () {
      const settings = yield* Resolve.settings(given, null)
      return yield* Opening.engine(settings, { domain, folder: join(out, "nothing"), given, preset, view: View.make() })
    }).pipe(Effect.scoped)
    const { message } = await Tiny.run(Effect.flip(program), { ...tiny.online, ...env })
    expect(message).not.toMatch(/\n/)
    return message
  }
  const strange = await Tiny.copyOf({ model_type: "mamba" })
  const large = await Tiny.copyOf({ max_position_embeddings: 512, hidden_size: 8192, intermediate_size: 32_768 })
  const small = await Tiny.copyOf({ vocab_size: 40, max_position_embeddings: 512 })
  const bare = await Tiny.copyOf({ max_position_embeddings: 512 })
  await rm(join(bare, "tokenizer.json"))
  try {
    const folder = await polaris(["--model", "./no/such/folder", "--name", "nothing"])
    expect(folder).toMatchObject({ code: 1, stderr: "polaris: ./no/such/folder: there is no such folder\n" })
    expect(await readdir(out)).not.toContain("nothing")
    expect(await refusal("tiny/other")).toMatch(/tiny\/other at main: the hub has no such model or revision/)
    expect(await refusal("tiny/qwen3@v9")).toMatch(/tiny\/qwen3 at v9: the hub has no such model or revision/)
    expect(await refusal("tiny/absent", {}, tiny.offline)).toMatch(
      /is not in the cache .* and this is offline; download/,
    )
    expect(await refusal(strange)).toMatch(/config\.json: .*mamba/)
    const before = tiny.hub.requests.length
    const huge = { groupSize: 1024, maxTokens: 1_000_000 }
    expect(await refusal("tiny/qwen3", huge, { HF_HUB_CACHE: join(out, "other") })).toMatch(/WASM heap ends at 4 GiB/)
    // Refused before any weights came.
    expect(tiny.hub.requests.slice(before).filter((request) => /safetensors/.test(request))).toEqual([])
    expect(await refusal(Tiny.fixture)).toMatch(
      /a prompt takes \d+ tokens and a response up to 256 .* has 128 positions/,
    )
    expect(await refusal(tiny.folder, { maxTokens: 400 })).toMatch(/give --max-tokens \d+ or less/)
    expect(await refusal(large)).toMatch(/parameters need .* GiB to train in full, and a WASM heap ends at 4 GiB/)
    expect(await refusal(bare)).toMatch(/has no tokenizer\.json/)
    expect(await refusal(small)).toMatch(/model\.embed_tokens\.weight/)
    expect(await refusal("a@")).toMatch(/--model is "a@"; give a folder, or name or name@revision on the hub/)
  } finally {
    for (const path of [strange, large, small, bare]) await rm(path, { recursive: true })
  }
})
