/**
 * The conformance probe: whether a server's gradient responds to the weights as LPO's must.
 *
 * On scratch models it compares a response of four tokens with weight c each, the same tokens as the responses of two datums
 * (the first; the other three, after it), and weight 2c. A plain sum gives x, x and 2x; a server that averages over tokens,
 * places or datums, or turns weights into a mask, does not. x is the gradient's norm where optim_step tells it (learning rate 0, one model).
 * Elsewhere it is the change of the weighted log-prob after one step with an epsilon far above the gradient and betas of 0,
 * which makes Adam's step proportional to the gradient; each measurement then has a model of its own.
 *
 * @module
 */
import { Effect } from "effect"
import * as Datum from "./Datum.ts"
import type { TinkerClient } from "./TinkerClient.ts"
import { ConformanceError, type TinkerError } from "./TinkerError.ts"
import type { AdamParams, TrainingModel } from "./TrainingModel.ts"

/** @category models */
export interface Options {
  readonly baseModel: string
  readonly rank: number
  readonly seed: number
  /** Six token ids of the model, two for the prompt and four for the response. Default 1 to 6. */
  readonly tokens?: Int32Array
}

/** The responses that were measured. @category models */
export interface Measured {
  readonly by: "gradient norm" | "change of log-prob"
  readonly whole: number
  readonly split: number
  readonly doubled: number
}

const still: AdamParams = { learningRate: 0, beta1: 0.9, beta2: 0.95, epsilon: 1e-12, weightDecay: 0, gradClipNorm: 0 }
const bigEpsilon = 1e4
/** A step of `rate` times the gradient. */
const proportional = (rate: number): AdamParams => ({
  ...still,
  learningRate: rate * bigEpsilon,
  beta1: 0,
  beta2: 0,
  epsilon: bigEpsilon,
})

/** Per datum: which of the sequence's tokens are its response, from and to, and their weight. */
const cases = {
  whole: [[2, 6, 0.5]],
  split: [
    [2, 3, 0.5],
    [3, 6, 0.5],
  ],
  doubled: [[2, 6, 1]],
} as const satisfies Record<string, ReadonlyArray<readonly [number, number, number]>>
type Case = keyof typeof cases
const names: ReadonlyArray<Case> = ["whole", "split", "doubled"]

const sum = (xs: Iterable<number>): number => {
  let total = 0
  for (const x of xs) total += x
  return total
}

/**
 * Measures, and fails with a `ConformanceError` that carries the measurements unless they are x, x and 2x.
 *
 * @category running
 */
export const probe = Effect.fn("Conformance.probe")(function* (client: TinkerClient, options: Options) {
  const { profile } = client
  const { baseModel, rank, seed, tokens = Int32Array.of(1, 2, 3, 4, 5, 6) } = options
  const example = { prompt: Datum.text(tokens.slice(0, 2)), completion: tokens.slice(2) }
  const scratch = client.createModel({ baseModel, rank, seed })

  const logprobs = (model: TrainingModel): Effect.Effect<Float32Array, TinkerError> =>
    model.forward({ datums: [Datum.scoring(example)], lossFn: "cross_entropy" }).pipe(
      Effect.flatten,
      Effect.map(({ outputs }) => Datum.completionLogprobs(example, outputs[0]?.["logprobs"]?.data ?? [])),
    )
  const step = Effect.fn(function* (model: TrainingModel, which: Case, current: Float32Array, adam: AdamParams) {
    const examples = cases[which].map(([from, to, weight]) => ({
      prompt: Datum.text(tokens.slice(0, from)),
      completion: tokens.slice(from, to),
      weights: new Float32Array(to - from).fill(weight),
      logprobs: current.subarray(from - 2, to - 2),
    }))
    const backward = yield* model.forwardBackward(Datum.weighted(examples, profile))
    const update = yield* model.optimStep(adam)
    yield* backward
    return yield* update
  })

  const metric = profile.gradNormMetric
  const byNorm = Effect.gen(function* () {
    const model = yield* scratch
    const current = yield* logprobs(model)
    const norms = yield* Effect.forEach(names, (which) => step(model, which, current, still))
    return norms.map((metrics) => metrics[metric ?? ""] ?? Number.NaN)
  }).pipe(Effect.scoped)
  const change = (which: Case, rate: number) =>
    Effect.gen(function* () {
      const model = yield* scratch
      const before = yield* logprobs(model)
      yield* step(model, which, before, proportional(rate))
      return sum(yield* logprobs(model)) - sum(before)
    }).pipe(Effect.scoped)
  const byChange = Effect.gen(function* () {
    // The rate at which log-probs move well above rounding and well within the linear range.
    let rate = 1e-4
    let moved = yield* change("whole", rate)
    for (let n = 0; n < 6 && !(Math.abs(moved) > 5e-3 && Math.abs(moved) < 5e-2); n++) {
      rate *= Math.min(1e4, Math.max(1e-4, 2e-2 / Math.max(Math.abs(moved), 1e-9)))
      moved = yield* change("whole", rate)
    }
    return [moved, yield* change("split", rate), yield* change("doubled", rate)]
  })

  const [whole, split, doubled] = yield* metric === null ? byChange : byNorm
  const measured: Measured = { by: metric === null ? "change of log-prob" : "gradient norm", whole, split, doubled }
  const tolerance = metric === null ? 0.1 : 0.01
  const near = (actual: number, expected: number): boolean => Math.abs(actual / expected - 1) <= tolerance
  const fail = (reason: string) =>
    new ConformanceError({ profile: profile.name, form: profile.form, whole, split, doubled, reason })
  if (!(Number.isFinite(whole) && whole > 0)) {
    return yield* fail(
      metric !== null && Number.isNaN(whole)
        ? `optim_step did not report the metric ${metric}, so the gradient cannot be checked`
        : `the ${measured.by} is ${whole}, it must be positive`,
    )
  }
  if (!near(split, whole))
    return yield* fail("splitting a response over two datums changes the gradient, so the server averages")
  if (!near(doubled, 2 * whole)) return yield* fail("doubling the weights does not double the gradient")
  return measured
})
