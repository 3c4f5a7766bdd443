/**
 * The reference graders of mathematics, each as its original judges: which answer it takes from a response and what it holds
 * equal to the gold answer.
 *
 * @module
 */
export * as Dapo from "./Dapo.ts"
export * as Hendrycks from "./Hendrycks.ts"
export * as LatexText from "./LatexText.ts"
export * as MathVerify from "./MathVerify.ts"
export * as Numeric from "./Numeric.ts"
export * as Polaris from "./Polaris.ts"
export * as Prime from "./Prime.ts"
export * as Prm800k from "./Prm800k.ts"
