/**
 * The mathematics of Listwise Policy Optimization (arXiv 2605.06139) on the simplex of a group's K responses.
 *
 * In the order of the paper: rewards become a `Target` at a `Temperature`; the policy is moved onto it by `Projection` under a
 * `Divergence`; `Guarantee` says what that gains. `Advantage`, `PolicyGradient` and `Sibling` are the other methods, through the same
 * coefficients; `Reference` keeps any of them near a reference policy.
 *
 * @packageDocumentation
 */
export * as Advantage from "./Advantage.ts"
export * as PolicyGradient from "./PolicyGradient.ts"
export * as Budget from "./Budget.ts"
export * as Diagnostics from "./Diagnostics.ts"
export * as Divergence from "./Divergence.ts"
export * as Explain from "./Explain.ts"
export * as Fused from "./Fused.ts"
export * as Guarantee from "./Guarantee.ts"
export * as OffPolicy from "./OffPolicy.ts"
export * as Projection from "./Projection.ts"
export * as Reference from "./Reference.ts"
export * as Schedule from "./Schedule.ts"
export * as Sibling from "./Sibling.ts"
export * as SimplexError from "./SimplexError.ts"
export * as SmallGroup from "./SmallGroup.ts"
export * as Target from "./Target.ts"
export * as Temperature from "./Temperature.ts"
