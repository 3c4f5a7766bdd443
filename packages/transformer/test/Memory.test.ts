/** What a long run must not do: grow, or run over the end of the heap without a word. */
import { Backend, Replica, TransformerError } from "@lpo/transformer"
import * as tf from "@tensorflow/tfjs-core"
import { Effect } from "effect"
import { expect, it } from "vitest"
import * as Leaks from "./leaks.ts"
import { config, pairs, tokenWeights, values } from "./tiny.ts"

const { backend } = Leaks

it("200 steps of sampling and learning leave tensors, heap and handles as they were", () => Leaks.leavesNothing(200))

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

it("a lean replica keeps one form of the weights, and gives the same bits", async () => {
  await Effect.runPromise(Backend.start("wasm"))
  const law = { maxTokens: 6, temperature: 1, topK: 0, topP: 1, minP: 0, stops: [] }
  const asked = [{ prompt: pairs[0].prompt, streams: ["a", "b"] }]
  const turns = async (lean: boolean) => {
    const before = tf.memory().numTensors
    const replica = Replica.make(config, values(), { lean })
    const seen: Array<unknown> = []
    const tensors: Array<number> = []
    for (let turn = 0; turn < 2; turn++) {
      seen.push(await replica.generate(asked, law))
      tensors.push(tf.memory().numTensors - before)
      const gradient = new Float32Array(values().length)
      ;(await replica.forward(pairs)).addGradient(tokenWeights)
      await replica.takeGradient(gradient)
      seen.push(gradient, await replica.logprobs(pairs))
    }
    replica.dispose()
    expect(tf.memory().numTensors).toBe(before)
    return { seen, tensors }
  }
  const [lean, full] = [await turns(true), await turns(false)]
  expect(lean.seen).toEqual(full.seen)
  expect(lean.tensors[1]).toBe(lean.tensors[0])
  expect(full.tensors[1]).toBeGreaterThan(full.tensors[0])
})
