/**
 * Offline data: groups that somebody else sampled, read from JSON lines and mixed with a run's own. A line is a group:
 *
 *     { "prompt": [11, 12], "responses": [{ "tokens": [21, 2], "score": 1, "logprobs": [-0.2, -0.1] }, { "tokens": [22, 2], "score": 0, ... }] }
 *
 * Tokens are those of the model that is trained, a response's with the one that ended it. `logprobs` are those of the policy that sampled,
 * at `temperature` (1 unless given), and all responses of a line have them or none has. Without them the group counts as sampled by the
 * policy that is trained on it, at that very step: s_t is 0, P_t is uniform over the responses, and an objective that must know who
 * sampled is refused.
 *
 * @module
 */
import { DatasetError } from "@lpo/rollout/RolloutError"
import type { Completion, Group } from "@lpo/rollout"
import * as Received from "@lpo/rollout/Received"
import * as SamplingParams from "@lpo/rollout/SamplingParams"
import * as Seed from "@lpo/rollout/Seed"
import * as Verdict from "@lpo/rollout/Verdict"
import { Effect, Result, Schema } from "effect"

const Tokens = Schema.NonEmptyArray(
  Schema.Int.pipe(Schema.check(Schema.isBetween({ minimum: 0, maximum: 2 ** 31 - 1 }))),
)

const Response = Schema.Struct({
  tokens: Tokens,
  score: Schema.Finite,
  /** Default: a score of 1 and more. */
  correct: Schema.optionalKey(Schema.Boolean),
  logprobs: Schema.optionalKey(Schema.Array(Schema.Finite.pipe(Schema.check(Schema.isLessThanOrEqualTo(0))))),
  /** For people. Default: how many tokens there are. */
  text: Schema.optionalKey(Schema.String),
})

/** A line. @category models */
export const Line = Schema.Struct({
  /** Default: `offline-` and the number of the line. */
  id: Schema.optionalKey(Schema.NonEmptyString),
  prompt: Tokens,
  temperature: Schema.optionalKey(Schema.Finite.pipe(Schema.check(Schema.isGreaterThan(0)))),
  responses: Schema.NonEmptyArray(Response),
})
/** @category models */
export interface Line extends Schema.Schema.Type<typeof Line> {}

/** A group that was sampled elsewhere. @category models */
export interface Entry {
  readonly group: Group.ScoredGroup
  /** Whether its log-probs are those of the policy that sampled; otherwise they are 0 until it is trained on. */
  readonly hasLogprobs: boolean
  /** Of the file, from 1. */
  readonly line: number
}

const decode = Schema.decodeUnknownResult(Line, { errors: "all", onExcessProperty: "error" })

/** Why a line that decodes is no group; null when it is. */
const refusal = ({ responses }: Line): string | null => {
  const [first] = responses
  for (const [k, { logprobs, score, tokens }] of responses.entries()) {
    const own = Verdict.scoreRefusal(score)
    if (own !== null) return `response ${k}: its score ${own}`
    if ((logprobs === undefined) !== (first.logprobs === undefined))
      return `response ${k} has ${logprobs === undefined ? "no logprobs" : "logprobs"}, unlike response 0; all of a line have them, or none has`
    if (logprobs !== undefined && logprobs.length !== tokens.length)
      return `response ${k} has ${tokens.length} tokens and ${logprobs.length} logprobs; they must be as many`
    const bad = logprobs === undefined ? null : Received.logprobsRefusal(logprobs)
    if (bad !== null) return `response ${k}: ${bad}`
  }
  return null
}

const entryOf = ({ id, prompt, responses, temperature = 1 }: Line, line: number): Entry => ({
  line,
  hasLogprobs: responses[0].logprobs !== undefined,
  group: {
    // For people: texts are made of tokens elsewhere.
    problem: { id: id ?? `offline-${line}`, task: "offline", prompt: `[${prompt.length} tokens]`, answer: null },
    place: 0,
    promptTokens: Int32Array.from(prompt),
    completions: responses.map(({ logprobs, text, tokens }): Completion.Completion => ({
      tokens: Int32Array.from(tokens),
      text: text ?? `[${tokens.length} tokens]`,
      logprobs: logprobs === undefined ? new Float32Array(tokens.length) : Float32Array.from(logprobs),
      finish: "stop",
      policyVersion: 0,
      logprobsOf: "processed",
      sampling: SamplingParams.make({ maxTokens: tokens.length, temperature }),
    })),
    verdicts: responses.map(({ correct, score }) => Verdict.judged({ correct: correct ?? score >= 1, score })),
  },
})

/** The group of a line, by its number from 1; null where the line is blank. Throws a `DatasetError`. */
const entryIn = (row: string, source: string, at: number): Entry | null => {
  if (row.trim() === "") return null
  const fail = (reason: string) => new DatasetError({ source, row: at, line: at, column: null, reason })
  let json: unknown
  try {
    json = Received.parse(row)
  } catch (cause) {
    throw fail(`is not JSON: ${(cause as Error).message}`)
  }
  const line = decode(json)
  if (Result.isFailure(line)) throw fail(line.failure.message.replaceAll(/\s*\n\s*/g, " "))
  const reason = refusal(line.success)
  if (reason !== null) throw fail(reason)
  return entryOf(line.success, at)
}

/**
 * The groups of lines of JSON, one after the other, none of which is kept; blank ones are passed over. Fails with a `DatasetError` that
 * names the line.
 *
 * @category constructors
 */
export const read = (
  lines: Iterable<string> | AsyncIterable<string>,
  source: string,
): Effect.Effect<ReadonlyArray<Entry>, DatasetError> => {
  const fail = (reason: string) => new DatasetError({ source, row: null, line: null, column: null, reason })
  return Effect.tryPromise({
    try: async () => {
      const entries: Array<Entry> = []
      let at = 0
      for await (const line of lines) {
        const entry = entryIn(line, source, ++at)
        if (entry !== null) entries.push(entry)
      }
      if (entries.length === 0) throw fail("has no groups")
      return entries
    },
    catch: (cause) => (cause instanceof DatasetError ? cause : fail(`cannot be read (${(cause as Error).message})`)),
  })
}

/** The groups of a text of JSON lines, as {@link read} has them. @category constructors */
export const parse = (text: string, source: string): Effect.Effect<ReadonlyArray<Entry>, DatasetError> =>
  read(text.split("\n"), source)

/** How many of a step's `prompts` are offline groups, at a ratio in (0, 1): one at least, and one less than all at most. @category draws */
export const countOf = (ratio: number, prompts: number): number =>
  Math.min(prompts - 1, Math.max(1, Math.round(ratio * prompts)))

/** The groups of a step (from 0): the file shuffled anew for each time through it, by the run's seed alone. @category draws */
export const draw = (
  entries: ReadonlyArray<Entry>,
  { count, seed, step }: { readonly count: number; readonly seed: string; readonly step: number },
): ReadonlyArray<Entry> => {
  // A step seldom reaches over the end of the file: one order, now and then two.
  const orders = new Map<number, ReadonlyArray<Entry>>()
  return Array.from({ length: count }, (_, i) => {
    const at = step * count + i
    const time = Math.floor(at / entries.length)
    const order = orders.get(time) ?? Seed.shuffle(entries, `${seed}/offline/${time}`)
    orders.set(time, order)
    return order[at % entries.length]
  })
}
