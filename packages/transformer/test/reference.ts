/** The decoder in plain JavaScript and float64, one sequence at a time, written from the architecture's definition. */
import type { Sequence } from "@lpo/rollout"
import { type ModelConfig, Parameters } from "@lpo/transformer"

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
  { completion, prompt }: Sequence.Sequence,
  weights: ArrayLike<number>,
): number => {
  const slots = new Map(Parameters.layout(config).map((slot) => [slot.name, slot]))
  const tensor = (name: string): Float64Array => {
    const slot = slots.get(name)
    if (slot === undefined) throw new RangeError(name)
    return values.subarray(slot.offset, slot.offset + slot.size)
  }
  const gemma = config.model_type.startsWith("gemma")
  const cap = (x: number, most: number | null | undefined): number => (most ? most * Math.tanh(x / most) : x)
  const activate = (g: number): number =>
    gemma ? (g / 2) * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (g + 0.044715 * g ** 3))) : g / (1 + Math.exp(-g))
  const linear = (name: string, x: Vector): Vector => {
    const w = tensor(`${name}.weight`)
    const bias = slots.has(`${name}.bias`) ? tensor(`${name}.bias`) : null
    return Array.from({ length: w.length / x.length }, (_, row) => dot(w, x, row * x.length) + (bias?.[row] ?? 0))
  }
  const norm = (name: string, x: Vector): Vector => {
    const scale = 1 / Math.sqrt(dot(x, x) / x.length + config.rms_norm_eps)
    const gain = tensor(name)
    return x.map((v, i) => v * scale * (gemma ? 1 + gain[i] : gain[i]))
  }
  const { hidden_size: d, num_attention_heads: heads, num_key_value_heads: kvHeads } = config
  const size = config.head_dim ?? d / heads
  const half = size / 2
  const rotate = (head: Vector, position: number, l: number): Vector => {
    if (config.no_rope_layers?.[l] === 0) return head
    const local = config.model_type === "gemma3_text" && config.layer_types?.[l] === "sliding_attention"
    const theta = local ? (config.rope_local_base_freq ?? 0) : config.rope_theta
    const stretched =
      local || config.rope_scaling?.rope_type !== "linear" ? position : position / config.rope_scaling.factor
    return head.map((v, i) => {
      const angle = stretched * theta ** (-(i % half) / half)
      return v * Math.cos(angle) + (i < half ? -head[i + half] : head[i - half]) * Math.sin(angle)
    })
  }
  /** One head of queries or keys at a position: normed where the model does so, and turned. */
  const place = (x: Vector, h: number, position: number, l: number, gain: string): Vector => {
    const own = head(x, h)
    return rotate(slots.has(gain) ? norm(gain, own) : own, position, l)
  }
  const head = (x: Vector, h: number): Vector => x.slice(h * size, (h + 1) * size)
  /** The first position that position t of layer l sees. */
  const first = (l: number, t: number): number => {
    const { layer_types, max_window_layers = 28, model_type, sliding_window, use_sliding_window } = config
    const slides =
      model_type === "mistral" ||
      ((use_sliding_window || gemma) && (layer_types ? layer_types[l] === "sliding_attention" : l >= max_window_layers))
    return slides && sliding_window ? Math.max(0, t - sliding_window + 1) : 0
  }

  const ids = [...prompt, ...completion]
  const embedding = tensor("model.embed_tokens.weight")
  let stream: Array<Vector> = ids
    .slice(0, -1)
    .map((id) => Array.from(embedding.subarray(id * d, (id + 1) * d), (v) => v * (gemma ? Math.sqrt(d) : 1)))
  for (let l = 0; l < config.num_hidden_layers; l++) {
    const p = `model.layers.${l}`
    const normed = stream.map((x) => norm(`${p}.input_layernorm.weight`, x))
    const project = (name: string) => normed.map((x) => linear(`${p}.self_attn.${name}_proj`, x))
    const [q, k, v] = [project("q"), project("k"), project("v")]
    stream = stream.map((x, t) => {
      const attended = Array.from({ length: heads }, (_, h) => {
        const g = Math.floor((h * kvHeads) / heads)
        const from = first(l, t)
        const query = place(q[t], h, t, l, `${p}.self_attn.q_norm.weight`)
        const scores = k
          .slice(from, t + 1)
          .map((key, j) =>
            Math.exp(
              cap(
                dot(query, place(key, g, from + j, l, `${p}.self_attn.k_norm.weight`)) /
                  Math.sqrt(config.query_pre_attn_scalar ?? size),
                config.attn_logit_softcapping,
              ),
            ),
          )
        const total = scores.reduce((a, b) => a + b, 0)
        return scores.reduce<Vector>(
          (sum, s, j) =>
            plus(
              sum,
              head(v[from + j], g).map((u) => (u * s) / total),
            ),
          new Array<number>(size).fill(0),
        )
      }).flat()
      const sandwiched = (name: string, y: Vector): Vector => (gemma ? norm(`${p}.${name}.weight`, y) : y)
      const middle = plus(x, sandwiched("post_attention_layernorm", linear(`${p}.self_attn.o_proj`, attended)))
      const y = norm(`${p}.${gemma ? "pre_feedforward" : "post_attention"}_layernorm.weight`, middle)
      const up = linear(`${p}.mlp.up_proj`, y)
      const hidden = linear(`${p}.mlp.gate_proj`, y).map((g, i) => activate(g) * up[i])
      return plus(middle, sandwiched("post_feedforward_layernorm", linear(`${p}.mlp.down_proj`, hidden)))
    })
  }
  let sum = 0
  for (const [t, token] of completion.entries()) {
    const x = norm("model.norm.weight", stream[prompt.length - 1 + t])
    const logits = linear(config.tie_word_embeddings ? "model.embed_tokens" : "lm_head", x).map((z) =>
      cap(z, config.final_logit_softcapping),
    )
    sum += weights[t] * (logits[token] - Math.log(logits.reduce((a, z) => a + Math.exp(z), 0)))
  }
  return sum
}

const h = 1e-5

/** The derivative of `f` at `values` along `direction`, which covers `values` from `offset` on, by central differences. */
export const slope = (
  f: (values: Float64Array) => number,
  values: Float64Array,
  offset: number,
  direction: ReadonlyArray<number>,
): number => {
  const start = values.slice(offset, offset + direction.length)
  const at = (step: number): number => {
    for (const [i, d] of direction.entries()) values[offset + i] = start[i] + step * d
    return f(values)
  }
  const difference = (at(h) - at(-h)) / (2 * h)
  values.set(start, offset)
  return difference
}
