/**
 * The policy on the server, shared by the `Learner` and the `Sampler`: the model in training and the weights published last.
 *
 * Before anything else the probe proves the server's gradient; a server that fails it is not trained on. The model is made at
 * its first use, so that a resumed run makes only the one it restores.
 *
 * Some servers let sampler checkpoints follow the weights in training (`liveSamplers`). There, samples are drawn from
 * weights saved under a new name, a step waits until all sampling is over (also the sampling whose caller was interrupted),
 * and ends the session; an older session cannot be named, so it cannot be sampled.
 *
 * @module
 */
import { Context, Effect, Exit, Layer, Ref, Scope, Semaphore } from "effect"
import * as Conformance from "./Conformance.ts"
import type { SamplingSession } from "./SamplingSession.ts"
import * as TinkerClient from "./TinkerClient.ts"
import type { TinkerError } from "./TinkerError.ts"
import type { TrainingModel } from "./TrainingModel.ts"

/** @category models */
export interface Options extends TinkerClient.Options, TinkerClient.ModelOptions {
  readonly seed: number
  /** Six token ids for the probe. Default 1 to 6. */
  readonly probeTokens?: Int32Array
}

/** @category services */
export interface TinkerPolicyService {
  readonly client: TinkerClient.TinkerClient
  readonly options: Options
  /** What the probe measured. */
  readonly conformance: Conformance.Measured
  readonly model: Effect.Effect<TrainingModel, TinkerError>
  /** The weights published last, to sample from, and their version; where samplers follow what is trained, training waits for the scope's end. */
  readonly pinned: Effect.Effect<
    { readonly session: SamplingSession; readonly version: number },
    TinkerError,
    Scope.Scope
  >
  /** Keeps `rest`, a sample whose caller has gone, until it is over. */
  readonly abandon: (rest: Effect.Effect<unknown, unknown>) => Effect.Effect<void>
  /** Changes the weights. */
  readonly training: <A, E>(use: (model: TrainingModel) => Effect.Effect<A, E>) => Effect.Effect<A, E | TinkerError>
  /** Makes the current weights those that are sampled; gives their version. */
  readonly publish: Effect.Effect<number, TinkerError>
  /** Goes on with a checkpoint's weights and optimiser. */
  readonly resume: (path: string, version: number) => Effect.Effect<void, TinkerError>
  readonly version: Effect.Effect<number>
}

/** @category services */
export class TinkerPolicy extends Context.Service<TinkerPolicy, TinkerPolicyService>()("@lpo/tinker/TinkerPolicy") {}

const readers = 1 << 20

/** @category constructors */
export const make = Effect.fn("TinkerPolicy.make")(function* (options: Options) {
  const client = yield* TinkerClient.make(options)
  const conformance = yield* Conformance.probe(client, {
    ...options,
    ...(options.probeTokens === undefined ? {} : { tokens: options.probeTokens }),
  })
  yield* Effect.logInfo(
    `${client.profile.name}: the gradient responds as it must (${conformance.by}: ${conformance.whole}, split ${conformance.split}, doubled ${conformance.doubled})`,
  )
  const scope = yield* Effect.scope
  const held = yield* Ref.make<{ readonly model: TrainingModel; readonly scope: Scope.Closeable } | null>(null)
  const session = yield* Ref.make<SamplingSession | null>(null)
  const version = yield* Ref.make(0)
  const abandoned = yield* Ref.make<ReadonlyArray<Effect.Effect<unknown, unknown>>>([])
  const making = yield* Semaphore.make(1)
  const publishing = yield* Semaphore.make(1)
  // Samples share it, a step has it alone.
  const weights = yield* Semaphore.make(readers)

  const hold = <E>(make: Effect.Effect<TrainingModel, E, Scope.Scope>): Effect.Effect<TrainingModel, E> =>
    Effect.uninterruptibleMask((restore) =>
      Effect.gen(function* () {
        const own = yield* Scope.fork(scope)
        const model = yield* restore(Scope.provide(make, own)).pipe(
          Effect.onError((cause) => Scope.close(own, Exit.failCause(cause))),
        )
        const before = yield* Ref.getAndSet(held, { model, scope: own })
        if (before !== null) yield* Scope.close(before.scope, Exit.void)
        return model
      }),
    )
  const model = making.withPermits(1)(
    Effect.gen(function* () {
      const current = yield* Ref.get(held)
      return current === null ? yield* hold(client.createModel(options)) : current.model
    }),
  )
  const publish = publishing.withPermits(1)(
    Effect.gen(function* () {
      const id = yield* Effect.flatten((yield* model).saveWeightsForSampler())
      yield* Ref.set(session, yield* client.samplingSession(id))
      return yield* Ref.updateAndGet(version, (n) => n + 1)
    }),
  )
  // Concurrent samplers of unpublished weights publish once.
  const first = yield* Semaphore.make(1)
  const published = first.withPermits(1)(
    Effect.gen(function* () {
      if ((yield* Ref.get(session)) === null) yield* publish
      return { session: (yield* Ref.get(session))!, version: yield* Ref.get(version) }
    }),
  )

  const service: TinkerPolicyService = {
    client,
    options,
    conformance,
    model,
    pinned: Effect.acquireRelease(Effect.interruptible(weights.take(1)), () => weights.release(1)).pipe(
      Effect.andThen(published),
    ),
    abandon: (rest) => Ref.update(abandoned, (list) => [...list, rest]),
    training: (use) => {
      const run = Effect.flatMap(model, use)
      if (!client.profile.liveSamplers) return run
      return weights.withPermits(readers)(
        Effect.gen(function* () {
          const rest = yield* Ref.getAndSet(abandoned, [])
          yield* Effect.forEach(rest, (sample) => Effect.ignore(sample), { concurrency: "unbounded" })
          yield* Ref.set(session, null)
          return yield* run
        }),
      )
    },
    publish,
    resume: (path, at) =>
      weights.withPermits(readers)(
        Effect.gen(function* () {
          yield* making.withPermits(1)(hold(client.resumeModel(path, { seed: options.seed })))
          yield* Ref.set(session, null)
          // These weights were published as `at`, and will be once more.
          yield* Ref.set(version, Math.max(0, at - 1))
        }),
      ),
    version: Ref.get(version),
  }
  return TinkerPolicy.of(service)
})

/** @category layers */
export const layer = (options: Options): Layer.Layer<TinkerPolicy, TinkerError> =>
  Layer.effect(TinkerPolicy, make(options))
