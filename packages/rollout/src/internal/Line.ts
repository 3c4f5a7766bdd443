/** An episode under way, as the tokens that the policy has read and sampled. */
import { type Completion } from "../Completion.ts"
import type { Action, Episode, Observation } from "../Environment.ts"
import type { Message } from "../Problem.ts"
import type { Problem } from "../Problem.ts"
import type { Turns } from "../Sampler.ts"
import type { SamplingParams } from "../SamplingParams.ts"
import type { Part, StopReason } from "../Trajectory.ts"
import { Effect, type Scope } from "effect"

/** Mutable, and in the hands of one runner. */
export interface Line {
  readonly row: Problem
  /** Of the environment. */
  readonly seed: string
  /** Names its draws: `<stream>/turn-<n>`. */
  readonly stream: string
  readonly scope: Scope.Closeable
  /** Null where it could not be opened. */
  episode: Episode | null
  /** What was read last; null before the first observation. */
  observation: Observation | null
  actions: ReadonlyArray<Action>
  /** The messages so far; null where the episode is a text. */
  chat: ReadonlyArray<Message> | null
  /** The part under way: its prompt, what follows it, and which of that was sampled. */
  prompt: Int32Array
  tail: ReadonlyArray<number>
  sampled: ReadonlyArray<number>
  /** The parts before it. */
  parts: ReadonlyArray<Part>
  /** The completions of its turns that count: those of a continuation begin where it left the others. */
  answers: ReadonlyArray<Completion>
  /** What happened, for people. */
  text: string
  turns: number
  reward: number
  correct: boolean
  metrics: Readonly<Record<string, number>>
  stop: StopReason | null
  failure: string | null
}

export const make = (start: Pick<Line, "row" | "scope" | "seed" | "stream">): Line => ({
  ...start,
  episode: null,
  observation: null,
  actions: [],
  chat: null,
  prompt: new Int32Array(0),
  tail: [],
  sampled: [],
  parts: [],
  answers: [],
  text: "",
  turns: 0,
  reward: 0,
  correct: false,
  metrics: {},
  stop: null,
  failure: null,
})

/** Whether its episode goes on. */
export const isUnderWay = ({ stop }: Line): boolean => stop === null

/** The tokens before the next action. */
export const context = ({ prompt, tail }: Line): Int32Array => {
  // Long ones are too much for the arguments of a call.
  const all = new Int32Array(prompt.length + tail.length)
  all.set(prompt)
  all.set(tail, prompt.length)
  return all
}

/** A line of its own from the state of another: what came before is its prompt, and what it earns counts from here. */
export const branch = (line: Line, to: Pick<Line, "scope" | "stream">, episode: Episode | null): Line => ({
  ...line,
  ...to,
  episode,
  prompt: context(line),
  tail: [],
  sampled: [],
  parts: [],
  answers: [],
  text: "",
  reward: 0,
  metrics: {},
})

export const fail = (line: Line, reason: string): void => {
  line.stop = "failed"
  line.failure = reason
}

/** The part under way, up to its last sampled token; nothing where none was sampled. */
const closed = ({ prompt, sampled, tail }: Line): ReadonlyArray<Part> => {
  const last = sampled.at(-1)
  if (last === undefined) return []
  return [{ prompt, completion: Int32Array.from(tail.slice(0, last + 1)), sampled: Int32Array.from(sampled) }]
}

/** Writes down what the policy said. */
export const say = (line: Line, answer: Completion): void => {
  const from = line.tail.length
  line.tail = [...line.tail, ...answer.tokens]
  line.sampled = [...line.sampled, ...Array.from(answer.tokens, (_, i) => from + i)]
  line.answers = [...line.answers, answer]
  line.text += `${line.text === "" ? "" : "\n"}${answer.text}`
  line.turns++
}

const describe = (content: Observation["content"]): string => {
  if (typeof content === "string") return content
  if ("tokens" in content) return `[${content.tokens.length} tokens]`
  return content.map(({ content: said, role }) => `${role}: ${typeof said === "string" ? said : "[parts]"}`).join("\n")
}

/**
 * Reads an observation. Its tokens follow those that were sampled, which are never made of text again; where a template does not let
 * them, the next part begins with a prompt of its own.
 */
export const read = (turns: Turns, line: Line, observation: Observation) =>
  Effect.gen(function* () {
    const { content } = observation
    const first = line.observation === null
    const answer = line.answers.at(-1)
    line.observation = observation
    if (!first) line.text += `\n${describe(content)}`
    const follow = (tokens: Int32Array): void => {
      if (first) line.prompt = tokens
      else line.tail = [...line.tail, ...tokens]
    }
    if (typeof content === "object" && "tokens" in content) return follow(content.tokens)
    if (first) {
      if (typeof content !== "string") line.chat = content
      return follow(yield* turns.encode(content))
    }
    if (line.chat === null && typeof content === "string") return follow(yield* turns.encodeText(content))
    if (line.chat === null || answer === undefined)
      return fail(line, "an episode that started with plain text got chat messages; use one kind throughout")
    const next: ReadonlyArray<Message> = typeof content === "string" ? [{ role: "user", content }] : content
    const tokens = yield* turns.between(line.chat, answer, next)
    line.chat = [...line.chat, { role: "assistant", content: answer.text }, ...next]
    if (tokens !== null) return follow(tokens)
    line.parts = [...line.parts, ...closed(line)]
    line.prompt = yield* turns.encode(line.chat)
    line.tail = []
    line.sampled = []
  }).pipe(Effect.catch((error) => Effect.sync(() => fail(line, `an observation has no tokens: ${error.message}`))))

const joined = <A extends Int32Array | Float32Array>(into: A, rows: ReadonlyArray<A>): A => {
  let at = 0
  for (const row of rows) {
    into.set(row, at)
    at += row.length
  }
  return into
}

/** The line as a completion of its group. */
export const completion = (line: Line, sampling: SamplingParams, policyVersion: number): Completion => {
  const { answers, correct, failure, metrics, reward, text, turns } = line
  const stop = line.stop ?? "failed"
  const parts = [...line.parts, ...closed(line)]
  const total = answers.reduce((sum, { tokens }) => sum + tokens.length, 0)
  const last = answers.at(-1)
  return {
    tokens: joined(
      new Int32Array(total),
      answers.map(({ tokens }) => tokens),
    ),
    logprobs: joined(
      new Float32Array(total),
      answers.map(({ logprobs }) => logprobs),
    ),
    text,
    finish: (stop === "terminated" || stop === "parse-error") && last?.finish === "stop" ? "stop" : "length",
    policyVersion,
    logprobsOf: last?.logprobsOf ?? "raw",
    sampling,
    trajectory: { parts, turns, forked: Math.max(0, parts.length - 1), stop, reward, correct, failure, metrics },
  }
}
