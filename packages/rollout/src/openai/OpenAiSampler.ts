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
import { Context, Effect, Layer, Redacted, type Scope, Stream } from "effect"
import type { Group } from "../Group.ts"
import type { Problem } from "../Problem.ts"
import { SamplerError } from "../RolloutError.ts"
import {
  type Asked,
  asked as askedOf,
  Sampler,
  type SamplerService,
  type SampleOptions,
  type Turns,
  type TurnTokens,
} from "../Sampler.ts"
import * as Client from "./Client.ts"
import * as Draw from "./Draw.ts"
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
  /** The tokenizer's part in episodes of several turns, such as `Tokenizer.turns` of `@lpo/transformer`. Default: none, and no turns. */
  readonly turns?: TurnTokens
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

    const { draw, persist, refusal } = Draw.make({ client, servers, model, logprobs, stops, attempts })

    /** Any few tokens will do to look at log-probs; a server without a tokenizer gets the first ids. */
    const probe = (url: string) =>
      (dialect === "vllm" ? client.tokenize(url, "1 2 3") : Effect.succeed(Int32Array.of(1, 2, 3))).pipe(
        Effect.catchIf(
          ({ transient }) => !transient,
          () => Effect.succeed(Int32Array.of(1, 2, 3)),
        ),
      )
    const positions = yield* Effect.forEach(
      servers.all,
      ({ url }) =>
        persist(
          probe(url).pipe(
            Effect.flatMap((tokens) => client.check(url, tokens)),
            Effect.andThen(client.positions(url)),
          ),
        ),
      { concurrency: "unbounded" },
    ).pipe(Effect.mapError(Draw.samplerError(null)))

    const promptOf = (problem: Problem): Effect.Effect<Client.Prompt, SamplerError> => {
      const { prompt } = problem
      if (Client.hasImage(prompt)) return Effect.succeed({ messages: prompt })
      const tokens =
        options.tokenize?.(problem) ??
        persist(servers.withServer(0, ({ url }) => client.tokenize(url, prompt))).pipe(
          Effect.mapError(Draw.samplerError(problem.id)),
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
      const reason = refusal(asked)
      if (reason !== null) return yield* refuse(reason)
      const { completions, prompt } = yield* draw({
        prompt: yield* promptOf(problem),
        count: asked.groupSize,
        stream,
        law: asked,
        served,
      }).pipe(Effect.catchTag("HttpFault", (fault) => Effect.fail(Draw.samplerError(problem.id)(fault))))
      if (prompt === null) return yield* refuse(`problem ${problem.id}: the server does not say its prompt's tokens`)
      return { problem, place, promptTokens: prompt, completions } satisfies Group
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

    /** The version that samples now, loaded for as long as the scope. */
    const held = Effect.acquireRelease(
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
    // The servers' own limit decides how many run; this one only bounds what waits.
    const waiting = 4096
    const { turns } = options
    const known = positions.filter((n) => n !== null)
    const turnsOf = (tokens: TurnTokens) =>
      Effect.map(held, (served): Turns => ({
        ...tokens,
        policyVersion: served.version,
        positions: known.length === 0 ? null : Math.min(...known),
        sample: Effect.fn("OpenAiSampler.turns")(function* (asked, law) {
          const reason = refusal(law)
          if (reason !== null) return yield* refuse(reason)
          return yield* Effect.forEach(
            asked,
            ({ prompt, stream }) =>
              Effect.map(
                draw({ prompt: { tokens: prompt }, count: 1, stream, law, served }),
                ({ completions }) => completions[0],
              ),
            { concurrency: waiting },
          ).pipe(Effect.mapError(Draw.samplerError(null)))
        }),
      }))

    const sampler: SamplerService = {
      pinsPolicy: true,
      sample: (problems, asked) =>
        Stream.unwrap(
          Effect.map(held, (served) =>
            Stream.fromIterable(askedOf(problems, asked.seed)).pipe(
              Stream.mapEffect((one) => sampleGroup(one, asked, served), { concurrency: waiting, unordered: true }),
            ),
          ),
        ),
      ...(turns === undefined ? {} : { turns: turnsOf(turns) }),
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
            Effect.mapError(Draw.samplerError(null)),
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
