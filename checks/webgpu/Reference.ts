/**
 * A random checkpoint, with the log-probs and the gradient that the WASM engine gets from it: other backends are compared
 * with it, even on a machine where nothing else can be computed.
 */
import { mkdir, readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { Backend, Checkpoint, ModelConfig, Parameters, Replica } from "@lpo/transformer"
import { Effect } from "effect"
import * as Models from "../../bench/shared/Models.ts"

/** Heads of another size, grouped, an untied head. */
const config = Effect.runSync(
  ModelConfig.decode({
    model_type: "qwen3",
    vocab_size: 97,
    hidden_size: 48,
    intermediate_size: 80,
    num_hidden_layers: 2,
    num_attention_heads: 4,
    num_key_value_heads: 2,
    head_dim: 16,
    max_position_embeddings: 128,
    rope_theta: 10_000,
    rms_norm_eps: 1e-6,
    tie_word_embeddings: false,
  }),
)

const prompt = (length: number, seed: number) =>
  Int32Array.from({ length }, (_, i) => (seed * 31 + i * 17 + i * i) % config.vocab_size)
const pairs = [5, 1, 9, 3].map((length, i) => ({ prompt: prompt(length, i), completion: prompt(12 - 2 * i, i + 10) }))
const weights = pairs.map(({ completion }, i) => Float32Array.from(completion, (_, t) => Math.sin(3 * i + t)))

interface Expected {
  readonly logprobs: ReadonlyArray<ReadonlyArray<number>>
  readonly gradient: ReadonlyArray<number>
}

/** Writes the checkpoint and `expected.json`; the active backend is WASM afterwards. */
export const write = async (folder: string): Promise<void> => {
  await mkdir(folder, { recursive: true })
  const values = Parameters.initialise(config, "checks")
  await Effect.runPromise(Backend.start("wasm"))
  const replica = Replica.make(config, values)
  const forward = await replica.forward(pairs)
  const gradient = await forward.backward(weights)
  await Models.save(config, values, folder)
  const expected: Expected = {
    logprobs: forward.logprobs.map((row) => Array.from(row)),
    gradient: Array.from(gradient),
  }
  await writeFile(join(folder, "expected.json"), JSON.stringify(expected))
  replica.dispose()
}

const largest = (a: ReadonlyArray<number>, b: ReadonlyArray<number>): number =>
  a.reduce((most, v, i) => Math.max(most, Math.abs(v - b[i])), a.length === b.length ? 0 : Infinity)

/** Opens the checkpoint on the active backend and compares; throws if log-probs or the gradient differ. */
export const check = async (folder: string): Promise<void> => {
  const expected = JSON.parse(await readFile(join(folder, "expected.json"), "utf8")) as Expected
  const opened = await Effect.runPromise(Checkpoint.open(folder))
  const replica = Replica.make(opened.config, opened.values)
  const forward = await replica.forward(pairs)
  const gradient = await forward.backward(weights)
  replica.dispose()
  const nats = Math.max(...forward.logprobs.map((row, i) => largest(Array.from(row), expected.logprobs[i])))
  const scale = Math.max(...expected.gradient.map(Math.abs))
  const relative = largest(Array.from(gradient), expected.gradient) / scale
  if (!(nats < 1e-4)) throw new Error(`log-probs are ${nats} nats from those of WASM`)
  if (!(relative < 1e-3)) throw new Error(`the gradient is ${relative} of its largest entry from that of WASM`)
}
