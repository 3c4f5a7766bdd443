// tfjs-node beside the WASM backend with its kernels: tokens per second of sampling and of training, two models, all cores. Each
// backend runs in a process of its own; rounds take turns. The last line is JSON.
import { spawn } from "node:child_process"
import { createInterface } from "node:readline"
import { parseArgs } from "node:util"
import { AdamW, Backend, Parameters, Policy, Tokenizer } from "@lpo/transformer"
import { Seed } from "@lpo/rollout"
import { Effect } from "effect"

const {
  values: { backend, rounds, warm },
} = parseArgs({
  options: {
    backend: { type: "string" },
    rounds: { type: "string", default: "5" },
    warm: { type: "string", default: "1" },
  },
})

const model = (hidden, layers, heads, intermediate) => ({
  model_type: "llama",
  vocab_size: 64,
  hidden_size: hidden,
  intermediate_size: intermediate,
  num_hidden_layers: layers,
  num_attention_heads: heads,
  num_key_value_heads: heads,
  max_position_embeddings: 64,
  rope_theta: 10000,
  rms_norm_eps: 1e-5,
  tie_word_embeddings: true,
})
/** Groups of `size` samples per prompt: 16 tokens of prompt, 48 of response. */
const cases = [
  { name: "width 128, 4 layers", config: model(128, 4, 4, 352), prompts: 8, size: 16 },
  { name: "width 512, 8 layers", config: model(512, 8, 8, 1376), prompts: 4, size: 8 },
]
const [promptTokens, newTokens] = [16, 48]

/** A process that measures on request. */
const serve = async () => {
  const { device } = await Effect.runPromise(Backend.start(backend))
  const policies = new Map()
  const program = Effect.gen(function* () {
    for (const { config, name } of cases) {
      const tokenizer = Tokenizer.words(Array.from({ length: config.vocab_size - 1 }, (_, id) => `w${id}`))
      const values = Parameters.initialise(config, "bench")
      const workers = backend === "wasm" ? Policy.defaultWorkers() : 0
      policies.set(name, yield* Policy.make(config, tokenizer, values, { workers }))
    }
    console.log(JSON.stringify({ device }))
    const sample = (policy, prompts, size, seed) =>
      policy.generate(
        prompts.map((prompt, i) => ({ prompt, streams: Array.from({ length: size }, (_, k) => `${seed}/${i}/${k}`) })),
        { maxTokens: newTokens, temperature: 1, topK: 0, topP: 1 },
      )
    for await (const line of createInterface({ input: process.stdin })) yield* answer(JSON.parse(line))
    function* answer() {}
  })
  await Effect.runPromise(Effect.scoped(program))
}

if (backend !== undefined) await serve()
