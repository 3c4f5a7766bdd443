/**
 * The policy: the parameters, optimiser state and gradient of one model, shared by the sampler and the learner. The work is done
 * by a pool of replicas: one in this thread, or one in each of several worker threads over the same shared parameters.
 *
 * Results do not depend on the number of workers: samples come from streams of their own, and a step's micro-batches are divided
 * into shards in the same way for all; a worker adds up a shard's gradients in its own memory, and those of the shards are added in
 * their order.
 */
import { SamplingParams, type Sequence } from "@lpo/rollout"
import * as tf from "@tensorflow/tfjs-core"
import { Context, Effect, type Scope } from "effect"
import * as AdamW from "./train/AdamW.ts"
import * as Cores from "./device/Cores.ts"
import type * as Engine from "./device/Engine.ts"
import * as Pieces from "./decode/Pieces.ts"
import type * as Generate from "./decode/Generate.ts"
import * as Lora from "./model/Lora.ts"
import type { LoraConfig } from "./model/Lora.ts"
import * as Memory from "./device/Memory.ts"
import * as MicroBatch from "./train/MicroBatch.ts"
import * as Pack from "./train/Pack.ts"
import type { ModelConfig } from "./model/ModelConfig.ts"
import * as Kernels from "./ops/Kernels.ts"
import * as Replica from "./workers/Replica.ts"
import * as StopStrings from "./decode/StopStrings.ts"
import type { TokenizerService } from "./tokenizer/Tokenizer.ts"
import { EngineError } from "./TransformerError.ts"
import * as Pool from "./workers/Pool.ts"
import { makeRunner } from "./workers/Runner.ts"

/** How to sample; what is left out is as `SamplingParams.make` has it. @category models */
export type GenerateOptions = SamplingParams.Options & {
  /** Most sequences decoded at once by each worker. Default: as many as suit the backend. Samples do not depend on it. */
  readonly maxSequences?: number | undefined
}

/** @category services */
export interface PolicyService {
  readonly config: ModelConfig
  readonly tokenizer: TokenizerService
  /** The flat vector of what is trained: every parameter, or with LoRA the adapter. Call `changed` after writing to it. */
  readonly values: Float32Array
  /** With LoRA: the adapter's shape and the frozen parameters under it. */
  readonly lora: { readonly config: LoraConfig; readonly base: Float32Array } | null
  readonly gradient: Float32Array
  readonly optimizer: AdamW.State
  version: number
  /** How many jobs can run at once. */
  readonly parallelism: number
  /** Bytes of activations per token of a micro-batch. */
  readonly bytesPerToken: number
  /** How many sequences of `positions` tokens each worker decodes at once unless told otherwise. */
  readonly sequencesAtOnce: (positions: number) => number
  readonly changed: () => void
  /** Samples all requests, split over the workers; every sample is what it would be alone. */
  readonly generate: (
    requests: ReadonlyArray<Generate.Request>,
    options: GenerateOptions,
  ) => Effect.Effect<ReadonlyArray<ReadonlyArray<Generate.Sampled>>, EngineError>
  /** Token log-probs of each completion, nats; one forward pass on one replica. */
  readonly logprobs: (
    pairs: ReadonlyArray<Sequence.Sequence>,
  ) => Effect.Effect<ReadonlyArray<Float32Array>, EngineError>
  /**
   * Adds the gradient of `sum weight * logprob` over all micro-batches to `gradient`. `weigh` sees the log-probs of the pass that
   * is differentiated, one micro-batch at a time in any order, and gives one weight per token.
   */
  readonly accumulate: (
    microBatches: ReadonlyArray<ReadonlyArray<Sequence.Sequence>>,
    weigh: (index: number, logprobs: ReadonlyArray<Float32Array>) => ReadonlyArray<Float32Array>,
  ) => Effect.Effect<void, EngineError>
  /**
   * One ascent step along `gradient`, which is then cleared; gives its norm before clipping. Nothing changes when that is not
   * finite. `state` is the optimiser's, by default the policy's own.
   */
  readonly step: (options: AdamW.Options, state?: AdamW.State) => Effect.Effect<number>
  /** The pool behind it. */
  readonly pool: Pool.Pool
}

/** @category services */
export class Policy extends Context.Service<Policy, PolicyService>()("@lpo/transformer/Policy") {}

/** @category models */
export interface Options {
  /**
   * Worker threads, each with a WASM backend of its own; 0 works in the caller's thread on the backend that was started.
   * Default: as many as there are cores for this process, and 0 where that is one.
   */
  readonly workers?: number
  /** What an in-process replica runs on, by default the fastest on the backend. */
  readonly engine?: Engine.Engine
  /** Keep only the inputs of the layers for the backward pass, and compute the rest again: less memory, a third more time. */
  readonly checkpointActivations?: boolean
  /** Train this adapter and leave the parameters as they are. */
  readonly lora?: Lora.Adapter
}

/** What a model takes at least: a single short sequence. */
const smallest = { tokens: 1, sequences: 1, positions: 1 }

/** As many workers as cores that this process may use (container limits count). @category combinators */
export const defaultWorkers = (): number => {
  const cores = Cores.allowed()
  return cores > 1 ? cores : 0
}

/**
 * A policy that starts from `values`, with `lora` from that adapter on top of them. They are copied, unless they lie in shared
 * memory as those of an opened `Checkpoint` do: the policy then works on them. The workers end with the scope.
 *
 * @category constructors
 */
export const make = (
  config: ModelConfig,
  tokenizer: TokenizerService,
  values: Float32Array,
  options: Options = {},
): Effect.Effect<PolicyService, EngineError, Scope.Scope> =>
  Effect.gen(function* () {
    const workers = options.workers ?? defaultWorkers()
    const share = (from: Float32Array) => {
      if (from.buffer instanceof SharedArrayBuffer && from.byteLength === from.buffer.byteLength)
        return { buffer: from.buffer, values: from }
      const buffer = new SharedArrayBuffer(from.byteLength)
      const copy = new Float32Array(buffer)
      copy.set(from)
      return { buffer, values: copy }
    }
    const onWasm = workers > 0 || tf.getBackend() === "wasm"
    const lora = options.lora?.config ?? null
    const refuse = (purpose: Memory.Purpose): Effect.Effect<void, EngineError> => {
      const reason = onWasm ? Memory.refusal(config, { ...options, purpose, lora, ...smallest }) : null
      return reason === null ? Effect.void : Effect.fail(new EngineError({ reason }))
    }
    const refuseImages = (sequences: ReadonlyArray<Sequence.Sequence>): Effect.Effect<void, EngineError> =>
      Effect.suspend(() => {
        const reason = Pack.refusal(sequences)
        return reason === null ? Effect.void : Effect.fail(new EngineError({ reason }))
      })
    yield* refuse("sample")
    if (options.lora !== undefined) {
      const refusal = Lora.refusal(config, options.lora)
      if (refusal !== null) return yield* new EngineError({ reason: refusal })
    }
    const base = share(values)
    const adapter = options.lora === undefined ? null : { config: options.lora.config, ...share(options.lora.values) }
    const own = adapter?.values ?? base.values
    const { checkpointActivations = false } = options
    const pool = yield* workers === 0
      ? Effect.acquireRelease(
          Effect.sync(() => Replica.make(config, base.values, { ...options, adapter })),
          (replica) => Effect.sync(replica.dispose),
        ).pipe(Effect.map((replica) => Pool.inProcess(makeRunner(replica))))
      : Pool.make(workers, {
          config,
          values: base.buffer,
          adapter: adapter && { config: adapter.config, values: adapter.buffer },
          checkpointActivations,
          kernels: Kernels.compile(),
        })
    const gradient = new Float32Array(own.length)
    const optimizer = AdamW.init(own.length)
    let version = 0
    const sequencesAtOnce = (positions: number): number =>
      onWasm ? Pieces.sequencesAtOnce(config, positions) : Pieces.sequencesOnDevice(config, positions)
    // Made for the first strings that are asked for; it is work of some tenths of a second with a large vocabulary.
    const tokenTable = yield* Effect.cached(
      tokenizer.tokenBytes.pipe(
        Effect.map((tokens) => StopStrings.makeTable(tokens, config.vocab_size)),
        Effect.mapError(({ reason }) => new EngineError({ reason: `${reason}; leave stop strings out` })),
      ),
    )

    const accumulateOne = (
      lease: Pool.Lease,
      pairs: ReadonlyArray<Sequence.Sequence>,
      fresh: boolean,
      weigh: (logprobs: ReadonlyArray<Float32Array>) => ReadonlyArray<Float32Array>,
    ) =>
      Effect.gen(function* () {
        const logprobs = (yield* lease.run({ kind: "forward", version, pairs, fresh })) as ReadonlyArray<Float32Array>
        const weights = yield* Effect.try({
          try: () => weigh(logprobs),
          catch: (cause) => new EngineError({ reason: (cause as Error).message }),
        }).pipe(Effect.tapError(() => lease.run({ kind: "backward", version, weights: null })))
        yield* lease.run({ kind: "backward", version, weights })
      })

    /** Shared memory for gradients on their way from a worker, used again and again. */
    const buffers: Array<SharedArrayBuffer> = []

    return {
      config,
      tokenizer,
      values: own,
      lora: adapter && { config: adapter.config, base: base.values },
      gradient,
      optimizer,
      version: 0,
      parallelism: pool.size,
      bytesPerToken: Memory.bytesPerToken(config, checkpointActivations),
      sequencesAtOnce,
      pool,
      changed: () => {
        version++
      },
      generate: (requests, { maxSequences, ...params }) => {
        const { stopStrings: strings, ...law } = SamplingParams.make(params)
        const positions = Math.max(0, ...requests.map(({ prompt }) => prompt.length)) + law.maxTokens
        const total = requests.reduce((sum, { streams }) => sum + streams.length, 0)
        const atOnce = maxSequences ?? sequencesAtOnce(positions)
        const rounds = Math.ceil(total / (pool.size * atOnce))
        const generatePiece = (options: Generate.Options) => (piece: ReadonlyArray<Generate.Request>) =>
          pool.withWorker((lease) =>
            lease
              .run({ kind: "generate", version, requests: piece, options })
              .pipe(Effect.map((result) => result as ReadonlyArray<ReadonlyArray<Generate.Sampled>>)),
          )
        const options: Generate.Options = { ...law, stops: tokenizer.stops }
        const complete =
          strings.length === 0
            ? Effect.succeed(options)
            : Effect.map(tokenTable, (table): Generate.Options => ({ ...options, stopStrings: { strings, table } }))
        return Effect.flatMap(complete, (all) =>
          Effect.forEach(Pieces.cut(requests, pool.size * rounds), generatePiece(all), { concurrency: pool.size }),
        ).pipe(Effect.map((sampled) => Pieces.join(requests, sampled)))
      },
      step: (options, state = optimizer) =>
        Effect.yieldNow.pipe(
          Effect.andThen(
            Effect.sync(() => {
              const norm = AdamW.step(own, gradient, state, options)
              gradient.fill(0)
              version++
              return norm
            }),
          ),
        ),
      logprobs: (pairs) =>
        pool
          .withWorker((lease) => lease.run({ kind: "logprobs", version, pairs }))
          .pipe(
            Effect.map((result) => result as ReadonlyArray<Float32Array>),
            (run) => Effect.andThen(refuseImages(pairs), run),
          ),
      accumulate: (microBatches, weigh) => {
        const shards = MicroBatch.shards(microBatches.length)
        const done = new Map<number, SharedArrayBuffer>()
        let next = 0
        // Floating-point sums depend on their order, so it is that of the shards, whoever finishes first.
        const addInOrder = (index: number, part: SharedArrayBuffer): void => {
          done.set(index, part)
          for (let ready = done.get(next); ready !== undefined; ready = done.get(next)) {
            done.delete(next++)
            const values = new Float32Array(ready)
            for (let i = 0; i < gradient.length; i++) gradient[i] += values[i]
            buffers.push(ready)
          }
        }
        const work = ([from, to]: readonly [number, number], shard: number) =>
          pool.withWorker((lease) =>
            Effect.gen(function* () {
              for (let i = from; i < to; i++)
                yield* accumulateOne(lease, microBatches[i], i === from, (logprobs) => weigh(i, logprobs))
              const into = buffers.pop() ?? new SharedArrayBuffer(gradient.byteLength)
              yield* lease.run({ kind: "gradient", version, into })
              addInOrder(shard, into)
            }),
          )
        const run = Effect.forEach(shards, work, { concurrency: pool.size, discard: true })
        return Effect.all([refuse("train"), refuseImages(microBatches.flat())]).pipe(Effect.andThen(run))
      },
    }
  })
