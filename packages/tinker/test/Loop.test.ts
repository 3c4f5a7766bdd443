import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect } from "effect"
import { expect, it } from "vitest"
import { ServerProfile } from "../src/index.ts"
import * as Double from "./double.ts"
import * as Loop from "./loop.ts"

it.each([
  ["hosted", "forward", ServerProfile.hosted],
  ["hosted", "reverse", ServerProfile.hosted],
  ["hosted", "forward", { ...ServerProfile.hosted, form: "B" }],
  ["skyrl", "forward", ServerProfile.skyrlJax],
  ["skyrl", "reverse", { ...ServerProfile.skyrlJax, encoding: "json" }],
] as const)(
  "LPO through a %s server under %s KL ends in the weights of a local learner",
  async (dialect, divergence, profile) => {
    const double = await Double.make({ dialect })
    const root = await mkdtemp(join(tmpdir(), "lpo-tinker-"))
    try {
      const options = { divergence, steps: 6, maxGradNorm: dialect === "hosted" ? 0.5 : Number.POSITIVE_INFINITY }
      const engine = Loop.local()
      const folder = join(root, "server")
      const mine = await Effect.runPromise(Loop.train({ ...options, folder: join(root, "local") }, engine.layer))
      const theirs = await Effect.runPromise(
        Loop.fast(Loop.train({ ...options, folder }, Loop.server(double.baseUrl, profile))),
      )
      expect(theirs.events.map((e) => e["reward"])).toEqual(mine.events.map((e) => e["reward"]))
      const weights = double.checkpoints.get(await Loop.checkpointPath(folder))?.weights
      expect(weights?.steps).toBe(engine.weights.steps)
      for (const [i, logit] of engine.weights.logits.entries()) expect(weights?.logits[i]).toBeCloseTo(logit, 4)
      // Nothing is left on the server.
      expect(double.models().size).toBe(0)
    } finally {
      await double.close()
      await rm(root, { recursive: true })
    }
  },
)
