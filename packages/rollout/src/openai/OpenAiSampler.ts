/**
 * Rollouts on vLLM or SGLang: one `Sampler` over one or several servers, and the publishing of new policies to them as LoRA
 * adapters.
 *
 * A group is one request for K completions, so that its prompt is prefilled once; a completion that the server aborted is
 * asked for again alone. Which policy samples is decided when `sample` is called and stays so to its last group: adapters are
 * loaded under a new name for every version (`policy-12`), never in place, and an old one is unloaded only when nothing uses it.
 *
 * @module
 */
import { Context, Effect, Layer, Redacted, Schedule, type Scope, Stream } from "effect"
import type { HttpFault } from "../internal/Http.ts"
import type { Completion } from "../Completion.ts"
import type { Group } from "../Group.ts"
import type { Problem } from "../Problem.ts"
import { SamplerError } from "../RolloutError.ts"
import { type Asked, asked as askedOf, Sampler, type SamplerService, type SampleOptions } from "../Sampler.ts"
import * as SamplingParams from "../SamplingParams.ts"
import * as Seed from "../Seed.ts"
import * as Client from "./Client.ts"
import * as Servers from "./Servers.ts"
import type * as Vllm from "./Vllm.ts"

/** @category models */
export interface Options {
  /** Base URLs, such as `http://127.0.0.1:8000`; all serve the same base model. */
  readonly servers: ReadonlyArray<string>
  /** The base model's served name. */
  readonly model: string
  /** Default `vllm`. */
  readonly dialect?: "vllm" | "sglang"
  readonly key?: Redacted.Redacted
  /** Tokens that end a response, besides those of the model's own configuration. Default none. */
  readonly stops?: ReadonlyArray<number>
  /**
   * Tokens of a prompt without images. Default: the server's `/tokenize`, with the model's chat template for messages (vLLM
   * only: with SGLang this is required).
   */
  readonly tokenize?: (problem: Problem) => Effect.Effect<Int32Array, SamplerError>
  /** Variables of the model's chat template, such as `enable_thinking`, for prompts that the server renders (vLLM only). Default none. */
  readonly template?: Vllm.Template
  /** What the server's log-probs are; checked at the start. Default `raw`, vLLM's own. */
  readonly logprobs?: "raw" | "processed"
  /** Most sequences under way on one server. Default 256. */
  readonly maxInFlight?: number
  /** How often one group or completion is asked for before the run fails. Default 6. */
  readonly attempts?: number
  /** Longest time for one request, seconds. Default 3,600. */
  readonly requestSeconds?: number
  /** Seconds between looks at a server that is down. Default 5. */
  readonly healthSeconds?: number
  /** Seconds without any healthy server after which the run fails rather than waits. Default 600. */
  readonly downSeconds?: number
  /** Adapters are named `<adapterName>-<version>`; runs that share a server need different ones. Default `policy`. */
  readonly adapterName?: string
  /** Policy versions kept loaded. Default 2. */
  readonly versionsKept?: number
}

/** Publishes adapters to the servers that sample. @category services */
export interface AdaptersService {
  /**
   * Loads the PEFT folder (a path on the servers' file system) as policy `version` on every server; samples asked for from
   * here on come from it. Unloads versions that are too old and unused.
   */
  readonly publish: (policy: { readonly version: number; readonly folder: string }) => Effect.Effect<void, SamplerError>
  /** The version that samples. */
  readonly version: Effect.Effect<number>
  /** Sequences given to each server so far, by URL. */
  readonly served: Effect.Effect<ReadonlyMap<string, number>>
}

/** @category services */
export class Adapters extends Context.Service<Adapters, AdaptersService>()("@lpo/rollout/Adapters") {}

const samplerError = (problem: string | null) => (fault: HttpFault) =>
  new SamplerError({ problem, reason: fault.message, retryable: fault.transient })

interface Version extends Client.Served {
  readonly folder: string | null
  users: number
}

/**
 * Both services, after every server has passed the check. Fails with a `SamplerError` that names the server and the flag to
 * set. Health checks end with the scope.
 *
 * @category constructors
 */
export const make = (
  options: Options,
): Effect.Effect<{ readonly sampler: SamplerService; readonly adapters: AdaptersService }, SamplerError, Scope.Scope> =>
  Effect.gen(function* () {
    const { attempts = 6, dialect = "vllm", logprobs = "raw", model, stops = [], versionsKept = 2 } = options
    const refuse = (reason: string) => new SamplerError({ problem: null, reason, retryable: false })
    if (options.servers.length === 0) return yield* refuse("servers is empty; give at least one base URL")
    if (dialect === "sglang" && options.tokenize === undefined)
      return yield* refuse("SGLang has no route that tokenises; give tokenize")
    const { key, requestSeconds: seconds = 3600, template } = options
    const client = Client.make({ dialect, model, logprobs, key, seconds, template })
    let current: Version = { adapter: null, folder: null, version: 0, users: 0 }
    let loaded: ReadonlyArray<Version> = []

    /** A server that was started anew has lost its adapters. */
    const reload = ({ url }: { readonly url: string }) =>
      Effect.forEach(
        loaded,
        ({ adapter, folder }) =>
          adapter === null || folder === null ? Effect.void : client.load(url, adapter, folder),
        { discard: true },
      )
    const servers = yield* Servers.make({
      urls: options.servers,
      maxInFlight: options.maxInFlight ?? 256,
      key: options.key,
      healthSeconds: options.healthSeconds ?? 5,
      downSeconds: options.downSeconds ?? 600,
      onRecovered: reload,
    })

    /** Asks again after a transient fault, elsewhere where there is an elsewhere, waiting longer each time. */
    const persist = <A>(use: Effect.Effect<A, HttpFault>): Effect.Effect<A, HttpFault> =>
      use.pipe(
        Effect.tapError(({ retryAfter }) =>
          retryAfter === null ? Effect.void : Effect.sleep(`${retryAfter} seconds`),
        ),
        Effect.retry({
          schedule: Schedule.min([Schedule.exponential("100 millis"), Schedule.spaced("10 seconds")]),
          times: attempts - 1,
          while: (fault) => fault.transient,
        }),
      )

    /** Any few tokens will do to look at log-probs; a server without a tokenizer gets the first ids. */
    const probe = (url: string) =>
      (dialect === "vllm" ? client.tokenize(url, "1 2 3") : Effect.succeed(Int32Array.of(1, 2, 3))).pipe(
        Effect.catchIf(
          ({ transient }) => !transient,
          () => Effect.succeed(Int32Array.of(1, 2, 3)),
        ),
      )
    yield* Effect.forEach(
      servers.all,
      ({ url }) => persist(Effect.flatMap(probe(url), (tokens) => client.check(url, tokens))),
      { discard: true, concurrency: "unbounded" },
    ).pipe(Effect.mapError(samplerError(null)))

    const promptOf = (problem: Problem): Effect.Effect<Client.Prompt, SamplerError> => {
      const { prompt } = problem
      if (Client.hasImage(prompt)) return Effect.succeed({ messages: prompt })
      const tokens =
        options.tokenize?.(problem) ??
        persist(servers.withServer(0, ({ url }) => client.tokenize(url, prompt))).pipe(
          Effect.mapError(samplerError(problem.id)),
        )
      return tokens.pipe(
        Effect.flatMap((ids) =>
          ids.length > 0
            ? Effect.succeed({ tokens: ids })
            : Effect.fail(refuse(`problem ${problem.id} has an empty prompt; give at least one token`)),
        ),
      )
    }

    const sampleGroup = Effect.fn("OpenAiSampler.sampleGroup")(function* (
      { place, problem, stream }: Asked,
      asked: SampleOptions,
      served: Version,
    ) {
      const sampling = SamplingParams.make(asked)
      const refusal = SamplingParams.refusal(sampling)
      if (refusal !== null) return yield* refuse(refusal)
      const { logprobsOf = logprobs } = asked
      if (logprobsOf !== logprobs && !SamplingParams.isPolicyItself(sampling))
        return yield* refuse(
          `the run asks for ${logprobsOf} log-probs, since it samples at temperature ${sampling.temperature}, and these servers give ${logprobs} ones; start them with --logprobs-mode ${logprobsOf}_logprobs and set logprobs to "${logprobsOf}"`,
        )
      const prompt = yield* promptOf(problem)
      const law = { ...sampling, stops }
      // Greedy responses are all the same, and vLLM refuses to make several.
      const different = law.temperature === 0 ? 1 : asked.groupSize
      const seed = Seed.stream(stream).int(0, 2 ** 31 - 1 - asked.groupSize)
      const ask = (n: number, from: number) =>
        persist(servers.withServer(n, ({ url }) => client.sample(url, served, prompt, law, n, from)))
      const again = (index: number) =>
        persist(
          Effect.flatMap(ask(1, seed + index), ({ choices, lost }) =>
            choices[0] === undefined
              ? Effect.fail(Client.lostFault(model, lost[0] ?? { index, reason: "the answer is empty" }))
              : Effect.succeed({ ...choices[0], index }),
          ),
        )
      const { choices, tokens } = yield* Effect.gen(function* () {
        const answer = yield* ask(different, seed)
        const more = yield* Effect.forEach(answer.lost, ({ index }) => again(index), { concurrency: "unbounded" })
        const all = [...answer.choices, ...more].sort((a, b) => a.index - b.index)
        return { choices: all, tokens: answer.prompt }
      }).pipe(Effect.mapError(samplerError(problem.id)))
      if (tokens === null) return yield* refuse(`problem ${problem.id}: the server does not say its prompt's tokens`)
      const completion = (choice: Vllm.Choice): Completion => ({
        tokens: choice.tokens,
        text: choice.text,
        logprobs: choice.logprobs,
        finish: choice.finish,
        policyVersion: served.version,
        logprobsOf: logprobs,
        sampling,
      })
      const own = choices.map(completion)
      const completions = Array.from({ length: asked.groupSize }, (_, k) => own[k % different])
      return { problem, place, promptTokens: tokens, completions } satisfies Group
    })

    const unloadUnused = Effect.suspend(() => {
      const old = loaded.filter((v) => v.users === 0 && v.version <= current.version - versionsKept)
      loaded = loaded.filter((v) => !old.includes(v))
      return Effect.forEach(
        old.flatMap(({ adapter }) => (adapter === null ? [] : servers.all.map(({ url }) => ({ url, adapter })))),
        // What cannot be unloaded costs memory, no correctness.
        ({ adapter, url }) => Effect.ignore(client.unload(url, adapter)),
        { discard: true },
      )
    })

    const sampler: SamplerService = {
      pinsPolicy: true,
      sample: (problems, asked) =>
        Stream.unwrap(
          Effect.gen(function* () {
            const served = yield* Effect.acquireRelease(
              Effect.sync(() => {
                current.users++
                return current
              }),
              (version) =>
                Effect.andThen(
                  Effect.sync(() => version.users--),
                  unloadUnused,
                ),
            )
            return Stream.fromIterable(askedOf(problems, asked.seed)).pipe(
              // The servers' own limit decides how many run; this one only bounds what waits.
              Stream.mapEffect((one) => sampleGroup(one, asked, served), {
                concurrency: 4096,
                unordered: true,
              }),
            )
          }),
        ),
    }
    const adapters: AdaptersService = {
      publish: ({ folder, version }) =>
        Effect.gen(function* () {
          const next: Version = { adapter: `${options.adapterName ?? "policy"}-${version}`, folder, version, users: 0 }
          // Listed first: a server that comes back in the meantime loads it too.
          loaded = [...loaded, next]
          yield* Effect.forEach(
            servers.all.filter(({ healthy }) => healthy),
            ({ url }) => persist(client.load(url, next.adapter ?? "", folder)),
            { discard: true, concurrency: "unbounded" },
          ).pipe(
            Effect.tapError(() => Effect.sync(() => (loaded = loaded.filter((v) => v !== next)))),
            Effect.mapError(samplerError(null)),
          )
          current = next
          yield* unloadUnused
        }),
      version: Effect.sync(() => current.version),
      served: Effect.sync(() => new Map(servers.all.map(({ served, url }) => [url, served]))),
    }
    return { sampler, adapters }
  })

/** `Sampler` and `Adapters` on the servers. @category layers */
export const layer = (options: Options): Layer.Layer<Sampler | Adapters, SamplerError> =>
  Layer.effectContext(
    make(options).pipe(
      Effect.map(({ adapters, sampler }) => Context.make(Sampler, sampler).pipe(Context.add(Adapters, adapters))),
    ),
  )
