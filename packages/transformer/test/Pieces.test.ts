/** Requests cut for several workers. */
import fc from "fast-check"
import { expect, it } from "vitest"
import * as Pieces from "../src/decode/Pieces.ts"

const size = (max: number, min = 1) => fc.integer({ min, max })

it("cuts a request into pieces of about equal size that join to the whole", () =>
  fc.assert(
    fc.property(fc.array(size(9, 0), { minLength: 1, maxLength: 12 }), size(5), (counts, parts) => {
      const requests = counts.map((n, i) => ({
        prompt: Int32Array.of(i),
        streams: Array.from({ length: n }, (_, k) => `${i}/${k}`),
      }))
      const pieces = Pieces.cut(requests, parts)
      const sizes = pieces.map((piece) => piece.reduce((sum, { streams }) => sum + streams.length, 0))
      const total = counts.reduce((a, b) => a + b, 0)
      expect(pieces.length).toBeLessThanOrEqual(parts)
      for (const n of sizes) expect(n).toBeLessThanOrEqual(Math.ceil((1.25 * total) / parts))
      // A sample that says which stream of which prompt it is.
      const sampled = pieces.map((piece) =>
        piece.map(({ prompt, streams }) =>
          streams.map((name) => {
            expect(name.startsWith(`${prompt[0]}/`)).toBe(true)
            return {
              tokens: Int32Array.of(Number(name.split("/")[1])),
              logprobs: new Float32Array(1),
              finish: "stop" as const,
            }
          }),
        ),
      )
      const joined = Pieces.join(requests, sampled)
      expect(joined.map((group) => group.map(({ tokens }) => tokens[0]))).toEqual(
        counts.map((n) => Array.from({ length: n }, (_, k) => k)),
      )
    }),
    { numRuns: 200 },
  ))
