/**
 * Completions of one prompt in a sampling session: one request for all of them, and another for each that came back unusable.
 *
 * The protocol takes tokens or texts as stops, not both, and the tokens that end a response must be sent. So a stop string is looked for
 * here, and what the server sampled beyond it is dropped: whether a response ends at a token depends on the tokens up to it alone, so
 * the rest is a sample of the very law that stops there.
 */
import { type Completion, RolloutError, SamplingParams, Seed } from "@lpo/rollout"
import { Effect } from "effect"
import type * as Datum from "./Datum.ts"
import type { SampleRequest, SamplingSession, Sequence } from "./SamplingSession.ts"
import type { ServerProfile } from "./ServerProfile.ts"
import type { TinkerError } from "./TinkerError.ts"

/** What is read of a tokenizer. @category models */
export interface Reader {
  readonly decode: (tokens: Int32Array) => string
  /** The tokens that end a response. */
  readonly stops: ReadonlyArray<number>
}

/** @category models */
export interface Request {
  readonly prompt: Datum.ModelInput
  /** How many. */
  readonly count: number
  /** Name of the random stream. */
  readonly stream: string
  readonly law: SamplingParams.SamplingParams
  /** Named in errors; null where the prompt is a turn of an episode. */
  readonly problem: string | null
}

/** How often one completion is asked for. */
const attempts = 6

/** Why a server cannot sample by a law; null when it can. @category predicates */
export const refusal = (law: SamplingParams.SamplingParams, { greedy, name }: ServerProfile): string | null =>
  SamplingParams.refusal(law) ??
  (law.minP > 0
    ? `minP is ${law.minP}, and the Tinker protocol has no min-p; give 0`
    : law.temperature === 0 && !greedy
      ? `temperature 0 is not greedy on ${name}; give a positive one`
      : null)

/** The error of a sampler for one of the server's. @category errors */
export const failed =
  (problem: string | null) =>
  (error: TinkerError): RolloutError.SamplerError =>
    new RolloutError.SamplerError({
      problem,
      reason: error.message,
      retryable: error._tag === "ConnectionError" || error._tag === "OperationError",
    })

/** A response up to the token that completes a stop string, its text up to the string's end; the whole where it has none. */
const ended = (
  { finish, logprobs, tokens }: Pick<Sequence, "finish" | "logprobs" | "tokens">,
  { decode, stops }: Reader,
  strings: ReadonlyArray<string>,
) => {
  const textOf = (length: number): string => {
    const last = length === tokens.length && finish === "stop" && stops.includes(tokens[length - 1])
    return decode(tokens.subarray(0, last ? length - 1 : length))
  }
  const whole = textOf(tokens.length)
  const has = (text: string): boolean => strings.some((string) => text.includes(string))
  if (!has(whole)) return { tokens, logprobs, finish, text: whole }
  // More tokens take no string away, but where tokens written as bytes turn out to be no text.
  let [without, withIt] = [0, tokens.length]
  while (withIt - without > 1) {
    const middle = (without + withIt) >> 1
    if (has(textOf(middle))) withIt = middle
    else without = middle
  }
  const text = textOf(withIt)
  const ends = strings.flatMap((string) => (text.includes(string) ? [text.indexOf(string) + string.length] : []))
  return {
    // Copies: what was dropped need not be kept.
    tokens: tokens.slice(0, withIt),
    logprobs: logprobs.slice(0, withIt),
    finish: "stop" as const,
    text: text.slice(0, Math.min(...ends)),
  }
}

/** The completions, in order; `abandon` is given what a sample leaves on the server when its caller goes. @category constructors */
export const completions = Effect.fn("TinkerSampler.draw")(function* (
  { count, law, problem, prompt, stream }: Request,
  from: {
    readonly session: SamplingSession
    readonly version: number
    readonly reader: Reader
    readonly abandon: (rest: Effect.Effect<unknown, unknown>) => Effect.Effect<void>
  },
) {
  const { abandon, reader, session, version } = from
  const fail = (reason: string, retryable = false) => new RolloutError.SamplerError({ problem, reason, retryable })
  const { maxTokens, stopStrings, temperature, topK, topP } = law
  const request = {
    prompt,
    samples: count,
    maxTokens,
    temperature,
    topP,
    topK: topK === 0 ? -1 : topK,
    // Servers add the completion's index; the sum must stay a 32-bit integer.
    seed: Seed.stream(stream).int(0, 2 ** 30),
    stop: reader.stops,
  }
  const ask = (wanted: SampleRequest) =>
    Effect.flatMap(session.sample(wanted), (answer) => Effect.onInterrupt(answer, () => abandon(answer))).pipe(
      Effect.mapError(failed(problem)),
    )
  const { lost, sequences } = yield* ask(request)
  const again = (
    { index, reason }: (typeof lost)[number],
    left: number,
  ): Effect.Effect<Sequence, RolloutError.SamplerError> =>
    left === 0
      ? Effect.fail(fail(`completion ${index} was lost ${attempts} times: ${reason}`, true))
      : Effect.flatMap(ask({ ...request, samples: 1, seed: request.seed + index }), (answer) => {
          const [found] = answer.sequences
          if (found !== undefined) return Effect.succeed({ ...found, index })
          return again({ index, reason: answer.lost[0]?.reason ?? "the answer is empty" }, left - 1)
        })
  const more = yield* Effect.forEach(lost, (one) => again(one, attempts - 1))
  const all = [...sequences, ...more].sort((a, b) => a.index - b.index)
  if (all.length !== count) return yield* fail(`${all.length} completions came, ${count} were asked for`)
  return all.map((sequence): Completion.Completion => {
    const { finish, logprobs, text, tokens } = ended(sequence, reader, stopStrings)
    return { tokens, text, logprobs, finish, policyVersion: version, logprobsOf: "raw", sampling: law }
  })
})
