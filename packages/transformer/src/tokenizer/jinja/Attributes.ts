/** Attributes, methods and items of values: what stands after a dot or in brackets. */
import { bind, int, isInt } from "./Arguments.ts"
import { format } from "./Format.ts"
import { str } from "./Print.ts"
import * as Text from "./Text.ts"
import {
  characters,
  Dict,
  equal,
  fail,
  Fn,
  isTrue,
  iterate,
  lengthOf,
  Markup,
  type Named,
  Once,
  Range,
  Holder,
  textOf,
  Tuple,
  typeOf,
  Undefined,
  type Value,
  View,
} from "./Value.ts"

type Method<Self> = (self: Self, args: ReadonlyArray<Value>, named: Named) => Value

/** A method whose arguments have no names. */
const plain =
  <Self>(
    name: string,
    least: number,
    most: number,
    run: (self: Self, args: ReadonlyArray<Value>) => Value,
  ): Method<Self> =>
  (self, args, named) => {
    if (named.size > 0) return fail(`${name}() takes no keyword arguments`)
    if (args.length < least || args.length > most)
      return fail(`${name}() takes ${least} to ${most} arguments, ${args.length} were given`)
    return run(self, args)
  }

const text = (value: Value, what: string): string => textOf(value) ?? fail(`${what} must be str, not ${typeOf(value)}`)
const orNone = (value: Value | undefined, what: string): string | null =>
  value === undefined || value === null ? null : text(value, what)

/** A part of a text between two places, either of which may count from the end. */
const bounds = (self: string, from: Value | undefined, to: Value | undefined): readonly [number, number] => {
  const { length } = characters(self)
  const place = (value: Value | undefined, otherwise: number): number => {
    if (value === undefined || value === null) return otherwise
    const at = int(value)
    return Math.max(0, at < 0 ? at + length : at)
  }
  return [place(from, 0), Math.min(length, place(to, length))]
}

const finder = (name: string, last: boolean, missing: (() => Value) | null): Method<string> =>
  plain(name, 1, 3, (self, [part, from, to]) => {
    const [start, end] = bounds(self, from, to)
    const at = start > end ? -1 : Text.find(self, text(part, name), start, end, last)
    return at < 0 && missing !== null ? missing() : BigInt(at)
  })

const ender = (name: string, test: (self: string, part: string) => boolean): Method<string> =>
  plain(name, 1, 3, (self, [part, from, to]) => {
    const [start, end] = bounds(self, from, to)
    if (start > end) return false
    const own = Array.from(self).slice(start, end).join("")
    const parts = part instanceof Tuple ? part.items : [part]
    return parts.some((one) => test(own, text(one, name)))
  })

const splitter =
  (name: string, run: typeof Text.split): Method<string> =>
  (self, args, named) => {
    const [by, most] = bind(name, ["sep", "maxsplit"], 0, args, named)
    return run(self, orNone(by, "sep"), most === undefined ? -1 : int(most))
  }

const stripper = (name: string, left: boolean, right: boolean): Method<string> =>
  plain(name, 0, 1, (self, [set]) => Text.strip(self, orNone(set, `${name} arg`), left, right))

const padder = (name: string, where: "left" | "right" | "both"): Method<string> =>
  plain(name, 1, 2, (self, [width, fill]) => {
    const mark = fill === undefined ? " " : text(fill, name)
    return characters(mark).length === 1
      ? Text.pad(self, int(width), mark, where)
      : fail("The fill character must be exactly one character long")
  })

const partition = (name: string, last: boolean): Method<string> =>
  plain(name, 1, 1, (self, [by]) => {
    const part = text(by, name)
    if (part === "") return fail("empty separator")
    const at = last ? self.lastIndexOf(part) : self.indexOf(part)
    if (at < 0) return new Tuple(last ? ["", "", self] : [self, "", ""])
    return new Tuple([self.slice(0, at), part, self.slice(at + part.length)])
  })

const simple = (name: string, run: (self: string) => Value): Method<string> => plain(name, 0, 0, run)

const ofText: Readonly<{ [name: string]: Method<string> }> = {
  upper: simple("upper", (self) => self.toUpperCase()),
  lower: simple("lower", (self) => self.toLowerCase()),
  title: simple("title", Text.title),
  capitalize: simple("capitalize", Text.capitalize),
  swapcase: simple("swapcase", Text.swapCase),
  casefold: simple("casefold", (self) => self.toLowerCase().replaceAll("ß", "ss").replaceAll("ς", "σ")),
  strip: stripper("strip", true, true),
  lstrip: stripper("lstrip", true, false),
  rstrip: stripper("rstrip", false, true),
  split: splitter("split", Text.split),
  rsplit: splitter("rsplit", Text.splitRight),
  splitlines: (self, args, named) => {
    const [keep] = bind("splitlines", ["keepends"], 0, args, named)
    return Text.lines(self, isTrue(keep ?? false))
  },
  join: plain("join", 1, 1, (self, [items]) =>
    Array.from(iterate(items), (item) => text(item, "an item of join")).join(self),
  ),
  replace: (self, args, named) => {
    const [old, by, most] = bind("replace", ["old", "new", "count"], 2, args, named)
    return Text.replace(self, text(old ?? null, "old"), text(by ?? null, "new"), most === undefined ? -1 : int(most))
  },
  startswith: ender("startswith", (self, part) => self.startsWith(part)),
  endswith: ender("endswith", (self, part) => self.endsWith(part)),
  find: finder("find", false, null),
  rfind: finder("rfind", true, null),
  index: finder("index", false, () => fail("substring not found")),
  rindex: finder("rindex", true, () => fail("substring not found")),
  count: plain("count", 1, 3, (self, [part, from, to]) => {
    const [start, end] = bounds(self, from, to)
    return BigInt(start > end ? 0 : Text.count(Array.from(self).slice(start, end).join(""), text(part, "count")))
  }),
  center: padder("center", "both"),
  ljust: padder("ljust", "right"),
  rjust: padder("rjust", "left"),
  zfill: plain("zfill", 1, 1, (self, [width]) => {
    const sign = /^[+-]/.exec(self)?.[0] ?? ""
    return sign + Text.pad(self.slice(sign.length), int(width) - sign.length, "0", "left")
  }),
  partition: partition("partition", false),
  rpartition: partition("rpartition", true),
  removeprefix: plain("removeprefix", 1, 1, (self, [part]) =>
    self.startsWith(text(part, "removeprefix")) ? self.slice(text(part, "").length) : self,
  ),
  removesuffix: plain("removesuffix", 1, 1, (self, [part]) =>
    text(part, "removesuffix") !== "" && self.endsWith(text(part, "")) ? self.slice(0, -text(part, "").length) : self,
  ),
  format: (self, args, named) =>
    format(self, args, named, (of, key, isItem) =>
      isItem ? item(of, /^\d+$/.test(key) ? BigInt(key) : key) : attribute(of, key),
    ),
  ...Object.fromEntries(Object.entries(Text.questions).map(([name, ask]) => [name, simple(name, ask)] as const)),
}

const ofDict: Readonly<{ [name: string]: Method<Dict> }> = {
  items: plain("items", 0, 0, (self) => new View("items", self)),
  keys: plain("keys", 0, 0, (self) => new View("keys", self)),
  values: plain("values", 0, 0, (self) => new View("values", self)),
  get: plain("get", 1, 2, (self, [key, otherwise = null]) => {
    const found = self.get(key)
    return found === undefined ? otherwise : found
  }),
  copy: plain("copy", 0, 0, (self) => new Dict(self.items())),
}

const ofItems: Readonly<{ [name: string]: Method<ReadonlyArray<Value>> }> = {
  index: plain("index", 1, 1, (self, [part]) => {
    const at = self.findIndex((one) => equal(one, part))
    return at < 0 ? fail("the value is not in the list") : BigInt(at)
  }),
  count: plain("count", 1, 1, (self, [part]) => BigInt(self.filter((one) => equal(one, part)).length)),
  copy: plain("copy", 0, 0, (self) => [...self]),
}

/** Methods of Python that are there and not here: not silently undefined. */
const missing: Readonly<{ [type: string]: ReadonlySet<string> }> = {
  str: new Set("encode expandtabs format_map isprintable maketrans translate".split(" ")),
  // The sandbox of transformers lets nobody change a list or a dictionary.
  list: new Set("append clear extend insert pop remove reverse sort".split(" ")),
  dict: new Set("clear pop popitem setdefault update fromkeys".split(" ")),
  int: new Set(
    "as_integer_ratio bit_count bit_length conjugate denominator from_bytes imag is_integer numerator real to_bytes".split(
      " ",
    ),
  ),
  bool: new Set(
    "as_integer_ratio bit_count bit_length conjugate denominator from_bytes imag is_integer numerator real to_bytes".split(
      " ",
    ),
  ),
  float: new Set("as_integer_ratio conjugate fromhex hex imag is_integer real".split(" ")),
  dict_keys: new Set(["isdisjoint", "mapping"]),
  dict_items: new Set(["isdisjoint", "mapping"]),
  dict_values: new Set(["mapping"]),
  Range: new Set("count index start step stop".split(" ")),
}

const methodOf = <Self>(
  methods: Readonly<{ [name: string]: Method<Self> }>,
  self: Self,
  name: string,
): Fn | undefined =>
  Object.hasOwn(methods, name) ? new Fn(name, (args, named) => methods[name](self, args, named)) : undefined

/** An attribute that a value has. */
const own = (of: Value, name: string): Value | undefined => {
  const self = textOf(of)
  const type = typeOf(of)
  if (Object.hasOwn(missing, self === null ? type : "str") && missing[self === null ? type : "str"].has(name))
    return fail(`.${name} of a ${type} is not implemented, or not allowed in a template`)
  if (name.startsWith("_")) return new Undefined(`access to attribute '${name}' of '${type}' object is unsafe.`)
  if (self !== null) return methodOf(ofText, self, name)
  if (of instanceof Dict) return methodOf(ofDict, of, name)
  if (Array.isArray(of)) return methodOf(ofItems, of as ReadonlyArray<Value>, name)
  if (of instanceof Tuple) {
    const at = of.names.indexOf(name)
    return at < 0 ? methodOf(ofItems, of.items, name) : of.items[at]
  }
  if (of instanceof Fn) return of.attributes.get(name)
  return of instanceof Holder ? of.get(name) : undefined
}

const absent = (of: Value, key: string): Undefined => new Undefined(`'${typeOf(of)} object' has no attribute '${key}'`)

/** An item that a value has. */
const itemOf = (of: Value, key: Value): Value | undefined => {
  if (of instanceof Dict) return of.get(key)
  const self = textOf(of)
  const isSequence = self !== null || Array.isArray(of) || of instanceof Tuple || of instanceof Range
  if (!isSequence || !isInt(key)) return undefined
  const length = lengthOf(of) ?? 0
  const at = int(key) < 0 ? int(key) + length : int(key)
  if (at < 0 || at >= length) return undefined
  if (self !== null) return characters(self)[at]
  if (of instanceof Range) return BigInt(of.first + at * of.step)
  return of instanceof Tuple ? of.items[at] : (of as ReadonlyArray<Value>)[at]
}

/** The first that is there: None is. */
const firstOf = (of: Value, key: string, ...found: ReadonlyArray<() => Value | undefined>): Value => {
  if (of instanceof Undefined) return fail(of.what)
  for (const look of found) {
    const value = look()
    if (value !== undefined) return value
  }
  return absent(of, key)
}

/** What stands after a dot: an attribute, or else an item. */
export const attribute = (of: Value, name: string): Value =>
  firstOf(
    of,
    name,
    () => own(of, name),
    () => itemOf(of, name),
  )

/** An attribute alone. */
export const attributeOnly = (of: Value, name: string): Value => firstOf(of, name, () => own(of, name))

/** What stands in brackets: an item, or else an attribute. */
export const item = (of: Value, key: Value): Value => {
  const name = textOf(key)
  return firstOf(
    of,
    str(key),
    () => itemOf(of, key),
    () => (name === null ? undefined : own(of, name)),
  )
}

/** A slice: every `step`th from one place to before another. */
export const slice = (of: Value, from: Value, to: Value, by: Value): Value => {
  if (of instanceof Undefined) return fail(of.what)
  const length = lengthOf(of)
  const self = textOf(of)
  if (length === null || of instanceof Dict || of instanceof View || of instanceof Once)
    return fail(`'${typeOf(of)}' object is not subscriptable`)
  const step = by === null ? 1 : int(by)
  if (step === 0) return fail("slice step cannot be zero")
  const place = (value: Value, otherwise: number): number => {
    if (value === null) return otherwise
    const at = int(value)
    const [least, most] = step > 0 ? [0, length] : [-1, length - 1]
    return Math.min(most, Math.max(least, at < 0 ? at + length : at))
  }
  const [first, end] = [place(from, step > 0 ? 0 : length - 1), place(to, step > 0 ? length : -1)]
  const all = self === null ? [...iterate(of)] : characters(self)
  const out: Array<Value> = []
  for (let at = first; step > 0 ? at < end : at > end; at += step) out.push(all[at])
  if (self !== null) {
    const text = out.map(str).join("")
    return of instanceof Markup ? new Markup(text) : text
  }
  if (of instanceof Range) return fail("a slice of a range is not implemented; put it through `list`")
  return of instanceof Tuple ? new Tuple(out) : out
}
