/** How often a property is tried: the small number in the quick suite, the large one in `npm run test:full`, where `full/Sizes` runs. */
const full = process.env["LPO_MODE"] === "full"

export const times = (quick: number, large: number): number => (full ? large : quick)
