/** Workers that results are compared between: the fewest and the most in the quick suite, all in `npm run test:full`. */
export const workerCounts: ReadonlyArray<number> = process.env["LPO_MODE"] === "full" ? [1, 2, 3] : [1, 3]
