/**
 * A Tinker server as a `Learner`: log-probs by a forward pass, groups weighed here, the weights sent back as datums
 * in the server's form. `accumulate` keeps the datums; `step` sends them and the optimiser step in one go, without waiting
 * between, so that a step that fails before it is sent has changed nothing on the server.
 *
 * A response whose weights are all 0 is not sent. Checkpoints stay on the server: the run's folder gets `tinker.json` with
 * their path.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { Received, RegularFile, type Sequence } from "@lpo/rollout"
import { Learner } from "@lpo/trainer"
import { Effect, Layer, Ref, Schema, Scope } from "effect"
import * as Datum from "./Datum.ts"
import type { ServerProfile } from "./ServerProfile.ts"
import type { TinkerError } from "./TinkerError.ts"
import { TinkerPolicy } from "./TinkerPolicy.ts"
import type { TrainingModel } from "./TrainingModel.ts"

/** What the checkpoint's folder holds. */
const Saved = Schema.Struct({ path: Schema.String, baseModel: Schema.String, rank: Schema.Int, version: Schema.Int })
const file = "tinker.json"

const exampleOf = ({ chunks, completion, prompt }: Sequence.Sequence): Datum.Example => ({
  prompt: chunks === undefined ? Datum.text(prompt) : Datum.fromChunks(chunks),
  completion,
})

type Operation = Learner.LearnerError["operation"]

/** Why a server cannot take a step with these settings; null when it can. */
const refusal = (profile: ServerProfile, options: Learner.StepOptions): string | null => {
  const { clipping, fixedAdam, name } = profile
  if (clipping === "never" && options.maxGradNorm !== Number.POSITIVE_INFINITY)
    return `maxGradNorm is ${options.maxGradNorm}, and ${name} does not clip; set it to Infinity`
  if (typeof clipping === "number" && options.maxGradNorm !== clipping)
    return `maxGradNorm is ${options.maxGradNorm}, and ${name} always clips at ${clipping}; set it to that, or the profile's clipping to what the server was started with`
  for (const key of ["beta1", "beta2", "epsilon", "weightDecay"] as const) {
    if (fixedAdam !== null && fixedAdam[key] !== options[key])
      return `${key} is ${options[key]}, and ${name} was started with ${fixedAdam[key]}; set it to that, or the profile's fixedAdam to what the server was started with`
  }
  return null
}

const fail = (operation: Operation, reason: string) => new Learner.LearnerError({ operation, reason })
const named =
  (operation: Operation) =>
  (error: TinkerError): Learner.LearnerError =>
    fail(operation, error.message)

/** Log-probs of the sequences' completions under a model on the server. */
const score = Effect.fn("TinkerLearner.score")(function* (
  operation: Operation,
  of: Effect.Effect<TrainingModel, TinkerError>,
  sequences: ReadonlyArray<Sequence.Sequence>,
) {
  const tempered = sequences.find(({ temperature = 1 }) => temperature !== 1)
  if (tempered !== undefined)
    return yield* fail(
      operation,
      `a response was sampled at temperature ${tempered.temperature}, and the Tinker protocol gives log-probs and gradients only at 1; sample at 1`,
    )
  const examples = sequences.map(exampleOf)
  const model = yield* of.pipe(Effect.mapError(named(operation)))
  const request = { datums: examples.map(Datum.scoring), lossFn: "cross_entropy" }
  const { outputs } = yield* Effect.flatten(model.forward(request)).pipe(Effect.mapError(named(operation)))
  return yield* Effect.forEach(examples, (example, i) => {
    const logprobs = outputs[i]?.["logprobs"]?.data
    const n = Datum.positions(example.prompt) + example.completion.length - 1
    if (logprobs?.length !== n)
      return Effect.fail(fail(operation, `datum ${i} has ${logprobs?.length ?? "no"} log-probs for ${n} positions`))
    const own = Datum.completionLogprobs(example, logprobs)
    const reason = Received.logprobsRefusal(own)
    return reason === null ? Effect.succeed(own) : Effect.fail(fail(operation, `datum ${i}: ${reason}`))
  })
})

/**
 * The log-probs of the base model, for a KL to it: those of a second model on the server, whose adapter is never trained and so changes
 * nothing. It is made when it is first asked for.
 *
 * @category constructors
 */
export const reference: Effect.Effect<Learner.LearnerService["logprobs"], never, TinkerPolicy | Scope.Scope> =
  Effect.gen(function* () {
    const { client, options } = yield* TinkerPolicy
    const scope = yield* Effect.scope
    const model = yield* Effect.cached(Scope.provide(client.createModel(options), scope))
    return (sequences) => score("logprobs", model, sequences)
  })

/** @category layers */
export const layer: Layer.Layer<Learner.Learner, never, TinkerPolicy> = Layer.effect(
  Learner.Learner,
  Effect.gen(function* () {
    const policy = yield* TinkerPolicy
    const { profile } = policy.client
    const pending = yield* Ref.make<ReadonlyArray<Datum.WeightedExample>>([])
    return Learner.Learner.of({
      logprobs: (sequences) => score("logprobs", policy.model, sequences),
      accumulate: Effect.fn("TinkerLearner.accumulate")(function* (groups, weigh) {
        const sequences = groups.flat()
        const logprobs = yield* score("accumulate", policy.model, sequences)
        const examples = sequences.map(exampleOf)
        let at = 0
        const weights = yield* Effect.try({
          try: () => groups.flatMap((group, i) => weigh(i, logprobs.slice(at, (at += group.length)))),
          catch: (cause) => fail("accumulate", (cause as Error).message),
        })
        const weighted = examples.map((example, i) => ({ ...example, logprobs: logprobs[i], weights: weights[i] }))
        yield* Ref.update(pending, (list) => [...list, ...weighted])
        const tokens = examples.reduce((sum, e) => sum + Datum.positions(e.prompt) + e.completion.length, 0)
        return { tokens }
      }),
      step: Effect.fn("TinkerLearner.step")(function* (options) {
        const reason = refusal(profile, options)
        if (reason !== null) return yield* fail("step", reason)
        const all = yield* Ref.getAndSet(pending, [])
        if (all.length === 0) return yield* fail("step", "nothing was accumulated; accumulate groups first")
        const moving = all.filter(({ weights }) => weights.some((w) => w !== 0))
        // A zero gradient is still one that the optimiser's momentum answers to.
        const sent = Datum.weighted(moving.length === 0 ? all.slice(0, 1) : moving, profile)
        const { learningRate, beta1, beta2, epsilon, weightDecay, maxGradNorm } = options
        const gradClipNorm = Number.isFinite(maxGradNorm) && profile.clipping === "request" ? maxGradNorm : 0
        const metrics = yield* policy
          .training((model) =>
            Effect.gen(function* () {
              const backward = yield* model.forwardBackward(sent)
              const update = yield* model.optimStep({
                learningRate,
                beta1,
                beta2,
                epsilon,
                weightDecay,
                gradClipNorm,
              })
              yield* backward
              return yield* update
            }),
          )
          .pipe(Effect.mapError(named("step")))
        const norm = profile.gradNormMetric === null ? undefined : metrics[profile.gradNormMetric]
        return { gradNorm: norm ?? null }
      }),
      publish: policy.publish.pipe(Effect.mapError(named("publish"))),
      save: Effect.fn("TinkerLearner.save")(function* (folder) {
        const model = yield* policy.model.pipe(Effect.mapError(named("save")))
        const path = yield* Effect.flatten(model.saveWeights(`lpo-${randomUUID()}`)).pipe(
          Effect.mapError(named("save")),
        )
        const { baseModel, rank } = policy.options
        const saved: typeof Saved.Type = { path, baseModel, rank, version: yield* policy.version }
        yield* Effect.tryPromise({
          try: () => writeFile(join(folder, file), `${JSON.stringify(saved, null, 2)}\n`),
          catch: (cause) => fail("save", `${join(folder, file)} cannot be written (${(cause as Error).message})`),
        })
      }),
      restore: Effect.fn("TinkerLearner.restore")(function* (folder) {
        const text = yield* Effect.tryPromise({
          try: () => RegularFile.bytes(join(folder, file)).then(String),
          catch: (cause) => fail("restore", `${join(folder, file)} cannot be read (${(cause as Error).message})`),
        })
        const saved = yield* Schema.decodeUnknownEffect(Schema.fromJsonString(Saved))(text).pipe(
          Effect.mapError((e) => fail("restore", `${join(folder, file)} does not decode: ${e.message}`)),
        )
        yield* policy.resume(saved.path, saved.version).pipe(Effect.mapError(named("restore")))
        yield* Ref.set(pending, [])
        yield* Effect.logInfo(`went on from ${saved.path}, the policy's version ${saved.version}`)
      }),
    })
  }),
)
