/**
 * What to do when a request did not succeed: pure decisions, by status and headers.
 *
 * Waits are 2^n seconds up to 30, five minutes in all; a server's `retry-after-ms` or `retry-after` (above 0, up to 60 s) and
 * `x-should-retry` come first. The waiting itself is Effect's clock, so that tests can turn it.
 *
 * @module
 */
import "@lpo/rollout/SupportedNode"

/** @category models */
export interface Refusal {
  /** HTTP status; null for a connection that failed or an answer cut short. */
  readonly status: number | null
  readonly headers: Readonly<Record<string, string | undefined>>
  /** Tries before this one, from 0. */
  readonly attempt: number
  /** Seconds waited so far. */
  readonly waited: number
}

/** Longest time that a request is tried for, in seconds of waiting. @category constants */
export const patience = 300
/** Longest billing pause that is waited for, in seconds. @category constants */
export const billingPatience = 3600

/** min(2^n, 30) seconds. @category combinators */
export const exponential = (attempt: number): number => Math.min(2 ** attempt, 30)

/** Least seconds between the beginnings of two polls, after `early` in a row that were answered sooner. @category combinators */
export const pollGap = (early: number): number => Math.min(0.05 * 2 ** early, 1)

/** Shortest wait between two tries, in seconds, whatever the server asks for. */
const leastWait = 0.1

/** Seconds a server asks to wait, 0.1 at the least; null when it does not say, or says something out of range. @category combinators */
export const retryAfter = (headers: Refusal["headers"]): number | null => {
  const milliseconds = Number(headers["retry-after-ms"]) / 1000
  if (milliseconds > 0 && milliseconds <= 60) return Math.max(leastWait, milliseconds)
  const text = headers["retry-after"]
  if (text === undefined) return null
  const seconds = /^[\d.]+$/.test(text.trim()) ? Number(text) : (Date.parse(text) - Date.now()) / 1000
  return seconds > 0 && seconds <= 60 ? Math.max(leastWait, seconds) : null
}

/** Seconds until a submission may be sent again; null: it is final. @category combinators */
export const submission = (refusal: Refusal): number | null => {
  const { attempt, headers, status, waited } = refusal
  const asked = headers["x-should-retry"]
  const transient = status === null || status === 408 || status === 409 || status === 429 || status >= 500
  if (asked === "false" || (asked !== "true" && !transient)) return null
  return waited >= patience ? null : (retryAfter(headers) ?? exponential(attempt))
}

/** Seconds until an asample refused for back-pressure (429) may be sent again: 1, or 5 for a prompt above 128 KiB at 10 bytes a token. @category combinators */
export const backpressure = (promptTokens: number): number => (promptTokens * 10 > 128 * 1024 ? 5 : 1)

/** Whether the server may have carried out a request that ended so. @category predicates */
export const isUncertain = (status: number | null): boolean => status === null || status === 408 || status >= 500
