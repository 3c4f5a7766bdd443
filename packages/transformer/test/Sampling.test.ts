/** What a law leaves of a row of masses, against its definition. */
import fc from "fast-check"
import { expect, it } from "vitest"
import { truncate } from "../src/decode/Sampling.ts"

it("top-k, top-p and min-p keep what their definitions say", () =>
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom(0, 1e-30, 0.001, 0.02, 0.02, 0.3, 0.7, 0.9), { minLength: 1, maxLength: 40 }),
      fc.constantFrom(0, 1, 2, 5, 100),
      fc.constantFrom(1, 0.99, 0.5, 1e-9),
      fc.constantFrom(0, 0.01, 0.5),
      (rest, topK, topP, minP) => {
        const row = Float32Array.of(...rest.slice(0, rest.length >> 1), 1, ...rest.slice(rest.length >> 1))
        const order = [...row.keys()].filter((i) => row[i] > 0).sort((a, b) => row[b] - row[a] || a - b)
        const top = topK > 0 ? order.slice(0, topK) : order
        const total = top.reduce((sum, i) => sum + row[i], 0)
        let before = 0
        const kept = new Set<number>()
        for (const [rank, i] of top.entries()) {
          const within = topP === 1 || rank === 0 || before < topP * total
          before += row[i]
          if (within && row[i] >= minP) kept.add(i)
        }
        const expected = row.map((v, i) => (kept.has(i) ? v : 0))
        const all = row.reduce((a, b) => a + b, 0)
        const left = truncate(row, all, { temperature: 1, topK, topP, minP })
        expect(row).toEqual(expected)
        expect(left).toBeCloseTo(
          expected.reduce((a, b) => a + b, 0),
          6,
        )
      },
    ),
    { numRuns: 300 },
  ))
