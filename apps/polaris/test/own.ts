/** Rows of a person's own, and a run on them that takes seconds. */
export const sums = Array.from({ length: 20 }, (_, i) => ({ problem: `What is ${i} + ${i}?`, answer: String(2 * i) }))
export const jsonLines = (rows: ReadonlyArray<unknown>): string =>
  rows.map((row) => `${JSON.stringify(row)}\n`).join("")
export const sizes = "--samples 2 --prompts 2 --k 4 --max-tokens 8 --steps 2 --learning-rate 1e-2 --workers 0".split(
  " ",
)
