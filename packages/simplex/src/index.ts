/**
 * The mathematics of Listwise Policy Optimization (arXiv 2605.06139) on the simplex of a group's K responses.
 *
 * @packageDocumentation
 */
export * as Advantage from "./Advantage.ts"
export * as Guarantee from "./Guarantee.ts"
export * as Projection from "./Projection.ts"
export * as SimplexError from "./SimplexError.ts"
export * as Target from "./Target.ts"
