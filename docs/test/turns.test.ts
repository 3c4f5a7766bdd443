/** The examples of "Multi-turn and tools", over a sampler that guesses. */
import { Sampler, SamplingParams, Seed } from "@lpo/rollout"
import { Effect, Layer, Stream } from "effect"
import { expect, it } from "vitest"
import { answers, episodes, guesses, sample } from "../examples/turns.ts"

/** Any digit; texts are a token a character. */
const engine = Layer.succeed(Sampler.Sampler, {
  sample: () => Stream.empty,
  turns: Effect.succeed({
    policyVersion: 1,
    positions: null,
    encode: (prompt) => Effect.succeed(Int32Array.from(JSON.stringify(prompt), (c) => c.charCodeAt(0))),
    encodeText: (text) => Effect.succeed(Int32Array.from(text, (c) => c.charCodeAt(0))),
    between: () => Effect.succeed(null),
    sample: (asked, law) =>
      Effect.succeed(
        asked.map(({ stream }) => {
          const digit = Seed.stream(stream).int(0, 9)
          return {
            tokens: Int32Array.of(48 + digit, 10),
            text: String(digit),
            logprobs: Float32Array.of(-Math.log(10), 0),
            finish: "stop" as const,
            policyVersion: 1,
            logprobsOf: "raw" as const,
            sampling: SamplingParams.make(law),
          }
        }),
      ),
  } satisfies Sampler.Turns),
})

const rows = Array.from({ length: 5 }, (_, i) => ({ id: `g${i}`, task: "guess", prompt: "0-9?", answer: i }))
const groups = (layer: typeof episodes) =>
  sample(rows).pipe(
    Effect.flatMap(Stream.runCollect),
    Effect.provide(layer.pipe(Layer.provide(engine))),
    Effect.runPromise,
  )

it("makes groups of whole episodes, and of single guesses", async () => {
  const whole = await groups(episodes)
  expect(whole.map(({ problem }) => problem.id)).toEqual(rows.map(({ id }) => id))
  for (const { trajectory } of whole.flatMap(({ completions }) => completions)) {
    expect(trajectory?.stop).toMatch(/^terminated$|^turn-limit$/)
    expect(trajectory?.turns).toBe((trajectory?.metrics["misses"] ?? 0) + (trajectory?.correct === true ? 1 : 0))
  }
  const single = await groups(guesses)
  expect(single.length).toBeGreaterThan(rows.length)
  for (const { completions } of single) for (const { tokens } of completions) expect(tokens).toHaveLength(2)
})

it("answers a call that goes wrong", async () => {
  expect(await Effect.runPromise(answers)).toEqual([{ text: "error: divide: b is 0", ok: false }])
})
