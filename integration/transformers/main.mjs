// `npm run integration -- transformers [--seed N]`: fresh random checkpoints of every family from transformers into this engine,
// and what the engine saves back into transformers and peft. Makes its Python environment on first use (about 3 GB with PyTorch).
import { spawnSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"
import { AdamW, Backend, Checkpoint, Lora, LoraFiles, Policy, Replica, Safetensors, Tokenizer } from "@lpo/transformer"
import { Effect } from "effect"
import { prepare, pythonOf } from "../../bench/peers/peers.mjs"

const { values: options } = parseArgs({ options: { seed: { type: "string", default: String(Date.now() % 100_000) } } })
const fixtures = "../../tools/fixtures"
const families = ["llama2", "llama3", "mistral", "qwen2", "qwen3"]
const directions = [
  "transformers writes, the engine reads (logits, log-probs, greedy text)",
  "the engine writes, transformers reads (logits, tokenizer, a trained model)",
  "adapters: the engine writes, peft reads",
]

try {
  prepare(fixtures)
} catch (error) {
  console.error(`\nSKIPPED, since there is no Python environment (${error.message}):`)
  for (const direction of directions) console.error(`  SKIPPED: ${direction}`)
  console.error("Install Python 3.11 with venv and pip, or give pip an index by PIP_INDEX_URL, and run this again.")
  console.log(JSON.stringify({ integration: "transformers", skipped: directions }))
  process.exit(0)
}

const root = mkdtempSync(join(tmpdir(), "lpo-transformers-"))
const python = (...args) => {
  const env = {
    ...process.env,
    HF_HUB_OFFLINE: "1",
    TRANSFORMERS_VERBOSITY: "error",
    PYTHONWARNINGS: "ignore",
    TQDM_DISABLE: "1",
  }
  const { status } = spawnSync(pythonOf(fixtures), args, { stdio: ["ignore", "inherit", "inherit"], env })
  return status === 0
}
let failed = 0
const report = (what, ok, detail = "") => {
  console.log(`${ok ? "ok    " : "FAILED"} ${what}${detail}`)
  if (!ok) failed++
}
const run = (effect) => Effect.runPromise(effect)
const gap = (a, b) => a.reduce((most, v, i) => Math.max(most, Math.abs(v - b[i])), a.length === b.length ? 0 : Infinity)

/** The logits after the last token. */
const last = async (replica, config, ids) => {
  const [logits] = await replica.logits([Int32Array.from(ids)])
  return Array.from(logits.slice(-config.vocab_size))
}

/** A replica of parameters, used once. */
const using = async (config, values, adapter, use) => {
  const replica = Replica.make(config, values, { adapter })
  try {
    return await use(replica)
  } finally {
    replica.dispose()
  }
}

try {
  console.log(`seed ${options.seed}\n\n${directions[0]}`)
  const made = join(root, "made")
  if (!python(fileURLToPath(new URL(`${fixtures}/make.py`, import.meta.url)), "--out", made, "--seed", options.seed))
    throw new Error("make.py failed")
  await run(Backend.start("wasm"))
  const plan = { models: [], trained: [], adapters: [] }
  for (const [i, name] of families.entries()) {
    const original = join(made, name)
    const checkpoint = await run(Checkpoint.open(original))
    const { config, values } = checkpoint
    const facts = JSON.parse(readFileSync(join(original, "expected.json"), "utf8"))
    const { tensors } = await run(Safetensors.decode(readFileSync(join(original, "expected.safetensors")), name))
    const sequences = facts.cases.map(({ completion, prompt }) => [...prompt, ...completion])
    await using(config, values, null, async (replica) => {
      const pairs = facts.cases.map((c) => ({
        prompt: Int32Array.from(c.prompt),
        completion: Int32Array.from(c.completion),
      }))
      const rows = await replica.logits(sequences.map((s) => Int32Array.from(s)))
      const logits = Math.max(
        ...rows.map((row, k) => {
          const expected = tensors.get(`logits.${k}`).data
          return gap(row.slice(-expected.length), expected)
        }),
      )
      report(`${name}: logits`, logits < 1e-4, `, largest difference ${logits.toExponential(1)}`)
      const logprobs = Math.max(
        ...(await replica.logprobs(pairs)).map((row, k) => gap(row, tensors.get(`logprobs.${k}`).data)),
      )
      report(`${name}: log-probs`, logprobs < 1e-4, `, largest difference ${logprobs.toExponential(1)}`)
      const request = { prompt: Int32Array.from(facts.greedy.prompt), streams: ["greedy"] }
      const law = { temperature: 0, topK: 0, topP: 1, maxTokens: 64, stops: [] }
      const [[{ tokens }]] = await replica.generate([request], law)
      report(`${name}: 64 greedy tokens`, tokens.join() === facts.greedy.tokens.join())
    })
    // Back, whole or in shards, with nothing changed.
    const saved = join(root, "saved", name)
    const maxFileBytes = i % 2 === 0 ? 5e9 : 8000
    await run(Checkpoint.save(checkpoint, saved, { maxFileBytes }))
    plan.models.push({
      name,
      original,
      saved,
      sequences,
      form: i % 2 === 0 ? "one file" : "shards",
      tokenizer: checkpoint.tokenizer !== null,
      logits: await using(config, values, null, (r) => last(r, config, sequences.at(-1))),
    })
    // An adapter and a whole model, each trained for a few steps.
    const pairs = facts.cases.map((c) => ({
      prompt: Int32Array.from(c.prompt),
      completion: Int32Array.from(c.completion),
    }))
    const sequence = sequences.at(-1)
    const train = (lora) =>
      Effect.gen(function* () {
        const tokenizer = Tokenizer.words(Array.from({ length: config.vocab_size - 1 }, (_, id) => `w${id}`))
        const policy = yield* Policy.make(config, tokenizer, values.slice(), { workers: 0, ...lora })
        for (let step = 0; step < 3; step++) {
          yield* policy.accumulate([pairs], (_, rows) => rows.map((row) => row.map(() => -1)))
          const adam = { learningRate: 0.01, beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0, maxGradNorm: 1 }
          AdamW.step(policy.values, policy.gradient, policy.optimizer, adam)
          policy.gradient.fill(0)
          policy.changed()
        }
        return policy.values.slice()
      }).pipe(Effect.scoped, run)
    const whole = await train({})
    const folders = {}
    for (const dtype of ["F32", "BF16", "F16"]) {
      folders[dtype] = join(root, "trained", `${name}-${dtype}`)
      await run(Checkpoint.save({ ...checkpoint, values: whole }, folders[dtype], { dtype }))
    }
    plan.trained.push({
      name,
      saved: folders,
      sequence,
      logits: await using(config, whole, null, (r) => last(r, config, sequence)),
    })
    const fresh = Lora.initialise(config, { rank: 4, alpha: 8, targets: [...Lora.modules] }, "integration")
    const adapter = { config: fresh.config, values: await train({ lora: fresh }) }
    const adapterFolder = join(root, "adapter", name)
    await run(LoraFiles.write(config, adapter, adapterFolder, { baseModel: saved }))
    const merged = join(root, "merged", name)
    await run(Checkpoint.save(Checkpoint.merged(checkpoint, adapter), merged))
    const logits = await using(config, values, adapter, (r) => last(r, config, sequence))
    plan.adapters.push({ name, base: saved, adapter: adapterFolder, merged, sequence, logits })
  }
  console.log(`\n${directions[1]}\n${directions[2]}`)
  writeFileSync(join(root, "plan.json"), JSON.stringify(plan))
  if (!python(fileURLToPath(new URL("check.py", import.meta.url)), root)) failed++
} finally {
  rmSync(root, { recursive: true, force: true })
}
console.log(JSON.stringify({ integration: "transformers", seed: Number(options.seed), failed, skipped: [] }))
process.exit(failed === 0 ? 0 : 1)
