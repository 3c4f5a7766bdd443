/** JSON that somebody wrote as rows: a whole number that no `number` holds comes as its digits, which graders take as text. */
import * as Received from "@lpo/rollout/Received"

/** Text that may have such a number in it. */
const long = /\d{16}|\d[eE]\+?\d/

const exact = (_: string, value: unknown, context?: { readonly source?: string }): unknown => {
  if (typeof value !== "number" || !Number.isInteger(value) || Number.isSafeInteger(value)) return value
  const [, digits, decimals = "", exponent = "0"] =
    /^(-?\d+)(?:\.(\d+))?(?:[eE]\+?(\d+))?$/.exec(context?.source ?? "") ?? []
  const zeros = Number(exponent) - decimals.length
  return digits === undefined || zeros < 0 ? value : digits + decimals + "0".repeat(zeros)
}

/** The value of a JSON text; throws a SyntaxError. */
export const parse = (text: string): unknown =>
  Received.parse(text, long.test(text) ? (exact as Parameters<typeof JSON.parse>[1]) : undefined)
