import { expect, it } from "vitest"
import * as Plans from "../plans.ts"

it("8 fault plans end in the weights of a run without faults", async () => {
  const { faults } = await Plans.compare(8)
  expect(faults).toBeGreaterThan(80)
})
