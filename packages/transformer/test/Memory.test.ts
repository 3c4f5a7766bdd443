/** What a long run must not do: grow, or run over the end of the heap without a word. */
import { Backend, Policy, Replica, TransformerError } from "@lpo/transformer"
import * as tf from "@tensorflow/tfjs-core"
import { Effect } from "effect"
import { expect, it } from "vitest"
import { config, pairs, tokenizer, tokenWeights, values } from "./tiny.ts"

interface WasmBackend {
  readonly wasm: { readonly asm: { readonly memory: WebAssembly.Memory } }
  readonly makeOutput: (shape: ReadonlyArray<number>, dtype: "float32") => tf.TensorInfo
}
const backend = () => tf.backend() as unknown as WasmBackend

it(
  "2,000 steps of sampling and learning leave tensors, heap and handles as they were",
  { timeout: 60_000 },
  async () => {
    const program = Effect.gen(function* () {
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
      for (let i = 0; i < 2000; i++) yield* step
      expect(held()).toEqual(before)
    })
    await Effect.runPromise(Effect.scoped(program))
  },
)

it("a full heap is a typed error that says what to lower, and the process goes on", async () => {
  await Effect.runPromise(Backend.start("wasm"))
  const replica = Replica.make(config, values())
  const before = await replica.logprobs(pairs)
  const held: Array<tf.Tensor> = []
  // Asked for but not written to: the machine need not have 4 GiB.
  const take = () => held.push(tf.engine().makeTensorFromTensorInfo(backend().makeOutput([2 ** 26], "float32")))
  let error: unknown = null
  try {
    for (let i = 0; i < 20; i++) take()
  } catch (cause) {
    error = cause
  }
  expect(error).toBeInstanceOf(TransformerError.BackendError)
  expect((error as Error).message).toMatch(/4 GiB heap is full.*\[67108864\].*lower the micro-batch/)
  expect(held.length).toBeGreaterThan(10)
  tf.dispose(held)
  expect(await replica.logprobs(pairs)).toEqual(before)
  replica.dispose()
})
