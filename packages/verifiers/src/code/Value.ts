/**
 * Values that a call returns, and those of JSON, kept as exact as they came: integers of any size, floats apart from integers, tuples
 * apart from lists, keys of any kind.
 *
 * The sandbox writes a value as JSON in which `null`, booleans, strings and lists are themselves, and the rest is an object of one key:
 * `{"i": "-0x1f"}` an integer, `{"f": "0.1"}` a float, `{"t": []}` a tuple, `{"d": [[k, v]]}` a dict, `{"s": []}` a set, `{"o": "..."}`
 * anything else.
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

const decode = (json: unknown): Value => {
  if (json === null || typeof json === "boolean" || typeof json === "string") return json
  if (Array.isArray(json)) return { type: "list", items: json.map(decode) }
  if (typeof json !== "object") return { type: "other", text: JSON.stringify(json) ?? "" }
  const { d, f, i, o, s, t } = json as Record<string, unknown>
  if (typeof i === "string") return integer(i)
  if (typeof f === "string") return float(f)
  if (Array.isArray(t)) return { type: "tuple", items: t.map(decode) }
  if (Array.isArray(s)) return { type: "set", items: s.map(decode) }
  if (Array.isArray(d))
    return { type: "dict", pairs: (d as Array<[unknown, unknown]>).map(([k, v]) => [decode(k), decode(v)]) }
  return { type: "other", text: String(o) }
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
  if (typeof json === "object" && json !== null)
    return { type: "dict", pairs: Object.entries(json).map(([k, v]) => [k, plain(v)]) }
  return json as Value
}

type Parse = (
  text: string,
  reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown,
) => unknown

/** The value of a JSON text: whole numbers are integers, whatever their size; undefined when it is no JSON. @category decoding */
export const fromJson = (text: string): Value | undefined => {
  try {
    return plain(
      (JSON.parse as Parse)(text, (_, value, { source = "" }) =>
        typeof value === "number" && /^-?\d+$/.test(source) ? BigInt(source) : value,
      ),
    )
  } catch {
    return undefined
  }
}

/** How two values are compared. @category models */
export interface Equality {
  /** Whether a tuple may stand for a list. */
  readonly tuples: boolean
  /** Floats, one of the two at least. */
  readonly close: (given: number, expected: number) => boolean
}

/** As Python's `==` has it. @category comparison */
export const python: Equality = { tuples: false, close: (a, b) => a === b }

const asNumber = (value: Value): bigint | number | null =>
  typeof value === "boolean" ? BigInt(value) : typeof value === "bigint" || typeof value === "number" ? value : null

const equalNumbers = (a: bigint | number, b: bigint | number, { close }: Equality): boolean => {
  if (typeof a === "bigint" && typeof b === "bigint") return a === b
  // A whole float is an integer, which may be too long to become a float.
  const whole = (x: bigint | number): bigint | null =>
    typeof x === "bigint" ? x : Number.isInteger(x) ? BigInt(x) : null
  const [x, y] = [whole(a), whole(b)]
  return (x !== null && x === y) || close(Number(a), Number(b))
}

/** Whether two values are equal. True is 1, as in Python. @category comparison */
export const equal = (given: Value, expected: Value, how: Equality): boolean => {
  const [a, b] = [asNumber(given), asNumber(expected)]
  if (a !== null || b !== null) return a !== null && b !== null && equalNumbers(a, b, how)
  if (given === null || expected === null || typeof given !== "object" || typeof expected !== "object")
    return given === expected
  if (given.type === "other" || expected.type === "other") return false
  if (given.type === "dict" || expected.type === "dict") {
    if (given.type !== "dict" || expected.type !== "dict" || given.pairs.length !== expected.pairs.length) return false
    const key = (k: Value): string => (how.tuples && asNumber(k) !== null ? String(asNumber(k)) : canonical(k))
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

/** A text that is the same for equal values. @category formatting */
export const canonical = (value: Value): string => {
  const number = asNumber(value)
  if (number !== null) return Number.isInteger(number) ? String(BigInt(number)) : String(number)
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
