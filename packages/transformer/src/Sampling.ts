/** Drawing one token from a row of logits: temperature, top-k and top-p on typed arrays. */
import type { Seed } from "@lpo/rollout"
import { logSumExp } from "./ops/LogProb.ts"

/** @category models */
export interface SamplingLaw {
  /** 0 is greedy. */
  readonly temperature: number
  /** 1 is off. */
  readonly topP: number
  /** 0 is off. */
  readonly topK: number
}

const argMax = (row: Float32Array): number => row.reduce((best, v, i) => (v > row[best] ? i : best), 0)

/** Tokens that top-k and top-p leave, most likely first, with unnormalised probabilities. */
const truncated = (row: Float32Array, { temperature, topK, topP }: SamplingLaw) => {
  const order = Array.from(row.keys()).sort((a, b) => row[b] - row[a] || a - b)
  const best = row[order[0]]
  const kept = topK > 0 ? order.slice(0, topK) : order
  const mass = kept.map((i) => Math.exp((row[i] - best) / temperature))
  const total = mass.reduce((a, b) => a + b, 0)
  let sum = 0
  let count = 0
  while (count < kept.length && (count === 0 || sum < topP * total)) sum += mass[count++]
  return { tokens: kept.slice(0, count), mass: mass.slice(0, count), total: sum }
}

/**
 * A token drawn from `row` [vocabulary] of logits, and its raw log-prob: under the softmax of the logits themselves, in
 * nats, whatever the temperature. Takes exactly one draw from `random` unless greedy.
 *
 * @category operations
 */
export const draw = (row: Float32Array, law: SamplingLaw, random: Seed.Random): { token: number; logprob: number } => {
  const z = logSumExp(row, 0, row.length)
  const give = (token: number) => ({ token, logprob: Math.min(0, row[token] - z) })
  if (law.temperature === 0) return give(argMax(row))
  let u = random.uniform()
  if (law.temperature === 1 && law.topP === 1 && law.topK === 0) {
    for (let i = 0; i < row.length; i++) if ((u -= Math.exp(row[i] - z)) < 0) return give(i)
    return give(argMax(row))
  }
  const { mass, tokens, total } = truncated(row, law)
  u *= total
  for (const [i, token] of tokens.entries()) if ((u -= mass[i]) < 0) return give(token)
  return give(tokens[0])
}
