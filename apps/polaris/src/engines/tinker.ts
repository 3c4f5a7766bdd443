/**
 * The Tinker engine: a server (SkyRL on GPUs of your own, hosted Tinker, Twinkle) trains an adapter and samples. This machine has
 * the tokenizer, the problems, the rewards and the objective. The key comes from the environment, never from the command line.
 */
import { ServerProfile, TinkerLearner, TinkerPolicy, TinkerSampler } from "@lpo/tinker"
import { Tokenizer } from "@lpo/transformer"
import { Config, Effect, Layer, Option, Schema } from "effect"
import * as Tokens from "../data/Tokens.ts"
import { readsOf } from "../tasks/index.ts"
import { find, UsageError, whole } from "../Usage.ts"
import { define, EngineError } from "./Engine.ts"
import * as Images from "./images.ts"
import { commitOf, downloadIn } from "./policy.ts"

const profiles: Readonly<Record<string, ServerProfile.ServerProfile>> = {
  hosted: ServerProfile.hosted,
  "skyrl-jax": ServerProfile.skyrlJax,
  "skyrl-fsdp": ServerProfile.skyrlFsdp,
  twinkle: ServerProfile.twinkle,
}
export const profileNames: ReadonlyArray<string> = Object.keys(profiles)

/** Why a server cannot show images to the model; null if it can. */
export const imagesRefusal = (profile: string): string | null =>
  profiles[profile].images
    ? null
    : `a problem has an image, but a server of the profile ${profile} does not show it to the model; use a server that does: --profile ${profileNames.filter((name) => profiles[name].images).join(" or ")}`

const Settings = Schema.Struct({
  /** The part before `/api/v1`. */
  server: Schema.String,
  profile: Schema.Literals(profileNames),
  /** Of the adapter on the server. */
  rank: Schema.Int,
})

const key = "TINKER_API_KEY"
const usualProfile = "skyrl-jax"
const usualRank = 32

export const tinker = define({
  name: "tinker",
  takes: ["server", "profile", "loraRank"],
  Settings,
  settings: Effect.fn("tinker.settings")(function* (base, flags, model) {
    if (model.kind !== "checkpoint") {
      return yield* new UsageError({
        reason:
          "the engine tinker trains the server's base model; give --model with its name or a folder with its tokenizer",
      })
    }
    const server = flags.server ?? base?.server
    if (server === undefined || !/^https?:\/\/[^/\s]+/.test(server)) {
      const what = server === undefined ? "the engine tinker needs a server" : `--server is "${server}"`
      return yield* new UsageError({ reason: `${what}; give its URL, such as --server http://127.0.0.1:8000` })
    }
    const profile = flags.profile ?? base?.profile ?? usualProfile
    yield* find("server profile", profile, profiles)
    const rank =
      flags.loraRank === null ? (base?.rank ?? usualRank) : yield* whole("lora-rank", flags.loraRank, 1, 4096)
    return { server: server.replace(/\/+$/, ""), profile, rank }
  }),
  mayChange: ["server"],
  adapted: ({ profile }) => {
    const { clipping, fixedAdam } = profiles[profile]
    return {
      // Some servers sample with a different engine from the one that learns.
      anchor: "recompute",
      // Its log-probs are those at temperature 1.
      tempers: false,
      optimizer: {
        ...fixedAdam,
        ...(clipping === "request" ? {} : { maxGradNorm: clipping === "never" ? null : clipping }),
      },
    }
  },
  open: ({ profile, rank, server }, asked) =>
    Effect.gen(function* () {
      const { domain, model, number, preset, view } = asked
      if (model.kind !== "checkpoint")
        return yield* new EngineError({
          engine: "tinker",
          reason: "the run has no model; start a new one with --model",
        })
      const revision = model.commit ?? model.revision
      const { folder, tokenizer } = yield* Tokens.open(model.source, revision, downloadIn(view, model.source))
      view.done()
      const secret = Option.getOrUndefined(yield* Config.option(Config.Redacted(key)))
      if (profile === "hosted" && secret === undefined)
        return yield* new EngineError({
          engine: "tinker",
          reason: `${server} requires a key; set ${key} in the environment`,
        })
      const policy = yield* Layer.build(
        TinkerPolicy.layer({
          baseUrl: server,
          profile: profiles[profile],
          baseModel: model.source,
          rank,
          seed: number,
          ...(secret === undefined ? {} : { apiKey: secret }),
        }),
      )
      const render = yield* Images.renderer({
        folder,
        tokenizer,
        template: model.template,
        refusal: imagesRefusal(profile),
      })
      const reference = asked.reference ? yield* TinkerLearner.reference.pipe(Effect.provideContext(policy)) : null
      return {
        label: "base model",
        reference,
        about: [
          `${preset.name} with ${model.source} on the Tinker server ${server} (${profile}): an adapter of rank ${rank} trained`,
        ],
        record: { server, profile },
        reads: readsOf(tokenizer, domain),
        layer: Layer.merge(
          TinkerLearner.layer,
          TinkerSampler.layer({ tokenizer, render, turns: Tokenizer.turns(tokenizer, model.template) }),
        ).pipe(Layer.provide(Layer.succeedContext(policy))),
        commit: commitOf(folder),
        trained: null,
        save: Effect.succeed(
          `the trained adapter stays on the server: its path is in tinker.json of the last checkpoint`,
        ),
      }
    }),
})
