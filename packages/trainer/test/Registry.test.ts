import { type PolicyGradient, SmallGroup } from "@lpo/simplex"
import {
  Cispo,
  Dapo,
  DrGrpo,
  Grpo,
  Gspo,
  Gvpo,
  Lpo,
  MaxRl,
  Objective,
  Paper,
  Registry,
  ReinforcePlusPlus,
  Rloo,
  Single,
  Tpo,
  TrainConfig,
} from "@lpo/trainer"
import { Effect, Schema } from "effect"
import fc from "fast-check"
import { describe, expect, it } from "vitest"

const settings = (input: unknown) => Registry.settings(input)
const made = (input: unknown) => Registry.make(settings(input))

/** Two responses, the policy moved from what sampled them. */
const behaviour = [Float32Array.of(-1, -2), Float32Array.of(-1)]
const input = {
  rewards: Float64Array.of(1, 0),
  behaviour,
  anchor: behaviour,
  current: [Float32Array.of(-0.9, -1.5), Float32Array.of(-1.1)],
  reference: [Float32Array.of(-1.5, -2), Float32Array.of(-1)],
  batch: { rewardStd: 0.5, tokens: 30, groups: 10 } satisfies PolicyGradient.Batch,
  baseline: 0.25,
} satisfies Objective.ObjectiveInput

describe.each(Registry.names)("%s", (name) => {
  it("spells out every default, as plain JSON that resolves to itself", () => {
    const resolved = settings(name)
    expect(settings({ name })).toEqual(resolved)
    const again: unknown = JSON.parse(JSON.stringify(resolved))
    expect(again).toEqual(resolved)
    expect(settings(again)).toEqual(resolved)
    for (const value of Object.values(resolved)) expect(value).not.toBeUndefined()
  })

  it("says what an objective needs, and gives finite weights of the right shape", () => {
    const objective = made(name)
    const { weights } = objective.evaluate(input)
    expect(weights.map((row) => row.length)).toEqual([2, 1])
    for (const row of weights) for (const w of row) expect(w).toSatisfy(Number.isFinite)
    expect([1, 2]).toContain(objective.leastGroup)
    expect(objective.needsReference).toBe(false)
  })

  it("makes a group without a signal move nothing on policy, to the bit, though log-probs differ by rounding", () => {
    const current = behaviour.map((row) => row.map((v) => Math.fround(v * (1 + 2 ** -22))))
    for (const rewards of [Float64Array.of(0.1 + 0.2, 0.3), Float64Array.of(1, 1), Float64Array.of(0, 0)])
      for (const over of [
        { current, anchor: behaviour },
        { current: input.current, anchor: behaviour, onPolicy: true },
      ])
        for (const weights of made(name).evaluate({ ...input, ...over, rewards, baseline: rewards[0] }).weights)
          for (const w of weights) expect(Object.is(w, 0)).toBe(true)
  })

  it("refuses an option that it does not know, and names the nearest", () => {
    const key = "tau" in settings(name) ? "tua" : "lk"
    expect(() => settings({ name, [key]: 1 })).toThrow(
      new RegExp(
        `objective ${name.replaceAll("+", "\\+")}: ${key} is not known; did you mean ${key === "lk" ? "kl" : "tau"}\\?`,
      ),
    )
  })
})

it.each([
  ["lpo-fwd", Lpo.make({ divergence: "forward", tau: "std" })],
  ["lpo-rev", Lpo.make({ divergence: "reverse", tau: "std" })],
  ["lpo-single", Single.make()],
  ["grpo", Grpo.make()],
  ["dr-grpo", DrGrpo.make()],
  ["maxrl", MaxRl.make()],
  ["rloo", Rloo.make()],
  ["dapo", Dapo.make()],
  ["reinforce++", ReinforcePlusPlus.make()],
  ["gspo", Gspo.make()],
  ["cispo", Cispo.make()],
  ["tpo", Tpo.make()],
  ["gvpo", Gvpo.make()],
] as const)("%s by name is the one that its function makes", (name, objective) => {
  expect(made(name).name).toBe(objective.name)
  expect(made(name).zeroVariance).toBe(objective.zeroVariance)
  expect(made(name).evaluate(input)).toEqual(objective.evaluate(input))
})

it("a resolved configuration is what a run records", () => {
  expect(settings({ name: "lpo-rev", tau: 0.5 })).toEqual({
    name: "lpo",
    divergence: "reverse-kl",
    tau: 0.5,
    target: "gibbs",
    reduction: "sum",
    clip: null,
    zeroVariance: "drop",
    kl: null,
  })
  expect(settings({ name: "grpo", kl: { in: "loss", beta: 0.01 } })).toEqual({
    name: "grpo",
    clip: { low: 0.2, high: 0.28 },
    aggregation: "token-sum",
    importance: null,
    kl: { in: "loss", estimator: "k2", aggregation: "sequence-mean", beta: 0.01, on: "all", mastered: 1 },
  })
})

it.each([
  ["grop", /objective grop is not known; did you mean grpo\? There are lpo-fwd, /],
  ["qwerty", /objective qwerty is not known; choose one of lpo-fwd, /],
  [{ name: "lpo", tau: -1 }, /lpo: tau is -1; expected a value greater than 0/],
  [{ name: "lpo", tau: "stdd" }, /tau is "stdd"; give a positive number, std, /],
  [{ name: "lpo", divergence: "forwardkl" }, /divergence is "forwardkl"; give one of forward-kl, /],
  [{ name: "lpo", divergence: "0.5 brier + 0.6 jeffreys" }, /divergence is/],
  [{ name: "lpo", clip: 1 }, /clip is 1; expected a value between 0 \(excluded\) and 1/],
  [
    { name: "lpo", tau: { schedule: "linear", from: 1, too: 2 } },
    /tau\.too is not known; did you mean to\? .*tau\.to is missing/,
  ],
  [
    { name: "lpo", tau: { schedule: "switch", metric: "entropy", fallAt: 1, riseAt: 0, low: 1, high: 2 } },
    /fallAt is 1; it must not be above riseAt, which is 0/,
  ],
  [{ name: "lpo", tau: { schedule: "pieces", pieces: [{ from: 0.1, value: 1 }] } }, /pieces must start at 0 and rise/],
  [
    { name: "grpo", clip: { low: 0.2, hihg: 0.2 } },
    /clip\.hihg is not known; did you mean high\? .*clip\.high is missing/,
  ],
  [{ name: "grpo", aggregation: "mean" }, /aggregation is "mean"; expected "token-sum" \| "sequence-mean"/],
  [{ name: "grpo", kl: { in: "loss", betta: 1 } }, /kl\.betta is not known; did you mean beta\?/],
  [{ name: "grpo", kl: { in: "reward", beta: 1, estimator: "k2" } }, /kl\.estimator is "k2"; expected "k1" \| "k3"/],
  [
    { name: "lpo-rev", divergence: "jeffreys" },
    /lpo-rev has divergence "reverse-kl", but "jeffreys" was given; .*name "lpo"/,
  ],
  [{ name: "grpo-paper", aggregation: "token-sum" }, /grpo-paper has aggregation "sequence-mean"/],
  [3, /an objective is its name or a record with its name, but 3 was given/],
  [{ nam: "lpo" }, /but \{"nam":"lpo"\} was given/],
])("refuses %j", (given, message) => {
  expect(() => settings(given)).toThrow(message)
  expect(Effect.runSync(Effect.flip(Registry.decode(given)))).toMatchObject({ _tag: "SettingsError" })
})

it("is a Schema for a configuration that holds it", () => {
  const Config = Schema.Struct({ objective: Registry.Settings })
  const decode = Schema.decodeUnknownSync(Config)
  expect(decode({ objective: "gvpo" })).toEqual({ objective: settings("gvpo") })
  expect(Schema.encodeSync(Config)({ objective: settings("gvpo") })).toEqual({ objective: settings("gvpo") })
  expect(() => decode({ objective: { name: "gvpo", bata: 1 } })).toThrow(/bata is not known; did you mean beta\?/)
})

it.each([
  "forward-kl",
  "jensen-shannon(0.1)",
  "alpha(-0.5)",
  "renyi(2)",
  "0.75 forward-kl + 0.25 reverse-kl",
  "0.5 jensen-shannon(0.1) + 0.5 brier",
])("the divergence %s is in force under its own name", (divergence) =>
  expect(made({ name: "lpo", divergence }).name).toBe(divergence === "forward-kl" ? "lpo-fwd" : `lpo-${divergence}`),
)

it("the paper's settings: mean over tokens and clip 0.2, baselines of eq. 2, AdamW, two updates", () => {
  expect(settings("lpo-fwd-paper")).toMatchObject({
    divergence: "forward-kl",
    reduction: "mean",
    clip: 0.2,
    tau: "std",
  })
  expect(settings({ name: "lpo-rev-paper", tau: "mean" })).toMatchObject({ divergence: "reverse-kl", tau: "mean" })
  for (const name of ["grpo-paper", "dr-grpo-paper", "maxrl-paper"])
    expect(settings(name)).toMatchObject({ aggregation: "sequence-mean", clip: { low: 0.2, high: 0.2 } })
  const { optimizer, ...shape } = { ...TrainConfig.defaults, ...Paper.training }
  expect(optimizer).toMatchObject({ learningRate: 1e-6, beta1: 0.9, beta2: 0.999, weightDecay: 0.1 })
  expect(shape).toMatchObject({ groupSize: 8, epochs: 1, miniBatches: 2 })
})

describe("curricula", () => {
  const moment = (step: number, state: Objective.State = {}, steps = 11): Objective.Moment => ({ step, steps, state })
  const values = (given: unknown, at: Objective.Moment) => Objective.at(made(given), at).values

  it("ramps, blends and pieces follow the step, and each moment's objective is the one of its plain options", () => {
    const tau = { schedule: "linear", from: 1, to: 0.5 }
    expect([0, 5, 10, 20].map((step) => values({ name: "lpo-fwd", tau }, moment(step))["tau"])).toEqual([
      1, 0.75, 0.5, 0.5,
    ])
    expect(values({ name: "lpo-fwd", tau: { ...tau, over: 6 } }, moment(5))["tau"]).toBe(0.5)
    expect(values({ name: "lpo-fwd", tau: { ...tau, schedule: "cosine" } }, moment(0))["tau"]).toBe(1)
    const divergence = { schedule: "blend", first: "forward-kl", second: "reverse-kl" }
    const blend = { name: "lpo", divergence, tau }
    expect(values(blend, moment(0))).toEqual({ tau: 1, divergence: "forward-kl" })
    expect(values(blend, moment(10))).toEqual({ tau: 0.5, divergence: "reverse-kl" })
    expect(values(blend, moment(4))["divergence"]).toMatch(/^0\.6 forward-kl \+ 0\.4 reverse-kl$/)
    for (const step of [0, 3, 7, 10]) {
      const { objective, values: now } = Objective.at(made(blend), moment(step))
      expect(objective.evaluate(input)).toEqual(made({ name: "lpo", ...now }).evaluate(input))
    }
    const pieces = {
      schedule: "pieces",
      pieces: [
        { from: 0, value: "std" },
        { from: 0.5, value: 0.3 },
      ],
    }
    expect([0, 4, 5, 10].map((step) => values({ name: "pointwise", tau: pieces }, moment(step))["tau"])).toEqual([
      "std",
      "std",
      0.3,
      0.3,
    ])
  })

  it("a switch goes by what a step measured, keeps its side as plain data, and holds when nothing was measured", () => {
    const objective = made({
      name: "lpo",
      divergence: {
        schedule: "switch",
        metric: "entropy",
        fallAt: 0.3,
        riseAt: 0.6,
        low: "forward-kl",
        high: "reverse-kl",
        start: "high",
      },
    })
    let state = Objective.start(objective)
    expect(state).toEqual({ divergence: "high" })
    const seen = [0.7, 0.4, 0.2, null, 0.5, 0.6].map((entropy) => {
      state = Objective.next(objective, JSON.parse(JSON.stringify(state)) as Objective.State, { entropy, reward: 1 })
      return Objective.at(objective, moment(3, state)).values["divergence"]
    })
    expect(seen).toEqual(["reverse-kl", "reverse-kl", "forward-kl", "forward-kl", "forward-kl", "reverse-kl"])
  })

  it("without a schedule an objective is the same at every moment, with nothing to log or keep", () => {
    const objective = made("grpo")
    expect(Objective.at(objective, moment(3))).toEqual({ objective, values: {} })
    expect(Objective.start(objective)).toEqual({})
    expect(Objective.next(objective, {}, { entropy: 1 })).toEqual({})
  })

  it("refuses to be evaluated without a moment, with a KL penalty too", () => {
    const given = { name: "lpo", tau: { schedule: "linear", from: 1, to: 0.5 } }
    expect(() => made(given).evaluate(input)).toThrow(/needs the moment of its schedule.*Objective\.at/)
    const kl = { in: "loss", beta: 0.1 }
    expect(() => made({ ...given, kl }).evaluate(input)).toThrow(/needs the moment of its schedule/)
    const { objective, values: now } = Objective.at(made({ ...given, kl }), moment(10))
    expect(objective.evaluate(input)).toEqual(made({ ...given, ...now, kl }).evaluate(input))
  })
})

describe("KL to a reference policy", () => {
  const weights = (given: object, over: Partial<Objective.ObjectiveInput> = {}) =>
    made({ name: "lpo-fwd", ...given }).evaluate({ ...input, ...over }).weights
  const equal = { rewards: Float64Array.of(1, 1) }

  it("asks for the reference and refuses without", () => {
    const objective = made({ name: "grpo", kl: { in: "reward", beta: 0.1 } })
    expect(objective.needsReference).toBe(true)
    const { reference: _, ...without } = input
    expect(() => objective.evaluate(without)).toThrow(/grpo with a KL penalty needs the reference policy's log-probs/)
  })

  it("acts on groups of equal rewards too, which stay to be seen: in the reward they have a signal again", () => {
    for (const place of ["reward", "loss"]) {
      const kl = { in: place, beta: 0.1 }
      expect(made({ name: "lpo-fwd", kl }).zeroVariance).toBe("anchor")
      expect(weights({ kl }, equal).some((row) => row.some((w) => w !== 0))).toBe(true)
    }
    expect(weights({ kl: { in: "loss", beta: 0.1 } }, { ...equal, reference: input.current })).toEqual(
      weights({}, equal),
    )
  })

  it("what two computations of one log-prob differ by is not a penalty: a group of equal rewards stays exactly silent", () => {
    const rounded = (rows: ReadonlyArray<Float32Array>) =>
      rows.map((row) => row.map((v, t) => v + (t % 2 ? 3e-7 : -4e-7)))
    const still = { ...equal, anchor: input.behaviour, current: input.behaviour, reference: rounded(input.behaviour) }
    for (const name of ["lpo-fwd", "grpo"])
      for (const kl of [
        { in: "reward", beta: 0.5 },
        { in: "reward", beta: 0.5, estimator: "k3" },
        { in: "loss", beta: 0.5 },
        { in: "loss", beta: 0.5, estimator: "k3" },
      ])
        for (const row of made({ name, kl }).evaluate({ ...input, ...still }).weights)
          for (const w of row) expect(Object.is(w, 0)).toBe(true)
  })

  it("on mastered prompts only: all others weigh what they would without", () => {
    for (const place of ["reward", "loss"]) {
      const kl = { in: place, beta: 0.1, on: "mastered" }
      expect(weights({ kl })).toEqual(weights({}))
      expect(weights({ kl }, { rewards: Float64Array.of(0, 0) })).toEqual(
        weights({}, { rewards: Float64Array.of(0, 0) }),
      )
      expect(weights({ kl }, equal)).toEqual(weights({ kl: { in: place, beta: 0.1 } }, equal))
      const good = { rewards: Float64Array.of(0.95, 1) }
      expect(weights({ tau: 1, kl: { ...kl, mastered: 0.9 } }, good)).not.toEqual(weights({ tau: 1 }, good))
    }
  })
})

describe("lone responses", () => {
  const alone = (reward: number, over: Partial<Objective.ObjectiveInput> = {}): Objective.ObjectiveInput => ({
    rewards: Float64Array.of(reward),
    behaviour: [behaviour[0]],
    anchor: [behaviour[0]],
    current: [behaviour[0]],
    ...over,
  })

  it("K = 1: the paper's coefficient against the prompt's tracked baseline, which moves nothing where it is met", () => {
    const objective = made({ name: "lpo-single", tau: 0.5 })
    expect(objective).toMatchObject({ leastGroup: 1, baseline: { decay: 0.9 }, zeroVariance: "anchor" })
    let known: SmallGroup.Baseline | undefined
    for (const reward of [0, 1, 1, 0.5]) {
      const baseline = known?.value ?? 0.5
      const c = 0.5 - 1 / (1 + Math.exp(-(reward - baseline) / 0.5))
      const result = objective.evaluate(alone(reward, { baseline }))
      expect(result.coefficients[0]).toBeCloseTo(c, 12)
      for (const w of result.weights[0]) expect(w).toBeCloseTo(-c, 6)
      known = SmallGroup.track(known, reward, objective.baseline?.decay)
    }
    expect(known?.count).toBe(4)
    expect([...objective.evaluate(alone(0.3, { baseline: 0.1 + 0.2 })).weights[0]]).toEqual([0, 0])
    expect(() => objective.evaluate(alone(1))).toThrow(/needs the prompt's baseline.*SmallGroup\.track/)
  })

  it("in a group without a baseline each is compared with the others", () => {
    const { coefficients } = made("lpo-single").evaluate({ ...input, current: behaviour, baseline: undefined as never })
    const half = (1 / (1 + Math.exp(-1)) - 0.5) / 2
    expect(coefficients[0]).toBeCloseTo(-half, 12)
    expect(coefficients[1]).toBeCloseTo(half, 12)
  })
})

it.each(Registry.names)("%s is sound for a group of 1,024, fresh and stale", (name) => {
  const k = 1024
  const objective = made(name)
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom(0, 0.1, 1), { minLength: k, maxLength: k }),
      fc.array(fc.float({ min: Math.fround(-2), max: 0, noNaN: true }), { minLength: k, maxLength: k }),
      fc.constantFrom(0, 1, 5),
      (rewards, logprobs, drift) => {
        const rows = (f: (v: number, i: number) => number) => logprobs.map((v, i) => Float32Array.of(f(v, i), v))
        const { coefficients, policy, target, weights } = objective.evaluate({
          rewards: Float64Array.from(rewards),
          behaviour: rows((v) => v),
          anchor: rows((v) => v),
          current: rows((v, i) => v - (drift * (i % 7)) / 7),
          batch: { rewardStd: 0.4, tokens: 4096, groups: 2 },
        })
        expect(weights).toHaveLength(k)
        for (const row of weights) for (const w of row) expect(Number.isFinite(w)).toBe(true)
        const total = (x: Float64Array) => x.reduce((a, b) => a + b, 0)
        for (const p of [policy, target]) expect(Math.abs(total(p) - 1)).toBeLessThan(1e-12)
        const size = coefficients.reduce((a, c) => a + Math.abs(c), 0)
        if (name !== "pointwise" && name !== "lpo-single")
          expect(Math.abs(total(coefficients))).toBeLessThan(1e-12 * (1 + size))
      },
    ),
    { numRuns: 3 },
  )
})

it("the table lists every objective once, with all its options", () => {
  const rows = Registry.table()
  expect(rows.map(({ name }) => name)).toEqual([...new Set(rows.map(({ name }) => name))])
  for (const { defaults, name, summary, weight } of rows) {
    expect(settings({ name, ...defaults })).toEqual(settings(name))
    expect(`${summary}${weight}`).not.toMatch(/\|/)
  }
})
