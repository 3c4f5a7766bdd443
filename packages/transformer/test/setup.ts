/** Every file begins on WASM: the backend of TensorFlow.js belongs to the process, which files share, and some change it. */
import { beforeAll, expect } from "vitest"

beforeAll(async () => {
  if (!(expect.getState().testPath ?? "").includes("/packages/transformer/")) return
  const { Backend } = await import("@lpo/transformer")
  const { Effect } = await import("effect")
  await Effect.runPromise(Backend.start("wasm"))
})
