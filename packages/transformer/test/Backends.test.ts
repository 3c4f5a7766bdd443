/**
 * The checks of all backends, on those that every machine has; `npm run checks -- webgpu` and `tfjs-node` run them on others. Those of
 * the families have tests of their own on WASM; on the CPU `slow/Backends.test.ts` runs the others.
 */
import { Backend } from "@lpo/transformer"
import { Effect } from "effect"
import { beforeAll, describe, expect, it } from "vitest"
import { checks } from "./backend/checks.ts"

const isOf = (name: string, model: string): boolean => name.startsWith(`${model}:`)
const suites = [
  { name: "wasm", some: checks.filter((check) => isOf(check.name, "larger") || !check.name.includes(":")) },
  { name: "cpu", some: checks.filter((check) => isOf(check.name, "llama")) },
] as const

describe.each(suites)("$name", ({ name, some }) => {
  beforeAll(async () => {
    const started = await Effect.runPromise(Backend.start(name))
    expect(started.name).toBe(name)
  })
  it.each(some)("$name", { timeout: 60_000 }, ({ run }) => run())
})

it("auto takes WASM where there is no GPU, and says why not the others", async () => {
  const { name, reason } = await Effect.runPromise(Backend.auto)
  expect(name).toBe("wasm")
  expect(reason).toMatch(/^the fastest that starts here; tfjs-node-gpu and webgpu not installed$/)
})
