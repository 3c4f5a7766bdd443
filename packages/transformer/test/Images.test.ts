/** Images in a prompt: no model of this engine reads them, so they are refused by name and never trained on as tokens. */
import type { Sequence } from "@lpo/rollout"
import { Learner } from "@lpo/trainer"
import { Backend, Policy, Replica, TransformerError, TransformerLearner } from "@lpo/transformer"
import { Effect, Layer } from "effect"
import { beforeAll, expect, it } from "vitest"
import { config, pairs, tokenizer, values } from "./tiny.ts"

beforeAll(() => Effect.runPromise(Backend.start("wasm")))

const tokens = Int32Array.of(1, 2)
const image: Sequence.Chunk = {
  type: "image",
  format: "png",
  source: { location: "picture.png" },
  positions: 3,
}
const seen: Sequence.Sequence = {
  prompt: Int32Array.of(1, 2, 0, 0, 0),
  chunks: [{ type: "text", tokens }, image],
  completion: Int32Array.of(4, 10),
}

const withPolicy = <A>(use: (policy: Policy.PolicyService) => Effect.Effect<A, unknown>) =>
  Policy.make(config, tokenizer, values(), { workers: 0 }).pipe(Effect.flatMap(use), Effect.scoped, Effect.runPromise)

it("the policy and the learner refuse them with a typed error, and no gradient moves", () =>
  withPolicy((policy) =>
    Effect.gen(function* () {
      const rule = /prompt of sequence 1 has an image, and the models of this engine read text; leave the image out, or/
      const weigh = () => [Float32Array.of(1)]
      const refused: ReadonlyArray<Effect.Effect<unknown, TransformerError.EngineError>> = [
        policy.logprobs([pairs[1], seen]),
        policy.accumulate([[pairs[1]], [seen]], weigh),
      ]
      for (const effect of refused) {
        const error = yield* Effect.flip(effect)
        expect(error).toBeInstanceOf(TransformerError.EngineError)
        expect(error.message).toMatch(rule)
      }
      const learner = yield* Learner.Learner.pipe(
        Effect.provide(TransformerLearner.layer().pipe(Layer.provide(Layer.succeed(Policy.Policy, policy)))),
      )
      const failing: Readonly<Record<string, Effect.Effect<unknown, Learner.LearnerError>>> = {
        logprobs: learner.logprobs([pairs[1], seen]),
        accumulate: learner.accumulate([[pairs[1]], [seen]], weigh),
      }
      for (const [operation, effect] of Object.entries(failing)) {
        const error = yield* Effect.flip(effect)
        expect(error).toBeInstanceOf(Learner.LearnerError)
        expect(error.operation).toBe(operation)
        expect(error.message).toMatch(rule)
      }
      expect(policy.gradient.every((v) => v === 0)).toBe(true)
    }),
  ))

it("a replica alone refuses them too", async () => {
  const replica = Replica.make(config, values())
  await expect(replica.logprobs([seen])).rejects.toThrow(/sequence 0 has an image/)
  await expect(replica.forward([seen])).rejects.toThrow(/sequence 0 has an image/)
  replica.dispose()
})

it("a prompt in chunks of text is the prompt", () =>
  withPolicy((policy) =>
    Effect.gen(function* () {
      const [{ completion, prompt }] = pairs
      const chunks = [
        { type: "text", tokens: prompt.slice(0, 2) },
        { type: "text", tokens: prompt.slice(2) },
      ] as const
      expect(yield* policy.logprobs([{ prompt, chunks, completion }])).toEqual(yield* policy.logprobs([pairs[0]]))
    }),
  ))
