/** What the quick suite does in small; `npm run test:full` does it at full size. */
const full = process.env["LPO_MODE"] === "full"

/** Workers that results are compared between: the fewest and the most, or all. */
export const workerCounts: ReadonlyArray<number> = full ? [1, 2, 3] : [1, 3]

/** How often a property is tried. */
export const times = (quick: number, large: number): number => (full ? large : quick)
