/** Comparisons that take long. */
import type { Verifier } from "@lpo/verifiers"

/** Equal to `terms`, and too much for the steps that this process gives it. */
export const identity = (terms: number): string =>
  `${terms}+${Array.from({ length: 5 }, (_, k) => `\\sin(${2 * k + 2}x+2y)-2\\sin(${k + 1}x+y)\\cos(${k + 1}x+y)`).join("+")}`

export const item = (answer: string, box: string): Verifier.Item => ({
  problem: { id: "p", task: "math", prompt: "", answer },
  completion: { text: `\\boxed{${box}}`, finish: "stop" },
})
