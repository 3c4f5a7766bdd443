/**
 * An environment behind an OpenEnv server, over its WebSocket: a session for each episode, in JSON messages.
 *
 *     { "type": "reset", "data": { "seed": 7 } }      -> { "type": "observation", "data": { "observation": {...}, "reward": null, "done": false } }
 *     { "type": "step", "data": { ...the action } }   -> the same, with the reward of the step
 *     { "type": "state" }                             -> { "type": "state", "data": {...} }
 *     { "type": "close" }
 *
 * What an action and an observation look like is the environment's own: you say how an action is made of the policy's text, and how an
 * observation is read. An answer of type `error`, one that nobody asked for, a reward that is not a number, a session that ends and silence mask
 * the member. No answer is longer than 16 MiB.
 *
 * @module
 */
import { Effect, Schema, type Scope } from "effect"
import type { Action, Episode, EnvironmentService, Observation, StepResult } from "./Environment.ts"
import { EnvironmentError } from "./Environment.ts"
import type { Problem } from "./Problem.ts"
import * as Received from "./Received.ts"
import * as Seed from "./Seed.ts"

/** Plain JSON of an environment: an action, an observation, its state. @category models */
export type Json = Readonly<Record<string, unknown>>

/** @category models */
export interface Options {
  /** Of the server, such as `http://127.0.0.1:8000`. */
  readonly url: string
  /** The action that the policy's text is. One that throws masks the member. */
  readonly action: (text: string, action: Action) => Json
  /** What the policy reads of an observation: a text, chat messages or tokens, with stop strings and a budget where it wants. */
  readonly observe: (observation: Json, row: Problem) => Observation
  /** What a reset is asked with. Default: the seed, a whole number below 2^31 that is the same for all members of a group. */
  readonly reset?: (row: Problem, seed: number) => Json
  /** Whether an episode that ended was solved, from its last observation. Default: a return of 1 or more. */
  readonly correct?: (observation: Json) => boolean
  /** Numbers of an observation for the step's report. Default: none. */
  readonly metrics?: (observation: Json) => Readonly<Record<string, number>>
  /** Longest time to connect, seconds. Default 10. */
  readonly connectSeconds?: number
  /** Default `openenv`. */
  readonly name?: string
}

/** A session with a server. @category models */
export interface Session {
  readonly reset: (data: Json) => Effect.Effect<Seen, EnvironmentError>
  readonly step: (action: Json) => Effect.Effect<Seen, EnvironmentError>
  readonly state: Effect.Effect<Json, EnvironmentError>
}

const Data = Schema.Record(Schema.String, Schema.Unknown)

/** What a reset or a step answers. @category models */
export const Seen = Schema.Struct({
  observation: Data,
  reward: Schema.optionalKey(Schema.NullOr(Schema.Union([Schema.Finite, Schema.Boolean]))),
  done: Schema.optionalKey(Schema.Boolean),
})
/** @category models */
export interface Seen extends Schema.Schema.Type<typeof Seen> {}

const Answer = Schema.Struct({ type: Schema.String, data: Schema.optionalKey(Data) })
/** Largest answer, bytes: also once it is unpacked. */
const maxBytes = 2 ** 24
/** Longest reason, characters: a server's own words are in it. */
const maxReason = 1000
const wordOf = (value: unknown): string =>
  typeof value === "string" ? value : (JSON.stringify(value) ?? "nothing said")

/** Whether a reward was `NaN` or `Infinity`, which reads as null, and null as 0. */
const isLost = (value: unknown, text: string): boolean => {
  const { data } = Object(value) as { readonly data?: unknown }
  return Object(data).reward === null && /"reward"\s*:\s*(?:NaN|-?Infinity)/.test(text)
}

const decodeAnswer = Schema.decodeUnknownEffect(Answer)
const decodeSeen = Schema.decodeUnknownEffect(Seen)

/** A session; its connection is closed with the scope, which frees its place on the server. @category constructors */
export const session = Effect.fn("OpenEnv.session")(function* ({
  connectSeconds = 10,
  name = "openenv",
  url,
}: Pick<Options, "connectSeconds" | "name" | "url">): Effect.fn.Return<Session, EnvironmentError, Scope.Scope> {
  const address = `${url.replace(/^http/, "ws").replace(/\/+$/, "")}/ws`
  const fail = (reason: string) =>
    new EnvironmentError({ environment: name, reason: `${address}: ${reason.slice(0, maxReason)}` })
  // Only who plays there pays for loading it.
  const { Agent, WebSocket } = yield* Effect.promise(() => import("undici"))
  const dispatcher = new Agent({ webSocket: { maxPayloadSize: maxBytes } })
  let waiting: { readonly give: (text: string) => void; readonly end: (error: EnvironmentError) => void } | null = null
  let ended: EnvironmentError | null = null
  // Whoever is told may ask again at once.
  const taken = (): typeof waiting => {
    const one = waiting
    waiting = null
    return one
  }
  const finish = (reason: string): void => {
    ended ??= fail(reason)
    taken()?.end(ended)
  }
  let connected = false
  const socket = yield* Effect.acquireRelease(
    Effect.sync(() => {
      const made = new WebSocket(address, { dispatcher })
      made.addEventListener("error", () =>
        finish(connected ? "the session ended without a message" : "no connection; start the server, or fix the URL"),
      )
      made.addEventListener("close", ({ code, reason }) =>
        finish(`the session ended (${code}${reason && `, ${reason}`})`),
      )
      made.addEventListener("message", ({ data }) => {
        const asking = taken()
        if (asking !== null) return asking.give(String(data))
        // What comes unasked would pass for the answer to the next step.
        finish("sent a message that was not requested")
        made.close()
      })
      return made
    }),
    (made) =>
      Effect.sync(() => {
        if (made.readyState === WebSocket.OPEN) made.send('{"type":"close"}')
        made.close()
      }),
  )
  yield* Effect.callback<void, EnvironmentError>((resume) => {
    if (ended !== null) return resume(Effect.fail(ended))
    waiting = { give: () => {}, end: (error) => resume(Effect.fail(error)) }
    socket.addEventListener("open", () => {
      connected = true
      waiting = null
      resume(Effect.void)
    })
  }).pipe(
    Effect.timeoutOrElse({
      duration: `${connectSeconds} seconds`,
      orElse: () => Effect.fail(fail(`no connection within ${connectSeconds} seconds`)),
    }),
  )
  /** One message, one answer: an episode does one thing at a time. */
  const exchange = (message: string) =>
    Effect.callback<string, EnvironmentError>((resume) => {
      if (ended !== null) return resume(Effect.fail(ended))
      waiting = {
        give: (text) => resume(Effect.succeed(text)),
        end: (error) => resume(Effect.fail(error)),
      }
      socket.send(message)
      return Effect.sync(() => void (waiting = null))
    })
  const ask = (type: string, data: Json | null, expected: string) =>
    Effect.try({
      try: () => JSON.stringify(data === null ? { type } : { type, data }),
      catch: (cause) => fail(`cannot be told to ${type}: ${(cause as Error).message}`),
    }).pipe(
      Effect.flatMap(exchange),
      Effect.flatMap((text) =>
        Effect.try({
          try: () => Received.json(text),
          catch: () => fail(`sent something that is not JSON: ${text.slice(0, 200)}`),
        }).pipe(
          Effect.tap((value) =>
            isLost(value, text) ? Effect.fail(fail("gave a reward that is not a number")) : Effect.void,
          ),
        ),
      ),
      Effect.flatMap((value) =>
        Effect.mapError(decodeAnswer(value), ({ message }) => fail(`sent an answer of the wrong shape: ${message}`)),
      ),
      Effect.flatMap(({ data = {}, type: kind }) =>
        kind === expected
          ? Effect.succeed(data)
          : Effect.fail(
              fail(
                kind === "error"
                  ? `${type} failed: ${wordOf(data["message"])} (${wordOf(data["code"])})`
                  : `answers "${kind}" to "${type}", where "${expected}" was expected`,
              ),
            ),
      ),
    )
  const see = (type: string, data: Json) =>
    ask(type, data, "observation").pipe(
      Effect.flatMap((value) =>
        Effect.mapError(decodeSeen(value), ({ message }) => fail(`sent an answer of the wrong shape: ${message}`)),
      ),
    )
  return {
    reset: (data) => see("reset", data),
    step: (action) => see("step", action),
    state: ask("state", null, "state"),
  }
})

/** The environment of a server: a session for each episode. @category constructors */
export const environment = (options: Options): EnvironmentService => {
  const { action, correct, metrics, name = "openenv", observe, reset = (_, seed) => ({ seed }) } = options
  const own = <A>(what: string, make: () => A) =>
    Effect.try({
      try: make,
      catch: (cause) =>
        new EnvironmentError({ environment: name, reason: `\`${what}\` failed: ${(cause as Error).message}` }),
    })
  return {
    name,
    open: (row, seed) =>
      Effect.gen(function* () {
        const under = yield* session(options)
        const first = yield* under.reset(yield* own("reset", () => reset(row, Seed.stream(seed).int(0, 2 ** 31 - 1))))
        const episode: Episode = {
          observation: yield* own("observe", () => observe(first.observation, row)),
          step: (said) =>
            Effect.gen(function* () {
              const {
                done = false,
                observation,
                reward,
              } = yield* under.step(yield* own("action", () => action(said.text, said)))
              const result: StepResult = {
                reward: Number(reward ?? 0),
                done: done ? "terminated" : "no",
                ...(done ? {} : { observation: yield* own("observe", () => observe(observation, row)) }),
                ...(done && correct !== undefined
                  ? { correct: yield* own("correct", () => correct(observation)) }
                  : {}),
                ...(metrics === undefined ? {} : { metrics: yield* own("metrics", () => metrics(observation)) }),
              }
              return result
            }),
        }
        return episode
      }),
  }
}
