/** The reference policy: the parameters as they were, whatever becomes of the policy's. */
import { Backend, Frozen, Policy } from "@lpo/transformer"
import { Effect } from "effect"
import { expect, it } from "vitest"
import { config, pairs, replica, tokenizer, tokenWeights, values } from "./tiny.ts"

const adam = { learningRate: 0.1, maxGradNorm: Infinity, beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0 }

it.each([0, 1])(
  "keeps its log-probs while a policy on the same memory moves, at any temperature (%i workers)",
  async (workers) => {
    const start = await replica("wasm")
    const sequences = pairs.map((pair, k) => (k === 1 ? { ...pair, temperature: 0.7 } : pair))
    const expected = await start.logprobs(sequences)
    start.dispose()
    await Effect.runPromise(
      Effect.gen(function* () {
        yield* Backend.start("wasm")
        const shared = new Float32Array(new SharedArrayBuffer(4 * values().length))
        shared.set(values())
        const reference = yield* Frozen.logprobs(config, shared, { workers })
        const policy = yield* Policy.make(config, tokenizer, shared, { workers: 0 })
        yield* policy.accumulate([pairs], () => tokenWeights)
        yield* policy.step(adam)
        expect(yield* policy.logprobs(sequences)).not.toEqual(expected)
        expect(yield* reference(sequences)).toEqual(expected)
      }).pipe(Effect.scoped),
    )
  },
)
