import { it } from "vitest"
import { appendFileSync } from "node:fs"
import * as Plans from "./plans.ts"
it("progress", async () => {
  await Promise.all(
    [0, 1, 2, 3].map(async (v) => {
      for (let n = v; n < 40; n += 4) {
        const t = performance.now()
        try {
          const r = await Plans.run({ ...Plans.variants[v]!, plan: n })
          appendFileSync(
            "/tmp/prog.log",
            `${n} ${(performance.now() - t).toFixed(0)}ms faults ${r.faults} starts ${r.starts} ${JSON.stringify(r.executed)} ${r.logits.slice(0, 3)}\n`,
          )
        } catch (e: any) {
          appendFileSync("/tmp/prog.log", `${n} FAILED ${e.message}\n`)
        }
      }
    }),
  )
}, 170000)
