/**
 * `npm run checks -- transformers`: templates, strings, configurations and adapters compared with the real libraries in one table;
 * then fresh random checkpoints of every family from transformers into this engine, and what the engine saves back into
 * transformers and peft.
 */
import { spawnSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import {
  Backend,
  Checkpoint,
  Lora,
  LoraFiles,
  type ModelConfig,
  Policy,
  Replica,
  Safetensors,
  Tokenizer,
} from "@lpo/transformer"
import { Effect } from "effect"
import * as Arguments from "../../bench/shared/Arguments.ts"
import * as Python from "../../bench/shared/Python.ts"
import { gap, pairOf, type Facts } from "../../packages/transformer/test/fixtures.ts"
import * as Report from "../shared/Report.ts"
import * as Table from "./Table.ts"

const parts = ["table", "files"] as const
const { part, seed } = Arguments.read("npm run checks -- transformers", {
  part: Arguments.oneOf("only this part", parts, null),
  seed: Arguments.whole("seed of the checkpoints' weights; by default different each time", Date.now() % 100_000, 0),
})
const fixtures = new URL("../../packages/transformer/test/fixtures/make/", import.meta.url)
const families = ["llama2", "llama3", "mistral", "qwen2", "qwen3", "smollm3", "gemma2", "gemma3"]
const directions = [
  "templates, strings, configurations and adapters: no silent difference",
  "transformers writes, the engine reads (logits, log-probs, greedy text)",
  "the engine writes, transformers reads (logits, tokenizer, a trained model)",
  "adapters: the engine writes, peft reads",
]
const report = Report.make("transformers")

/** Runs a Python program; whether it ended well. */
const run = (python: string, ...args: ReadonlyArray<string>): boolean => {
  return spawnSync(python, args, { stdio: ["ignore", "inherit", "inherit"], env: Python.quietly }).status === 0
}

/** A report of a difference that must be below 1e-4. */
const small = (what: string, difference: number) =>
  report.add(what, difference < 1e-4, `largest difference ${difference.toExponential(1)}`)

/** The logits after the last token. */
const last = async (replica: Replica.Replica, config: ModelConfig.ModelConfig, ids: ReadonlyArray<number>) => {
  const [logits] = await replica.logits([Int32Array.from(ids)])
  return Array.from(logits.slice(-config.vocab_size))
}

/** A replica of parameters, used once. */
const using = async <A>(
  config: ModelConfig.ModelConfig,
  values: Float32Array,
  adapter: Lora.Adapter | null,
  use: (replica: Replica.Replica) => Promise<A>,
): Promise<A> => {
  const replica = Replica.make(config, values, { adapter })
  try {
    return await use(replica)
  } finally {
    replica.dispose()
  }
}

/** What transformers and PyTorch computed on a checkpoint of theirs. */
const factsOf = async (folder: string) => {
  const { cases, greedy } = JSON.parse(readFileSync(join(folder, "expected.json"), "utf8")) as Facts
  const path = join(folder, "expected.safetensors")
  const { tensors } = await Effect.runPromise(Safetensors.decode(readFileSync(path), path))
  return {
    greedy,
    pairs: cases.map(pairOf),
    sequences: cases.map(({ completion, prompt }) => prompt.concat(completion)),
    expected: (key: string) => tensors.get(key)?.data ?? new Float32Array(),
  }
}
type FactsOf = Awaited<ReturnType<typeof factsOf>>

const reads = async (name: string, replica: Replica.Replica, { expected, greedy, pairs, sequences }: FactsOf) => {
  const rows = await replica.logits(sequences.map((s) => Int32Array.from(s)))
  const ofLogits = rows.map((row, k) => {
    const truth = expected(`logits.${k}`)
    return gap(row.slice(-truth.length), truth)
  })
  small(`${name}: logits`, Math.max(...ofLogits))
  const logprobs = await replica.logprobs(pairs)
  small(`${name}: log-probs`, Math.max(...logprobs.map((row, k) => gap(row, expected(`logprobs.${k}`)))))
  const request = { prompt: Int32Array.from(greedy.prompt), streams: ["greedy"] }
  const law = { temperature: 0, topK: 0, topP: 1, maxTokens: 64, stops: [] }
  const [[{ tokens }]] = await replica.generate([request], law)
  report.add(`${name}: 64 greedy tokens`, tokens.join() === greedy.tokens.join())
}

/** A whole model, or an adapter on it, trained for a few steps. */
const train = ({ config, values }: Checkpoint.Checkpoint, { pairs }: FactsOf, options: Policy.Options = {}) =>
  Effect.gen(function* () {
    const tokenizer = Tokenizer.words(Array.from({ length: config.vocab_size - 1 }, (_, id) => `w${id}`))
    const policy = yield* Policy.make(config, tokenizer, values.slice(), { workers: 0, ...options })
    const adam = { learningRate: 0.01, beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0, maxGradNorm: 1 }
    for (let step = 0; step < 3; step++) {
      yield* policy.accumulate([pairs], (_, rows) => rows.map((row) => row.map(() => 1)))
      yield* policy.step(adam)
    }
    return policy.values.slice()
  }).pipe(Effect.scoped, Effect.runPromise)

/** Reads what transformers wrote of a family, writes it back in every form, and gives what check.py is to find there. */
const family = async (root: string, name: string, sharded: boolean) => {
  const original = join(root, "made", name)
  const checkpoint = await Effect.runPromise(Checkpoint.open(original))
  const { config, values } = checkpoint
  const facts = await factsOf(original)
  await using(config, values, null, (replica) => reads(name, replica, facts))

  const { sequences } = facts
  const sequence = sequences[sequences.length - 1]
  const saved = join(root, "saved", name)
  await Effect.runPromise(Checkpoint.save(checkpoint, saved, { maxFileBytes: sharded ? 8000 : 5e9 }))
  const logits = await using(config, values, null, (r) => last(r, config, sequence))
  const form = sharded ? "shards" : "one file"
  const model = { name, original, saved, sequences, form, tokenizer: checkpoint.tokenizer !== null, logits }

  const whole = await train(checkpoint, facts)
  const folders: Record<string, string> = {}
  for (const dtype of ["F32", "BF16", "F16"] as const) {
    folders[dtype] = join(root, "trained", `${name}-${dtype}`)
    await Effect.runPromise(Checkpoint.save({ ...checkpoint, values: whole }, folders[dtype], { dtype }))
  }
  const wholeLogits = await using(config, whole, null, (r) => last(r, config, sequence))
  const trained = { name, saved: folders, sequence, logits: wholeLogits }

  const ends: Partial<Lora.LoraConfig> = config.tie_word_embeddings
    ? { saved: ["embed_tokens"] }
    : { targets: ["q_proj", ...Lora.ends], saved: ["model.norm"] }
  const kinds: Readonly<Record<string, Partial<Lora.LoraConfig>>> = {
    "of all maps": {},
    "of the ends": ends,
    DoRA: { dora: true },
  }
  const adapted: Array<object> = []
  for (const [kind, more] of Object.entries(kinds)) {
    const of: Lora.LoraConfig = { rank: 4, alpha: 8, targets: [...Lora.modules], ...more }
    const fresh = Lora.initialise(config, of, "checks", values)
    const adapter = { config: of, values: await train(checkpoint, facts, { lora: fresh }) }
    const folder = join(root, "adapter", name, kind)
    await Effect.runPromise(LoraFiles.write(config, adapter, folder, { baseModel: saved }))
    const merged = join(root, "merged", name, kind)
    await Effect.runPromise(Checkpoint.save(Checkpoint.merged(checkpoint, adapter), merged))
    const logits = await using(config, values, adapter, (r) => last(r, config, sequence))
    adapted.push({ name: `${name}, ${kind}`, base: saved, adapter: folder, merged, sequence, logits })
  }
  return { model, trained, adapted }
}

/** The table: what the real libraries make of each, and what this engine does. */
const table = async (python: string, root: string) => {
  const made = [["templates.py"], ["constructs.py", "--grid"], ["added_tokens.py"]].every(([name, ...more]) =>
    run(python, fileURLToPath(new URL(name, fixtures)), root, ...more),
  )
  const script = fileURLToPath(new URL("comparisons.py", import.meta.url))
  if (!made || !run(python, script, root, fileURLToPath(fixtures))) throw new Error("Python failed")
  await Effect.runPromise(Backend.start("wasm"))
  const rows = await Table.make(root)
  const { alone, different, lines, refused } = Table.print(rows)
  console.log(`\n${lines.join("\n")}\n`)
  for (const [kind, names] of Object.entries({ "refused here, by name": refused, "read here alone": alone })) {
    for (const name of names.slice(0, 40)) console.log(`${kind}: ${name}`)
    if (names.length > 40) console.log(`${kind}: ${names.length - 40} more`)
  }
  for (const name of different) console.log(`SILENT DIFFERENCE: ${name}`)
  report.add(directions[0], different.length === 0, `${different.length} silent differences`)
}

/** What either side writes, read by the other. */
const files = async (python: string, root: string) => {
  console.log(`seed ${seed}\n\n${directions[1]}`)
  const make = fileURLToPath(new URL("make.py", fixtures))
  if (!run(python, make, "--out", join(root, "made"), "--seed", String(seed))) throw new Error("make.py failed")
  await Effect.runPromise(Backend.start("wasm"))
  const results: Array<Awaited<ReturnType<typeof family>>> = []
  for (const [i, name] of families.entries()) results.push(await family(root, name, i % 2 === 1))
  console.log(`\n${directions[2]}\n${directions[3]}`)
  const plan = {
    models: results.map(({ model }) => model),
    trained: results.map(({ trained }) => trained),
    adapters: results.flatMap(({ adapted }) => adapted),
  }
  writeFileSync(join(root, "plan.json"), JSON.stringify(plan))
  report.add("all of it in Python", run(python, fileURLToPath(new URL("check.py", import.meta.url)), root))
}

const main = async (python: string) => {
  const root = mkdtempSync(join(tmpdir(), "lpo-transformers-"))
  try {
    if (part !== "files") await table(python, root)
    if (part !== "table") await files(python, root)
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
  report.end({ seed })
}

const python = Report.unlessSkipped("transformers", directions, () =>
  Python.prepare({ name: "transformers", requirements: new URL("requirements.txt", fixtures) }),
)
if (python !== null) await main(python)
