/**
 * Label noise, for studies: correct responses judged wrong, and wrong ones judged correct, drawn from the run's
 * seed. It affects training only, never an evaluation.
 *
 * J = TPR - FPR is the remaining signal: 1 without noise, 0 for verdicts without information, below 0 for misleading ones.
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
   * Which verdicts share a draw: none (`independent`), all verdicts of a prompt over the whole run (`prompt`), or those of one
   * group (`group`).
   */
  per: Schema.Literals(["independent", "prompt", "group"]),
  /** Share of wrong responses judged correct, and of correct ones judged wrong. */
  falsePositive: Share,
  falseNegative: Share,
})
/** @category models */
export interface Options extends Schema.Schema.Type<typeof Options> {}

/** The measured noise; null if there was nothing to measure. @category models */
export const Measured = Schema.Struct({
  /** Share of correct responses judged correct, and of wrong ones judged correct. */
  tpr: Schema.NullOr(Schema.Finite),
  fpr: Schema.NullOr(Schema.Finite),
  j: Schema.NullOr(Schema.Finite),
})
/** @category models */
export interface Measured extends Schema.Schema.Type<typeof Measured> {}

/** J of the options: 1 - falseNegative - falsePositive. @category metrics */
export const informedness = ({ falseNegative, falsePositive }: Options): number => 1 - falseNegative - falsePositive

/** The component of a verdict that keeps the truth. */
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
 * A group with noise on its verdicts; `seed` is the run's. A flipped verdict has the reward 1 or 0. Responses without a verdict, or
 * masked, stay so.
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

/** What the noise did to the verdicts of these groups. @category metrics */
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
