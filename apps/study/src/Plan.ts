/** The runs that a study needs: those that choose each arm's learning rate, and those that are reported, on other seeds. */
import type { Arm, Job, Scale } from "./Arm.ts"
import type { Axis } from "./Axis.ts"
import * as Metrics from "./Metrics.ts"
import type * as Record from "./Record.ts"

/** @category models */
export interface Study {
  readonly name: string
  readonly scale: Scale
  /** Reported seeds, paired over the arms. */
  readonly seeds: ReadonlyArray<number>
  /** The preset and seeds for choosing learning rates. */
  readonly tuningPreset: string
  readonly tuningSeeds: ReadonlyArray<number>
  /** Learning rates to choose from. */
  readonly rates: ReadonlyArray<number>
}

const scale: Scale = {
  prompts: 16,
  tokens: { "countdown-tiny": 20_000, "math-tiny": 28_000, "geometry-tiny": 25_000 },
  steps: 24,
  problems: 128,
  samples: 16,
}

/** @category constructors */
export const full: Study = {
  name: "full",
  scale,
  seeds: [1, 2, 3, 4, 5],
  tuningPreset: "countdown-tiny",
  tuningSeeds: [101],
  rates: [4e-4, 8e-4],
}

/** The same arms and claims from fewer seeds and problems, with the learning rates that the full study chose. @category constructors */
export const quick: Study = { ...full, name: "quick", scale: { ...scale, problems: 64 }, seeds: [1, 2, 3, 4] }

/** The learning rate of each method. @category models */
export type Rates = Readonly<Record<string, number>>

/** The runs that choose the still unknown rates of an axis' methods; their arms may be of any of `all` axes. @category plans */
export const tuning = (
  { rates, scale, tuningPreset: preset, tuningSeeds }: Study,
  axis: Axis,
  all: ReadonlyArray<Axis>,
  known: Rates,
): ReadonlyArray<Job> => {
  const methods = new Set(axis.arms.map(({ method }) => method).filter((method) => !Object.hasOwn(known, method)))
  const arms = all.flatMap((one) => one.arms).filter(({ method, tunes }) => tunes === true && methods.has(method))
  return [...new Map(arms.map((arm) => [arm.name, arm])).values()].flatMap((arm) =>
    tuningSeeds.flatMap((seed) => rates.map((learningRate): Job => ({ preset, arm, learningRate, seed, scale }))),
  )
}

/**
 * The score of a learning rate: half pass@1 and half pass@16, because claims are about both and a higher rate trades the second for
 * the first.
 */
const worth = (run: Record.Run): number => (Metrics.of(run, "pass@1") + Metrics.of(run, "pass@16")) / 2

/** The rate of each method with the best tuning runs on average; the smaller one if two are equal. @category plans */
export const chosen = (runs: ReadonlyArray<Record.Run & { readonly method: string }>): Rates => {
  const best = new Map<string, { readonly rate: number; readonly value: number }>()
  for (const method of new Set(runs.map((run) => run.method))) {
    const mine = runs.filter((run) => run.method === method)
    for (const rate of [...new Set(mine.map(({ learningRate }) => learningRate))].sort((a, b) => a - b)) {
      const values = mine.filter(({ learningRate }) => learningRate === rate).map(worth)
      const value = values.reduce((a, b) => a + b, 0) / values.length
      if (value > (best.get(method)?.value ?? Number.NEGATIVE_INFINITY)) best.set(method, { rate, value })
    }
  }
  return Object.fromEntries([...best].map(([method, { rate }]) => [method, rate]))
}

/** The rate of an arm. Throws if that of its method is unknown. @category plans */
export const rateOf = (rates: Rates, { method, name }: Arm): number => {
  const rate = rates[method]
  if (rate === undefined)
    throw new RangeError(`${name}: no learning rate was chosen for ${method}; one of its arms must tune it`)
  return rate
}

/**
 * The reported runs of an axis, preset after preset and seed after seed: a study that is cut short has whole pairs.
 *
 * @category plans
 */
export const reported = (study: Study, { arms, presets }: Axis, rates: Rates): ReadonlyArray<Job> =>
  presets.flatMap((preset) =>
    study.seeds.flatMap((seed) =>
      arms.map((arm): Job => ({ preset, arm, learningRate: rateOf(rates, arm), seed, scale: study.scale })),
    ),
  )
