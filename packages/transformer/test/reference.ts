/** The decoder in plain JavaScript and float64, one sequence at a time, written from the architecture's definition. */
import { type ModelConfig, Parameters, type Policy } from "@lpo/transformer"

type Vector = ReadonlyArray<number>

const dot = (a: ArrayLike<number>, b: Vector, from = 0): number => {
  let sum = 0
  for (let i = 0; i < b.length; i++) sum += a[from + i] * b[i]
  return sum
}
const plus = (a: Vector, b: Vector): Vector => a.map((v, i) => v + b[i])

/** Sum of `weights_t * log pi(completion_t)`, in nats, for one prompt and completion. */
export const weightedLogProb = (
  config: ModelConfig.ModelConfig,
  values: Float64Array,
  { completion, prompt }: Policy.Pair,
  weights: ArrayLike<number>,
): number => {
  const slots = new Map(Parameters.layout(config).map((slot) => [slot.name, slot]))
  const tensor = (name: string): Float64Array => {
    const slot = slots.get(name)
    if (slot === undefined) throw new RangeError(name)
    return values.subarray(slot.offset, slot.offset + slot.size)
  }
  const linear = (name: string, x: Vector): Vector => {
    const w = tensor(name)
    return Array.from({ length: w.length / x.length }, (_, row) => dot(w, x, row * x.length))
  }
  const norm = (name: string, x: Vector): Vector => {
    const scale = 1 / Math.sqrt(dot(x, x) / x.length + config.rms_norm_eps)
    const gain = tensor(name)
    return x.map((v, i) => v * scale * gain[i])
  }
  const { hidden_size: d, num_attention_heads: heads, num_key_value_heads: kvHeads } = config
  const size = d / heads
  const half = size / 2
  const rotate = (head: Vector, position: number): Vector =>
    head.map((v, i) => {
      const angle = position * config.rope_theta ** (-(i % half) / half)
      return v * Math.cos(angle) + (i < half ? -head[i + half] : head[i - half]) * Math.sin(angle)
    })
  const head = (x: Vector, h: number): Vector => x.slice(h * size, (h + 1) * size)

  const ids = [...prompt, ...completion]
  const embedding = tensor("model.embed_tokens.weight")
  let stream: Array<Vector> = ids.slice(0, -1).map((id) => Array.from(embedding.subarray(id * d, (id + 1) * d)))
  for (let l = 0; l < config.num_hidden_layers; l++) {
    const p = `model.layers.${l}`
    const normed = stream.map((x) => norm(`${p}.input_layernorm.weight`, x))
    const project = (name: string) => normed.map((x) => linear(`${p}.self_attn.${name}_proj.weight`, x))
    const [q, k, v] = [project("q"), project("k"), project("v")]
    stream = stream.map((x, t) => {
      const attended = Array.from({ length: heads }, (_, h) => {
        const g = Math.floor((h * kvHeads) / heads)
        const query = rotate(head(q[t], h), t)
        const scores = k
          .slice(0, t + 1)
          .map((key, j) => Math.exp(dot(query, rotate(head(key, g), j)) / Math.sqrt(size)))
        const total = scores.reduce((a, b) => a + b, 0)
        return scores.reduce<Vector>(
          (sum, s, j) =>
            plus(
              sum,
              head(v[j], g).map((u) => (u * s) / total),
            ),
          new Array<number>(size).fill(0),
        )
      }).flat()
      const middle = plus(x, linear(`${p}.self_attn.o_proj.weight`, attended))
      const y = norm(`${p}.post_attention_layernorm.weight`, middle)
      const up = linear(`${p}.mlp.up_proj.weight`, y)
      const hidden = linear(`${p}.mlp.gate_proj.weight`, y).map((g, i) => (g / (1 + Math.exp(-g))) * up[i])
      return plus(middle, linear(`${p}.mlp.down_proj.weight`, hidden))
    })
  }
  let sum = 0
  for (const [t, token] of completion.entries()) {
    const x = norm("model.norm.weight", stream[prompt.length - 1 + t])
    const logits = linear("model.embed_tokens.weight", x)
    sum += weights[t] * (logits[token] - Math.log(logits.reduce((a, z) => a + Math.exp(z), 0)))
  }
  return sum
}
