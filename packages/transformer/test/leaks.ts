/** Whether steps leave anything behind: few of them in the quick test, many in the full one. */
import { Backend, Policy } from "@lpo/transformer"
import * as tf from "@tensorflow/tfjs-core"
import { Effect } from "effect"
import { expect } from "vitest"
import { config, pairs, tokenizer, tokenWeights, values } from "./tiny.ts"

interface WasmBackend {
  readonly wasm: { readonly asm: { readonly memory: WebAssembly.Memory } }
  readonly makeOutput: (shape: ReadonlyArray<number>, dtype: "float32") => tf.TensorInfo
}
export const backend = () => tf.backend() as unknown as WasmBackend

/** Steps of sampling and learning leave tensors, heap and handles as they were. */
export const leavesNothing = (steps: number): Promise<void> =>
  Effect.gen(function* () {
    yield* Backend.start("wasm")
    const policy = yield* Policy.make(config, tokenizer, values(), { workers: 0 })
    const adam = { learningRate: 1e-4, maxGradNorm: 1, beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0 }
    const law = { maxTokens: 4, temperature: 1, topK: 0, topP: 1 }
    const step = Effect.gen(function* () {
      yield* policy.generate([{ prompt: Int32Array.of(1, 2), streams: ["a", "b"] }], law)
      yield* policy.accumulate([pairs], () => tokenWeights)
      yield* policy.step(adam)
    })
    const held = () => ({
      tensors: tf.memory().numTensors,
      heap: backend().wasm.asm.memory.buffer.byteLength,
      handles: process.getActiveResourcesInfo().filter((name) => name !== "Timeout" && name !== "Immediate").length,
    })
    for (let i = 0; i < 50; i++) yield* step
    const before = held()
    for (let i = 0; i < steps; i++) yield* step
    expect(held()).toEqual(before)
  }).pipe(Effect.scoped, Effect.runPromise)
