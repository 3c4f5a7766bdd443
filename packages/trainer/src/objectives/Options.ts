/**
 * The options that objectives share, as Schemas of plain JSON, and the text forms of a temperature or a divergence.
 *
 * @module
 */
import "@lpo/rollout/SupportedNode"
import { Divergence, Temperature } from "@lpo/simplex"
import { Effect, Schema } from "effect"

/** An optional option and its default. @category constructors */
export const optional = <A, I>(schema: Schema.Codec<A, I>, value: NoInfer<I>) =>
  Schema.withDecodingDefaultKey<Schema.Codec<A, I>>(Effect.succeed(value))(schema)

/** @category numbers */
export const Positive = Schema.Finite.pipe(Schema.check(Schema.isGreaterThan(0)))

/** @category numbers */
export const NotNegative = Schema.Finite.pipe(Schema.check(Schema.isGreaterThanOrEqualTo(0)))

const solvers = { kl: Temperature.klBudget, ess: Temperature.essFloor }
const statistics: Readonly<Record<string, Temperature.Temperature>> = {
  std: Temperature.std(),
  "sample-std": Temperature.std("sample"),
  mean: Temperature.mean,
  "batch-std": Temperature.batchStd,
}

/** A positive number without surrounding text; null for anything else. */
const positive = (text: string): number | null => {
  const value = Number(text)
  return value > 0 && value < Infinity && text.trim() === text ? value : null
}

/**
 * A temperature from text: a positive number, `std`, `sample-std`, `mean`, `batch-std`, `kl:NATS` (KL(w* || P_t) has that value),
 * `ess:N` (the target's effective sample size is at least N), or one of these `+GAMMA`, an entropy bonus; null for anything
 * else.
 *
 * @category text
 */
export const temperature = (text: string): Temperature.Temperature | null => {
  if (Object.hasOwn(statistics, text)) return statistics[text]
  const value = positive(text)
  if (value !== null) return Temperature.fixed(value)
  const [, kind, mark] = /^(kl|ess):(.+)$/.exec(text) ?? []
  const number = mark === undefined ? null : positive(mark)
  if (number !== null) return kind === "ess" && number < 1 ? null : solvers[kind as keyof typeof solvers](number)
  const [, base, gamma] = /^(.+)\+(.+)$/.exec(text) ?? []
  const bonus = gamma === undefined ? null : positive(gamma)
  const plain = bonus === null ? null : temperature(base)
  return plain === null || bonus === null ? null : Temperature.plus(plain, bonus)
}

const named: ReadonlyArray<Divergence.Divergence> = [
  Divergence.forwardKl,
  Divergence.reverseKl,
  Divergence.jeffreys,
  Divergence.jensenShannon(),
  Divergence.hellinger2,
  Divergence.totalVariation,
  Divergence.brier,
  Divergence.pearsonChi2,
  Divergence.neymanChi2,
]
const families = { "jensen-shannon": Divergence.jensenShannon, alpha: Divergence.alpha, renyi: Divergence.renyi }

/** The divergences whose names have no number. @category text */
export const divergenceNames: ReadonlyArray<string> = named.map(({ name }) => name)

/**
 * A divergence from its own name: one of {@link divergenceNames}, `jensen-shannon(A)`, `alpha(A)`, `renyi(A)`, or a blend such as
 * `0.75 forward-kl + 0.25 reverse-kl`; null for anything else.
 *
 * @category text
 */
export const divergence = (text: string): Divergence.Divergence | null => {
  const plain = named.find(({ name }) => name === text)
  if (plain !== undefined) return plain
  const [, family, parameter] = /^([a-z-]+)\(([^()]+)\)$/.exec(text) ?? []
  if (family !== undefined && Object.hasOwn(families, family)) {
    try {
      return families[family as keyof typeof families](parameter.trim() === "" ? NaN : Number(parameter))
    } catch {
      return null
    }
  }
  const [, a, first, b, second] = /^(\S+) (.+) \+ (\S+) (.+)$/.exec(text) ?? []
  if (second === undefined) return null
  const [from, to] = [divergence(first), divergence(second)]
  const weight = Number(b)
  if (from === null || to === null || !(weight >= 0 && weight <= 1)) return null
  return Math.abs(Number(a) + weight - 1) <= 1e-9 ? Divergence.blend(from, to, weight) : null
}

/** A temperature: a positive number, or text that {@link temperature} reads. @category schemas */
export const Tau = Schema.Union([
  Positive,
  Schema.String.pipe(
    Schema.check(
      Schema.makeFilter((text) =>
        temperature(text) === null
          ? `give a positive number, std, sample-std, mean, batch-std, kl:NATS or ess:N, with +GAMMA after it for an entropy bonus`
          : undefined,
      ),
    ),
  ),
])

/** The value of a {@link Tau}. Throws if it is not a temperature. @category text */
export const readTau = (tau: typeof Tau.Type): Temperature.Temperature => {
  const read = temperature(`${tau}`)
  if (read === null) throw new RangeError(`${tau} is not a temperature`)
  return read
}

/** Text that {@link divergence} reads. @category schemas */
export const DivergenceName = Schema.String.pipe(
  Schema.check(
    Schema.makeFilter((text) =>
      divergence(text) === null
        ? `give one of ${divergenceNames.join(", ")}, or jensen-shannon(A) with 0 < A < 1, alpha(A), renyi(A) with A > 0, or a blend such as 0.75 forward-kl + 0.25 reverse-kl`
        : undefined,
    ),
  ),
)

/** The value of a {@link DivergenceName}. Throws if it is not a divergence. @category text */
export const readDivergence = (name: string): Divergence.Divergence => {
  const read = divergence(name)
  if (read === null) throw new RangeError(`${name} is not a divergence`)
  return read
}

/** The interval [1 - low, 1 + high] of importance ratios. @category schemas */
export const Clip = Schema.Struct({
  low: Schema.Finite.pipe(Schema.check(Schema.isBetween({ minimum: 0, maximum: 1 }))),
  high: NotNegative,
})

/** See `OffPolicy.Reduction`. @category schemas */
export const Reduction = Schema.Literals(["sum", "mean"])

/** See `PolicyGradient.Aggregation`. @category schemas */
export const Aggregation = Schema.Literals(["token-sum", "sequence-mean", "group-token-mean", "batch-token-mean"])

/** See `Target.ZeroVariance`. @category schemas */
export const ZeroVariance = Schema.Literals(["drop", "anchor"])
