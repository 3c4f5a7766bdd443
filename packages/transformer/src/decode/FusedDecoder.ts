/**
 * The decoder on the companion kernels: weights, activations and cache lie in the WASM heap, and one step is a dozen kernel calls
 * per layer over all rows; nothing is allocated and nothing happens row by row in JavaScript.
 *
 * Prompts go the same way as sampled tokens: a step's rows are (slot, position) pairs, and those of one prompt may share a step,
 * since keys and values of all rows are stored before any row looks at them. Every number of a row depends on its history only,
 * bit for bit, whatever else is in the step.
 */
import { activationOf, embeddingScale, headSize, scoreScale, turnOf, windowOf } from "../model/ModelConfig.ts"
import { gates } from "../ops/Ops.ts"
import { angles, frequencies, kindsOf } from "../model/RotaryTables.ts"
import * as Sampling from "./Sampling.ts"
import * as BlockCache from "./BlockCache.ts"
import type { Decoder, Model, Plan, Session } from "./Decoder.ts"
import * as Heap from "../ops/Heap.ts"
import * as PackedWeights from "./PackedWeights.ts"
import * as Team from "./Team.ts"

/** Rows of a step that only prefills. */
const prefillRows = 128

/** Blocks that the samples of a plan can come to need. */
const blocksOf = ({ maxTokens, prompts, samples }: Plan): number =>
  prompts.reduce((sum, { length }, i) => {
    const shared = Math.floor(length / BlockCache.positions)
    return sum + shared + samples[i] * (Math.ceil((length + maxTokens) / BlockCache.positions) - shared)
  }, 0)

/** An area, or `undo` and the error when the heap is full. */
const allocateOr = (heap: Heap.Heap, bytes: number, undo: () => void): Heap.Area => {
  try {
    return heap.allocate(bytes, "activations")
  } catch (error) {
    undo()
    throw error
  }
}

const open = (
  heap: Heap.Heap,
  { config }: Model,
  weights: PackedWeights.Packed,
  plan: Plan,
  team: Team.Team,
): Session => {
  const { height, kernels } = heap
  const { hidden_size: d, num_attention_heads: heads, num_key_value_heads: kvHeads } = config
  const { rms_norm_eps: epsilon, vocab_size: vocabulary } = config
  const size = headSize(config)
  const padded = PackedWeights.roundUp(size, 4)
  const sequences = plan.samples.reduce((a, b) => a + b, 0)
  const promptTokens = plan.prompts.reduce((sum, p) => sum + p.length, 0)
  const rows = Math.max(sequences, Math.min(promptTokens, prefillRows))
  const capacity = Math.max(...plan.prompts.map((p) => p.length)) + plan.maxTokens
  const layerBytes = 2 * kvHeads * BlockCache.positions * padded * 4

  // Strides of rows, in floats.
  const xStride = PackedWeights.roundUp(d, PackedWeights.panel)
  const qkvStride = weights.layers[0].qkv.outputs
  const attendedStride = heads * padded
  const ffStride = weights.layers[0].gateUp.outputs
  const logitsStride = weights.head.outputs

  const cache = BlockCache.make(heap, {
    slots: sequences,
    blocks: blocksOf(plan),
    capacity,
    blockBytes: layerBytes * config.num_hidden_layers,
  })
  const room = Heap.plan()
  const parts = {
    x: room.add(rows * xStride),
    y: room.add(rows * xStride),
    qkv: room.add(rows * qkvStride),
    attended: room.add(rows * attendedStride),
    ff: room.add(rows * ffStride),
    logits: room.add(sequences * logitsStride),
    scores: room.add(heads * cache.tableStride * BlockCache.positions),
    tokens: room.add(rows),
    slots: room.add(rows),
    positions: room.add(rows),
    every: room.add(rows),
    picked: room.add(rows),
    tables: room.add(cache.tables.length),
    sums: room.add(sequences * 4),
    drawRows: room.add(sequences),
    uniforms: room.add(sequences * 2),
    drawn: room.add(sequences),
  }
  /** Tables of every kind of positions. */
  const turns = kindsOf(config).map((kind) => ({
    kind,
    cos: room.add((capacity * size) / 2),
    sin: room.add((capacity * size) / 2),
  }))
  const area = allocateOr(heap, room.bytes(), cache.free)
  const at = Object.fromEntries(
    Object.entries(parts).map(([name, offset]) => [name, area.address + offset]),
  ) as typeof parts
  const ints = (address: number, n: number): Int32Array => heap.ints().subarray(address / 4, address / 4 + n)

  // Of everything, only the padding of the residual stream is read before it is written.
  heap.floats().fill(0, at.x / 4, at.x / 4 + rows * xStride)
  for (const own of turns) {
    const turn = frequencies(config, capacity, own.kind)
    for (let t = 0; t < capacity; t++) {
      const { cos, sin } = angles(turn, t)
      heap.floats().set(cos, (area.address + own.cos) / 4 + (t * size) / 2)
      heap.floats().set(sin, (area.address + own.sin) / 4 + (t * size) / 2)
    }
  }
  ints(at.every, rows).forEach((_, i, all) => {
    all[i] = i
  })

  /** The columns of a product that are this member's: how many, their weights, and how far from the first they begin, in bytes. */
  const ours = ({ inputs, outputs, weight }: PackedWeights.Product) => {
    const [first, last] = team.share(outputs)
    return { columns: last - first, skipped: 4 * first, weights: weight + 4 * first * inputs }
  }
  const product = (
    m: number,
    p: PackedWeights.Product,
    from: number,
    fromStride: number,
    to: number,
    stride: number,
  ): void => {
    const { columns, skipped, weights } = ours(p)
    const bias = p.bias === 0 ? 0 : p.bias + skipped
    kernels.panelProduct(height, m, columns, p.inputs, from, fromStride, weights, bias, 0, to + skipped, stride)
    team.exchange(heap.floats(), to / 4, m, p.outputs, stride)
  }
  /** The same, onto the residual stream; normed before where there is a gain (an address, or 0). */
  const productAdd = (m: number, p: PackedWeights.Product, from: number, fromStride: number, gain: number): void => {
    if (gain !== 0) {
      product(m, p, from, fromStride, at.y, xStride)
      kernels.decodeNormAdd(m, d, epsilon, at.y, gain, at.x, xStride)
      return
    }
    const { columns, skipped, weights } = ours(p)
    const x = at.x + skipped
    if (p.bias !== 0) kernels.addBias(m, columns, p.bias + skipped, x, xStride)
    kernels.panelProduct(height, m, columns, p.inputs, from, fromStride, weights, x, xStride, x, xStride)
    team.exchange(heap.floats(), at.x / 4, m, p.outputs, xStride)
  }

  /** The residual stream after all layers, of m rows whose tokens, slots and positions are in place. */
  const layers = (m: number): void => {
    ints(at.tables, cache.tables.length).set(cache.tables)
    const k = at.qkv + heads * padded * 4
    const v = k + kvHeads * padded * 4
    kernels.decodeEmbed(m, d, embeddingScale(config), at.tokens, weights.embedding, at.x, xStride)
    for (const [l, w] of weights.layers.entries()) {
      // Blocks are `blockBytes` apart, layers within a block `layerBytes`.
      const blocks = cache.address + l * layerBytes
      const where = [
        at.slots,
        at.positions,
        at.tables,
        cache.tableStride,
        blocks,
        layerBytes * config.num_hidden_layers,
      ]
      kernels.decodeNorm(m, d, epsilon, at.every, at.x, xStride, w.inputNorm, at.y, xStride)
      product(m, w.qkv, at.y, xStride, at.qkv, qkvStride)
      if (w.qNorm !== 0) kernels.decodeHeadNorm(m, heads, size, epsilon, at.qkv, qkvStride, w.qNorm)
      if (w.kNorm !== 0) kernels.decodeHeadNorm(m, kvHeads, size, epsilon, k, qkvStride, w.kNorm)
      const turn = turns.find(({ kind }) => kind === turnOf(config, l))
      if (turn !== undefined) {
        const tables = [area.address + turn.cos, area.address + turn.sin] as const
        kernels.decodeRotate(m, heads + kvHeads, size, at.positions, ...tables, at.qkv, qkvStride)
      }
      kernels.decodeStore(m, kvHeads, size, k, v, qkvStride, ...where)
      const window = windowOf(config, l) ?? 0
      const law = [scoreScale(config), config.attn_logit_softcapping ?? 0]
      const sizes = [m, heads, kvHeads, size, window, ...law, at.qkv, qkvStride, at.attended, attendedStride]
      kernels.decodeAttend(...sizes, ...where, at.scores)
      productAdd(m, w.o, at.attended, attendedStride, w.attentionNorm)
      kernels.decodeNorm(m, d, epsilon, at.every, at.x, xStride, w.postNorm, at.y, xStride)
      product(m, w.gateUp, at.y, xStride, at.ff, ffStride)
      kernels.decodeGate(m, ffStride / 2, ...gates[activationOf(config)], at.ff, ffStride)
      productAdd(m, w.down, at.ff, ffStride, w.feedForwardNorm)
    }
  }
  /** Logits of the rows named at `which`, to row `to` of the logits and on. */
  const head = (n: number, which: number, to: number): void => {
    kernels.decodeNorm(n, d, epsilon, which, at.x, xStride, weights.norm, at.y, xStride)
    const logits = at.logits + to * logitsStride * 4
    product(n, weights.head, at.y, xStride, logits, logitsStride)
    const cap = config.final_logit_softcapping ?? null
    if (cap !== null) kernels.decodeCap(n, logitsStride, cap, logits, logitsStride)
  }

  return {
    prefill: () => {
      const slots = Int32Array.from(plan.prompts, () => cache.open())
      const step = { rows: 0, picked: 0, done: 0 }
      const flush = (): void => {
        layers(step.rows)
        if (step.picked > 0) head(step.picked, at.picked, step.done)
        step.done += step.picked
        step.rows = 0
        step.picked = 0
      }
      for (const [i, prompt] of plan.prompts.entries()) {
        for (const [t, token] of prompt.entries()) {
          ints(at.tokens, rows)[step.rows] = token
          ints(at.slots, rows)[step.rows] = slots[i]
          ints(at.positions, rows)[step.rows] = cache.grow(slots[i])
          if (t === prompt.length - 1) ints(at.picked, rows)[step.picked++] = step.rows
          if (++step.rows === rows) flush()
        }
      }
      if (step.rows > 0) flush()
      return slots
    },
    advance: (n, slots, tokens) => {
      ints(at.tokens, n).set(tokens.subarray(0, n))
      ints(at.slots, n).set(slots.subarray(0, n))
      const positions = ints(at.positions, n)
      for (let r = 0; r < n; r++) positions[r] = cache.grow(slots[r])
      layers(n)
      head(n, at.every, 0)
    },
    draw: (law, count, n, draws) => {
      kernels.drawMasses(count, vocabulary, logitsStride, law.temperature, at.logits, at.sums)
      const sums = heap.doubles().subarray(at.sums / 8, at.sums / 8 + 2 * count)
      const masses = heap.floats().subarray(at.logits / 4, at.logits / 4 + count * logitsStride)
      const truncates = Sampling.truncates(law)
      for (let r = 0; r < count; r++) {
        Sampling.checked(sums[2 * r], sums[2 * r + 1])
        if (!truncates) continue
        const row = masses.subarray(r * logitsStride, r * logitsStride + vocabulary)
        sums[2 * r] = Sampling.truncate(row, sums[2 * r], law)
      }
      ints(at.drawRows, n).set(draws.rows.subarray(0, n))
      heap.doubles().set(draws.uniforms.subarray(0, n), at.uniforms / 8)
      kernels.drawTokens(n, logitsStride, at.logits, at.sums, at.drawRows, at.uniforms, at.drawn)
      draws.tokens.set(ints(at.drawn, n))
      for (let i = 0; i < n; i++) {
        const r = draws.rows[i]
        const mass = masses[r * logitsStride + draws.tokens[i]]
        draws.logprobs[i] = Sampling.logprob(mass, sums[2 * r], sums[2 * r + 1], law)
      }
    },
    fork: cache.fork,
    release: cache.release,
    dispose: () => {
      area.free()
      cache.free()
    },
  }
}

/** A decoder on the active backend, which must be `wasm`. @category constructors */
export const make = (heap: Heap.Heap, model: Model): Decoder => {
  let weights: PackedWeights.Packed | null = null
  return {
    changed: () => {
      weights?.free()
      weights = null
    },
    open: (plan, team = Team.alone) => {
      if (weights === null) {
        weights = PackedWeights.make(heap, model.config)
        weights.fill(model.parameters())
      }
      return open(heap, model, weights, plan, team)
    },
  }
}
