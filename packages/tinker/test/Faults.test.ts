import { expect, it } from "vitest"
import * as Plans from "./plans.ts"

it.each(Plans.variants)(
  "40 fault plans end in the weights of a run without faults: $dialect, $encoding",
  async (variant) => {
    const clean = await Plans.run({ ...variant, plan: null })
    expect(clean.logits).toHaveLength(64)
    let faults = 0
    const offset = Plans.variants.indexOf(variant)
    for (let n = offset; n < 40; n += Plans.variants.length) {
      const run = await Plans.run({ ...variant, plan: n })
      faults += run.faults
      expect(run.logits, `plan ${n}`).toEqual(clean.logits)
      // Whatever was sent again was carried out once.
      if (run.starts === 1) expect(run.executed, `plan ${n}`).toEqual(clean.executed)
    }
    expect(faults).toBeGreaterThan(100)
  },
)
