/** Filters of lists, dictionaries and what else can be gone through. */
import { bind, int } from "./Arguments.ts"
import { item } from "./Attributes.ts"
import { binary } from "./Numbers.ts"
import { str } from "./Print.ts"
import * as Tests from "./Tests.ts"
import {
  type Apply,
  compare,
  defined,
  Dict,
  equal,
  fail,
  type Filter,
  isTrue,
  iterate,
  lengthOf,
  Markup,
  Once,
  textOf,
  Tuple,
  typeOf,
  Undefined,
  type Value,
} from "./Value.ts"

type Define = (
  parameters: string,
  required: number,
  run: (value: Value, ...args: ReadonlyArray<Value | undefined>) => Value,
) => Filter

export const length = (value: Value): bigint => {
  const found = lengthOf(value)
  return found === null ? fail(`object of type '${typeOf(value)}' has no len()`) : BigInt(found)
}

/** Sorted by a key, those that are equal in their order. */
export const sorted = (
  values: Iterable<Value>,
  key: (value: Value) => Value,
  reverse = false,
): ReadonlyArray<Value> => {
  const keyed = Array.from(values, (value) => [key(value), value] as const)
  const sign = reverse ? -1 : 1
  return keyed.sort(([a], [b]) => sign * compare(a, b, "<")).map(([, value]) => value)
}

/** An attribute by its path, such as `function.name` or `0`. */
const getter = (path: Value, otherwise: Value | null = null) => {
  const parts: ReadonlyArray<Value> =
    typeof path === "string" ? path.split(".").map((part) => (/^\d+$/.test(part) ? BigInt(part) : part)) : [path]
  return (value: Value): Value => {
    let found = value
    for (const part of parts) {
      found = item(found, part)
      if (found instanceof Undefined && otherwise !== null) found = otherwise
    }
    return found
  }
}

const caseless = (value: Value): Value => (typeof value === "string" ? value.toLowerCase() : value)

/** What a value is compared by: itself or an attribute of it, in small letters unless case counts. */
const keyOf = (attribute: Value, caseSensitive: Value) => {
  const get = attribute === null ? (value: Value): Value => value : getter(attribute)
  return (value: Value): Value => (isTrue(caseSensitive) ? get(value) : caseless(get(value)))
}

const extreme =
  (sign: number) =>
  (value: Value, caseSensitive: Value = false, attribute: Value = null): Value => {
    const key = keyOf(attribute, caseSensitive)
    let best: Value | undefined
    for (const one of iterate(value)) if (best === undefined || sign * compare(key(one), key(best), "<") < 0) best = one
    return best !== undefined ? best : new Undefined("No aggregated item, sequence was empty.")
  }

const reversed = (value: Value): Value => {
  const text = textOf(value)
  if (text !== null) return Array.from(text).reverse().join("")
  if (value instanceof Undefined) return new Once([])
  return new Once([...iterate(value)].reverse())
}

/** Groups of a size, the last filled up with `fill`. */
const batch = (value: Value, size: Value | undefined, fill: Value = null): Value => {
  const out: Array<Array<Value>> = []
  const width = int(size ?? null)
  for (const one of iterate(value)) {
    const last = out.at(-1)
    if (last === undefined || last.length >= width) out.push([one])
    else last.push(one)
  }
  const last = out.at(-1)
  if (fill !== null && last !== undefined) while (last.length < width) last.push(fill)
  return new Once(out)
}

/** So many groups of about the same size. */
const sliced = (value: Value, slices: Value | undefined, fill: Value = null): Value => {
  const all = [...iterate(value)]
  const count = int(slices ?? null)
  const size = Math.floor(all.length / count)
  const more = all.length % count
  let at = 0
  return new Once(
    Array.from({ length: count }, (_, i) => {
      const group = all.slice(at, (at += size + (i < more ? 1 : 0)))
      return fill !== null && i >= more ? [...group, fill] : group
    }),
  )
}

const grouped = (
  value: Value,
  attribute: Value | undefined,
  otherwise: Value = null,
  caseSensitive: Value = false,
): Value => {
  const get = getter(attribute ?? null, otherwise)
  const key = (one: Value): Value => (isTrue(caseSensitive) ? get(one) : caseless(get(one)))
  const out: Array<{ readonly key: Value; readonly items: Array<Value> }> = []
  for (const one of sorted(iterate(value), key)) {
    const last = out.at(-1)
    if (last !== undefined && equal(last.key, key(one))) last.items.push(one)
    else out.push({ key: key(one), items: [one] })
  }
  // The name of a group is the attribute of its first member.
  return out.map(({ items }) => new Tuple([get(items[0]), items], ["grouper", "list"]))
}

const dictSorted = (value: Value, caseSensitive: Value = false, by: Value = "key", reverse: Value = false): Value => {
  if (!(value instanceof Dict)) return fail(`dictsort is of a dictionary, not of a ${typeOf(defined(value))}`)
  const place = by === "key" ? 0 : by === "value" ? 1 : fail('You can only sort by either "key" or "value"')
  const key = (pair: Value): Value => {
    const found = (pair as Tuple).items[place]
    return isTrue(caseSensitive) ? found : caseless(found)
  }
  return sorted(
    value.items().map((pair) => new Tuple(pair)),
    key,
    isTrue(reverse),
  )
}

const unique = (value: Value, caseSensitive: Value = false, attribute: Value = null): Value => {
  const key = keyOf(attribute, caseSensitive)
  const seen = new Dict()
  const out: Array<Value> = []
  for (const one of iterate(value)) {
    if (seen.has(key(one))) continue
    seen.set(key(one), true)
    out.push(one)
  }
  return new Once(out)
}

const last = (value: Value): Value => {
  if (value instanceof Once) return fail("'generator' object is not reversible")
  let found: Value = new Undefined("No last item, sequence was empty.")
  for (const one of iterate(value)) found = one
  return found
}

const first = (value: Value): Value => {
  for (const one of iterate(value)) return one
  return new Undefined("No first item, sequence was empty.")
}

/** Goes through lazily, so that what nobody looks at does not fail. */
function* lazily(value: Value, take: (one: Value) => readonly [boolean, Value]): Generator<Value> {
  if (!isTrue(value)) return
  for (const one of iterate(value)) {
    const [keep, out] = take(one)
    if (keep) yield out
  }
}

/** `select` and its kin: by a test or by truth, of the item or of its attribute. */
const chosen =
  (keep: boolean, byAttribute: boolean): Filter =>
  (value, args, named) => {
    if (named.size > 0) return fail("tests by the name of their arguments are not implemented")
    const [path, rest] = byAttribute ? [args[0], args.slice(1)] : [undefined, args]
    if (byAttribute && path === undefined) return fail("Missing parameter for attribute name")
    const get = path === undefined ? (one: Value): Value => one : getter(path)
    const [name, ...more] = rest
    const test = (one: Value): boolean =>
      name === undefined ? isTrue(get(one)) : Tests.passes(str(name), get(one), more)
    if (name !== undefined && !Tests.has(str(name))) return fail(`No test named '${str(name)}'.`)
    return new Once(lazily(value, (one) => [test(one) === keep, one]))
  }

const mapped =
  (apply: Apply): Filter =>
  (value, args, named) => {
    const attribute = named.get("attribute")
    if (args.length === 0 && attribute !== undefined) {
      const [path = null, otherwise = null] = bind("map", ["attribute", "default"], 1, [], named)
      const get = getter(path, otherwise)
      return new Once(lazily(value, (one) => [true, get(one)]))
    }
    if (args.length === 0) return fail("map requires a filter argument")
    const [name, ...more] = args
    return new Once(lazily(value, (one) => [true, apply(str(name), one, more, named)]))
  }

const joined = (value: Value, by: Value = "", attribute: Value = null): Value => {
  const get = attribute === null ? (one: Value): Value => one : getter(attribute)
  return Array.from(iterate(value), (one) => str(get(one))).join(str(by))
}

const listed = (value: Value): Value => [...iterate(value)]

const summed = (value: Value, attribute: Value = null, start: Value = 0n): Value => {
  const get = attribute === null ? (one: Value): Value => one : getter(attribute)
  if (typeof start === "string" || start instanceof Markup)
    return fail("sum() can't sum strings [use ''.join(seq) instead]")
  let total: Value = start
  for (const one of iterate(value)) total = binary("+", total, get(one))
  return total
}

/** By several attributes, with commas between them. */
const ordered = (
  value: Value,
  reverse: Value = false,
  caseSensitive: Value = false,
  attribute: Value = null,
): Value => {
  const paths = typeof attribute === "string" ? attribute.split(",") : [attribute]
  const keys = paths.map((path) => keyOf(path, caseSensitive))
  return sorted(
    iterate(value),
    (one) => (attribute === null ? keys[0](one) : keys.map((key) => key(one))),
    isTrue(reverse),
  )
}

export const filters = (define: Define, apply: Apply): Readonly<{ [name: string]: Filter }> => ({
  batch: define("linecount fill_with", 1, batch),
  dictsort: define("case_sensitive by reverse", 0, dictSorted),
  first: define("", 0, first),
  groupby: define("attribute default case_sensitive", 1, grouped),
  join: define("d attribute", 0, joined),
  last: define("", 0, last),
  list: define("", 0, listed),
  map: mapped(apply),
  max: define("case_sensitive attribute", 0, extreme(-1)),
  min: define("case_sensitive attribute", 0, extreme(1)),
  reject: chosen(false, false),
  rejectattr: chosen(false, true),
  reverse: define("", 0, reversed),
  select: chosen(true, false),
  selectattr: chosen(true, true),
  slice: define("slices fill_with", 1, sliced),
  sort: define("reverse case_sensitive attribute", 0, ordered),
  sum: define("attribute start", 0, summed),
  unique: define("case_sensitive attribute", 0, unique),
})
