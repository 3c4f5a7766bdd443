/**
 * The checks of all backends and families on stock TensorFlow.js in this process; `npm run checks -- webgpu` and `tfjs-node` run them on
 * others. Those of the families have tests of their own on WASM.
 */
import { Backend } from "@lpo/transformer"
import { Effect } from "effect"
import { beforeAll, describe, expect, it } from "vitest"
import { checks } from "../backend/checks.ts"

const isOf = (name: string, model: string): boolean => name.startsWith(`${model}:`)
const some = checks.filter((check) => !isOf(check.name, "larger") && !isOf(check.name, "tied"))

describe("cpu", () => {
  beforeAll(async () => {
    const started = await Effect.runPromise(Backend.start("cpu"))
    expect(started.name).toBe("cpu")
  })
  it.each(some)("$name", { timeout: 60_000 }, ({ run }) => run())
})
