/**
 * Values that a call returns, and those of JSON, kept as exact as they came: integers of any size, floats apart from integers, tuples
 * apart from lists, keys of any kind.
 *
 * The sandbox writes a value as JSON in which `null`, booleans, strings and lists are themselves, and the rest is an object of one key:
 * `{"i": "-0x1f"}` an integer, `{"f": "0.1"}` a float, `{"t": []}` a tuple, `{"d": [[k, v]]}` a dict, `{"s": []}` a set, `{"c": []}` a
 * complex number, which is only handed on, `{"o": "..."}` anything else.
 *
 * @module
 */

/** @category models */
export type Value =
  | null
  | boolean
  | string
  | bigint
  | number
  | { readonly type: "list" | "tuple" | "set"; readonly items: ReadonlyArray<Value> }
  | { readonly type: "dict"; readonly pairs: ReadonlyArray<readonly [Value, Value]> }
  | { readonly type: "other"; readonly text: string }

const float = (text: string): number =>
  text === "inf" ? Infinity : text === "-inf" ? -Infinity : text === "nan" ? NaN : Number(text)

const integer = (text: string): bigint => (text.startsWith("-") ? -BigInt(text.slice(1)) : BigInt(text))

/** The harness stops at 200; a program may write what it likes. */
const maxDepth = 250

const decode = (json: unknown, depth = 0): Value => {
  if (depth > maxDepth) throw new RangeError("nested too deeply")
  const decode1 = (inner: unknown): Value => decode(inner, depth + 1)
  if (json === null || typeof json === "boolean" || typeof json === "string") return json
  if (Array.isArray(json)) return { type: "list", items: json.map(decode1) }
  if (typeof json !== "object") return { type: "other", text: JSON.stringify(json) ?? "" }
  const { c, d, f, i, o, s, t } = json as Record<string, unknown>
  if (typeof i === "string") return integer(i)
  if (typeof f === "string") return float(f)
  if (Array.isArray(t)) return { type: "tuple", items: t.map(decode1) }
  if (Array.isArray(s)) return { type: "set", items: s.map(decode1) }
  if (Array.isArray(d))
    return { type: "dict", pairs: (d as Array<[unknown, unknown]>).map(([k, v]) => [decode1(k), decode1(v)]) }
  return { type: "other", text: Array.isArray(c) ? `complex(${c.join(", ")})` : String(o) }
}

/** The value that a sandbox wrote; undefined when it is none (a program may write what it likes). @category decoding */
export const fromSandbox = (text: string): Value | undefined => {
  try {
    return decode(JSON.parse(text))
  } catch {
    return undefined
  }
}

const plain = (json: unknown): Value => {
  if (Array.isArray(json)) return { type: "list", items: json.map(plain) }
  if (typeof json !== "object" || json === null) return json as Value
  const pairs = Object.entries(json)
  if (pairs.length === 1 && pairs[0][0] === odd) return float(String(pairs[0][1]))
  return { type: "dict", pairs: pairs.map(([k, v]) => [k, plain(v)]) }
}

type Parse = (
  text: string,
  reviver: (key: string, value: unknown, context?: { readonly source?: string }) => unknown,
) => unknown

/** The key of an object that stands for a number which JSON does not have. */
const odd = "\u0000number"
const names: Readonly<Record<string, string>> = { NaN: "nan", Infinity: "inf", "-Infinity": "-inf" }

/** NaN and the infinities, as Python writes them, outside of strings. */
const withOddNumbers = (text: string): string =>
  text.replaceAll(/"(?:[^"\\]|\\.)*"|-?\bInfinity\b|\bNaN\b/g, (found) =>
    found in names ? `{${JSON.stringify(odd)}:"${names[found]}"}` : found,
  )

/**
 * The value of a JSON text: whole numbers are integers, whatever their size; NaN, Infinity and -Infinity are read too. Undefined when
 * it is not JSON.
 *
 * @category decoding
 */
export const fromJson = (text: string): Value | undefined => {
  try {
    return plain(
      (JSON.parse as Parse)(withOddNumbers(text), (_, value, { source = "" } = {}) =>
        typeof value === "number" && /^-?\d+$/.test(source) ? BigInt(source) : value,
      ),
    )
  } catch {
    return undefined
  }
}

/** How two values are compared. @category models */
export interface Equality {
  /** Whether a tuple may stand for a list, and a key of text for the number that it is. */
  readonly tuples: boolean
  /** A number against the float that it should be. */
  readonly close: (given: bigint | number, expected: number) => boolean
}

/** As Python's `==` has it. @category comparison */
export const python: Equality = { tuples: false, close: (a, b) => a === b }

const asNumber = (value: Value): bigint | number | null =>
  typeof value === "boolean" ? BigInt(value) : typeof value === "bigint" || typeof value === "number" ? value : null

/** An integer is equal to nothing but itself; only what should be a float may be close to it. */
const equalNumbers = (given: bigint | number, expected: bigint | number, { close }: Equality): boolean => {
  const whole = (x: bigint | number): bigint | null =>
    typeof x === "bigint" ? x : Number.isInteger(x) ? BigInt(x) : null
  const [x, y] = [whole(given), whole(expected)]
  if (x !== null && x === y) return true
  if (typeof expected === "bigint") return false
  return close(given, expected)
}

const wholeText = /^-?(?:0|[1-9]\d*)$/

/** Whether two values are equal. True is 1, as in Python. @category comparison */
export const equal = (given: Value, expected: Value, how: Equality): boolean => {
  const [a, b] = [asNumber(given), asNumber(expected)]
  if (a !== null || b !== null) return a !== null && b !== null && equalNumbers(a, b, how)
  if (given === null || expected === null || typeof given !== "object" || typeof expected !== "object")
    return given === expected
  if (given.type === "other" || expected.type === "other") return false
  if (given.type === "dict" || expected.type === "dict") {
    if (given.type !== "dict" || expected.type !== "dict" || given.pairs.length !== expected.pairs.length) return false
    const key = (k: Value): string => (how.tuples && typeof k === "string" && wholeText.test(k) ? k : canonical(k))
    const values = new Map(given.pairs.map(([k, v]) => [key(k), v]))
    return expected.pairs.every(([k, v]) => {
      const found = values.get(key(k))
      return found !== undefined && equal(found, v, how)
    })
  }
  if (given.items.length !== expected.items.length) return false
  if (given.type === "set" && expected.type === "set") {
    const have = new Set(given.items.map(canonical))
    return expected.items.every((v) => have.has(canonical(v)))
  }
  const sameKind = given.type === expected.type || (how.tuples && given.type !== "set" && expected.type !== "set")
  return sameKind && given.items.every((v, i) => equal(v, expected.items[i], how))
}

/** From here on decimal digits take too long. */
const long = 1n << 4096n

const integerText = (n: bigint): string =>
  n < long && n > -long ? String(n) : n < 0n ? `-0x${(-n).toString(16)}` : `0x${n.toString(16)}`

/** A text that is the same for equal values. @category formatting */
export const canonical = (value: Value): string => {
  const number = asNumber(value)
  if (number !== null)
    return typeof number === "bigint" || Number.isInteger(number) ? integerText(BigInt(number)) : String(number)
  if (value === null || typeof value !== "object") return JSON.stringify(value)
  if (value.type === "other") return `<${value.text}>`
  if (value.type === "dict")
    return `{${value.pairs
      .map(([k, v]) => `${canonical(k)}:${canonical(v)}`)
      .sort()
      .join(",")}}`
  const items = value.items.map(canonical)
  return value.type === "set" ? `{${items.sort().join(",")}}` : `[${items.join(",")}]`
}
