import { Evaluator, Interval, PassAtK } from "@lpo/eval"
import { Sampler, SamplingParams, Seed } from "@lpo/rollout"
import { Verifier } from "@lpo/verifiers"
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

it("refuses k beyond n by value", () => {
  expect(() => PassAtK.passAtK(4, 1, 5)).toThrow(/k = 5 with n = 4/)
})

it("the 95 % interval covers the true mean about 95 times in 100", () => {
  const truth = 0.3
  let covered = 0
  for (let trial = 0; trial < 300; trial++) {
    const random = Seed.stream(`coverage/${trial}`)
    const values = Array.from({ length: 100 }, () => (random.uniform() < truth ? 1 : 0))
    const { high, low } = Interval.bootstrap(values, { seed: `coverage/${trial}`, resamples: 400 })
    if (low <= truth && truth <= high) covered++
  }
  // 300 trials at 0.95: four standard errors below and above, and a little for the bootstrap's own optimism.
  expect(covered / 300).toBeGreaterThan(0.88)
  expect(covered / 300).toBeLessThanOrEqual(1)
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
  const { counts, curve, masked } = await Effect.runPromise(run)
  expect(counts.map((c) => [c.problem, c.samples, c.correct])).toEqual([
    ["p0", 8, 0],
    ["p4", 8, 4],
    ["p8", 8, 8],
  ])
  expect(masked).toBe(3)
  expect(curve["1"].mean).toBeCloseTo(0.5, 12)
  expect(curve["8"].mean).toBeCloseTo(2 / 3, 12)
  expect(await Effect.runPromise(run)).toEqual(await Effect.runPromise(run))
})
