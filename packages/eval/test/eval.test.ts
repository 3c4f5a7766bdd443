import { Evaluator, PassAtK } from "@lpo/eval"
import { Sampler, SamplingParams, Verifier } from "@lpo/rollout"
import { Effect, Layer, Stream } from "effect"
import fc from "fast-check"
import { expect, it } from "vitest"

it.each([
  [10, 3, 1, 0.3],
  [10, 3, 5, 0.916667],
  [10, 3, 8, 1],
  [16, 1, 8, 0.5],
  [16, 4, 4, 0.728022],
  [200, 5, 100, 0.970308],
  [4, 2, 2, 0.833333],
  [32, 8, 8, 0.930077],
  [10, 0, 1, 0],
])("pass@k of n=%i, c=%i, k=%i is %f", (n, c, k, value) => {
  expect(PassAtK.passAtK(n, c, k)).toBeCloseTo(value, 6)
})

it("is the share of k-subsets that hold a right answer (by enumeration), and grows with k and with c", () => {
  const counts = fc
    .integer({ min: 1, max: 9 })
    .chain((n) => fc.tuple(fc.constant(n), fc.nat(n), fc.integer({ min: 1, max: n })))
  fc.assert(
    fc.property(counts, ([n, c, k]) => {
      let hit = 0
      let all = 0
      for (let set = 0; set < 2 ** n; set++) {
        const members = Array.from({ length: n }, (_, i) => i).filter((i) => (set >> i) & 1)
        if (members.length !== k) continue
        all++
        if (members.some((i) => i < c)) hit++
      }
      expect(PassAtK.passAtK(n, c, k)).toBeCloseTo(hit / all, 10)
      if (k < n) expect(PassAtK.passAtK(n, c, k + 1)).toBeGreaterThanOrEqual(PassAtK.passAtK(n, c, k) - 1e-12)
      if (c < n) expect(PassAtK.passAtK(n, c + 1, k)).toBeGreaterThanOrEqual(PassAtK.passAtK(n, c, k) - 1e-12)
    }),
  )
})

it("the whole curve in one pass is pass@k at every k, for n up to 10,000", () => {
  fc.assert(
    fc.property(
      fc
        .integer({ min: 1, max: 10_000 })
        .chain((n) => fc.tuple(fc.constant(n), fc.nat(n), fc.integer({ min: 1, max: n }))),
      ([n, c, k]) => {
        const curve = PassAtK.wholeCurve(n, c)
        expect(curve).toHaveLength(n)
        for (const one of [1, k, n]) expect(curve[one - 1]).toBeCloseTo(PassAtK.passAtK(n, c, one), 9)
        expect(curve.every((v, i) => v >= 0 && v <= 1 && (i === 0 || v >= curve[i - 1]))).toBe(true)
      },
    ),
  )
})

it("one problem with missing verdicts leaves the rest of the curve alone", () => {
  const full = Array.from({ length: 9 }, (_, i) => ({ problem: `p${i}`, samples: 16, correct: 4, unjudged: 0 }))
  const curve = PassAtK.curve([...full, { problem: "p9", samples: 1, correct: 1, unjudged: 15 }], "s")
  expect(Object.keys(curve)).toEqual(["1", "2", "4", "8", "16"])
  expect([curve["1"].problems, curve["2"].problems, curve["16"].problems]).toEqual([10, 9, 9])
  expect(curve["4"].mean).toBeCloseTo(0.728022, 6)
  expect(curve["4"].atLeast).toBeCloseTo((9 * 0.728022 + PassAtK.passAtK(16, 1, 4)) / 10, 6)
  expect(PassAtK.curve([], "s")).toEqual({})
})

it("refuses k beyond n by value", () => {
  expect(() => PassAtK.passAtK(4, 1, 5)).toThrow(/k = 5 with n = 4/)
})

/** Completion k of a problem is right when k < its answer; the last one is never judged. */
const layer = Layer.mergeAll(
  Layer.succeed(Sampler.Sampler, {
    sample: (problems, { groupSize }) =>
      Stream.fromIterable(Sampler.asked(problems, "any").toReversed()).pipe(
        Stream.map(({ place, problem }) => ({
          problem,
          place,
          promptTokens: Int32Array.of(0),
          completions: Array.from({ length: groupSize }, (_, k) => ({
            tokens: Int32Array.of(k),
            text: String(k),
            logprobs: Float32Array.of(-1),
            finish: "stop" as const,
            policyVersion: 0,
            logprobsOf: "raw" as const,
            sampling: SamplingParams.make({ maxTokens: 9 }),
          })),
        })),
      ),
  }),
  Layer.succeed(Verifier.Verifier, {
    verify: (problem, { text }) => {
      const correct = Number(text) < Number(problem.answer)
      return Effect.succeed({
        status: text === "8" ? ("error" as const) : ("ok" as const),
        score: correct ? 1 : 0,
        correct,
        key: text,
      })
    },
  }),
)

it("evaluates: counts per problem in their order, unjudged responses left out", async () => {
  const problems = [0, 4, 8].map((answer) => ({ id: `p${answer}`, task: "t", prompt: "?", answer }))
  const run = Evaluator.evaluate(problems, { samples: 9, maxTokens: 1, seed: "e" }).pipe(Effect.provide(layer))
  const { curve, problems: judged, summary } = await Effect.runPromise(run)
  expect(Evaluator.counts(judged).map((c) => [c.problem, c.samples, c.correct])).toEqual([
    ["p0", 8, 0],
    ["p4", 8, 4],
    ["p8", 8, 8],
  ])
  expect([summary.samples, summary.unjudged, summary.responseLength, summary.entropy]).toEqual([27, 3, 1, 1])
  expect(curve["1"].mean).toBeCloseTo(0.5, 12)
  expect(curve["8"].mean).toBeCloseTo(2 / 3, 12)
  // Taken as wrong, the ninth response of the second problem leaves 4 of 9.
  expect(curve["1"].atLeast).toBeCloseTo((0 + 4 / 9 + 8 / 9) / 3, 12)
  expect(await Effect.runPromise(run)).toEqual(await Effect.runPromise(run))
})
