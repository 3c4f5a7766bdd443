// `npm run bench -- heap`: the WASM heap that a Llama of 52 M parameters takes to sample, to train an adapter and to train in full,
// beside what `Memory.estimate` reckons. A heap never shrinks, so each purpose has a process of its own.
import { spawnSync } from "node:child_process"
import { fileURLToPath } from "node:url"
import { Backend, Lora, Memory, Parameters, Policy, Tokenizer } from "@lpo/transformer"
import * as tf from "@tensorflow/tfjs-core"
import { Effect } from "effect"

const config = {
  model_type: "llama",
  vocab_size: 4096,
  hidden_size: 640,
  intermediate_size: 1728,
  num_hidden_layers: 10,
  num_attention_heads: 10,
  num_key_value_heads: 10,
  max_position_embeddings: 512,
  rope_theta: 10000,
  rms_norm_eps: 1e-5,
  tie_word_embeddings: true,
}
const mib = (bytes) => Math.round(bytes / 2 ** 20)

/** Samples 2 x 8 tokens and, unless it only samples, twice takes the gradient of a sequence of 128 tokens. */
const measure = (purpose) =>
  Effect.gen(function* () {
    yield* Backend.start("wasm")
    const tokenizer = Tokenizer.words(Array.from({ length: config.vocab_size - 1 }, (_, i) => `w${i}`))
    const adapter = Lora.initialise(config, { rank: 8, alpha: 16, targets: ["q_proj", "v_proj"] }, "heap")
    const lora = purpose === "adapter" ? { lora: adapter } : {}
    const policy = yield* Policy.make(config, tokenizer, Parameters.initialise(config, "heap"), { workers: 0, ...lora })
    const law = { maxTokens: 8, temperature: 1, topK: 0, topP: 1 }
    const sample = policy.generate([{ prompt: Int32Array.of(1, 2, 3), streams: ["a", "b"] }], law)
    const half = Int32Array.from({ length: 64 }, (_, i) => i)
    yield* sample
    const steps = purpose === "sample" ? 0 : 2
    for (let step = 0; step < steps; step++) {
      yield* policy.accumulate([[{ prompt: half, completion: half }]], (_, rows) => rows.map((row) => row.map(() => 1)))
      policy.changed()
      yield* sample
    }
    const { heap } = Memory.estimate(config, {
      purpose: purpose === "sample" ? "sample" : "train",
      lora: purpose === "adapter" ? adapter.config : null,
      tokens: 128,
      sequences: 2,
      positions: 16,
    })
    return { purpose, measured: mib(tf.backend().wasm.asm.memory.buffer.byteLength), reckoned: mib(heap) }
  }).pipe(Effect.scoped, Effect.runPromise)

const [, script, purpose] = process.argv
if (purpose !== undefined) console.log(JSON.stringify(await measure(purpose)))
else {
  const results = ["sample", "adapter", "full"].map((name) => {
    const { status, stdout } = spawnSync(process.execPath, [fileURLToPath(import.meta.url), name], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "inherit"],
    })
    if (status !== 0) throw new Error(`${script} ${name} ended with exit code ${status}`)
    const result = JSON.parse(stdout)
    console.log(`${name.padEnd(8)} ${result.measured} MiB measured, ${result.reckoned} MiB reckoned`)
    return result
  })
  console.log(JSON.stringify({ bench: "heap", parameters: Parameters.count(Parameters.layout(config)), results }))
}
