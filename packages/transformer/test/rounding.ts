/**
 * How far rounding may move a log-prob, from the condition of the model itself. Models differ in it by orders of magnitude: where
 * a short residual stream nearly cancels, the norm after it magnifies what float32 has lost.
 */
import { type Sequence, Seed } from "@lpo/rollout"
import { type ModelConfig, Replica } from "@lpo/transformer"

/** A relative change of every parameter: far above float32's rounding, small enough to act linearly. */
const change = 2 ** -14
const draws = 8

/** Terms of the longest product. */
const longest = ({
  head_dim = 0,
  hidden_size,
  intermediate_size,
  num_attention_heads,
}: ModelConfig.ModelConfig): number => Math.max(hidden_size, intermediate_size, num_attention_heads * head_dim)

/**
 * Bounds on the difference between two float32 computations of the log-probs of `sequences`, nats: `2 sqrt(n) u (S + 1 + |log-prob|)`
 * with u = 2^-24. S is how much a relative error in every parameter moves the log-prob, the root mean square over random signs;
 * 1 and the log-prob itself stand for the last logarithm. Along a product of n terms roundings add up as a random walk does, to
 * sqrt(n) of them (Higham and Mary 2019); and there are two computations.
 */
export const bounds = async (
  of: ModelConfig.ModelConfig,
  own: Float32Array,
  sequences: ReadonlyArray<Sequence.Sequence>,
): Promise<ReadonlyArray<Float64Array>> => {
  const logprobs = async (values: Float32Array) => {
    const replica = Replica.make(of, values)
    try {
      return await replica.logprobs(sequences)
    } finally {
      replica.dispose()
    }
  }
  const plain = await logprobs(own)
  const moved: Array<ReadonlyArray<Float32Array>> = []
  for (let i = 0; i < draws; i++) {
    const random = Seed.stream(`rounding/${i}`)
    // Every draw is as good as 24 signs.
    const signs = Array.from({ length: Math.ceil(own.length / 24) }, () => Math.floor(random.uniform() * 2 ** 24))
    const sign = (at: number): number => 1 - 2 * ((signs[Math.floor(at / 24)] >> (at % 24)) & 1)
    moved.push(await logprobs(own.map((v, at) => v * (1 + change * sign(at)))))
  }
  return plain.map((row, k) =>
    Float64Array.from(row, (v, t) => {
      const squares = moved.reduce((sum, other) => sum + ((other[k][t] - v) / change) ** 2, 0)
      return 2 * Math.sqrt(longest(of)) * 2 ** -24 * (Math.sqrt(squares / draws) + 1 - v)
    }),
  )
}
