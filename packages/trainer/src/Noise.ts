/**
 * Noise on the labels, for studies: right responses that are judged wrong, and wrong ones that are judged right, by draws of the run's
 * seed. Only what training sees is touched; an evaluation is not.
 *
 * J = TPR - FPR is what is left of the signal: 1 without noise, 0 for verdicts that say nothing, below it for those that mislead.
 *
 * @module
 */
import type { Group } from "@lpo/rollout"
import * as Seed from "@lpo/rollout/Seed"
import * as Verdict from "@lpo/rollout/Verdict"
import { Schema } from "effect"

const Share = Schema.Finite.pipe(Schema.check(Schema.isBetween({ minimum: 0, maximum: 1 })))

/** @category models */
export const Options = Schema.Struct({
  /**
   * What shares a draw: each verdict has its own (`independent`), all verdicts of a prompt over the whole run (`prompt`), or those of one
   * group (`group`).
   */
  per: Schema.Literals(["independent", "prompt", "group"]),
  /** Share of wrong responses that are judged right, and of right ones that are judged wrong. */
  falsePositive: Share,
  falseNegative: Share,
})
/** @category models */
export interface Options extends Schema.Schema.Type<typeof Options> {}

/** What was measured of the noise; null where there was nothing to measure. @category models */
export const Measured = Schema.Struct({
  /** Share of right responses that were judged right, and of wrong ones that were. */
  tpr: Schema.NullOr(Schema.Finite),
  fpr: Schema.NullOr(Schema.Finite),
  j: Schema.NullOr(Schema.Finite),
})
/** @category models */
export interface Measured extends Schema.Schema.Type<typeof Measured> {}

/** J of the options: 1 - falseNegative - falsePositive. @category metrics */
export const informedness = ({ falseNegative, falsePositive }: Options): number => 1 - falseNegative - falsePositive

/** The truth of a verdict stands among its components. */
const truth = "truth"

const flip = (verdict: Verdict.Verdict, isFlipped: boolean): Verdict.Verdict => {
  const components = { ...verdict.components, [truth]: verdict.correct ? 1 : 0 }
  if (!isFlipped) return { ...verdict, components }
  const correct = !verdict.correct
  return {
    ...verdict,
    correct,
    score: correct ? 1 : 0,
    components,
    reason: `noise: truly ${correct ? "wrong" : "right"}`,
  }
}

/**
 * A group with noise on its verdicts; `seed` is the run's. A flipped verdict has the reward 1 or 0. What could not be judged, or is
 * masked, stays so.
 *
 * @category combinators
 */
export const apply = (
  { falseNegative, falsePositive, per }: Options,
  group: Group.ScoredGroup,
  seed: string,
  step: number,
): Group.ScoredGroup => {
  const { place, problem } = group
  const shared = per === "prompt" ? `${seed}/noise/${problem.id}` : `${seed}/noise/${step}/${place}/${problem.id}`
  const verdicts = group.verdicts.map((verdict, k) => {
    if (!Verdict.isTrainable(verdict)) return verdict
    const u = Seed.stream(per === "independent" ? `${shared}/${k}` : shared).uniform()
    return flip(verdict, u < (verdict.correct ? falseNegative : falsePositive))
  })
  return { ...group, verdicts }
}

/** What became of the verdicts of groups that have noise on them. @category metrics */
export const measure = (groups: ReadonlyArray<Pick<Group.ScoredGroup, "verdicts">>): Measured => {
  const verdicts = groups
    .flatMap((group) => group.verdicts)
    .filter(({ components }) => components?.[truth] !== undefined)
  const share = (of: number): number | null => {
    const those = verdicts.filter(({ components }) => components?.[truth] === of)
    return those.length === 0 ? null : those.filter(({ correct }) => correct).length / those.length
  }
  const [tpr, fpr] = [share(1), share(0)]
  return { tpr, fpr, j: tpr === null || fpr === null ? null : tpr - fpr }
}
