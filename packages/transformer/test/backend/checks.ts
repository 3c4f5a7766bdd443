/**
 * What every backend must get right, checked on whichever is active: plain functions that throw, so that a machine without a test
 * runner can run them too. The truth is the decoder in float64 plain JavaScript, and finite differences of it.
 */
import { Lora, type ModelConfig, Parameters, Policy, Replica } from "@lpo/transformer"
import { Seed } from "@lpo/rollout"
import * as tf from "@tensorflow/tfjs-core"
import { Effect } from "effect"
import { slope, weightedLogProb } from "../reference.ts"
import { config, families, pairs, tokenizer, tokenWeights, values } from "../tiny.ts"

export interface Check {
  readonly name: string
  readonly run: () => Promise<void>
}

const within = (what: string, error: number, limit: number): void => {
  if (!(error <= limit)) throw new Error(`${what}: off by ${error.toExponential(2)}, allowed ${limit.toExponential(0)}`)
}

const equal = (what: string, a: ArrayLike<number>, b: ArrayLike<number>): void => {
  if (a.length !== b.length || Array.from(a).some((v, i) => v !== b[i]))
    throw new Error(`${what}: ${Array.from(a).join(" ")} is not ${Array.from(b).join(" ")}`)
}

const length = (x: Float32Array): number => {
  let sum = 0
  for (let i = 0; i < x.length; i++) sum += x[i] * x[i]
  return Math.sqrt(sum)
}

/** Euclidean distance relative to the length of `truth`. */
const relative = (ours: Float32Array, truth: Float32Array): number =>
  length(ours.map((v, i) => v - truth[i])) / length(truth)

const using = async (
  of: ModelConfig.ModelConfig,
  use: (replica: Replica.Replica, own: Float32Array) => Promise<void>,
  options: Replica.Options = {},
  own: Float32Array = values(of),
): Promise<void> => {
  const replica = Replica.make(of, own, options)
  try {
    await use(replica, own)
  } finally {
    replica.dispose()
  }
}

/** Sizes beyond those of the families, off the tiles of products. */
const larger: ModelConfig.ModelConfig = {
  ...config,
  vocab_size: 37,
  hidden_size: 72,
  intermediate_size: 150,
  num_hidden_layers: 3,
  num_attention_heads: 6,
  num_key_value_heads: 2,
  tie_word_embeddings: false,
}
const models: ReadonlyArray<readonly [string, ModelConfig.ModelConfig]> = Object.entries({
  tied: config,
  ...families,
  larger,
})

const gradientOf = async (replica: Replica.Replica): Promise<Float32Array> =>
  (await replica.forward(pairs)).backward(tokenWeights)

/** The sum of weighted log-probs in float64. */
const objective =
  (of: ModelConfig.ModelConfig) =>
  (at: Float64Array): number =>
    pairs.reduce((sum, pair, k) => sum + weightedLogProb(of, at, pair, tokenWeights[k]), 0)

const perModel = (name: string, of: ModelConfig.ModelConfig): ReadonlyArray<Check> => [
  {
    name: `${name}: log-probs agree with a decoder in float64`,
    run: () =>
      using(of, async (replica, own) => {
        const ours = await replica.logprobs(pairs)
        for (const [k, pair] of pairs.entries()) {
          for (const [t, v] of ours[k].entries()) {
            const one = Float64Array.from(pair.completion, (_, i) => (i === t ? 1 : 0))
            within(`token ${t} of ${k}`, Math.abs(v - weightedLogProb(of, Float64Array.from(own), pair, one)), 1e-4)
          }
        }
      }),
  },
  {
    name: `${name}: gradients agree with finite differences in float64, in every tensor`,
    run: () =>
      using(of, async (replica, own) => {
        const gradient = await gradientOf(replica)
        const at = Float64Array.from(own)
        for (const { name: tensor, offset, size } of Parameters.layout(of)) {
          const random = Seed.stream(`check/${tensor}`)
          const direction = Array.from({ length: size }, random.normal)
          const ours = direction.reduce((sum, d, i) => sum + d * gradient[offset + i], 0)
          const scale = length(gradient.subarray(offset, offset + size))
          within(tensor, Math.abs(ours - slope(objective(of), at, offset, direction)) / scale, 2e-4)
        }
      }),
  },
  {
    name: `${name}: sampling with a cache records the log-probs of the whole forward pass, ragged, forked and across early ends`,
    run: () =>
      using(of, async (replica) => {
        const prompts = [[1, 2, 3], [7], Array.from({ length: 14 }, (_, i) => (5 * i) % 10)].map((p) =>
          Int32Array.from(p),
        )
        const law = { stops: [10], temperature: 1, topK: 0, topP: 1, maxTokens: 45 }
        const requests = prompts.map((prompt, i) => ({
          prompt,
          streams: [0, 1, 2, 3, 4].map((k) => `check/${i}/${k}`),
        }))
        const together = await replica.generate(requests, law)
        const lengths = new Set(together.flat().map(({ tokens }) => tokens.length))
        if (lengths.size < 3) throw new Error(`all sequences end at ${[...lengths].join(", ")}: nothing is ragged`)
        for (const [i, group] of together.entries()) {
          const fresh = await replica.logprobs(group.map(({ tokens }) => ({ prompt: prompts[i], completion: tokens })))
          for (const [k, { finish, logprobs, tokens }] of group.entries()) {
            if (finish !== (tokens.at(-1) === 10 ? "stop" : "length"))
              throw new Error(`${finish} after ${tokens.join(" ")}`)
            for (const [t, v] of logprobs.entries()) within(`token ${t} of ${i}/${k}`, Math.abs(v - fresh[k][t]), 1e-4)
          }
        }
        const [[alone]] = await replica.generate([{ prompt: prompts[2], streams: ["check/2/3"] }], law)
        equal("a sample alone and in a batch", alone.tokens, together[2][3].tokens)
      }),
  },
  {
    name: `${name}: activations computed again give the gradient of activations kept`,
    run: () =>
      using(of, async (kept) => {
        const truth = await gradientOf(kept)
        await using(of, async (again) => within("gradient", relative(await gradientOf(again), truth), 1e-6), {
          checkpointActivations: true,
        })
      }),
  },
]

const lora: Lora.LoraConfig = { rank: 2, alpha: 3, targets: ["q_proj", "v_proj", "down_proj"] }

const others: ReadonlyArray<Check> = [
  {
    name: "one micro-batch, two, or one sequence at a time add up to the same gradient",
    run: () =>
      using(families["qwen3"], async (replica, own) => {
        const many = [...pairs, ...pairs, pairs[0], pairs[2]]
        const weights = [...tokenWeights, ...tokenWeights, tokenWeights[0], tokenWeights[2]]
        const inParts = async (parts: number): Promise<Float32Array> => {
          const size = many.length / parts
          for (let i = 0; i < many.length; i += size)
            (await replica.forward(many.slice(i, i + size))).addGradient(weights.slice(i, i + size))
          const sum = new Float32Array(own.length)
          await replica.takeGradient(sum)
          return sum
        }
        const one = await inParts(1)
        for (const parts of [2, 8]) within(`${parts} parts`, relative(await inParts(parts), one), 2e-6)
      }),
  },
  {
    name: "the gradient of an adapter is that of the merged model, projected on its factors",
    run: async () => {
      const adapter = Lora.initialise(config, lora, "check")
      const random = Seed.stream("check/lora")
      for (let i = 0; i < adapter.values.length; i++) adapter.values[i] += 0.2 * random.normal()
      const base = values(config)
      const slots = new Map(Lora.layout(config, lora).map((slot) => [slot.name, slot]))
      const scale = lora.alpha / lora.rank
      await using(
        config,
        async (whole) => {
          const full = await gradientOf(whole)
          await using(
            config,
            async (replica) => {
              const gradient = await gradientOf(replica)
              for (const { name, offset, shape } of Parameters.layout(config)) {
                const { pair } = Lora.reader(config, base, adapter)(name)
                const [a, b] = ["A", "B"].map((side) => slots.get(name.replace(/weight$/, `lora_${side}.weight`)))
                if (pair === null || a === undefined || b === undefined) continue
                const [rows, columns] = shape as [number, number]
                const g = (o: number, i: number): number => full[offset + o * columns + i]
                const dA = new Float32Array(a.size)
                const dB = new Float32Array(b.size)
                for (let o = 0; o < rows; o++)
                  for (let i = 0; i < columns; i++)
                    for (let r = 0; r < lora.rank; r++) {
                      dA[r * columns + i] += scale * pair.b[o * lora.rank + r] * g(o, i)
                      dB[o * lora.rank + r] += scale * pair.a[r * columns + i] * g(o, i)
                    }
                within(`${name} A`, relative(gradient.slice(a.offset, a.offset + a.size), dA), 1e-4)
                within(`${name} B`, relative(gradient.slice(b.offset, b.offset + b.size), dB), 1e-4)
              }
            },
            { adapter },
            base,
          )
        },
        {},
        Lora.merge(config, base, adapter),
      )
    },
  },
  {
    name: "a policy learns: the log-prob of what is rewarded rises with every step",
    run: () =>
      Effect.gen(function* () {
        const policy = yield* Policy.make(config, tokenizer, values(config), { workers: 0 })
        let before = -Infinity
        for (let step = 0; step < 6; step++) {
          const [logprobs] = yield* policy.logprobs([pairs[0]])
          const now = logprobs.reduce((a, b) => a + b, 0)
          if (!(now > before)) throw new Error(`step ${step}: ${now} after ${before}`)
          before = now
          yield* policy.accumulate([[pairs[0]]], (_, [row]) => [new Float32Array(row.length).fill(1)])
          yield* policy.step({
            learningRate: 1e-3,
            maxGradNorm: 1,
            beta1: 0.9,
            beta2: 0.95,
            epsilon: 1e-8,
            weightDecay: 0,
          })
        }
      }).pipe(Effect.scoped, Effect.runPromise),
  },
]

/** Rounds of sampling, learning and new weights that leave as many tensors as the first did. */
export const leaks = (rounds: number): Check => ({
  name: `no tensor is left over by ${rounds} rounds of sampling and learning`,
  run: () =>
    using(config, async (replica) => {
      const round = async (): Promise<number> => {
        await gradientOf(replica)
        ;(await replica.forward(pairs)).drop()
        await replica.generate([{ prompt: pairs[0].prompt, streams: ["a", "b"] }], {
          stops: [10],
          maxTokens: 5,
          temperature: 1,
          topK: 0,
          topP: 1,
        })
        replica.changed()
        return tf.memory().numTensors
      }
      const first = await round()
      for (let i = 1; i < rounds; i++) {
        const now = await round()
        if (now !== first) throw new Error(`${now} tensors after round ${i}, ${first} after the first`)
      }
    }),
})

/** All checks. */
export const checks: ReadonlyArray<Check> = [
  ...models.flatMap(([name, of]) => perModel(name, of)),
  ...others,
  leaks(20),
]
