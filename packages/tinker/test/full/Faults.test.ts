import { expect, it } from "vitest"
import * as Plans from "../plans.ts"

it("1,000 fault plans end in the weights of a run without faults", async () => {
  const { faults, restarted } = await Plans.compare(1000)
  console.log(`${faults} faults injected, ${restarted} runs started again`)
  expect(restarted).toBeGreaterThan(10)
})
