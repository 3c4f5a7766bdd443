/**
 * Values as Python has them: `bigint` is an int, `number` a float, an array a list; the others have a class here. What differs from
 * JavaScript is what a template's text depends on: equality, truth, order, and what has how many characters.
 */

/** A tuple; with `names` those of its items, as `groupby` gives them. */
export class Tuple {
  readonly items: ReadonlyArray<Value>
  readonly names: ReadonlyArray<string>
  constructor(items: ReadonlyArray<Value>, names: ReadonlyArray<string> = []) {
    this.items = items
    this.names = names
  }
}

/** What has no value; `what` says why. */
export class Undefined {
  readonly what: string
  constructor(what: string) {
    this.what = what
  }
}

/** A text that is not escaped again. */
export class Markup {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

export class Range {
  readonly first: number
  readonly step: number
  readonly length: number
  readonly shown: string
  constructor(first: number, last: number, step: number) {
    if (step === 0) throw new Error("range() arg 3 must not be zero")
    this.first = first
    this.step = step
    this.length = Math.max(0, Math.ceil((last - first) / step))
    if (this.length > 100_000) throw new Error(`a range of ${this.length} is too long; the most is 100000`)
    this.shown = `range(${first}, ${last}${step === 1 ? "" : `, ${step}`})`
  }
}

/** Keys, values or items of a dictionary. */
export class View {
  readonly kind: "keys" | "values" | "items"
  readonly of: Dict
  constructor(kind: View["kind"], of: Dict) {
    this.kind = kind
    this.of = of
  }
}

/** What filters such as `map` give: it can be gone through once. */
export class Once {
  private rest: Iterator<Value>
  constructor(items: Iterable<Value>) {
    this.rest = items[Symbol.iterator]()
  }
  [Symbol.iterator](): Iterator<Value> {
    return this.rest
  }
}

export type Named = ReadonlyMap<string, Value>

export class Fn {
  readonly name: string
  readonly call: (args: ReadonlyArray<Value>, named: Named) => Value
  readonly attributes: Named
  constructor(name: string, call: Fn["call"], attributes: Named = new Map()) {
    this.name = name
    this.call = call
    this.attributes = attributes
  }
}

/** What has attributes that a template reads: `loop`, and with `settable` a namespace. */
export class Holder {
  readonly name: string
  readonly settable: boolean
  readonly get: (attribute: string) => Value | undefined
  readonly values: Map<string, Value>
  /** What calling it does. */
  readonly call: Fn["call"] | null
  constructor(
    name: string,
    values: Map<string, Value>,
    more: { settable?: boolean; get?: (attribute: string) => Value | undefined; call?: Fn["call"] | null } = {},
  ) {
    this.name = name
    this.values = values
    this.settable = more.settable ?? false
    this.get = more.get ?? ((attribute) => values.get(attribute))
    this.call = more.call ?? null
  }
}

export type Value =
  | null
  | boolean
  | bigint
  | number
  | string
  | ReadonlyArray<Value>
  | Tuple
  | Dict
  | Undefined
  | Markup
  | Range
  | View
  | Once
  | Fn
  | Holder

/** A filter of a value, with arguments by place and by name; and how one is applied by its own name. */
export type Filter = (value: Value, args: ReadonlyArray<Value>, named: Named) => Value
export type Apply = (name: string, ...given: Parameters<Filter>) => Value

/** Python's name of a value's type. */
export const typeOf = (value: Value): string => {
  if (value === null) return "NoneType"
  if (typeof value === "boolean") return "bool"
  if (typeof value === "bigint") return "int"
  if (typeof value === "number") return "float"
  if (typeof value === "string") return "str"
  if (Array.isArray(value)) return "list"
  if (value instanceof Tuple) return "tuple"
  if (value instanceof Dict) return "dict"
  if (value instanceof View) return `dict_${value.kind}`
  if (value instanceof Fn) return "function"
  if (value instanceof Holder) return value.name
  return (value as object).constructor.name
}

/** What is equal as a key has an equal text. */
const hash = (value: Value): string => {
  if (typeof value === "string") return `s${value}`
  if (value instanceof Markup) return `s${value.text}`
  if (typeof value === "boolean") return `n${value ? 1 : 0}`
  if (typeof value === "bigint") return `n${value}`
  if (typeof value === "number") return `n${Number.isInteger(value) ? BigInt(value) : value}`
  if (value === null) return "None"
  if (value instanceof Tuple)
    return `(${value.items
      .map(hash)
      .map((text) => `${text.length}:${text}`)
      .join()})`
  if (value instanceof Undefined) return "undefined"
  throw new Error(`unhashable type: '${typeOf(value)}'`)
}

/** A dictionary, in the order of insertion. */
export class Dict {
  private readonly entries = new Map<string, [Value, Value]>()
  constructor(entries: Iterable<readonly [Value, Value]> = []) {
    for (const [key, value] of entries) this.set(key, value)
  }
  get size(): number {
    return this.entries.size
  }
  set(key: Value, value: Value): void {
    const own = hash(key)
    const before = this.entries.get(own)
    if (before === undefined) this.entries.set(own, [key, value])
    else before[1] = value
  }
  get(key: Value): Value | undefined {
    return this.entries.get(hash(key))?.[1]
  }
  has(key: Value): boolean {
    return this.entries.has(hash(key))
  }
  items(): ReadonlyArray<readonly [Value, Value]> {
    return [...this.entries.values()]
  }
  keys(): ReadonlyArray<Value> {
    return this.items().map(([key]) => key)
  }
}

export const isNumber = (value: Value): value is boolean | bigint | number =>
  typeof value === "boolean" || typeof value === "bigint" || typeof value === "number"

/** A text by its own or as markup; null where it is none. */
export const textOf = (value: Value): string | null =>
  typeof value === "string" ? value : value instanceof Markup ? value.text : null

/** Beyond the first plane a character is two units of JavaScript. */
const wide = /[\ud800-\udfff]/
/** The characters of a text, as Python counts them. */
export const characters = (text: string): string | ReadonlyArray<string> => (wide.test(text) ? Array.from(text) : text)

/** Why something has no use for an undefined value. */
export const fail = (message: string): never => {
  throw new Error(message)
}

/** Complains of an undefined value. */
export const defined = (value: Value): Value => (value instanceof Undefined ? fail(value.what) : value)

/** What a loop goes through. */
export const iterate = (value: Value): Iterable<Value> => {
  const text = textOf(value)
  if (text !== null) return Array.from(text)
  if (Array.isArray(value)) return value as ReadonlyArray<Value>
  if (value instanceof Tuple) return value.items
  if (value instanceof Dict) return value.keys()
  if (value instanceof Undefined) return []
  if (value instanceof Once) return value
  if (value instanceof Range)
    return Array.from({ length: value.length }, (_, i) => BigInt(value.first + i * value.step))
  if (value instanceof View) {
    if (value.kind === "keys") return value.of.keys()
    return value.of.items().map((item) => (value.kind === "items" ? new Tuple(item) : item[1]))
  }
  return fail(`'${typeOf(value)}' object is not iterable`)
}

/** `len`, or null where Python has none. */
export const lengthOf = (value: Value): number | null => {
  const text = textOf(value)
  if (text !== null) return characters(text).length
  if (Array.isArray(value) || value instanceof Range) return value.length
  if (value instanceof Tuple) return value.items.length
  if (value instanceof Dict) return value.size
  if (value instanceof View) return value.of.size
  return value instanceof Undefined ? 0 : null
}

export const isTrue = (value: Value): boolean => {
  if (value === null || value === false || value === 0 || value === 0n) return false
  const length = lengthOf(value)
  return length === null || length > 0
}

/** Python's `==`. */
export const equal = (a: Value, b: Value): boolean => {
  // An int and a float compare exactly, as in Python.
  // eslint-disable-next-line eqeqeq
  if (isNumber(a) && isNumber(b)) return Number(a) === Number(b) && exact(a) == exact(b)
  const [left, right] = [textOf(a), textOf(b)]
  if (left !== null || right !== null) return left === right
  if (Array.isArray(a) && Array.isArray(b)) return sameItems(a as ReadonlyArray<Value>, b as ReadonlyArray<Value>)
  if (a instanceof Tuple && b instanceof Tuple) return sameItems(a.items, b.items)
  if (a instanceof Undefined && b instanceof Undefined) return true
  if (a instanceof Range && b instanceof Range) return sameItems([...iterate(a)], [...iterate(b)])
  if (a instanceof View && b instanceof View && a.kind !== "values")
    return a.kind === b.kind && a.of.size === b.of.size && [...iterate(a)].every((item) => contains(b, item))
  if (a instanceof Dict && b instanceof Dict)
    return (
      a.size === b.size &&
      a.items().every(([key, value]) => {
        const other = b.get(key)
        return other !== undefined && equal(value, other)
      })
    )
  return a === b
}

const exact = (value: boolean | bigint | number): bigint | number =>
  typeof value === "boolean" ? BigInt(value) : value

const sameItems = (a: ReadonlyArray<Value>, b: ReadonlyArray<Value>): boolean =>
  a.length === b.length && a.every((item, i) => equal(item, b[i]))

/** Python's `in`. */
export const contains = (whole: Value, part: Value): boolean => {
  const text = textOf(whole)
  if (text !== null) {
    const piece = textOf(part)
    return piece === null
      ? fail(`'in <string>' requires string as left operand, not ${typeOf(part)}`)
      : text.includes(piece)
  }
  if (whole instanceof Dict) return whole.has(part)
  if (whole instanceof View && whole.kind === "keys") return whole.of.has(part)
  for (const item of iterate(whole)) if (equal(item, part)) return true
  return false
}

const compareTexts = (a: string, b: string): number => {
  if (a === b) return 0
  const [left, right] = [Array.from(a), Array.from(b)]
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const gap = (left[i].codePointAt(0) ?? 0) - (right[i].codePointAt(0) ?? 0)
    if (gap !== 0) return gap
  }
  return left.length - right.length
}

/** Python's order: below 0 where a is before b; NaN where neither; fails where the two have none. */
export const compare = (a: Value, b: Value, operator: string): number => {
  if (isNumber(a) && isNumber(b)) {
    const [left, right] = [exact(a), exact(b)]
    return left < right ? -1 : left > right ? 1 : equal(a, b) ? 0 : Number.NaN
  }
  const [left, right] = [textOf(a), textOf(b)]
  if (left !== null && right !== null) return compareTexts(left, right)
  const [some, others] = [a, b].map((value) => (value instanceof Tuple ? value.items : value))
  if (Array.isArray(some) && Array.isArray(others) && Array.isArray(a) === Array.isArray(b)) {
    const [x, y] = [some as ReadonlyArray<Value>, others as ReadonlyArray<Value>]
    for (let i = 0; i < Math.min(x.length, y.length); i++) if (!equal(x[i], y[i])) return compare(x[i], y[i], operator)
    return x.length - y.length
  }
  for (const value of [a, b]) defined(value)
  return fail(`'${operator}' not supported between instances of '${typeOf(a)}' and '${typeOf(b)}'`)
}
