/**
 * Evaluation of policies: unbiased pass@k with bootstrap intervals, and the report of a run.
 *
 * @packageDocumentation
 */
export * as Benchmark from "./Benchmark.ts"
export * as Compare from "./Compare.ts"
export * as Evaluator from "./Evaluator.ts"
export * as Interval from "./Interval.ts"
export * as Metrics from "./Metrics.ts"
export * as PassAtK from "./PassAtK.ts"
export * as Report from "./Report.ts"
export * as Samples from "./Samples.ts"
