import { expect, it } from "vitest"
import * as Plans from "../plans.ts"

it("1,000 fault plans end in the weights of a run without faults", async () => {
  const clean = await Promise.all(Plans.variants.map((variant) => Plans.run({ ...variant, plan: null })))
  let faults = 0
  let restarted = 0
  for (let n = 0; n < 1000; n++) {
    const v = n % Plans.variants.length
    const run = await Plans.run({ ...Plans.variants[v], plan: n })
    faults += run.faults
    restarted += run.starts - 1
    expect(run.logits, `plan ${n}`).toEqual(clean[v].logits)
    if (run.starts === 1) expect(run.executed, `plan ${n}`).toEqual(clean[v].executed)
  }
  console.log(`${faults} faults injected, ${restarted} runs started again`)
})
