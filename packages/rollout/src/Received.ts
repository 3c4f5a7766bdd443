/**
 * The border: what a server says was sampled is checked here, once, whichever sampler asked. A completion that does not pass
 * is lost and asked for again; its group goes on.
 *
 * @module
 */
import "./SupportedNode.ts"
import { Schema } from "effect"

/** Numbers as they came, null where a server wrote one that JSON does not have. @category models */
export type Numbers = ArrayLike<number | null>

/** A list of numbers and nulls; which numbers may stand there is for {@link completion} to say. @category schemas */
export const Numbers = Schema.Array(Schema.NullOr(Schema.Number))

/** @category models */
export interface Checked {
  /** [T], 1 <= T <= `maxTokens`, each from 0. */
  readonly tokens: Int32Array
  /** Nats, [T], each finite and <= 0. */
  readonly logprobs: Float32Array
}

/** Rounding of a log-softmax in half precision; what is above it is a logit. */
const tolerance = 1e-3
/** vLLM and SGLang write -9999 for a log-prob of -Infinity. */
const leastLogprob = -9999

const isToken = (value: number | null | undefined): boolean =>
  typeof value === "number" && Number.isInteger(value) && value >= 0 && value < 2 ** 31
// In float32, since that is what is kept.
const isLogprob = (value: number | null | undefined): boolean =>
  typeof value === "number" && value <= tolerance && Math.fround(value) > leastLogprob

const find = (values: Numbers, isRight: (value: number | null | undefined) => boolean): number => {
  for (let i = 0; i < values.length; i++) if (!isRight(values[i])) return i
  return -1
}

/** Why these are not tokens; null when they are. @category predicates */
export const tokensRefusal = (tokens: Numbers): string | null => {
  const bad = find(tokens, isToken)
  return bad < 0 ? null : `its token ${bad} is ${tokens[bad]}; a token is a whole number from 0 to 2^31 - 1`
}

/** Why these are not log-probs of tokens; null when they are. @category predicates */
export const logprobsRefusal = (logprobs: Numbers): string | null => {
  const bad = find(logprobs, isLogprob)
  if (bad < 0) return null
  const value = logprobs[bad]
  return `its log-prob ${bad} is ${value}, ${value !== null && value > tolerance ? "above 0" : "not finite"}`
}

/** A completion with its numbers, or a string that says why it cannot be one. @category checks */
export const completion = (
  tokens: Numbers,
  logprobs: Numbers | null | undefined,
  maxTokens: number,
): Checked | string => {
  if (tokens.length === 0) return "it has no tokens"
  if (tokens.length > maxTokens) return `it has ${tokens.length} tokens, where ${maxTokens} were the most asked for`
  if (logprobs == null || logprobs.length !== tokens.length)
    return `it has ${tokens.length} tokens and ${logprobs?.length ?? "no"} log-probs; the numbers must agree`
  const refusal = tokensRefusal(tokens) ?? logprobsRefusal(logprobs)
  if (refusal !== null) return refusal
  return {
    tokens: Int32Array.from(tokens as ArrayLike<number>),
    logprobs: Float32Array.from(logprobs as ArrayLike<number>, (value) => Math.min(value, 0)),
  }
}

/** The place behind the string that begins at `start`; a regular expression's stack does not reach over long ones. */
const endOfString = (text: string, start: number): number => {
  let at = start + 1
  while (at < text.length && text[at] !== '"') at += text[at] === "\\" ? 2 : 1
  return at + 1
}

const withNulls = (text: string): string => {
  const next = /"|-?Infinity|NaN/g
  const parts: Array<string> = []
  let done = 0
  for (let found = next.exec(text); found !== null; found = next.exec(text)) {
    if (found[0] === '"') next.lastIndex = endOfString(text, found.index)
    else {
      parts.push(text.slice(done, found.index), "null")
      done = next.lastIndex
    }
  }
  return parts.join("") + text.slice(done)
}

/** Deepest nesting of a JSON text that is read: what lies deeper breaks those who walk it, and takes ages to parse. @category constants */
export const maxDepth = 512

/** Throws a SyntaxError where lists and objects nest deeper than {@link maxDepth}. */
const checkDepth = (text: string): void => {
  let depth = 0
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === 0x22) {
      // To the quotation mark that no odd number of backslashes stands before.
      for (let odd = true; odd;) {
        at = text.indexOf('"', at + 1)
        if (at < 0) return
        odd = false
        for (let before = at - 1; text.charCodeAt(before) === 0x5c; before--) odd = !odd
      }
    } else if (code === 0x5b || code === 0x7b) {
      if (++depth > maxDepth) throw new SyntaxError(`lists and objects nest deeper than ${maxDepth} levels`)
    } else if (code === 0x5d || code === 0x7d) depth--
  }
}

/** `JSON.parse` for what others wrote: throws a SyntaxError on text that nests too deep, too. @category checks */
export const parse = (text: string, reviver?: Parameters<typeof JSON.parse>[1]): unknown => {
  checkDepth(text)
  return JSON.parse(text, reviver)
}

/**
 * The value of a JSON text, with null for `NaN`, `Infinity` and `-Infinity`, which Python writes and JSON does not know, so that
 * one such number costs its completion and not the whole answer. Throws a SyntaxError.
 *
 * ```ts
 * Received.json('{"text": "NaN", "logprobs": [-0.5, NaN]}') // { text: "NaN", logprobs: [-0.5, null] }
 * ```
 *
 * @category checks
 */
export const json = (text: string): unknown => {
  try {
    return parse(text)
  } catch (error) {
    if (!/NaN|Infinity/.test(text)) throw error
    return parse(withNulls(text))
  }
}
