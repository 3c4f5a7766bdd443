/**
 * Completions of one prompt from several servers: one request for all of them, and another for each that a server lost. What is
 * transient is asked for again, elsewhere where there is an elsewhere, waiting longer each time.
 */
import { Effect, Schedule } from "effect"
import type { Completion } from "../Completion.ts"
import type { HttpFault } from "../internal/Http.ts"
import { SamplerError } from "../RolloutError.ts"
import type { SampleOptions } from "../Sampler.ts"
import * as SamplingParams from "../SamplingParams.ts"
import * as Seed from "../Seed.ts"
import * as Client from "./Client.ts"
import type * as Servers from "./Servers.ts"

/** @category models */
export interface Settings {
  readonly client: Client.Client
  readonly servers: Servers.Servers
  /** The base model's served name. */
  readonly model: string
  readonly logprobs: Completion["logprobsOf"]
  /** Tokens that end a response, besides the model's own. */
  readonly stops: ReadonlyArray<number>
  /** How often one request is sent before it fails. */
  readonly attempts: number
}

/** @category models */
export interface Request {
  readonly prompt: Client.Prompt
  /** How many. */
  readonly count: number
  /** Name of the random stream. */
  readonly stream: string
  readonly law: SamplingParams.Options & Pick<SampleOptions, "logprobsOf">
  readonly served: Client.Served
}

/** The fault of a request as the error of a sampler. @category errors */
export const samplerError = (problem: string | null) => (fault: HttpFault) =>
  new SamplerError({ problem, reason: fault.message, retryable: fault.transient })

/** @category constructors */
export const make = ({ attempts, client, logprobs, model, servers, stops }: Settings) => {
  const persist = <A>(use: Effect.Effect<A, HttpFault>): Effect.Effect<A, HttpFault> =>
    use.pipe(
      Effect.tapError(({ retryAfter }) => (retryAfter === null ? Effect.void : Effect.sleep(`${retryAfter} seconds`))),
      Effect.retry({
        schedule: Schedule.min([Schedule.exponential("100 millis"), Schedule.spaced("10 seconds")]),
        times: attempts - 1,
        while: (fault) => fault.transient,
      }),
    )

  /** Why a law cannot be sampled here; null when it can. */
  const refusal = (law: Request["law"]): string | null => {
    const sampling = SamplingParams.make(law)
    const { logprobsOf = logprobs } = law
    return (
      SamplingParams.refusal(sampling) ??
      (logprobsOf === logprobs || SamplingParams.isPolicyItself(sampling)
        ? null
        : `the run asks for ${logprobsOf} log-probs, since it samples at temperature ${sampling.temperature}, and these servers give ${logprobs} ones; start them with --logprobs-mode ${logprobsOf}_logprobs and set logprobs to "${logprobsOf}"`)
    )
  }

  /** The completions, and the prompt's tokens where the server says them. */
  const draw = Effect.fn("OpenAiSampler.draw")(function* ({ count, law, prompt, served, stream }: Request) {
    const sampling = SamplingParams.make(law)
    const sent = { ...sampling, stops }
    // Greedy responses are all the same, and vLLM refuses to make several.
    const different = sampling.temperature === 0 ? 1 : count
    const seed = Seed.stream(stream).int(0, 2 ** 31 - 1 - count)
    const ask = (n: number, from: number) =>
      persist(servers.withServer(n, ({ url }) => client.sample(url, served, prompt, sent, n, from)))
    const again = (index: number) =>
      persist(
        Effect.flatMap(ask(1, seed + index), ({ choices, lost }) =>
          choices[0] === undefined
            ? Effect.fail(Client.lostFault(model, lost[0] ?? { index, reason: "the answer is empty" }))
            : Effect.succeed({ ...choices[0], index }),
        ),
      )
    const answer = yield* ask(different, seed)
    const more = yield* Effect.forEach(answer.lost, ({ index }) => again(index), { concurrency: "unbounded" })
    const own = [...answer.choices, ...more]
      .sort((a, b) => a.index - b.index)
      .map(({ finish, logprobs: values, text, tokens }): Completion => ({
        tokens,
        text,
        logprobs: values,
        finish,
        policyVersion: served.version,
        logprobsOf: logprobs,
        sampling,
      }))
    return { completions: Array.from({ length: count }, (_, k) => own[k % different]), prompt: answer.prompt }
  })

  return { persist, refusal, draw }
}
