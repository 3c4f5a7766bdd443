/** The examples of "Train on a cluster", run against the protocol double of @lpo/tinker. */
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Verdict } from "@lpo/rollout"
import { Verifier } from "@lpo/verifiers"
import { Effect, Layer, References } from "effect"
import { expect, it } from "vitest"
import * as Double from "../../packages/tinker/test/double.ts"
import { byHand, train } from "../examples/cluster.ts"

const quiet = <A, E>(effect: Effect.Effect<A, E>) =>
  Effect.runPromise(Effect.provideService(effect, References.MinimumLogLevel, "None"))

it("cluster: the layers train, and go on where they stopped", async () => {
  const double = await Double.make({ dialect: "skyrl" })
  const root = await mkdtemp(join(tmpdir(), "lpo-docs-"))
  try {
    const options = {
      baseUrl: double.baseUrl,
      baseModel: "bigram",
      folder: join(root, "run"),
      problems: ["2 3", "4"].map((prompt, i) => ({ id: `p${i}`, task: "threes", prompt, answer: "3" })),
      tokenizer: {
        stops: [1],
        encode: (text: string) => Effect.succeed(Int32Array.from(text.split(" "), Number)),
        decode: (tokens: Int32Array) => tokens.join(" "),
      },
      verifier: Layer.succeed(Verifier.Verifier, {
        verify: (_problem, { text }) => {
          const tokens = text.split(" ")
          const score = tokens.filter((token) => token === "3").length / tokens.length
          return Effect.succeed(Verdict.judged({ correct: score === 1, score, extracted: text }))
        },
      }),
    }
    await quiet(train({ ...options, steps: 10 }))
    const events = await quiet(train({ ...options, steps: 30 }))
    expect(events).toHaveLength(30)
    const mean = (from: number, to: number) =>
      events.slice(from, to).reduce((sum, e) => sum + e.reward, 0) / (to - from)
    expect(mean(25, 30)).toBeGreaterThan(mean(0, 5) + 0.2)
  } finally {
    await double.close()
    await rm(root, { recursive: true })
  }
})

it("cluster: a step by hand makes its tokens more likely", async () => {
  const double = await Double.make({ dialect: "hosted" })
  try {
    const { after, before, checkpoint } = await quiet(byHand(double.baseUrl, "bigram"))
    for (const [t, logprob] of after.entries()) expect(logprob).toBeGreaterThan(before[t])
    expect(double.checkpoints.has(checkpoint)).toBe(true)
  } finally {
    await double.close()
  }
})
