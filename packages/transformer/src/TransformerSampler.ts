/**
 * The embedded engine as a `Sampler`.
 *
 * @module
 */
import type { Completion, Group } from "@lpo/rollout"
import * as RolloutError from "@lpo/rollout/RolloutError"
import * as Sampler from "@lpo/rollout/Sampler"
import * as SamplingParams from "@lpo/rollout/SamplingParams"
import { Effect, Layer, Stream } from "effect"
import type * as Generate from "./decode/Generate.ts"
import { Policy } from "./policy/Service.ts"
import * as StopStrings from "./decode/StopStrings.ts"
import type { TokenizerService } from "./tokenizer/Tokenizer.ts"
import * as Tokenizer from "./tokenizer/Tokenizer.ts"

/** @category models */
export interface Options {
  /**
   * Most sequences decoded at once, by each worker. Default: as many as leave keys and values within the processor's caches, or
   * as share the reading of larger weights well. Samples do not depend on it.
   */
  readonly maxSequences?: number
  /**
   * Variables of the chat template, such as `enable_thinking` and `tools`, and `date`, the day of `strftime_now`. Default: none, and
   * the day on which the tokenizer was read.
   */
  readonly template?: Readonly<Record<string, unknown>>
}

const logprobs = ({ logprobsOf }: Pick<Sampler.SampleOptions, "logprobsOf">) =>
  logprobsOf === undefined ? {} : { logprobsOf }

/** The text of a response: without the stop token that ended it, or up to the end of the stop string that did. */
const textOf = (
  { finish, tokens }: Generate.Sampled,
  { decode, stops }: TokenizerService,
  stopStrings: ReadonlyArray<string>,
): string => {
  if (finish === "length") return decode(tokens)
  return stops.includes(tokens[tokens.length - 1])
    ? decode(tokens.subarray(0, -1))
    : StopStrings.cut(decode(tokens), stopStrings)
}

/** @category layers */
export const layer = ({ maxSequences, template }: Options = {}): Layer.Layer<Sampler.Sampler, never, Policy> =>
  Layer.effect(
    Sampler.Sampler,
    Effect.gen(function* () {
      const policy = yield* Policy
      const tokens = Tokenizer.turns(policy.tokenizer, template)
      const completionOf = (
        sampled: Generate.Sampled,
        sampling: SamplingParams.SamplingParams,
        logprobsOf: Completion.Completion["logprobsOf"] = "raw",
      ): Completion.Completion => ({
        ...sampled,
        text: textOf(sampled, policy.tokenizer, sampling.stopStrings),
        policyVersion: policy.version,
        logprobsOf,
        sampling,
      })
      const sampleChunk = Effect.fn("TransformerSampler.sample")(function* (
        asked: ReadonlyArray<Sampler.Asked>,
        options: Sampler.SampleOptions,
      ) {
        const fail = (problem: string | null, reason: string) =>
          new RolloutError.SamplerError({ problem, reason, retryable: false })
        const sampling = SamplingParams.make(options)
        const refusal = SamplingParams.refusal(sampling)
        if (refusal !== null) return yield* fail(null, refusal)
        const requests = yield* Effect.forEach(asked, ({ problem, stream }) =>
          Effect.gen(function* () {
            const prompt = yield* tokens
              .encode(problem.prompt)
              .pipe(Effect.mapError(({ reason }) => fail(problem.id, reason)))
            const length = prompt.length + options.maxTokens
            if (prompt.length === 0) return yield* fail(problem.id, "has an empty prompt; give at least one token")
            if (length > policy.config.max_position_embeddings) {
              return yield* fail(
                problem.id,
                `needs ${length} positions (prompt ${prompt.length}, maxTokens ${options.maxTokens}), the model has ${policy.config.max_position_embeddings}; lower maxTokens`,
              )
            }
            const streams = Array.from({ length: options.groupSize }, (_, k) => `${stream}/${k}`)
            return { prompt, streams }
          }),
        )
        const sampled = yield* policy
          .generate(requests, { ...sampling, ...logprobs(options), maxSequences })
          .pipe(Effect.mapError((e) => fail(null, e.message)))
        return sampled.map((completions, i): Group.Group => ({
          problem: asked[i].problem,
          place: asked[i].place,
          promptTokens: requests[i].prompt,
          completions: completions.map((c) => completionOf(c, sampling, options.logprobsOf)),
        }))
      })
      const failed = (e: { readonly message: string }) =>
        new RolloutError.SamplerError({ problem: null, reason: e.message, retryable: false })
      const turns: Effect.Effect<Sampler.Turns> = Effect.sync(() => ({
        ...tokens,
        policyVersion: policy.version,
        positions: policy.config.max_position_embeddings,
        sample: (asked, options) => {
          const sampling = SamplingParams.make(options)
          const requests = asked.map(({ prompt, stream }) => ({ prompt, streams: [stream] }))
          return policy.generate(requests, { ...sampling, ...logprobs(options), maxSequences }).pipe(
            Effect.map((rows) => rows.map(([one]) => completionOf(one, sampling, options.logprobsOf))),
            Effect.mapError(failed),
          )
        },
      }))
      return Sampler.Sampler.of({
        turns,
        sample: (problems, options) => {
          // The prompts' lengths are not known yet: as if they were as long as the responses.
          const sequences = maxSequences ?? policy.sequencesAtOnce(2 * options.maxTokens)
          const size = Math.max(1, Math.round((policy.parallelism * sequences) / options.groupSize))
          const asked = Sampler.asked(problems, options.seed)
          const chunks = Array.from({ length: Math.ceil(asked.length / size) }, (_, i) =>
            asked.slice(i * size, (i + 1) * size),
          )
          return Stream.fromIterable(chunks).pipe(
            // Two at once, so that no worker waits for the slowest of a chunk.
            Stream.mapEffect((chunk) => sampleChunk(chunk, options), { concurrency: 2 }),
            Stream.flattenIterable,
          )
        },
      })
    }),
  )
