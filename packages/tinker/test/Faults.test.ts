import { expect, it } from "vitest"
import * as Plans from "./plans.ts"

it("40 fault plans end in the weights of a run without faults", async () => {
  const { faults } = await Plans.compare(40)
  expect(faults).toBeGreaterThan(400)
})
