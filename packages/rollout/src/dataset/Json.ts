/** JSON texts of rows: where a broken one breaks, and integers that no number holds. */
import { Result } from "effect"
import * as Received from "../Received.ts"

/** Why a text is not JSON, and at which character of it (from 0). */
export interface Fault {
  readonly at: number
  readonly reason: string
}

const token =
  // oxlint-disable-next-line no-control-regex -- JSON allows no control character in a text.
  /[ \t\n\r]*(?:([{}[\],:])|("(?:[^"\\\u0000-\u001f]+|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*")|((?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)(?![\w.+-])))/y

type Wanted = "value" | "value or ]" | "key" | "key or }" | ":" | "," | "the end"

/** What the text needs where it breaks. */
const wants: Readonly<Record<Wanted, string>> = {
  value: "a value",
  "value or ]": "a value or ]",
  key: "a name in double quotes",
  "key or }": "a name in double quotes or }",
  ":": "a colon",
  ",": "a comma or the end of the list or object",
  "the end": "nothing more",
}

/** Where JSON's grammar is first left: V8 tells this for some faults only. */
const faultOf = (text: string): Fault => {
  const open: Array<"{" | "["> = []
  let tooDeep = false
  let wanted: Wanted = "value"
  let at = 0
  const valued = (): Wanted => (open.length === 0 ? "the end" : ",")
  for (;;) {
    token.lastIndex = at
    const found = token.exec(text)
    if (found === null) break
    const [whole, mark, string, other] = found
    const start = at
    at += whole.length
    const isValue = wanted === "value" || wanted === "value or ]"
    const isKey = wanted === "key" || wanted === "key or }"
    if (isValue && (string ?? other) !== undefined) wanted = valued()
    else if (isValue && (mark === "{" || mark === "[")) {
      tooDeep = open.push(mark) > Received.maxDepth
      if (tooDeep) break
      wanted = mark === "{" ? "key or }" : "value or ]"
    } else if (isKey && string !== undefined) wanted = ":"
    else if (wanted === ":" && mark === ":") wanted = "value"
    else if (wanted === "," && mark === ",") wanted = open.at(-1) === "{" ? "key" : "value"
    else if (
      (mark === "}" && open.at(-1) === "{" && (wanted === "," || wanted === "key or }")) ||
      (mark === "]" && open.at(-1) === "[" && (wanted === "," || wanted === "value or ]"))
    ) {
      open.pop()
      wanted = valued()
    } else {
      at = start
      break
    }
  }
  if (tooDeep) return { at, reason: `nests deeper than ${Received.maxDepth} levels` }
  while (" \t\n\r".includes(text[at] ?? "x")) at++
  const there = at < text.length ? JSON.stringify(text.slice(at, at + 12)) : "its end"
  return { at, reason: `is not JSON: at ${there} it wants ${wants[wanted]}` }
}

/** An integer of 16 digits or more: perhaps more than a number holds. */
const long = /(?:^|[^"\d.\w])-?\d{16,}/

const exact = (_: string, value: unknown, context?: { readonly source?: string }): unknown =>
  typeof value === "number" &&
  Number.isInteger(value) &&
  !Number.isSafeInteger(value) &&
  context?.source !== undefined &&
  /^-?\d+$/.test(context.source)
    ? BigInt(context.source)
    : value

/** The value of a JSON text; an integer beyond 2^53 is a `bigint`, as Parquet's are. */
export const parse = (text: string): Result.Result<unknown, Fault> => {
  try {
    return Result.succeed(
      Received.parse(text, long.test(text) ? (exact as Parameters<typeof JSON.parse>[1]) : undefined),
    )
  } catch {
    return Result.fail(faultOf(text))
  }
}
