import { expect, it } from "vitest"
import * as Plans from "./plans.ts"

it("15 fault plans end in the weights of a run without faults", async () => {
  const { faults } = await Plans.compare(15)
  expect(faults).toBeGreaterThan(150)
})
