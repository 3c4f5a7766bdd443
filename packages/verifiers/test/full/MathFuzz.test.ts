/** The reference graders and extractors at full size: 200,000 pairs of texts, and floods of 100,000 characters. */
import fc from "fast-check"
import { it } from "vitest"
import { floods, survive, text } from "../mathGraders.ts"

it("survives 200,000 pairs of random, mutated and adversarial texts in every extractor and grader", () => {
  fc.assert(fc.property(text, text, survive), { numRuns: 200_000 })
})

it.each(floods(100_000).map((flood) => [flood.slice(0, 12), flood] as const))(
  "is bounded on 100,000 characters of %j",
  (_, flood) => {
    survive(flood, "42")
    survive("\\boxed{42}", flood)
    survive(`</think>Answer: \\boxed{${flood}}`, "42")
  },
)
