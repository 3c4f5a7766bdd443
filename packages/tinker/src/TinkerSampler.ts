/**
 * A Tinker server as a `Sampler`: one request per problem for its K completions, or one for a turn of an episode, from the weights
 * published last. End tokens are always sent as stops; stop strings are cut here. A completion that is none is asked for again alone.
 *
 * @module
 */
import { type Group, type Problem, RolloutError, Sampler, SamplingParams, Sequence } from "@lpo/rollout"
import { Effect, Layer, Stream } from "effect"
import * as Datum from "./Datum.ts"
import * as Draw from "./Draw.ts"
import { TinkerPolicy } from "./TinkerPolicy.ts"

/** Text to the base model's tokens and back. @category models */
export interface Tokenizer extends Draw.Reader {
  readonly encode: (text: string) => Effect.Effect<Int32Array, { readonly message: string }>
}

/** @category models */
export interface Options {
  readonly tokenizer: Tokenizer
  /** A problem's prompt as chunks: chat templates, images. Default: a plain text prompt, encoded. */
  readonly render?: (problem: Problem.Problem) => Effect.Effect<Datum.ModelInput, { readonly message: string }>
  /** The tokenizer's part in episodes of several turns, such as `Tokenizer.turns` of `@lpo/transformer`. Default: none, and no turns. */
  readonly turns?: Sampler.TurnTokens
  /** Positions that the model has for the turns of an episode, where the server does not tell. Default: not known. */
  readonly positions?: number
  /** Requests under way at once. Default 64, and never more than the server allows. */
  readonly concurrency?: number
}

/** @category layers */
export const layer = (options: Options): Layer.Layer<Sampler.Sampler, never, TinkerPolicy> =>
  Layer.effect(
    Sampler.Sampler,
    Effect.gen(function* () {
      const { tokenizer, turns } = options
      const policy = yield* TinkerPolicy
      const { capabilities, maxConcurrentSamples, profile } = policy.client
      const concurrency = Math.max(1, Math.min(options.concurrency ?? 64, maxConcurrentSamples))
      const fail = (problem: string | null, reason: string) =>
        new RolloutError.SamplerError({ problem, reason, retryable: false })
      const render = Effect.fn("TinkerSampler.render")(function* (problem: Problem.Problem) {
        const { id, prompt } = problem
        const failed = ({ message }: { readonly message: string }) => fail(id, message)
        const input =
          options.render !== undefined
            ? yield* options.render(problem).pipe(Effect.mapError(failed))
            : typeof prompt === "string"
              ? Datum.text(yield* tokenizer.encode(prompt).pipe(Effect.mapError(failed)))
              : yield* fail(id, "has chat messages; give the sampler a `render` that applies the model's chat template")
        for (const chunk of input) {
          if (chunk.type === "encoded_text") continue
          if (!profile.images) return yield* fail(id, `has an image, and ${profile.name} does not show it to the model`)
        }
        const chunks = Datum.toChunks(input)
        if (chunks === null)
          return yield* fail(id, "has an image without expectedTokens, so the response's place is not known")
        if (Sequence.positions(chunks) === 0) return yield* fail(id, "has an empty prompt; give at least one token")
        return { input, chunks }
      })
      /** What completions are drawn from now, for as long as the scope. */
      const source = Effect.map(policy.pinned, (pinned) => ({ ...pinned, reader: tokenizer, abandon: policy.abandon }))
      const sampleOne = Effect.fn("TinkerSampler.sample")(function* (
        { place, problem, stream }: Sampler.Asked,
        wanted: Sampler.SampleOptions,
      ) {
        const law = SamplingParams.make(wanted)
        const refusal = Draw.refusal(law, profile)
        if (refusal !== null) return yield* fail(problem.id, refusal)
        const { chunks, input } = yield* render(problem)
        const request = { prompt: input, count: wanted.groupSize, stream, law, problem: problem.id }
        const completions = yield* source.pipe(
          Effect.mapError(Draw.failed(problem.id)),
          Effect.flatMap((from) => Draw.completions(request, from)),
          Effect.scoped,
        )
        return {
          problem,
          place,
          promptTokens: Sequence.flatten(chunks),
          ...(chunks.some(({ type }) => type === "image") ? { promptChunks: chunks } : {}),
          completions,
        } satisfies Group.Group
      })
      const positions = yield* Effect.cached(
        capabilities.pipe(
          Effect.map(
            ({ supported_models }) =>
              supported_models.find(({ model_name }) => model_name === policy.options.baseModel)?.max_context_length,
          ),
          // Not every server has the route.
          Effect.orElseSucceed(() => null),
          Effect.map((told) => told ?? options.positions ?? null),
        ),
      )
      const turnsOf = (tokens: Sampler.TurnTokens) =>
        Effect.gen(function* () {
          const from = yield* source.pipe(Effect.mapError(Draw.failed(null)))
          const service: Sampler.Turns = {
            ...tokens,
            policyVersion: from.version,
            positions: yield* positions,
            sample: Effect.fn("TinkerSampler.turns")(function* (asked, options) {
              const law = SamplingParams.make(options)
              const refusal = Draw.refusal(law, profile)
              if (refusal !== null) return yield* fail(null, refusal)
              return yield* Effect.forEach(
                asked,
                ({ prompt, stream }) =>
                  Effect.map(
                    Draw.completions({ prompt: Datum.text(prompt), count: 1, stream, law, problem: null }, from),
                    ([completion]) => completion,
                  ),
                { concurrency },
              )
            }),
          }
          return service
        })
      return Sampler.Sampler.of({
        sample: (problems, wanted) =>
          Stream.fromIterable(Sampler.asked(problems, wanted.seed)).pipe(
            Stream.mapEffect((one) => sampleOne(one, wanted), { concurrency, unordered: true }),
          ),
        ...(turns === undefined ? {} : { turns: turnsOf(turns) }),
      })
    }),
  )
