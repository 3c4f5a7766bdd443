import { SamplingParams } from "@lpo/rollout"
import { Divergence, Projection, Target, Temperature } from "@lpo/simplex"
import { Dapo, DrGrpo, Grpo, Lpo, MaxRl, Pointwise, Registry, ReinforcePlusPlus, Selection, Tpo } from "@lpo/trainer"
import fc from "fast-check"
import { expect, it } from "vitest"

const group = fc.integer({ min: 2, max: 8 }).chain((k) =>
  fc.record({
    rewards: fc.array(fc.constantFrom(0, 0.1, 1), { minLength: k, maxLength: k }).map((r) => Float64Array.from(r)),
    logprobs: fc.array(fc.float32Array({ min: -8, max: 0, noNaN: true, minLength: 1, maxLength: 6 }), {
      minLength: k,
      maxLength: k,
    }),
  }),
)

it.each([
  ["std", Grpo.make({ clip: null })],
  [1, DrGrpo.make({ clip: null })],
  ["mean", MaxRl.make({ clip: null })],
] as const)(
  "on policy, LPO-rev with tau %s weighs every token as its paired baseline does, unclipped",
  (tau, method) => {
    fc.assert(
      fc.property(group, ({ rewards, logprobs }) => {
        const input = { rewards, behaviour: logprobs, anchor: logprobs, current: logprobs }
        const lpo = Lpo.make({ divergence: "reverse", tau }).evaluate(input)
        const baseline = method.evaluate(input)
        for (const [k, tokens] of lpo.weights.entries())
          for (const [t, w] of tokens.entries()) expect(w).toBeCloseTo(baseline.weights[k][t], 5)
      }),
      { numRuns: 1000 },
    )
  },
)

it("a group of equal rewards carries no signal", () => {
  const logprobs = [Float32Array.of(-1), Float32Array.of(-2)]
  const input = { rewards: Float64Array.of(0, 0), behaviour: logprobs, anchor: logprobs, current: logprobs }
  for (const tau of ["std", "mean", 1] as const)
    expect([...Lpo.make({ divergence: "forward", tau }).evaluate(input).coefficients]).toEqual([0, 0])
})

it("clipping silences only the tokens that moved too far in the direction of the advantage", () => {
  const behaviour = [Float32Array.of(-1, -1), Float32Array.of(-1, -1)]
  const current = [Float32Array.of(-0.5, -1), Float32Array.of(-2, -0.5)]
  const { weights } = DrGrpo.make().evaluate({
    rewards: Float64Array.of(1, 0),
    behaviour,
    anchor: behaviour,
    current,
  })
  expect(weights[0][0]).toBe(0)
  expect(weights[0][1]).toBeCloseTo(0.25, 6)
  expect(weights[1][0]).toBe(0)
  expect(weights[1][1]).toBeCloseTo(-0.25 * Math.exp(0.5), 6)
})

it("any divergence, temperature and target of the mathematics is an objective", () => {
  const behaviour = [Float32Array.of(-1, -1), Float32Array.of(-2), Float32Array.of(-1)]
  const current = [Float32Array.of(-1.5, -1), Float32Array.of(-1), Float32Array.of(-1)]
  const rewards = Float64Array.of(1, 0, 0.5)
  const result = Lpo.make({ divergence: Divergence.hellinger2, tau: Temperature.klBudget(0.3) }).evaluate({
    rewards,
    behaviour,
    anchor: behaviour,
    current,
  })
  const logW = Target.logGibbs(rewards, Number(Temperature.klBudget(0.3).of(rewards)))
  const c = Projection.coefficients(Divergence.hellinger2, [-0.5, 1, 0], logW)
  for (const [k, tokens] of result.weights.entries()) for (const w of tokens) expect(w).toBeCloseTo(-c[k], 7)
  expect(result.target.reduce((kl, w) => kl + w * Math.log(3 * w), 0)).toBeCloseTo(0.3, 9)
})

it("a drifted group without signal is left alone, or pulled back to its anchor where that is asked for", () => {
  const anchor = [Float32Array.of(-1), Float32Array.of(-1)]
  const input = {
    rewards: Float64Array.of(1, 1),
    behaviour: anchor,
    anchor,
    current: [Float32Array.of(-0.5), anchor[1]],
  }
  const lpo = { divergence: "forward", tau: "std" } as const
  expect([...Lpo.make(lpo).evaluate(input).coefficients]).toEqual([0, 0])
  const { weights } = Lpo.make({ ...lpo, zeroVariance: "anchor" }).evaluate(input)
  expect(weights[0][0]).toBeCloseTo(0.5 - 1 / (1 + Math.exp(-0.5)), 6)
  expect(Tpo.make().evaluate(input).weights[0][0]).toBeCloseTo(0.5 - 1 / (1 + Math.exp(-0.5)), 6)
  expect([...Pointwise.make({ temperature: Temperature.std() }).evaluate(input).coefficients]).toEqual([0, 0])
})

it("statistics of the batch reach the objectives that need them, which refuse without", () => {
  const logprobs = [Float32Array.of(-1, -1), Float32Array.of(-2)]
  const input = { rewards: Float64Array.of(1, 0), behaviour: logprobs, anchor: logprobs, current: logprobs }
  const dapo = Dapo.make()
  expect(() => dapo.evaluate(input)).toThrow(/dapo needs the batch's statistics/)
  const { weights } = dapo.evaluate({ ...input, batch: { rewardStd: 0.5, tokens: 30, groups: 10 } })
  expect([...weights[0], ...weights[1]].map((w) => Math.round(w * 1e6) / 1e6)).toEqual([0.333333, 0.333333, -0.333333])
  const batch = { rewardStd: 0.25, tokens: 30, groups: 10 }
  expect([...ReinforcePlusPlus.make().evaluate({ ...input, batch }).weights[0]]).toEqual([1, 1])
})

it("batch statistics are over the kept groups: centred rewards, tokens, prompts", () => {
  const completion = (tokens: number) => ({
    tokens: new Int32Array(tokens),
    text: "",
    logprobs: new Float32Array(tokens),
    finish: "stop" as const,
    policyVersion: 0,
    logprobsOf: "raw" as const,
    sampling: SamplingParams.make({ maxTokens: 2 }),
  })
  const group = (scores: ReadonlyArray<number>) => ({
    problem: { id: "p", task: "t", prompt: "", answer: "" },
    place: 0,
    promptTokens: Int32Array.of(0),
    completions: scores.map((_, k) => completion(k + 1)),
    verdicts: scores.map((score) => ({ status: "ok" as const, score, correct: score === 1, key: "" })),
  })
  const groups = [group([1, 0]), group([1, 1])]
  expect(Selection.statistics(groups, 4)).toEqual({ rewardStd: Math.sqrt(0.125), tokens: 6, groups: 4 })
  expect(Selection.select(groups).kept).toHaveLength(1)
  expect(Selection.select(groups, { leastGroup: 2, zeroVariance: "anchor" })).toMatchObject({
    kept: groups,
    zeroVariance: 1,
  })
})

it.each([{ temperature: 0.7 }, { temperature: 0 }, { topP: 0.9 }, { topK: 20 }, { minP: 0.1 }])(
  "does not train on samples of another law than the policy's: %j",
  (law) => {
    const group = (sampling: object, logprobsOf: "raw" | "processed" = "raw") => ({
      problem: { id: "p", task: "t", prompt: "", answer: "" },
      place: 0,
      promptTokens: Int32Array.of(0),
      completions: [
        {
          tokens: Int32Array.of(1),
          text: "",
          logprobs: Float32Array.of(-1),
          finish: "stop" as const,
          policyVersion: 0,
          logprobsOf,
          sampling: { ...SamplingParams.make({ maxTokens: 1 }), ...sampling },
        },
      ],
      verdicts: [{ status: "ok" as const, score: 1, correct: true, key: "" }],
    })
    expect(Selection.refusal(group({}))).toBe(null)
    expect(Selection.refusal(group(law))).toMatch(/was sampled (with top-p|at temperature) /)
    // The law itself, whose log-probs are known, is not a bias; a law that leaves tokens out always is.
    expect(Selection.refusal(group(law, "processed")) === null).toBe(law.temperature === 0.7)
  },
)

it.each([
  ["0.5", "0.5"],
  ["std", "std"],
  ["sample-std", "sample-std"],
  ["mean", "mean"],
  ["batch-std", "batch-std"],
  ["kl:0.3", "kl-budget(0.3)"],
  ["ess:2", "ess-floor(2)"],
])("reads the temperature %s", (text, name) => expect(Registry.temperature(text)?.name).toBe(name))

it.each(["cold", "", "0", "-1", "Infinity", "kl:", "kl:x", "ess:0.5", " 1"])("refuses the temperature %j", (text) =>
  expect(Registry.temperature(text)).toBeNull(),
)
