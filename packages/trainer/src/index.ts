/**
 * Objectives of group-based reinforcement learning behind one type: a group in, per-token weights out.
 *
 * @packageDocumentation
 */
export * as Learner from "./Learner.ts"
export * as Lpo from "./objectives/Lpo.ts"
export * as Objective from "./Objective.ts"
export * as PolicyGradient from "./objectives/PolicyGradient.ts"
