/** Tokens per second of sampling and of training on the active backend, and the memory that both took. */
import * as tf from "@tensorflow/tfjs-core"
import { AdamW, Policy } from "@lpo/transformer"
import { Effect } from "effect"
import { initialise, large, sequences, small, tiny, tokenizerOf } from "./models.mjs"

/** A GPU needs thousands of sequences at once to be busy; the quick plan only shows that all of it works. */
const full = [
  {
    name: "small",
    config: small,
    prompts: 512,
    groupSize: 8,
    promptTokens: 16,
    newTokens: 48,
    train: { groups: 64, length: 64 },
    rounds: 3,
  },
  {
    name: "100M",
    config: large,
    prompts: 64,
    groupSize: 8,
    promptTokens: 16,
    newTokens: 48,
    train: { groups: 8, length: 128 },
    rounds: 3,
  },
]
const quick = [
  {
    name: "tiny",
    config: tiny,
    prompts: 2,
    groupSize: 4,
    promptTokens: 3,
    newTokens: 3,
    train: { groups: 2, length: 8 },
    rounds: 1,
  },
]

/** What is measured. */
export const plans = (isQuick) => (isQuick ? quick : full)

const optimizer = { beta1: 0.9, beta2: 0.95, epsilon: 1e-8, learningRate: 1e-4, maxGradNorm: 1, weightDecay: 0 }

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]

/** Bytes of the backend: on WebGPU those of its buffers, those that wait for another tensor included. */
const bytes = () => tf.memory().numBytesAllocatedInGPU ?? tf.memory().numBytes

/** One plan; the first round of each, which compiles shaders, is left out of the medians. */
export const measure = (plan) =>
  Effect.scoped(
    Effect.gen(function* () {
      const { config, groupSize, newTokens, prompts, promptTokens, rounds, train } = plan
      const policy = yield* Policy.make(config, tokenizerOf(config), initialise(config), { workers: 0 })
      let memory = 0
      const timed = function* (run) {
        const seconds = []
        for (let round = -1; round < rounds; round++) {
          const from = performance.now()
          yield* run(round)
          seconds.push((performance.now() - from) / 1000)
          memory = Math.max(memory, bytes())
        }
        return { first: seconds[0], median: median(seconds.slice(1)) }
      }
      const starts = sequences(config, prompts, promptTokens)
      const sampling = yield* Effect.gen(() =>
        timed(function* (round) {
          const requests = starts.map((prompt, p) => ({
            prompt,
            streams: Array.from({ length: groupSize }, (_, k) => `bench/${round}/${p}/${k}`),
          }))
          const law = { stops: [], temperature: 1, topP: 1, topK: 0, minP: 0, maxTokens: newTokens }
          yield* policy.generate(requests, { ...law, maxSequences: prompts * groupSize })
        }),
      )
      const samplingBytes = memory
      memory = 0
      const batch = sequences(config, train.groups * groupSize, train.length + 1).map((row) => ({
        prompt: row.subarray(0, 1),
        completion: row.subarray(1),
      }))
      let adam = 0
      const training = yield* Effect.gen(() =>
        timed(function* () {
          yield* policy.accumulate([batch], (_, logprobs) =>
            logprobs.map((row, i) => row.map((_, t) => Math.sin(i + t) / batch.length)),
          )
          const from = performance.now()
          AdamW.step(policy.values, policy.gradient, policy.optimizer, optimizer)
          policy.gradient.fill(0)
          policy.changed()
          adam = (performance.now() - from) / 1000
        }),
      )
      return {
        model: plan.name,
        parameters: policy.values.length,
        sampling: {
          sequences: prompts * groupSize,
          newTokens,
          tokensPerSecond: (prompts * groupSize * newTokens) / sampling.median,
          firstSeconds: sampling.first,
          mebibytes: samplingBytes / 2 ** 20,
        },
        training: {
          sequences: batch.length,
          length: train.length,
          tokensPerSecond: (batch.length * train.length) / training.median,
          firstSeconds: training.first,
          adamSeconds: adam,
          mebibytes: memory / 2 ** 20,
        },
      }
    }),
  )
