/**
 * A policy over a pool of replicas, wherever they run. Parameters and gradients lie in shared memory where there is any; a page
 * that is not isolated from other origins has none, and one replica in its own thread needs none.
 */
import type { Sequence } from "@lpo/rollout"
import { Deferred, Effect, type Scope } from "effect"
import * as Pieces from "../decode/Pieces.ts"
import type * as Engine from "../device/Engine.ts"
import * as Memory from "../device/Memory.ts"
import * as Lora from "../model/Lora.ts"
import type { ModelConfig } from "../model/ModelConfig.ts"
import type { TokenizerService } from "../tokenizer/Tokenizer.ts"
import * as AdamW from "../train/AdamW.ts"
import * as MicroBatch from "../train/MicroBatch.ts"
import * as Pack from "../train/Pack.ts"
import { room } from "../train/Shared.ts"
import { EngineError } from "../TransformerError.ts"
import * as Pool from "../workers/Pool.ts"
import type { Job } from "../workers/protocol.ts"
import * as Replica from "../workers/Replica.ts"
import { makeRunner } from "../workers/Runner.ts"
import * as Dispatch from "./Dispatch.ts"
import type { PolicyService } from "./Service.ts"

/** @category models */
export interface Options {
  /** Keep only the inputs of the layers for the backward pass, and compute the rest again: less memory, a third more time. */
  readonly checkpointActivations?: boolean
  /** Train this adapter and leave the parameters as they are. */
  readonly lora?: Lora.Adapter
  /** Whether the replicas work in a WASM heap, which ends at 4 GiB. */
  readonly onWasm: boolean
}

/** What a pool is started with. */
export interface Given {
  readonly config: ModelConfig
  readonly values: Float32Array
  readonly adapter: Lora.Adapter | null
  readonly checkpointActivations: boolean
}

/** The values, copied unless they lie in shared memory of their own. */
const shared = (from: Float32Array): Float32Array => {
  if (
    typeof SharedArrayBuffer !== "undefined" &&
    from.buffer instanceof SharedArrayBuffer &&
    from.byteLength === from.buffer.byteLength
  )
    return from
  const copy = new Float32Array(room(from.byteLength))
  copy.set(from)
  return copy
}

/** Some of the parts of a vector, from the first to the last, which is not included. */
type Share = readonly [number, number]

/** Parts in as many shares as there are threads, as long as each gets one. */
const shares = (parts: number, threads: number): ReadonlyArray<Share> => {
  const count = Math.max(1, Math.min(parts, threads))
  return Array.from({ length: count }, (_, i) => [
    Math.floor((i * parts) / count),
    Math.floor(((i + 1) * parts) / count),
  ])
}

/** What a model takes at least: a single short sequence. */
const smallest = { tokens: 1, sequences: 1, positions: 1 }

/** A pool of one replica in this thread, on the active backend. */
export const inThread =
  (engine?: Engine.Engine) =>
  ({ adapter, checkpointActivations, config, values }: Given): Effect.Effect<Pool.Pool, never, Scope.Scope> =>
    Effect.acquireRelease(
      Effect.sync(() =>
        Replica.make(config, values, { adapter, checkpointActivations, ...(engine === undefined ? {} : { engine }) }),
      ),
      (replica) => Effect.sync(replica.dispose),
    ).pipe(Effect.map((replica) => Pool.inProcess(makeRunner(replica))))

/** A policy that starts from `values`, over the pool that `start` starts. */
export const make = <R>(
  config: ModelConfig,
  tokenizer: TokenizerService,
  values: Float32Array,
  options: Options,
  start: (given: Given) => Effect.Effect<Pool.Pool, EngineError, R>,
): Effect.Effect<PolicyService, EngineError, R> =>
  Effect.gen(function* () {
    const { onWasm } = options
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
    const base = shared(values)
    const adapter =
      options.lora === undefined ? null : { config: options.lora.config, values: shared(options.lora.values) }
    const own = adapter?.values ?? base
    const { checkpointActivations = false } = options
    const pool = yield* start({ config, values: base, adapter, checkpointActivations })
    const gradient = new Float32Array(room(own.byteLength))
    const optimizer = AdamW.init(own.length)
    let version = 0
    const sequencesAtOnce = (positions: number): number =>
      onWasm ? Pieces.sequencesAtOnce(config, positions) : Pieces.sequencesOnDevice(config, positions)
    const generate = yield* Dispatch.make({ config, tokenizer, pool, onWasm, sequencesAtOnce, version: () => version })

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
    const buffers: Array<ArrayBufferLike> = []

    return {
      config,
      tokenizer,
      values: own,
      lora: adapter && { config: adapter.config, base },
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
      generate,
      step: (options, state = optimizer) => {
        const moved = (norm: number): number => {
          gradient.fill(0)
          version++
          return norm
        }
        // Every thread gets some parts of the vectors, which they share.
        const parts = shares(AdamW.chunks(own.length), pool.size)
        if (parts.length === 1)
          return Effect.yieldNow.pipe(
            Effect.andThen(Effect.sync(() => moved(AdamW.step(own, gradient, state, options)))),
          )
        const onAll = (job: (parts: Share) => Job) =>
          Effect.forEach(parts, (part) => pool.withWorker((lease) => lease.run(job(part))), { concurrency: pool.size })
        const squares = onAll((part) => ({ kind: "squares", version, gradient, parts: part }))
        const move = (norm: number) =>
          Effect.suspend(() => {
            const pace = AdamW.begin(norm, state, options)
            if (pace === null) return Effect.void
            const vectors = { values: own, gradient, m: state.m, v: state.v }
            return onAll((part) => ({ kind: "move", version, vectors, parts: part, pace }))
          })
        return Effect.gen(function* () {
          const sums = (yield* squares) as ReadonlyArray<Float64Array>
          const norm = AdamW.normOf(sums.flatMap((part) => Array.from(part)))
          // All of a step is taken, or nothing.
          return yield* Effect.uninterruptible(Effect.map(move(norm), () => moved(norm)))
        })
      },
      logprobs: (pairs) =>
        pool
          .withWorker((lease) => lease.run({ kind: "logprobs", version, pairs }))
          .pipe(
            Effect.map((result) => result as ReadonlyArray<Float32Array>),
            (run) => Effect.andThen(refuseImages(pairs), run),
          ),
      accumulate: (microBatches, weigh) => {
        const shards = MicroBatch.shards(microBatches.length)
        const done = new Map<number, ArrayBufferLike>()
        const turns = shards.map(() => Deferred.makeUnsafe<void>())
        let begun = 0
        let next = 0
        // Floating-point sums depend on their order, so it is that of the shards, whoever finishes first.
        const addInOrder = (): void => {
          for (let ready = done.get(next); ready !== undefined; ready = done.get(next)) {
            done.delete(next++)
            const values = new Float32Array(ready)
            for (let i = 0; i < gradient.length; i++) gradient[i] += values[i]
            buffers.push(ready)
          }
          if (next < turns.length) Deferred.doneUnsafe(turns[next], Effect.void)
        }
        const work = ([from, to]: readonly [number, number], shard: number) =>
          pool.withWorker((lease) =>
            Effect.gen(function* () {
              begun++
              for (let i = from; i < to; i++)
                yield* accumulateOne(lease, microBatches[i], i === from, (logprobs) => weigh(i, logprobs))
              // With no work left for this worker, its sum waits where it is.
              if (shard !== next && begun === shards.length) yield* Deferred.await(turns[shard])
              if (shard === next) {
                // All before it are there: it needs no memory on its way.
                yield* lease.run({ kind: "gradient", version, into: gradient.buffer, add: true })
                next++
              } else {
                const into = buffers.pop() ?? room(gradient.byteLength)
                yield* lease.run({ kind: "gradient", version, into, add: false })
                done.set(shard, into)
              }
              addInOrder()
            }),
          )
        const run = Effect.forEach(shards, work, { concurrency: pool.size, discard: true })
        return Effect.all([refuse("train"), refuseImages(microBatches.flat())]).pipe(Effect.andThen(run))
      },
    }
  })
