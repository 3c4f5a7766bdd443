import { it } from "vitest"
import { checkEntries } from "../differences.ts"
import { config, families, pairs, replica, tokenWeights } from "../tiny.ts"

it.each(Object.entries({ tied: config, ...families }))(
  "%s: every entry of the gradient agrees with float64 finite differences",
  { timeout: 300_000 },
  async (_, of) => {
    const engine = await replica("wasm", of)
    checkEntries(of, Float64Array.from(engine.values), await (await engine.forward(pairs)).backward(tokenWeights))
    engine.dispose()
  },
)
