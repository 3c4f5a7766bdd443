/**
 * Offline data: groups sampled elsewhere, read from JSON lines and mixed with a run's own. A line is a group:
 *
 *     { "prompt": [11, 12], "responses": [{ "tokens": [21, 2], "score": 1, "logprobs": [-0.2, -0.1] }, { "tokens": [22, 2], "score": 0, ... }] }
 *
 * Tokens are those of the model being trained; a response includes the token that ended it. `logprobs` come from the policy that
 * sampled, at `temperature` (1 unless given); either all responses of a line have them or none. Without them the group counts as
 * sampled by the policy that is trained on it, at that step: s_t is 0, P_t is uniform over the responses, and an objective that
 * needs the sampling policy is refused.
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
  /** Default: true for a score of 1 or more. */
  correct: Schema.optionalKey(Schema.Boolean),
  logprobs: Schema.optionalKey(Schema.Array(Schema.Finite.pipe(Schema.check(Schema.isLessThanOrEqualTo(0))))),
  /** Shown in logs. Default: the number of tokens. */
  text: Schema.optionalKey(Schema.String),
})

/** One line of the file. @category models */
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
  /** Whether its log-probs come from the policy that sampled; otherwise they are 0 until it is trained on. */
  readonly hasLogprobs: boolean
  /** Line in the file, from 1. */
  readonly line: number
}

const decode = Schema.decodeUnknownResult(Line, { errors: "all", onExcessProperty: "error" })

/** Why a line that decodes is not a valid group; null if it is. */
const refusal = ({ responses }: Line): string | null => {
  const [first] = responses
  for (const [k, { logprobs, score, tokens }] of responses.entries()) {
    const own = Verdict.scoreRefusal(score)
    if (own !== null) return `response ${k}: its score ${own}`
    if ((logprobs === undefined) !== (first.logprobs === undefined))
      return `response ${k} has ${logprobs === undefined ? "no logprobs" : "logprobs"}, unlike response 0; give them for all responses of a line, or for none`
    if (logprobs !== undefined && logprobs.length !== tokens.length)
      return `response ${k} has ${tokens.length} tokens and ${logprobs.length} logprobs; give one logprob per token`
    const bad = logprobs === undefined ? null : Received.logprobsRefusal(logprobs)
    if (bad !== null) return `response ${k}: ${bad}`
  }
  return null
}

const entryOf = ({ id, prompt, responses, temperature = 1 }: Line, line: number): Entry => ({
  line,
  hasLogprobs: responses[0].logprobs !== undefined,
  group: {
    // For the log: tokens are turned into text elsewhere.
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

/** The group of a line, by its number from 1; null if the line is blank. Throws a `DatasetError`. */
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
 * The groups of JSON lines, one after the other, none kept in memory; blank lines are skipped. Fails with a `DatasetError` that
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

/** The groups in a text of JSON lines; see {@link read}. @category constructors */
export const parse = (text: string, source: string): Effect.Effect<ReadonlyArray<Entry>, DatasetError> =>
  read(text.split("\n"), source)

/**
 * How many of a step's `prompts` are offline groups, at a ratio in (0, 1): at least one, and at most one less than all.
 *
 * @category draws
 */
export const countOf = (ratio: number, prompts: number): number =>
  Math.min(prompts - 1, Math.max(1, Math.round(ratio * prompts)))

/** The groups of a step (from 0): the file is shuffled again for each pass, by the run's seed only. @category draws */
export const draw = (
  entries: ReadonlyArray<Entry>,
  { count, seed, step }: { readonly count: number; readonly seed: string; readonly step: number },
): ReadonlyArray<Entry> => {
  // A step rarely crosses the end of the file: one order, sometimes two.
  const orders = new Map<number, ReadonlyArray<Entry>>()
  return Array.from({ length: count }, (_, i) => {
    const at = step * count + i
    const time = Math.floor(at / entries.length)
    const order = orders.get(time) ?? Seed.shuffle(entries, `${seed}/offline/${time}`)
    orders.set(time, order)
    return order[at % entries.length]
  })
}
