/** Judges a study's claims by its records: effects over pairs of preset and seed, their intervals, and a verdict each. */
import { Compare, Interval } from "@lpo/eval"
import { Schema } from "effect"
import { type Axis, Claim } from "./Axis.ts"
import * as Metrics from "./Metrics.ts"
import type { Run } from "./Record.ts"

/** @category models */
export const Verdict = Schema.Literals(["holds", "does not hold", "inconclusive at this scale"])
/** @category models */
export type Verdict = typeof Verdict.Type

/** A claim with its verdict. @category models */
export const Judged = Schema.Struct({
  ...Claim.fields,
  /** The mean over pairs, with its 95 % interval. */
  effect: Interval.Estimate,
  /** Pairs of preset and seed. */
  n: Schema.Int,
  /** Of Student's t over the pairs, and after Holm's correction over the claims of the axis. */
  p: Schema.Finite,
  holm: Schema.Finite,
  verdict: Verdict,
  /** The effect of each pair. */
  pairs: Schema.Array(Schema.Struct({ preset: Schema.String, seed: Schema.Int, effect: Schema.Finite })),
})
/** @category models */
export interface Judged extends Schema.Schema.Type<typeof Judged> {}

/** An arm over its seeds on one preset. @category models */
export const Row = Schema.Struct({
  preset: Schema.String,
  arm: Schema.String,
  learningRate: Schema.Finite,
  seeds: Schema.Int,
  /** Means over the seeds, and the standard deviation of one seed. */
  metrics: Schema.Record(Schema.String, Schema.Struct({ mean: Schema.Finite, deviation: Schema.Finite })),
  /** Runs that ended below the warm start, or could not continue. */
  collapsed: Schema.Int,
  /** Mean tokens, and steps. */
  tokens: Schema.Finite,
  steps: Schema.Finite,
})
/** @category models */
export interface Row extends Schema.Schema.Type<typeof Row> {}

const mean = (values: ReadonlyArray<number>): number => values.reduce((a, b) => a + b, 0) / values.length
const deviation = (values: ReadonlyArray<number>): number => {
  const center = mean(values)
  return values.length < 2 ? 0 : Math.sqrt(values.reduce((s, v) => s + (v - center) ** 2, 0) / (values.length - 1))
}

/** Token budget of a run by preset; `toBest` is a share of it. */
type Budget = Readonly<Record<string, number>>

/** The runs of one preset and seed, by arm. */
type Cell = { readonly preset: string; readonly seed: number; readonly runs: ReadonlyMap<string, Run> }

const cellsOf = (runs: ReadonlyArray<Run>): ReadonlyArray<Cell> => {
  const cells = new Map<string, Cell & { readonly runs: Map<string, Run> }>()
  for (const run of runs) {
    const key = `${run.preset}/${run.seed}`
    const cell = cells.get(key) ?? { preset: run.preset, seed: run.seed, runs: new Map<string, Run>() }
    cell.runs.set(run.arm, run)
    cells.set(key, cell)
  }
  return [...cells.values()]
}

/** The effect of a claim in one cell; null if an arm has no run. */
const effectIn = ({ contrast, metric }: Claim, { preset, runs }: Cell, budget: Budget): number | null => {
  const parts = Object.entries(contrast).map(([arm, weight]) => ({ run: runs.get(arm), weight }))
  if (parts.some(({ run }) => run === undefined)) return null
  if (metric === "toBest") {
    const b = parts.find(({ weight }) => weight > 0)?.run
    const a = parts.find(({ weight }) => weight < 0)?.run
    return b === undefined || a === undefined ? null : Metrics.toBest(b, a, budget[preset])
  }
  const sum = parts.reduce(
    (all, { run, weight }) => all + (run === undefined ? 0 : weight * Metrics.of(run, metric)),
    0,
  )
  // Thirds do not add up exactly, and the rest must not pass for an effect.
  return Math.round(sum * 1e12) / 1e12
}

/**
 * The verdict on a claim. A difference is certain if the interval excludes 0 and the corrected p is under 5 %. A direction holds if
 * the effect certainly has it; it does not hold if the effect certainly has the other one, or is shown to be within the bound.
 * Sameness holds if it is shown, and does not hold if a difference is certain.
 *
 * @category verdicts
 */
export const verdict = (
  expects: Claim["expects"],
  found: { readonly effect: Interval.Estimate; readonly holm: number; readonly isWithin: boolean },
): Verdict => {
  const { high, low, mean } = found.effect
  const isSure = found.holm < 0.05 && (low > 0 || high < 0)
  if (expects === "same") return found.isWithin ? "holds" : isSure ? "does not hold" : "inconclusive at this scale"
  const isRight = expects === "above" ? mean > 0 : mean < 0
  if (isSure && isRight) return "holds"
  return isSure || found.isWithin ? "does not hold" : "inconclusive at this scale"
}

/** The claims of an axis, judged; those without a pair are omitted. @category verdicts */
export const judge = ({ claims, name }: Axis, runs: ReadonlyArray<Run>, budget: Budget): ReadonlyArray<Judged> => {
  const cells = cellsOf(runs)
  const found = claims.flatMap((claim) => {
    const pairs = cells.flatMap((cell) => {
      const effect = effectIn(claim, cell, budget)
      return effect === null ? [] : [{ preset: cell.preset, seed: cell.seed, effect }]
    })
    if (pairs.length === 0) return []
    const effects = pairs.map(({ effect }) => effect)
    const zeros = effects.map(() => 0)
    const seed = `study/${name}/${claim.says}`
    const compared = Compare.compare(zeros, effects, { seed, test: "student" })
    const { n, p } = compared
    // Runs that are identical in every pair involve no chance, so there is nothing to bound.
    const isIdentical = n > 3 && effects.every((effect) => effect === 0)
    const difference = isIdentical ? { ...compared.difference, low: 0, high: 0 } : compared.difference
    // With fewer pairs the interval is their range, which shows nothing.
    const isWithin = isIdentical || (n > 3 && Compare.equivalent(zeros, effects, { seed, bound: claim.bound }).holds)
    const corrected = (holm: number): Judged => ({
      ...claim,
      effect: difference,
      n,
      p,
      holm,
      verdict: verdict(claim.expects, { effect: difference, holm, isWithin }),
      pairs,
    })
    return [{ p, corrected }]
  })
  const holm = Compare.holm(found.map(({ p }) => p))
  return found.map(({ corrected }, i) => corrected(holm[i]))
}

/** The numbers of an arm in tables. */
const shown = ["pass@1", "pass@4", "pass@16", "entropy", "learning"] as const

/** The arms of an axis, each preset after the other. @category verdicts */
export const rows = ({ arms, presets }: Axis, runs: ReadonlyArray<Run>): ReadonlyArray<Row> =>
  presets.flatMap((preset) =>
    arms.flatMap((arm) => {
      const mine = runs.filter((run) => run.preset === preset && run.arm === arm.name)
      if (mine.length === 0) return []
      return [
        {
          preset,
          arm: arm.name,
          learningRate: mine[0].learningRate,
          seeds: mine.length,
          metrics: Object.fromEntries(
            shown.map((metric) => {
              const values = mine.map((run) => Metrics.of(run, metric))
              return [metric, { mean: mean(values), deviation: deviation(values) }] as const
            }),
          ),
          collapsed: mine.filter(Metrics.isCollapsed).length,
          tokens: mean(mine.map(({ steps }) => steps.at(-1)?.tokens ?? 0)),
          steps: mean(mine.map(({ steps }) => steps.length)),
        },
      ]
    }),
  )

/**
 * The spread of identical settings: the standard deviation of pass@1 and pass@16 over the seeds of an arm, pooled over
 * arms and presets. Two independent arms of n seeds each that are the same differ by that times sqrt(2 / n), one standard error.
 *
 * @category verdicts
 */
export const spread = (all: ReadonlyArray<Row>): Readonly<Record<string, number>> =>
  Object.fromEntries(
    shown.map((metric) => {
      const arms = all.filter(({ seeds }) => seeds > 1)
      const freedom = arms.reduce((sum, { seeds }) => sum + seeds - 1, 0)
      const squares = arms.reduce((sum, { metrics, seeds }) => sum + (seeds - 1) * metrics[metric].deviation ** 2, 0)
      return [metric, freedom === 0 ? 0 : Math.sqrt(squares / freedom)] as const
    }),
  )
