/** The questions of a study, as data: an axis has arms and claims about them. `Axes.ts` lists them. */
import { Schema } from "effect"
import { Arm } from "./Arm.ts"

/**
 * A number of a run. `pass@K` after training; `gain` is what training added to pass@1; `learning` the mean pass rate of training, the
 * area under its curve; `entropy` nats per token after training.
 *
 * @category models
 */
export const Metric = Schema.Literals(["pass@1", "pass@4", "pass@16", "gain", "learning", "entropy"])
/** @category models */
export type Metric = typeof Metric.Type

/** @category models */
export const Claim = Schema.Struct({
  /** A sentence that is true or not. */
  says: Schema.String,
  /** Whether the paper claims it; the others are open questions, or follow from its mathematics. */
  by: Schema.Literals(["paper", "theory", "open"]),
  /** `toBest`: tokens to the best smoothed training pass rate that both arms of the contrast reach, as a share of the budget. */
  metric: Schema.Union([Metric, Schema.Literal("toBest")]),
  /** The effect is the sum of the arms' numbers times these, for every pair of preset and seed. */
  contrast: Schema.Record(Schema.String, Schema.Finite),
  /** The claim about the effect: above 0, below 0, or within the bound of 0. */
  expects: Schema.Literals(["above", "below", "same"]),
  /** An effect within plus and minus this counts as none. */
  bound: Schema.Finite,
})
/** @category models */
export interface Claim extends Schema.Schema.Type<typeof Claim> {}

/** @category models */
export interface Axis {
  readonly name: string
  /** The question, in one line. */
  readonly asks: string
  readonly presets: ReadonlyArray<string>
  readonly arms: ReadonlyArray<Arm>
  readonly claims: ReadonlyArray<Claim>
}

/** Effects on pass@k smaller than this do not matter. @category constructors */
export const bound = 0.02

/** b minus a. @category constructors */
export const difference = (b: string, a: string): Claim["contrast"] => ({ [b]: 1, [a]: -1 })

/** b and a as the means of several arms. @category constructors */
export const means = (b: ReadonlyArray<string>, a: ReadonlyArray<string>): Claim["contrast"] =>
  Object.fromEntries([
    ...b.map((name) => [name, 1 / b.length] as const),
    ...a.map((name) => [name, -1 / a.length] as const),
  ])
