/** Every objective against finite differences of its loss, which is written here as its paper writes it. */
import { Divergence, Temperature } from "@lpo/simplex"
import { Grpo, DrGrpo, MaxRl, Lpo, type Objective, ObjectiveOptions, Registry } from "@lpo/trainer"
import fc from "fast-check"
import { describe, expect, it } from "vitest"

type Rows = ReadonlyArray<ReadonlyArray<number>>
type Loss = (current: Rows) => number

const token = (bound: number) => fc.float({ min: Math.fround(-bound), max: Math.fround(bound), noNaN: true })
/** A group whose policy and anchor have moved by up to a few tenths of a nat per token. */
const group = fc.integer({ min: 2, max: 5 }).chain((k) =>
  fc
    .record({
      rewards: fc.array(fc.constantFrom(0, 0.1, 0.7, 1), { minLength: k, maxLength: k }),
      tau: fc.double({ min: 0.3, max: 3, noNaN: true }),
      tokens: fc.array(fc.array(fc.tuple(token(2), token(0.3), token(0.5)), { minLength: 1, maxLength: 4 }), {
        minLength: k,
        maxLength: k,
      }),
    })
    .filter(({ rewards }) => new Set(rewards).size > 1)
    .map(({ rewards, tau, tokens }) => {
      const rows = (f: (t: readonly [number, number, number]) => number) =>
        tokens.map((row) => Float32Array.from(row, f))
      return {
        tau,
        input: {
          rewards: Float64Array.from(rewards),
          behaviour: rows(([b]) => b - 2.5),
          anchor: rows(([b, a]) => b + a - 2.5),
          current: rows(([b, , c]) => b + c - 2.5),
          batch: { rewardStd: 0.4, tokens: 30, groups: 10 },
        } satisfies Objective.ObjectiveInput,
      }
    }),
)
type Input = Objective.ObjectiveInput

const sum = (x: ReadonlyArray<number>) => x.reduce((a, b) => a + b, 0)
const mean = (x: ReadonlyArray<number>) => sum(x) / x.length
const std = (x: ReadonlyArray<number>) => Math.sqrt(mean(x.map((v) => (v - mean(x)) ** 2)))
const softmax = (x: ReadonlyArray<number>) => {
  const e = x.map((v) => Math.exp(v - Math.max(...x)))
  return e.map((v) => v / sum(e))
}
const plain = (rows: ReadonlyArray<Float32Array>): Rows => rows.map((row) => [...row])
const minus = (a: Rows, b: Rows): Rows => a.map((row, k) => row.map((v, t) => v - b[k][t]))
const reduce = { sum: (rows: Rows) => rows.map(sum), mean: (rows: Rows) => rows.map(mean) }

/** The fourth-order central difference. */
const slope = (f: (h: number) => number, h = 1e-3): number => (8 * (f(h) - f(-h)) - (f(2 * h) - f(-2 * h))) / (12 * h)

/** Throws unless the weights are minus the gradient of the loss; tokens where it has a kink are passed over. */
const check = (
  weights: ReadonlyArray<Float32Array>,
  loss: Loss,
  at: Rows,
  kinked?: (k: number, t: number) => boolean,
) => {
  const exact = at.map((row, k) =>
    row.map((_, t) => -slope((h) => loss(at.map((r, i) => r.map((v, j) => (i === k && j === t ? v + h : v)))))),
  )
  const scale = Math.max(1e-3, ...exact.flat().map(Math.abs))
  for (const [k, row] of exact.entries())
    for (const [t, w] of row.entries())
      if (kinked?.(k, t) !== true && !(Math.abs(weights[k][t] - w) <= 2e-5 * scale))
        throw new Error(`weight ${k},${t} is ${weights[k][t]}, minus the gradient is ${w}`)
}

type D = (p: ReadonlyArray<number>, w: ReadonlyArray<number>) => number
const each =
  (f: (p: number, w: number) => number): D =>
  (p, w) =>
    sum(p.map((v, k) => f(v, w[k])))
const forward = each((p, w) => w * Math.log(w / p))
const reverse = each((p, w) => p * Math.log(p / w))
const shannon =
  (a: number): D =>
  (p, w) => {
    const m = p.map((v, k) => a * w[k] + (1 - a) * v)
    return a * forward(m, w) + (1 - a) * forward(m, p)
  }
const divergences: Readonly<Record<string, D>> = {
  "forward-kl": forward,
  "reverse-kl": reverse,
  jeffreys: (p, w) => forward(p, w) + reverse(p, w),
  "jensen-shannon": shannon(0.5),
  "jensen-shannon(0.1)": shannon(0.1),
  hellinger2: each((p, w) => (Math.sqrt(p) - Math.sqrt(w)) ** 2 / 2),
  "total-variation": each((p, w) => Math.abs(p - w) / 2),
  brier: each((p, w) => (p - w) ** 2 / 2),
  "pearson-chi2": each((p, w) => (p - w) ** 2 / w),
  "neyman-chi2": each((p, w) => (p - w) ** 2 / p),
  "alpha(0.3)": (p, w) => (each((a, b) => b ** 0.3 * a ** 0.7)(p, w) - 1) / (0.3 * -0.7),
  "alpha(-0.5)": (p, w) => (each((a, b) => b ** -0.5 * a ** 1.5)(p, w) - 1) / 0.75,
  "renyi(2)": (p, w) => Math.log(each((a, b) => (b * b) / a)(p, w)),
  "0.75 forward-kl + 0.25 reverse-kl": (p, w) => 0.75 * forward(p, w) + 0.25 * reverse(p, w),
}

it("every divergence that has a name is among them", () =>
  expect(Object.keys(divergences)).toEqual(expect.arrayContaining([...ObjectiveOptions.divergenceNames])))

const target = (input: Input, tau: number, reduction: "sum" | "mean") => {
  const start = reduce[reduction](minus(plain(input.anchor), plain(input.behaviour)))
  return softmax([...input.rewards].map((r, k) => r / tau + start[k]))
}

describe.each(Object.entries(divergences))("LPO under %s", (divergence, d) => {
  it.each([
    ["sum", null],
    ["mean", null],
    ["sum", 0.2],
    ["mean", 0.2],
  ] as const)("weights are minus the gradient of the whole loss: reduction %s, clip %s", (reduction, clip) =>
    fc.assert(
      fc.property(group, ({ input, tau }) => {
        const w = target(input, tau, reduction)
        const behaviour = plain(input.behaviour)
        const at = plain(input.current)
        const s = reduce[reduction](minus(at, behaviour))
        // Total variation has kinks where P = w.
        if (divergence === "total-variation") fc.pre(softmax(s).every((p, k) => Math.abs(p - w[k]) > 5e-3))
        const objective = Registry.make(Registry.settings({ name: "lpo", divergence, tau, reduction, clip }))
        const { weights } = objective.evaluate(input)
        if (clip === null) return check(weights, (x) => d(softmax(reduce[reduction](minus(x, behaviour))), w), at)
        const [low, high] = [Math.log(1 - clip), Math.log(1 + clip)]
        const c = s.map((_, k) => slope((h) => d(softmax(s.map((v, j) => (j === k ? v + h : v))), w)))
        const held = (x: Rows) => minus(x, behaviour).map((row) => row.map((v) => Math.min(high, Math.max(low, v))))
        const loss = (x: Rows) => sum(reduce[reduction](held(x)).map((v, k) => c[k] * v))
        return check(weights, loss, at, (k, t) =>
          [low, high].some((edge) => Math.abs(at[k][t] - behaviour[k][t] - edge) < 3e-3),
        )
      }),
      { numRuns: 60 },
    ),
  )
})

it("clipping silences a token on both sides and whatever the sign of its coefficient, and leaves c alone", () => {
  const behaviour = [Float32Array.of(-1, -1, -1), Float32Array.of(-1, -1, -1)]
  const current = [Float32Array.of(-0.7, -1.3, -0.9), Float32Array.of(-0.7, -1.3, -0.9)]
  const input = { rewards: Float64Array.of(1, 0), behaviour, anchor: behaviour, current }
  const [free, held] = [null, 0.2].map((clip) => Lpo.make({ divergence: "forward", tau: 1, clip }).evaluate(input))
  expect([...held.coefficients]).toEqual([...free.coefficients])
  for (const k of [0, 1]) expect([...held.weights[k]]).toEqual([0, 0, free.weights[k][2]])
  expect(held.weights[0][2]).toBeGreaterThan(0)
  expect(held.weights[1][2]).toBeLessThan(0)
})

/** `sum over tokens of f / N`, each aggregation as its name says it. */
const aggregate = {
  "token-sum": (rows: Rows) => sum(rows.flat()) / rows.length,
  "sequence-mean": (rows: Rows) => mean(rows.map(mean)),
  "group-token-mean": (rows: Rows) => mean(rows.flat()),
  "batch-token-mean": (rows: Rows) => sum(rows.flat()) / (30 / 10),
}
const hold = (x: number, low: number, high: number) => Math.min(high, Math.max(low, x))
type Settings<Name> = Extract<Registry.Settings, { readonly name: Name }>
type Kinks = (k: number, t: number) => boolean

/** PPO's surrogate, to be ascended: its negative is the loss. */
const ppo =
  (advantages: (r: ReadonlyArray<number>) => ReadonlyArray<number>) =>
  (input: Input, { aggregation, clip }: Pick<Settings<"grpo">, "aggregation" | "clip">): readonly [Loss, Kinks] => {
    const a = advantages([...input.rewards])
    const behaviour = plain(input.behaviour)
    const loss = (x: Rows) =>
      -aggregate[aggregation](
        minus(x, behaviour).map((row, k) =>
          row.map((v) => {
            const ratio = Math.exp(v)
            if (clip === null) return ratio * a[k]
            return Math.min(ratio * a[k], hold(ratio, 1 - clip.low, 1 + clip.high) * a[k])
          }),
        ),
      )
    const at = minus(plain(input.current), behaviour)
    const kinks = (k: number, t: number) =>
      clip !== null && [1 - clip.low, 1 + clip.high].some((edge) => Math.abs(at[k][t] - Math.log(edge)) < 3e-3)
    return [loss, kinks]
  }
const standard = (r: ReadonlyArray<number>) => r.map((v) => (v - mean(r)) / std(r))
const never: Kinks = () => false

/** The loss of every objective but LPO, which is above. */
const losses: {
  readonly [Name in Exclude<Registry.Settings["name"], "lpo">]: (
    input: Input,
    settings: Settings<Name>,
  ) => readonly [Loss, Kinks]
} = {
  grpo: ppo(standard),
  dapo: ppo(standard),
  "dr-grpo": ppo((r) => r.map((v) => v - mean(r))),
  maxrl: ppo((r) => r.map((v) => (v - mean(r)) / mean(r))),
  rloo: ppo((r) => r.map((v, k) => v - mean(r.filter((_, j) => j !== k)))),
  "reinforce++": ppo((r) => r.map((v) => (v - mean(r)) / 0.4)),
  gspo: (input, { clip }) => {
    const a = standard([...input.rewards])
    const behaviour = plain(input.behaviour)
    const edges = [1 - clip.low, 1 + clip.high].map(Math.log)
    const at = reduce.mean(minus(plain(input.current), behaviour))
    const loss = (x: Rows) =>
      -mean(
        reduce.mean(minus(x, behaviour)).map((s, k) => {
          const ratio = Math.exp(s)
          return Math.min(ratio * a[k], hold(ratio, 1 - clip.low, 1 + clip.high) * a[k])
        }),
      )
    return [loss, (k) => edges.some((edge) => Math.abs(at[k] - edge) < 3e-3)]
  },
  cispo: (input, { aggregation, clip }) => {
    const a = standard([...input.rewards])
    const held = minus(plain(input.current), plain(input.behaviour)).map((row) =>
      row.map((v) => hold(Math.exp(v), 1 - clip.low, 1 + clip.high)),
    )
    return [(x) => -aggregate[aggregation](x.map((row, k) => row.map((v, t) => held[k][t] * a[k] * v))), never]
  },
  tpo: (input, { eta }) => {
    const z = standard([...input.rewards])
    const old = reduce.sum(plain(input.anchor))
    const q = softmax(old.map((v, k) => v + z[k] / eta))
    return [(x) => forward(softmax(reduce.sum(x)), q), never]
  },
  gvpo: (input, { beta, reduction }) => {
    const r = [...input.rewards]
    const loss = (x: Rows) => {
      const implied = reduce[reduction](minus(x, plain(input.anchor))).map((s) => beta * s)
      return sum(r.map((v, k) => (v - mean(r) - (implied[k] - mean(implied))) ** 2)) / (2 * (r.length - 1))
    }
    return [loss, never]
  },
  pointwise: (input, { reduction, tau }) => {
    const w = target(input, Number(tau), reduction)
    return [(x) => -sum(reduce[reduction](x).map((v, k) => w[k] * v)), never]
  },
  "lpo-single": (input, { reduction, tau }) => {
    const sigma = (v: number) => 1 / (1 + Math.exp(-v))
    const start = reduce[reduction](minus(plain(input.anchor), plain(input.behaviour)))
    const z = [...input.rewards].map((r, k) => (r - 0.3) / Number(tau) + start[k])
    const loss = (x: Rows) =>
      -mean(
        reduce[reduction](minus(x, plain(input.behaviour))).map(
          (s, k) => sigma(z[k]) * Math.log(sigma(s)) + sigma(-z[k]) * Math.log(sigma(-s)),
        ),
      )
    return [loss, never]
  },
}

const reductions = [
  { reduction: "sum", tau: 0.7 },
  { reduction: "mean", tau: 0.7 },
]
const aggregations = Object.keys(aggregate).map((aggregation) => ({ aggregation }))
/** Options to try each with, beside the defaults. */
const variants: { readonly [Name in keyof typeof losses]: ReadonlyArray<object> } = {
  grpo: [...aggregations, { clip: null }, { clip: { low: 0.2, high: 0.2 } }],
  dapo: [{ clip: null }],
  "dr-grpo": aggregations,
  maxrl: aggregations,
  rloo: [...aggregations, { clip: { low: 0.1, high: 0.3 } }],
  "reinforce++": aggregations,
  gspo: [{ clip: { low: 0.1, high: 0.1 } }],
  cispo: [...aggregations, { clip: { low: 0.2, high: 0.2 } }],
  tpo: [{ eta: 2 }],
  gvpo: [{ reduction: "mean" }, { beta: 0.1 }],
  pointwise: reductions,
  "lpo-single": reductions,
}

it.each(
  Object.entries(variants).flatMap(([name, options]) =>
    [...(name === "pointwise" ? [] : [{}]), ...options].map((o) => [name, o] as const),
  ),
)("%s with %j: weights are minus the gradient of its loss", (name, options) => {
  const settings = Registry.settings({ name, ...options })
  const objective = Registry.make(settings)
  const lossOf = losses[settings.name as keyof typeof losses] as (
    input: Input,
    settings: Registry.Settings,
  ) => readonly [Loss, Kinks]
  fc.assert(
    fc.property(group, ({ input }) => {
      const [loss, kinks] = lossOf(input, settings)
      check(objective.evaluate({ ...input, baseline: 0.3 }).weights, loss, plain(input.current), kinks)
    }),
    { numRuns: 60 },
  )
})

it.each(["reward", "loss"] as const)("a KL penalty in the %s is a term of the gradient", (place) =>
  fc.assert(
    fc.property(group, ({ input }) => {
      const reference = input.anchor
      const objective = Registry.make(Registry.settings({ name: "rloo", kl: { in: place, beta: 0.1 } }))
      const { weights } = objective.evaluate({ ...input, reference })
      const [loss] = losses.rloo(
        place === "loss"
          ? input
          : {
              ...input,
              rewards: input.rewards.map(
                (r, k) => r - 0.1 * sum([...minus(plain(input.behaviour), plain(reference))[k]]),
              ),
            },
        Registry.settings("rloo") as Settings<"rloo">,
      )
      const term = (x: Rows) =>
        place === "reward"
          ? 0
          : 0.1 * aggregate["sequence-mean"](minus(x, plain(reference)).map((row) => row.map((v) => v ** 2 / 2)))
      check(weights, (x) => loss(x) + term(x), plain(input.current))
    }),
    { numRuns: 60 },
  ),
)

describe.each([
  ["sum", "token-sum"],
  ["mean", "sequence-mean"],
] as const)("Proposition 1 with log pi(y) the %s over tokens", (reduction, aggregation) => {
  it.each([
    ["std", Grpo.make({ clip: null, aggregation })],
    [1, DrGrpo.make({ clip: null, aggregation })],
    ["mean", MaxRl.make({ clip: null, aggregation })],
  ] as const)("on policy LPO-rev at tau %s weighs every token as its baseline does", (tau, baseline) =>
    fc.assert(
      fc.property(group, ({ input }) => {
        const fresh = { ...input, anchor: input.behaviour, current: input.behaviour }
        const lpo = Lpo.make({ divergence: "reverse", tau, reduction }).evaluate(fresh)
        const { weights } = baseline.evaluate(fresh)
        for (const [k, row] of lpo.weights.entries())
          for (const [t, w] of row.entries()) expect(Math.abs(w - weights[k][t])).toBeLessThan(1e-6)
      }),
    ),
  )
})

it("at tau = std LPO's weights do not change when rewards are scaled and shifted", () =>
  fc.assert(
    fc.property(
      group,
      fc.double({ min: 0.01, max: 100, noNaN: true }),
      fc.double({ min: -50, max: 50, noNaN: true }),
      ({ input }, scale, shift) => {
        fc.pre(scale > 1e-3 * Math.abs(shift))
        const lpo = Lpo.make({ divergence: Divergence.jensenShannon(), tau: Temperature.std(), reduction: "mean" })
        const moved = lpo.evaluate({ ...input, rewards: input.rewards.map((r) => scale * r + shift) })
        for (const [k, c] of lpo.evaluate(input).coefficients.entries())
          expect(Math.abs(c - moved.coefficients[k])).toBeLessThan(1e-9)
      },
    ),
  ))
