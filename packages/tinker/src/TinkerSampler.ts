/**
 * A Tinker server as a `Sampler`: one request per problem for its K completions, from the weights published last. End tokens
 * are always sent as stops, which leaves no room for stop strings. A completion that is none is asked for again alone.
 *
 * @module
 */
import {
  type Completion,
  type Group,
  type Problem,
  RolloutError,
  Sampler,
  SamplingParams,
  Seed,
  Sequence,
} from "@lpo/rollout"
import { Effect, Layer, Stream } from "effect"
import * as Datum from "./Datum.ts"
import type { SampleRequest, Sequence as SampledSequence } from "./SamplingSession.ts"
import type { TinkerError } from "./TinkerError.ts"
import { TinkerPolicy } from "./TinkerPolicy.ts"

/** Text to the base model's tokens and back. @category models */
export interface Tokenizer {
  readonly encode: (text: string) => Effect.Effect<Int32Array, { readonly message: string }>
  readonly decode: (tokens: Int32Array) => string
  /** The tokens that end a response. */
  readonly stops: ReadonlyArray<number>
}

/** @category models */
export interface Options {
  readonly tokenizer: Tokenizer
  /** A problem's prompt as chunks: chat templates, images. Default: a plain text prompt, encoded. */
  readonly render?: (problem: Problem.Problem) => Effect.Effect<Datum.ModelInput, { readonly message: string }>
  /** Requests under way at once. Default 64, and never more than the server allows. */
  readonly concurrency?: number
}

/** How often one completion is asked for. */
const attempts = 6

/** @category layers */
export const layer = (options: Options): Layer.Layer<Sampler.Sampler, never, TinkerPolicy> =>
  Layer.effect(
    Sampler.Sampler,
    Effect.gen(function* () {
      const { tokenizer } = options
      const policy = yield* TinkerPolicy
      const { maxConcurrentSamples, profile } = policy.client
      const fail = (problem: string, reason: string, retryable = false) =>
        new RolloutError.SamplerError({ problem, reason, retryable })
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
      const sampleOne = Effect.fn("TinkerSampler.sample")(function* (
        { place, problem, stream }: Sampler.Asked,
        wanted: Sampler.SampleOptions,
      ) {
        const sampling = SamplingParams.make(wanted)
        const refusal = SamplingParams.refusal(sampling)
        if (refusal !== null) return yield* fail(problem.id, refusal)
        if (sampling.minP > 0)
          return yield* fail(problem.id, `minP is ${sampling.minP}, and the Tinker protocol has no min-p; give 0`)
        if (sampling.stopStrings.length > 0)
          return yield* fail(
            problem.id,
            `stopStrings has ${JSON.stringify(sampling.stopStrings[0])}, and the Tinker protocol takes texts or tokens as stops, not both: the tokens that end a response are sent; leave stopStrings out`,
          )
        const { maxTokens, temperature, topK, topP } = sampling
        if (temperature === 0 && !profile.greedy)
          return yield* fail(problem.id, `temperature 0 is not greedy on ${profile.name}; give a positive one`)
        const { chunks, input } = yield* render(problem)
        const failed = (error: TinkerError) =>
          fail(problem.id, error.message, error._tag === "ConnectionError" || error._tag === "OperationError")
        return yield* policy
          .sampling((session, version) =>
            Effect.gen(function* () {
              const request = {
                prompt: input,
                samples: wanted.groupSize,
                maxTokens,
                temperature,
                topP,
                topK: topK === 0 ? -1 : topK,
                // Servers add the completion's index; the sum must stay a 32-bit integer.
                seed: Seed.stream(stream).int(0, 2 ** 30),
                stop: tokenizer.stops,
              }
              const ask = (wanted: SampleRequest) =>
                Effect.flatMap(session.sample(wanted), (answer) =>
                  Effect.onInterrupt(answer, () => policy.abandon(answer)),
                )
              const { lost, sequences } = yield* ask(request)
              const again = (
                { index, reason }: (typeof lost)[number],
                left: number,
              ): Effect.Effect<SampledSequence, TinkerError | RolloutError.SamplerError> =>
                left === 0
                  ? Effect.fail(fail(problem.id, `completion ${index} was lost ${attempts} times: ${reason}`, true))
                  : Effect.flatMap(ask({ ...request, samples: 1, seed: request.seed + index }), (answer) => {
                      const [found] = answer.sequences
                      if (found !== undefined) return Effect.succeed({ ...found, index })
                      return again({ index, reason: answer.lost[0]?.reason ?? "the answer is empty" }, left - 1)
                    })
              const more = yield* Effect.forEach(lost, (one) => again(one, attempts - 1))
              return { sequences: [...sequences, ...more].sort((a, b) => a.index - b.index), version }
            }).pipe(Effect.mapError((error) => (error._tag === "SamplerError" ? error : failed(error)))),
          )
          .pipe(
            Effect.mapError((error) => (error._tag === "SamplerError" ? error : failed(error))),
            Effect.flatMap(({ sequences, version }) =>
              Effect.gen(function* () {
                if (sequences.length !== wanted.groupSize)
                  return yield* fail(
                    problem.id,
                    `${sequences.length} completions came, ${wanted.groupSize} were asked for`,
                  )
                const completions = sequences.map(({ finish, logprobs, tokens }): Completion.Completion => {
                  const ends = finish === "stop" && tokenizer.stops.includes(tokens[tokens.length - 1])
                  return {
                    tokens,
                    text: tokenizer.decode(ends ? tokens.subarray(0, -1) : tokens),
                    logprobs,
                    finish,
                    policyVersion: version,
                    logprobsOf: "raw",
                    sampling,
                  }
                })
                return {
                  problem,
                  place,
                  promptTokens: Sequence.flatten(chunks),
                  ...(chunks.some(({ type }) => type === "image") ? { promptChunks: chunks } : {}),
                  completions,
                } satisfies Group.Group
              }),
            ),
          )
      })
      return Sampler.Sampler.of({
        sample: (problems, wanted) =>
          Stream.fromIterable(Sampler.asked(problems, wanted.seed)).pipe(
            Stream.mapEffect((one) => sampleOne(one, wanted), {
              concurrency: Math.max(1, Math.min(options.concurrency ?? 64, maxConcurrentSamples)),
              unordered: true,
            }),
          ),
      })
    }),
  )
