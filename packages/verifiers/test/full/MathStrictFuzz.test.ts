/** 200,000 texts through every strict parser and comparator. */
import { it } from "vitest"
import { fuzz } from "../mathFuzz.ts"

it("judges 200,000 random, mutated and adversarial texts: no exception, no hang, no verdict past its deadline", () => {
  console.log(`slowest item: ${fuzz(200_000).toFixed(0)} ms`)
})
