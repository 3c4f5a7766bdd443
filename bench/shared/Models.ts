/** The models that benchmarks and checks run on: random Llamas, each named by its parameters. */
import { Checkpoint, ModelConfig, Parameters, Tokenizer } from "@lpo/transformer"
import type { Problem } from "@lpo/rollout"
import { Effect } from "effect"

/** Width, MLP width, layers, heads, heads of keys and values, words. */
type Sizes = readonly [number, number, number, number, number, number]

const sizes = {
  /** For software that takes seconds for what others do in milliseconds. */
  "llama-11k": [32, 48, 1, 2, 2, 64],
  /** That of the first preset. */
  "llama-812k": [128, 352, 4, 4, 4, 64],
  "llama-25m": [512, 1376, 8, 8, 8, 64],
  "llama-52m": [640, 1728, 10, 10, 10, 4096],
  /** Large, but still small enough to train in full in a WASM heap. */
  "llama-100m": [768, 2048, 12, 12, 4, 32_000],
} satisfies Readonly<Record<string, Sizes>>

export type Name = keyof typeof sizes

export const names = Object.keys(sizes) as ReadonlyArray<Name>

export interface Model {
  readonly name: string
  readonly config: ModelConfig.ModelConfig
  /** The words `w0` and on. */
  readonly words: ReadonlyArray<string>
  /** The stop token comes after the words, outside the model's vocabulary: every response has its full length. */
  readonly tokenizer: Tokenizer.TokenizerService
  /** Random parameters in shared memory, where a policy takes them as they are. */
  readonly values: Float32Array
  /** `rows` sequences of `length` tokens with too little pattern to learn in a few steps; eight in a row start alike. */
  readonly sequences: (rows: number, length: number) => ReadonlyArray<Int32Array>
  /** `count` different prompts of `length` tokens. */
  readonly prompts: (count: number, length: number) => ReadonlyArray<Int32Array>
  /** The prompts as problems. */
  readonly problems: (count: number, length: number) => ReadonlyArray<Problem.Problem>
}

/** The shape of a model. */
export const configOf = (name: Name): ModelConfig.ModelConfig => {
  const [width, mlpWidth, layers, heads, kvHeads, vocabulary] = sizes[name]
  return Effect.runSync(
    ModelConfig.decode({
      model_type: "llama",
      vocab_size: vocabulary,
      hidden_size: width,
      intermediate_size: mlpWidth,
      num_hidden_layers: layers,
      num_attention_heads: heads,
      num_key_value_heads: kvHeads,
      max_position_embeddings: 1024,
      rope_theta: 10_000,
      rms_norm_eps: 1e-5,
      tie_word_embeddings: true,
    }),
  )
}

/** A model by its name, the same on every call. */
export const open = (name: Name): Model => {
  const config = configOf(name)
  return of(name, config, Parameters.initialise(config, "bench"))
}

/** A model of these parameters; its vocabulary gets words of its own. */
export const of = (name: string, config: ModelConfig.ModelConfig, initial: Float32Array): Model => {
  const words = Array.from({ length: config.vocab_size }, (_, i) => `w${i}`)
  const tokenizer = Tokenizer.words(words)
  const values = new Float32Array(new SharedArrayBuffer(initial.byteLength))
  values.set(initial)
  const token = (row: number, position: number): number =>
    (position === 0 ? Math.floor(row / 8) : row * 7 + position * position * 3 + row * position) % config.vocab_size
  const sequence = (row: number, length: number) => Int32Array.from({ length }, (_, position) => token(row, position))
  const prompts = (count: number, length: number) => Array.from({ length: count }, (_, i) => sequence(8 * i, length))
  return {
    name,
    config,
    words,
    tokenizer,
    values,
    sequences: (rows, length) => Array.from({ length: rows }, (_, row) => sequence(row, length)),
    prompts,
    problems: (count, length) =>
      prompts(count, length).map((tokens, i) => ({
        id: `p${i}`,
        task: "bench",
        prompt: tokenizer.decode(tokens),
        answer: null,
      })),
  }
}

/** One weight per token, of both signs, as those of an update are. */
export const weights = (rows: number, length: number): ReadonlyArray<Float32Array> =>
  Array.from({ length: rows }, (_, row) =>
    Float32Array.from({ length }, (_, t) => (((row * 31 + t * 17) % 13) - 6) / (6 * rows)),
  )

/** Writes a folder with config.json and model.safetensors, as a Hugging Face model is stored. */
export const save = (config: ModelConfig.ModelConfig, values: Float32Array, folder: string): Promise<void> => {
  const checkpoint = { config, values, tokenizer: null, raw: { config, generation: null } }
  return Effect.runPromise(Checkpoint.save(checkpoint, folder))
}
