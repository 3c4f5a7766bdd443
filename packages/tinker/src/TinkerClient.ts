/**
 * A session with a Tinker server: its limits, heartbeats every ten seconds, models to train and weights to sample from.
 *
 * The session lives as long as its scope; the models made in it are unloaded when theirs closes. Everything here works without
 * the `Learner` and `Sampler` layers.
 *
 * @module
 */
import { Terminal } from "@lpo/rollout"
import { Effect, Option, Redacted, Ref, type Schema, type Scope } from "effect"
import type { Limits } from "./Encoding.ts"
import * as Future from "./Future.ts"
import * as Grace from "./Grace.ts"
import * as Protocol from "./Protocol.ts"
import * as SamplingSession from "./SamplingSession.ts"
import type { ServerProfile } from "./ServerProfile.ts"
import type { TinkerError } from "./TinkerError.ts"
import * as TrainingModel from "./TrainingModel.ts"
import * as Transport from "./Transport.ts"

/** @category models */
export interface Options {
  /** What comes before `/api/v1`, e.g. `http://127.0.0.1:8000`. */
  readonly baseUrl: string
  readonly profile: ServerProfile
  /** Hosted Tinker's key, or any text for a server that asks for none. Never printed. */
  readonly apiKey?: Redacted.Redacted
  /** Name the session in the server's lists. Default `["lpo"]`. */
  readonly tags?: ReadonlyArray<string>
  /** The version of Tinker's own client whose dialect is spoken. Default 0.25.0. */
  readonly sdkVersion?: string
}

/** A LoRA adapter to train. @category models */
export interface ModelOptions {
  readonly baseModel: string
  /** Hosted: a power of two. */
  readonly rank: number
  /** Of the adapter's initial weights; null lets the server draw one. */
  readonly seed: number | null
  readonly trainUnembed?: boolean
  readonly trainMlp?: boolean
  readonly trainAttn?: boolean
}

/** @category models */
export interface TinkerClient {
  readonly profile: ServerProfile
  readonly sessionId: string
  /** Largest chunk of datums that the server takes. */
  readonly limits: Limits
  /** Samples that the server takes at once. */
  readonly maxConcurrentSamples: number
  readonly capabilities: Effect.Effect<typeof Protocol.Capabilities.Type, TinkerError>
  /** A new adapter on a base model; unloaded when the scope closes. */
  readonly createModel: (options: ModelOptions) => Effect.Effect<TrainingModel.TrainingModel, TinkerError, Scope.Scope>
  /** A new adapter with a checkpoint's weights, and its optimiser's state unless `optimizer` is false. */
  readonly resumeModel: (
    path: string,
    options: { readonly optimizer?: boolean; readonly seed: number | null },
  ) => Effect.Effect<TrainingModel.TrainingModel, TinkerError, Scope.Scope>
  /** Sampling from a base model or from a sampler checkpoint. */
  readonly createSamplingSession: (
    weights: { readonly baseModel: string } | { readonly modelPath: string },
  ) => Effect.Effect<SamplingSession.SamplingSession, TinkerError>
  /** The session that `saveWeightsForSampler` made. */
  readonly samplingSession: (id: string) => Effect.Effect<SamplingSession.SamplingSession>
  readonly modelInfo: (modelId: string) => Effect.Effect<typeof Protocol.ModelInfo.Type, TinkerError>
  readonly weightsInfo: (path: string) => Effect.Effect<typeof Protocol.WeightsInfo.Type, TinkerError>
  readonly checkpoints: (modelId: string) => Effect.Effect<typeof Protocol.Checkpoints.Type, TinkerError>
  readonly deleteCheckpoint: (
    modelId: string,
    kind: "weights" | "sampler_weights",
    name: string,
  ) => Effect.Effect<void, TinkerError>
}

const heartbeatSeconds = 10
const existenceTries = 20

/** Opens a session. @category constructors */
export const make = Effect.fn("TinkerClient.make")(function* (options: Options) {
  const { baseUrl, profile, sdkVersion = "0.25.0", tags = ["lpo"] } = options
  const transport = yield* Transport.make({ baseUrl, profile, apiKey: options.apiKey ?? Redacted.make("none") })
  const call = <A>(operation: string, schema: Schema.Codec<A, unknown>, body: unknown) =>
    transport.call({ operation, method: "POST", path: `/${operation}`, body: Transport.json(body), schema })
  const get = <A>(operation: string, path: string, schema: Schema.Codec<A, unknown>) =>
    transport.call({ operation, method: "GET", path, schema })

  // Old servers have no such page; the defaults are theirs.
  const config = yield* call("client/config", Protocol.ServerConfig, { sdk_version: sdkVersion }).pipe(
    Effect.catchTag("RequestError", (e) =>
      e.status === 404 || e.status === 405 ? Effect.succeed<typeof Protocol.ServerConfig.Type>({}) : Effect.fail(e),
    ),
  )
  if (config.pjwt_auth_enabled === true) yield* transport.useTokens
  const limits: Limits = {
    datums: config.fwdbwd_max_chunk_len ?? 1024,
    bytes: config.fwdbwd_max_chunk_bytes_count ?? 5_000_000,
  }
  const session = yield* call("create_session", Protocol.Session, {
    tags,
    user_metadata: null,
    sdk_version: sdkVersion,
  })
  for (const said of [session.info_message, session.warning_message, session.error_message])
    if (said != null) yield* Effect.logInfo(`Tinker: ${Terminal.visible(said)}`)
  const sessionId = session.session_id
  const heartbeat = transport
    .exchange({
      operation: "session_heartbeat",
      method: "POST",
      path: "/session_heartbeat",
      body: Transport.json({ session_id: sessionId }),
    })
    .pipe(
      Effect.timeoutOption(`${heartbeatSeconds} seconds`),
      Effect.tap((answer) =>
        Option.isSome(answer) && answer.value.status === 404
          ? Effect.logWarning(`Tinker: the server no longer knows the session ${sessionId}`)
          : Effect.void,
      ),
      Effect.ignore,
    )
  yield* Effect.forkScoped(Effect.forever(Effect.andThen(Effect.sleep(`${heartbeatSeconds} seconds`), heartbeat)))

  const modelNumber = yield* Ref.make(0)
  const samplingNumber = yield* Ref.make(0)
  const nextSamplingSession = Ref.getAndUpdate(samplingNumber, (n) => n + 1)
  const weightsInfo = (path: string) => call("weights_info", Protocol.WeightsInfo, { tinker_path: path })
  const checkpointExists = (path: string): Effect.Effect<void, TinkerError> => {
    const look = (n: number): Effect.Effect<void, TinkerError> =>
      weightsInfo(path).pipe(
        Effect.asVoid,
        Effect.catchTag("RequestError", (e) =>
          n < existenceTries && (e.status === 404 || e.status === 425)
            ? Effect.andThen(Effect.sleep("1 second"), look(n + 1))
            : Effect.fail(e),
        ),
      )
    return look(0)
  }

  const unload = (model: TrainingModel.TrainingModel) =>
    Effect.flatten(model.unload).pipe(Effect.timeoutOption("10 seconds"), Effect.ignore, Effect.interruptible)
  const createModel = Effect.fn("TinkerClient.createModel")(function* (wanted: ModelOptions) {
    const op: Future.Operation<typeof Protocol.Model.Type> = {
      operation: "create_model",
      path: "/create_model",
      body: Transport.json({
        session_id: sessionId,
        model_seq_id: yield* Ref.getAndUpdate(modelNumber, (n) => n + 1),
        base_model: wanted.baseModel,
        lora_config: {
          rank: wanted.rank,
          seed: wanted.seed,
          train_unembed: wanted.trainUnembed ?? true,
          train_mlp: wanted.trainMlp ?? true,
          train_attn: wanted.trainAttn ?? true,
        },
      }),
      schema: Protocol.Model,
    }
    // Not interrupted until the model has a finalizer, if it is made in time: nothing is left behind on the server.
    return yield* Effect.acquireRelease(
      Effect.gen(function* () {
        const made = Effect.flatMap(Future.submit(transport, op), (id) => Future.await_(transport, profile, op, id))
        const { model_id } = yield* Grace.within(made)
        return yield* TrainingModel.make({
          id: model_id,
          transport,
          profile,
          limits,
          nextSamplingSession,
          checkpointExists,
        })
      }),
      unload,
    )
  })

  const client: TinkerClient = {
    profile,
    sessionId,
    limits,
    maxConcurrentSamples: config.sample_max_concurrent_requests ?? 2000,
    capabilities: get("get_server_capabilities", "/get_server_capabilities", Protocol.Capabilities),
    createModel,
    resumeModel: Effect.fn("TinkerClient.resumeModel")(function* (path, { optimizer = true, seed }) {
      const { base_model, lora_rank } = yield* weightsInfo(path)
      const model = yield* createModel({ baseModel: base_model, rank: lora_rank ?? 32, seed })
      yield* Effect.flatten(model.loadWeights(path, { optimizer }))
      return model
    }),
    createSamplingSession: (weights) =>
      Effect.gen(function* () {
        const { sampling_session_id } = yield* call("create_sampling_session", Protocol.SamplingSession, {
          session_id: sessionId,
          sampling_session_seq_id: yield* nextSamplingSession,
          ...("baseModel" in weights ? { base_model: weights.baseModel } : { model_path: weights.modelPath }),
        })
        return yield* SamplingSession.make({ id: sampling_session_id, transport, profile })
      }),
    samplingSession: (id) => SamplingSession.make({ id, transport, profile }),
    modelInfo: (modelId) => call("get_info", Protocol.ModelInfo, { model_id: modelId }),
    weightsInfo,
    checkpoints: (modelId) =>
      get("checkpoints", `/training_runs/${encodeURIComponent(modelId)}/checkpoints`, Protocol.Checkpoints),
    deleteCheckpoint: (modelId, kind, name) =>
      Effect.asVoid(
        transport.call({
          operation: "delete_checkpoint",
          method: "DELETE",
          path: `/training_runs/${encodeURIComponent(modelId)}/checkpoints/${kind}/${encodeURIComponent(name)}`,
          schema: Protocol.Anything,
        }),
      ),
  }
  return client
})
