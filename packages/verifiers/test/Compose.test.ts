import { Group, type Problem, SamplingParams, Verdict } from "@lpo/rollout"
import { Compose, type Verifier } from "@lpo/verifiers"
import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import fc from "fast-check"
import { expect } from "vitest"

const problem: Problem.Problem = { id: "p", task: "t", prompt: "?", answer: null }
const says = (length: number, finish: "stop" | "length" = "stop"): Verifier.Response => ({
  text: "",
  finish,
  tokens: new Int32Array(length),
})
const always = (verdict: Verdict.Verdict): Verifier.VerifierService => ({ verify: () => Effect.succeed(verdict) })
const right = always(Verdict.judged({ correct: true, extracted: "4" }))
const wrong = always(Verdict.judged({ correct: false, extracted: "5" }))
const broken = always(Verdict.unreached("timeout", "gone"))

it.effect("weighs named parts and takes the answer from the main one", () =>
  Effect.gen(function* () {
    const both = Compose.weighted(
      { acc: { verifier: right, weight: 0.9 }, form: { verifier: wrong, weight: 0.1 } },
      "acc",
    )
    assert.deepStrictEqual(yield* both.verify(problem, says(1)), {
      status: "ok",
      score: 0.9,
      correct: true,
      extracted: "4",
      key: "4",
      components: { acc: 1, form: 0 },
    })
  }),
)

it.effect("a part without a verdict leaves the whole without one", () =>
  Effect.gen(function* () {
    const both = Compose.weighted({ acc: { verifier: right, weight: 1 }, code: { verifier: broken, weight: 1 } }, "acc")
    assert.deepStrictEqual(yield* both.verify(problem, says(1)), Verdict.unreached("timeout", "code: gone"))
    assert.strictEqual((yield* Compose.gate(broken, right).verify(problem, says(1))).status, "timeout")
  }),
)

it("refuses an unknown main part and an infinite weight", () => {
  expect(() => Compose.weighted({ a: { verifier: right, weight: 1 } }, "b")).toThrow('main is "b"')
  expect(() => Compose.weighted({ a: { verifier: right, weight: Infinity } }, "a")).toThrow('weight of "a" is Infinity')
})

it.effect("a gate opens only for the correct", () =>
  Effect.gen(function* () {
    assert.isFalse((yield* Compose.gate(right, wrong).verify(problem, says(1))).correct)
    const closed = yield* Compose.gate(wrong, right, 0.1).verify(problem, says(1))
    assert.deepStrictEqual([closed.correct, closed.score], [false, 0.1])
  }),
)

// DAPO's equation 13 with L_max = 20, L_cache = 4: 0 up to 16, (16 - |y|) / 4 in between, -1 at 20.
it.each([
  [0, 0],
  [16, 0],
  [17, -0.25],
  [18, -0.5],
  [20, -1],
])("the overlong penalty of %i tokens is %f", (length, penalty) => {
  expect(Compose.overlongPenalty(length, { maxLength: 20, buffer: 4 })).toBeCloseTo(penalty, 15)
})

it("the overlong penalty never rewards, and never falls with fewer tokens", () => {
  fc.assert(
    fc.property(fc.nat(50), fc.nat(50), fc.integer({ min: 1, max: 20 }), (a, b, buffer) => {
      const at = (length: number) => Compose.overlongPenalty(length, { maxLength: 20, buffer, factor: 2 })
      expect(at(a)).toBeLessThanOrEqual(0)
      if (a < b) expect(at(a)).toBeGreaterThanOrEqual(at(b))
    }),
  )
})

it.effect("shapes the reward by length and leaves correctness alone", () =>
  Effect.gen(function* () {
    const shaped = Compose.overlong(right, { maxLength: 20, buffer: 4 })
    const verdict = yield* shaped.verify(problem, says(18))
    assert.deepStrictEqual([verdict.score, verdict.correct], [0.5, true])
    assert.deepStrictEqual(verdict.components, { score: 1, overlong: -0.5 })
    assert.strictEqual((yield* shaped.verify(problem, { text: "", finish: "stop" })).status, "error")
    assert.strictEqual(
      (yield* Compose.overlong(broken, { maxLength: 20, buffer: 4 }).verify(problem, says(20))).score,
      0,
    )
    expect(() => Compose.overlong(right, { maxLength: 4, buffer: 5 })).toThrow("buffer is 5")
  }),
)

it.effect("a masked verdict is left out of the group that is trained on", () =>
  Effect.gen(function* () {
    const masking = Compose.mask(right, Compose.truncated)
    const verdicts = [yield* masking.verify(problem, says(1)), yield* masking.verify(problem, says(1, "length"))]
    assert.deepStrictEqual(
      verdicts.map((v) => v.masked ?? false),
      [false, true],
    )
    const completion = (policyVersion: number) => ({
      tokens: Int32Array.of(1),
      text: "",
      logprobs: Float32Array.of(0),
      finish: "stop" as const,
      policyVersion,
      logprobsOf: "raw" as const,
      sampling: SamplingParams.make({ maxTokens: 9 }),
    })
    const completions = [completion(1), completion(2)]
    const kept = Group.maskUnverified({ problem, place: 0, promptTokens: Int32Array.of(0), completions, verdicts })
    assert.deepStrictEqual(
      kept.completions.map((c) => c.policyVersion),
      [1],
    )
  }),
)
