/**
 * The hybrid engine: a LoRA adapter is trained in this process, and vLLM servers sample. With every publication the adapter goes to
 * the servers as a PEFT folder below the run's own, so they must see that folder under the same path.
 */
import { join } from "node:path"
import { OpenAiSampler, RolloutError } from "@lpo/rollout"
import { AdapterPublisher, Policy, Tokenizer, TransformerLearner } from "@lpo/transformer"
import { Config, Effect, Layer, Option, Schema } from "effect"
import { UsageError, urls } from "../Usage.ts"
import * as Tokens from "../data/Tokens.ts"
import { define, EngineError, templateOf } from "./Engine.ts"
import * as Here from "./policy.ts"

const Settings = Schema.Struct({
  /** Base URLs of the servers. */
  rollouts: Schema.Array(Schema.String),
  /** What they call the base model. */
  servedName: Schema.String,
})

const key = "LPO_ROLLOUTS_KEY"

export const hybrid = define({
  name: "hybrid",
  takes: ["rollouts", "servedName", "backend", "workers", "loraRank", "loraAlpha"],
  Settings,
  settings: Effect.fn("hybrid.settings")(function* (base, flags, model) {
    if (model.kind !== "checkpoint" || model.lora === null) {
      return yield* new UsageError({
        reason: "the engine hybrid trains an adapter on the model that the servers have; give --model and --lora-rank",
      })
    }
    const rollouts = flags.rollouts === null ? base?.rollouts : yield* urls("rollouts", flags.rollouts)
    if (rollouts === undefined) {
      return yield* new UsageError({
        reason: "the engine hybrid needs servers for sampling; give --rollouts URL or --rollouts URL,URL",
      })
    }
    return { rollouts, servedName: flags.servedName ?? base?.servedName ?? model.source }
  }),
  mayChange: ["rollouts"],
  // The servers' arithmetic is not the learner's.
  adapted: () => ({ anchor: "recompute", tempers: true, optimizer: {} }),
  open: ({ rollouts, servedName }, asked) =>
    Effect.gen(function* () {
      const { model, view } = asked
      if (model.kind !== "checkpoint")
        return yield* new EngineError({
          engine: "hybrid",
          reason: "the run has no model; start a new one with --model",
        })
      const secret = Option.getOrUndefined(yield* Config.option(Config.Redacted(key)))
      // Read with the first prompt: the servers are checked before any download.
      const revision = model.commit ?? model.revision
      const tokenizer = yield* Effect.cached(
        Effect.map(Tokens.open(model.source, revision, Here.downloadIn(view, model.source)), (open) => open.tokenizer),
      )
      const turns = tokenizer.pipe(
        Effect.mapBoth({
          onSuccess: (own) => Tokenizer.turns(own, model.template),
          onFailure: ({ message }) =>
            new RolloutError.SamplerError({ problem: null, reason: message, retryable: false }),
        }),
      )
      // The servers are checked before anything large is opened.
      const servers = yield* Layer.build(
        OpenAiSampler.layer({
          servers: rollouts,
          // At 1 both are the same.
          logprobs: asked.temperature === 1 ? "raw" : "processed",
          model: servedName,
          // Rendered here, where the variables and the day of the run are known; the servers' clocks are not part of its settings.
          tokenize: ({ id, prompt }) =>
            Effect.flatMap(tokenizer, (own) => Tokens.encode(own, prompt, model.template)).pipe(
              Effect.mapError(
                ({ message }) => new RolloutError.SamplerError({ problem: id, reason: message, retryable: false }),
              ),
            ),
          turns: {
            encode: (prompt) => Effect.flatMap(turns, ({ encode }) => encode(prompt)),
            encodeText: (text) => Effect.flatMap(turns, ({ encodeText }) => encodeText(text)),
            between: (chat, answer, next) => Effect.flatMap(turns, ({ between }) => between(chat, answer, next)),
          },
          ...templateOf(model),
          // Runs that share a server must not share names.
          adapterName: `${asked.seed.replace(/\W+/g, "-")}-${process.pid}`,
          ...(secret === undefined ? {} : { key: secret }),
        }),
      )
      const { memoryMiB, policy, ...opened } = yield* Here.open(asked)
      const learner = TransformerLearner.layer({ memoryMiB }).pipe(
        Layer.provideMerge(Layer.succeed(Policy.Policy, policy)),
      )
      const rolling = Layer.succeedContext(servers)
      return {
        ...opened,
        about: [...opened.about, `rollouts on ${rollouts.join(", ")}, where the model is ${servedName}`],
        record: { ...opened.record, rollouts },
        layer: AdapterPublisher.layer({ folder: join(asked.folder, "rollouts") }).pipe(
          Layer.provide(learner),
          Layer.provideMerge(rolling),
        ),
      }
    }),
})
