import { expect, it } from "vitest"
import * as Plans from "./plans.ts"

it("2 fault plans end in the weights of a run without faults", async () => {
  const { faults } = await Plans.compare(2)
  expect(faults).toBeGreaterThan(20)
})
