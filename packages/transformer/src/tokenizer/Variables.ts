/**
 * Variables of a chat template: JSON, in which a float stays a float, and the day of `strftime_now`.
 *
 * @module
 */
import "@lpo/rollout/SupportedNode"
import { Float } from "./jinja/Float.ts"
import * as Strftime from "./Strftime.ts"

export { Float }

/** Parses JSON, keeping floats with a whole value as {@link Float}, so that a template prints them as they were written. @category decoding */
export const parseJson = (text: string): unknown =>
  // TypeScript does not know the third argument of a reviver yet.
  (
    JSON.parse as (
      text: string,
      reviver: (key: string, value: unknown, context?: { source?: string }) => unknown,
    ) => unknown
  )(text, (_, value, context) =>
    typeof value === "number" && Number.isInteger(value) && /[.eE]/.test(context?.source ?? "")
      ? new Float(value)
      : value,
  )

const floatKey = "\u0000float"

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype

/** Variables as plain JSON, for threads and records: a {@link Float} is not a plain object. @category decoding */
export const plain = (value: unknown): unknown => {
  if (value instanceof Float) return { [floatKey]: value.value }
  if (Array.isArray(value)) return value.map(plain)
  return isRecord(value) ? Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)])) : value
}

/** The other way round. @category decoding */
export const restored = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(restored)
  if (!isRecord(value)) return value
  const float = value[floatKey]
  return typeof float === "number"
    ? new Float(float)
    : Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, restored(inner)]))
}

/** What `date` is to be for a moment, in this machine's time zone: `2026-11-28T09:30:00`. @category constructors */
export const date = Strftime.localDate

/** Why a text is no `date`, or null. @category predicates */
export const dateRefusal = (text: string): string | null => {
  try {
    Strftime.on(text)
    return null
  } catch (cause) {
    return (cause as Error).message
  }
}
