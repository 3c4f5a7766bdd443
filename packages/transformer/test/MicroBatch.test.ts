import type { Sequence } from "@lpo/rollout"
import { Memory } from "@lpo/transformer"
import { Effect } from "effect"
import fc from "fast-check"
import { expect, it } from "vitest"
import * as MicroBatch from "../src/train/MicroBatch.ts"
import * as Pack from "../src/train/Pack.ts"
import { config, pairs, replica } from "./tiny.ts"

const tokens = (max: number) =>
  fc.array(fc.nat(10), { minLength: 1, maxLength: max }).map((ids) => Int32Array.from(ids))
const group = fc
  .tuple(tokens(6), fc.array(tokens(8), { minLength: 1, maxLength: 4 }))
  .map(([prompt, completions]): ReadonlyArray<Sequence.Sequence> =>
    completions.map((completion) => ({ prompt, completion })),
  )

it("cuts into consecutive parts within the rows, single large items apart, a whole group together", () => {
  fc.assert(
    fc.property(fc.array(group, { minLength: 1, maxLength: 12 }), fc.integer({ min: 1, max: 60 }), (groups, most) => {
      const parts = Effect.runSync(MicroBatch.cut(groups, (g) => g, 1, { rowsPerMicroBatch: most }))
      expect(parts.flat()).toEqual(groups)
      for (const part of parts) {
        expect(part.length).toBeGreaterThan(0)
        if (part.length > 1) expect(Pack.rowsOf(part.flat())).toBeLessThanOrEqual(most)
      }
    }),
  )
})

it("a group that the memory does not hold is an error that says what to lower", async () => {
  const bytes = Memory.bytesPerToken(config, false)
  const long = { prompt: new Int32Array(4), completion: new Int32Array(1200) }
  const error = await Effect.runPromise(Effect.flip(MicroBatch.cut([[long, long]], (g) => g, bytes, { memoryMiB: 1 })))
  expect(error._tag).toBe("EngineError")
  expect(error.message).toMatch(/2402 tokens needs \d+ MiB.*memoryMiB is 1; lower groupSize or maxTokens/)
})

it("packs without padding, the prompt of a group once, and asks for every completion token", () => {
  fc.assert(
    fc.property(fc.array(group, { minLength: 1, maxLength: 5 }), (groups) => {
      const flat = groups.flat()
      const { ids, rows, segments, targets } = Pack.pack(flat)
      expect(ids.length).toBe(Pack.rowsOf(flat))
      expect(Array.from(targets)).toEqual(flat.flatMap((p) => [...p.completion]))
      // Every row is in one segment, and the tokens that a target's row sees are those before it.
      const covered = new Int32Array(ids.length)
      const seen = new Map<number, Array<number>>()
      for (let s = 0; s < segments.length; s += 4) {
        const [start, length, from, prefix] = segments.subarray(s, s + 4)
        for (let i = 0; i < length; i++) {
          covered[start + i]++
          seen.set(start + i, [...ids.subarray(from, from + prefix), ...ids.subarray(start, start + i + 1)])
        }
      }
      expect(covered.every((n) => n === 1)).toBe(true)
      let at = 0
      for (const { completion, prompt } of flat) {
        for (const t of completion.keys())
          expect(seen.get(rows[at++])).toEqual([...prompt, ...completion.subarray(0, t)])
      }
    }),
  )
})

it("a shared prompt changes no log-prob, and the gradient by no more than rounding", async () => {
  const p = await replica("wasm")
  const prompt = Int32Array.of(3, 1, 4, 1, 5)
  const group = pairs.map(({ completion }) => ({ prompt, completion }))
  const weights = group.map(({ completion }, k) => Float32Array.from(completion, (_, t) => k - t + 0.5))
  const together = await p.forward(group)
  const apart: Array<{ readonly logprobs: Float32Array; readonly gradient: Float32Array }> = []
  for (const [k, pair] of group.entries()) {
    const alone = await p.forward([pair])
    apart.push({ logprobs: alone.logprobs[0], gradient: await alone.backward([weights[k]]) })
  }
  expect(together.logprobs).toEqual(apart.map(({ logprobs }) => logprobs))
  const gradient = await together.backward(weights)
  const scale = Math.hypot(...gradient)
  for (const [i, v] of gradient.entries()) {
    const sum = apart.reduce((a, part) => a + part.gradient[i], 0)
    expect(Math.abs(v - sum)).toBeLessThan(1e-5 * scale)
  }
  p.dispose()
})
