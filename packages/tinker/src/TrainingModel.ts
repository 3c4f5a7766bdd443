/**
 * A model in training on the server. Every method submits its request and gives the effect that awaits the answer, so that an
 * optimiser step can be sent before the backward pass is done:
 *
 * ```ts
 * const backward = yield* model.forwardBackward({ datums, lossFn: "cross_entropy" })
 * const step = yield* model.optimStep(adam)
 * const { outputs } = yield* backward
 * yield* step
 * ```
 *
 * Requests carry sequence numbers from 1; one is sent when the one before it was accepted, and a number counts as used only
 * then. A submission goes on for ten seconds after an interruption, waiting for its answer ends at once. After a request whose fate is unknown, or a training
 * request that failed, the model refuses everything: its weights may not be what the caller thinks.
 *
 * @module
 */
import { Effect, Ref, Semaphore } from "effect"
import type { Datum } from "./Datum.ts"
import * as Encoding from "./Encoding.ts"
import * as Future from "./Future.ts"
import * as Grace from "./Grace.ts"
import * as Protobuf from "./Protobuf.ts"
import { Anything, Output, Saved, StepOutput } from "./Protocol.ts"
import type { ServerProfile } from "./ServerProfile.ts"
import { ProtocolError, type TinkerError, UncertainError } from "./TinkerError.ts"
import * as Transport from "./Transport.ts"

/** AdamW as the protocol has it; `gradClipNorm` 0 is off. @category models */
export interface AdamParams {
  readonly learningRate: number
  readonly beta1: number
  readonly beta2: number
  readonly epsilon: number
  readonly weightDecay: number
  readonly gradClipNorm: number
}

/** @category models */
export interface ForwardBackward {
  readonly datums: ReadonlyArray<Datum>
  /** A loss function of the server. */
  readonly lossFn: string
  readonly lossConfig?: Readonly<Record<string, number>>
}

/** @category models */
export interface Outputs {
  /** One record of tensors per datum, in order: `logprobs` and what else the server gives. */
  readonly outputs: Output["loss_fn_outputs"]
  readonly metrics: Readonly<Record<string, number>>
}

/** Submitted; the inner effect awaits the answer. @category models */
export type Submitted<A> = Effect.Effect<Effect.Effect<A, TinkerError>, TinkerError>

/** @category models */
export interface TrainingModel {
  readonly id: string
  /** Log-probs of the datums; moves nothing. */
  readonly forward: (request: ForwardBackward) => Submitted<Outputs>
  /** Adds the loss's gradient to the accumulated one. */
  readonly forwardBackward: (request: ForwardBackward) => Submitted<Outputs>
  /** One optimiser step along the accumulated gradient, which is then cleared; gives the server's metrics. */
  readonly optimStep: (adam: AdamParams) => Submitted<Readonly<Record<string, number>>>
  /** Saves weights and optimiser under a name of letters, digits, - and _; gives the checkpoint's path. */
  readonly saveWeights: (name: string, options?: { readonly ttlSeconds?: number }) => Submitted<string>
  /** Makes the current weights a sampling session of its own; gives its id. */
  readonly saveWeightsForSampler: (options?: { readonly ttlSeconds?: number }) => Submitted<string>
  /** Must be the model's first request. */
  readonly loadWeights: (path: string, options: { readonly optimizer: boolean }) => Submitted<void>
  readonly unload: Submitted<void>
}

const numbersOf = (metrics: Output["metrics"]): Record<string, number> =>
  Object.fromEntries(Object.entries(metrics ?? {}).map(([name, value]) => [name, value ?? Number.NaN]))

/** Names tried for one sampler checkpoint. */
const maxNames = 10

/** @category constructors */
export const make = Effect.fn("TrainingModel.make")(function* (options: {
  readonly id: string
  readonly transport: Transport.Transport
  readonly profile: ServerProfile
  readonly limits: Encoding.Limits
  /** Numbers a sampling session of the client's session. */
  readonly nextSamplingSession: Effect.Effect<number>
  /** Waits until a checkpoint is there. */
  readonly checkpointExists: (path: string) => Effect.Effect<void, TinkerError>
}) {
  const { checkpointExists, id, limits, profile, transport } = options
  const turn = yield* Semaphore.make(1)
  const used = yield* Ref.make(0)
  const broken = yield* Ref.make<UncertainError | null>(null)

  /** The model is of no more use once its state is unknown. */
  const condemn = (operation: string) => (error: Pick<TinkerError, "message">) =>
    Ref.update(
      broken,
      (b) => b ?? new UncertainError({ operation, reason: `an earlier request failed (${error.message})` }),
    )

  type Make<A> = (seqId: number) => Future.Operation<A>
  const submitted = <A>(make: Make<A>, doesTrain: boolean): Submitted<A> =>
    turn
      .withPermits(1)(
        Effect.gen(function* () {
          const seqId = (yield* Ref.get(used)) + 1
          const op = make(seqId)
          const refusal = yield* Ref.get(broken)
          if (refusal !== null) return yield* new UncertainError({ operation: op.operation, reason: refusal.reason })
          const requestId = yield* Future.submit(transport, op).pipe(
            // Cut off after the grace, its fate is not known either.
            Effect.onInterrupt(() => condemn(op.operation)({ message: "it was interrupted in flight" })),
            Effect.tapError((e) => {
              if (e._tag !== "RequestError" || e.status >= 500) return condemn(op.operation)(e)
              // A conflict after a try whose answer was lost: that try has used the number.
              return e.status === 409 && e.attempt > 0 ? Ref.set(used, seqId) : Effect.void
            }),
          )
          yield* Ref.set(used, seqId)
          const answer = Future.await_(transport, profile, op, requestId)
          return doesTrain ? Effect.tapError(answer, condemn(op.operation)) : answer
        }),
      )
      .pipe(Grace.within)

  const reused = (status: number, detail: string): boolean => status === 409 && detail.includes("reused")

  const pass = (request: ForwardBackward, forwardOnly: boolean): Submitted<Outputs> =>
    Effect.gen(function* () {
      const operation = forwardOnly ? "forward" : "forward_backward"
      const parts = yield* Effect.forEach(Encoding.chunks(profile, limits, { ...request, forwardOnly }), (chunk) =>
        submitted(
          (seqId): Future.Operation<Output> => ({
            ...chunk(id, seqId),
            operation,
            schema: Output,
            binary: Protobuf.output,
            call: { effect: !forwardOnly, isFinal: reused },
          }),
          !forwardOnly,
        ),
      )
      return Effect.forEach(parts, (part) => part, { concurrency: "unbounded" }).pipe(
        Effect.flatMap((answers): Effect.Effect<Outputs, ProtocolError> => {
          const outputs = answers.flatMap((answer) => answer.loss_fn_outputs)
          const metrics = Encoding.mergeMetrics(
            answers.map((a) => ({ outputs: a.loss_fn_outputs.length, metrics: numbersOf(a.metrics) })),
          )
          if (outputs.length === request.datums.length) return Effect.succeed({ outputs, metrics })
          const reason = `${outputs.length} outputs for ${request.datums.length} datums`
          return Effect.fail(new ProtocolError({ operation, path: '["loss_fn_outputs"]', reason }))
        }),
      )
    })

  const jsonOperation =
    <A>(
      operation: string,
      schema: Future.Operation<A>["schema"],
      body: object,
      call: Future.Operation<A>["call"] = {},
    ) =>
    (seqId: number): Future.Operation<A> => ({
      operation,
      path: `/${operation}`,
      body: Transport.json({ model_id: id, ...body, seq_id: seqId }),
      schema,
      call,
    })

  const isConflict = (status: number): boolean => status === 409
  const fail = (operation: string, path: string, reason: string) => new ProtocolError({ operation, path, reason })
  /** `then` where the name is taken by an earlier try whose answer was lost. */
  const onConflict = <A>(
    self: Effect.Effect<A, TinkerError>,
    minAttempt: number,
    then: Effect.Effect<A, TinkerError>,
  ): Effect.Effect<A, TinkerError> =>
    Effect.catch(self, (e) =>
      e._tag === "RequestError" && e.status === 409 && e.attempt >= minAttempt ? then : Effect.fail(e),
    )

  const model: TrainingModel = {
    id,
    forward: (request) => pass(request, true),
    forwardBackward: (request) => pass(request, false),
    optimStep: (adam) =>
      submitted(
        (seqId): Future.Operation<typeof StepOutput.Type> => ({
          operation: "optim_step",
          path: "/optim_step",
          body: Transport.json({
            model_id: id,
            seq_id: seqId,
            adam_params: {
              learning_rate: adam.learningRate,
              beta1: adam.beta1,
              beta2: adam.beta2,
              eps: adam.epsilon,
              weight_decay: adam.weightDecay,
              grad_clip_norm: adam.gradClipNorm,
            },
          }),
          schema: StepOutput,
          call: { effect: true, isFinal: reused },
        }),
        true,
      ).pipe(Effect.map(Effect.map(({ metrics }) => numbersOf(metrics)))),
    saveWeights: (name, { ttlSeconds } = {}) => {
      const body = { path: name, ...(ttlSeconds === undefined ? {} : { ttl_seconds: ttlSeconds }) }
      const path = profile.checkpointPath(id, name)
      const present = Effect.as(checkpointExists(path), path)
      const save = submitted(jsonOperation("save_weights", Saved, body, { isFinal: isConflict }), false).pipe(
        Effect.map((answer) =>
          Effect.flatMap(answer, (saved) =>
            saved.path == null ? Effect.fail(fail("save_weights", '["path"]', "no path")) : Effect.succeed(saved.path),
          ),
        ),
        Effect.map((answer) => onConflict(answer, 0, present)),
      )
      return onConflict(save, 1, Effect.succeed(present))
    },
    saveWeightsForSampler: ({ ttlSeconds } = {}) => {
      const once: Submitted<string> = Effect.gen(function* () {
        const number = yield* options.nextSamplingSession
        const body = {
          sampling_session_seq_id: number,
          ...(ttlSeconds === undefined ? {} : { ttl_seconds: ttlSeconds }),
        }
        const save = yield* submitted(
          jsonOperation("save_weights_for_sampler", Saved, body, { isFinal: isConflict }),
          false,
        )
        return Effect.flatMap(save, ({ sampling_session_id }) =>
          sampling_session_id == null
            ? Effect.fail(fail("save_weights_for_sampler", '["sampling_session_id"]', "no sampling session"))
            : Effect.succeed(sampling_session_id),
        )
      })
      // Another name costs nothing.
      const tries = (left: number): Submitted<string> => (left === 0 ? once : onConflict(once, 0, tries(left - 1)))
      const save = tries(maxNames)
      return Effect.map(save, (answer) => onConflict(answer, 0, Effect.flatten(save)))
    },
    loadWeights: (path, { optimizer }) =>
      submitted(jsonOperation("load_weights", Anything, { path, optimizer }, { effect: true }), true).pipe(
        Effect.map(Effect.asVoid),
      ),
    unload: Effect.map(
      submitted(
        (): Future.Operation<typeof Anything.Type> => ({
          operation: "unload_model",
          path: "/unload_model",
          body: Transport.json({ model_id: id }),
          schema: Anything,
        }),
        false,
      ),
      Effect.asVoid,
    ),
  }
  return model
})
