/** What stands after a bar: filters of one value. Those of many are in `Sequences.ts`. */
import { bind, int } from "./Arguments.ts"
import { attributeOnly } from "./Attributes.ts"
import { percent } from "./Format.ts"
import { round, toInt, toReal, unary } from "./Numbers.ts"
import { json, str } from "./Print.ts"
import * as Sequences from "./Sequences.ts"
import * as Text from "./Text.ts"
import {
  characters,
  defined,
  Dict,
  fail,
  type Filter,
  isTrue,
  iterate,
  Markup,
  type Named,
  Once,
  textOf,
  Tuple,
  typeOf,
  Undefined,
  type Value,
} from "./Value.ts"

/** A filter whose arguments have these names. */
const define =
  (
    parameters: string,
    required: number,
    run: (value: Value, ...args: ReadonlyArray<Value | undefined>) => Value,
  ): Filter =>
  (value, args, named) =>
    run(value, ...bind("the filter", parameters === "" ? [] : parameters.split(" "), required, args, named))

const markup = (text: string): Markup =>
  new Markup(text.replace(/[&<>"']/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&#34;" })[c] ?? "&#39;"))
const escape: Filter = define("", 0, (value) => (value instanceof Markup ? value : markup(str(value))))
const length: Filter = define("", 0, (value) => Sequences.length(value))
const fallback: Filter = define("default_value boolean", 0, (value, otherwise = "", boolean = false) =>
  value instanceof Undefined || (isTrue(boolean) && !isTrue(value)) ? otherwise : value,
)

/** On texts as filters see them: whatever a value prints. */
const ofText = (run: (text: string) => Value): Filter => define("", 0, (value) => run(str(value)))

const indent: Filter = define("width first blank", 0, (value, width = 4n, first = false, blank = false) => {
  if (textOf(value) === null) return fail(`indent needs a text, not a ${typeOf(value)}`)
  const space = textOf(width) ?? " ".repeat(int(width))
  const [head, ...rest] = Text.lines(`${str(value)}\n`, false)
  const more = rest.map((line) => (line === "" && !isTrue(blank) ? "" : space + line))
  return (isTrue(first) ? space : "") + [head, ...more].join("\n")
})

const truncate: Filter = define(
  "length killwords end leeway",
  0,
  (value, most = 255n, killwords = false, end = "...", leeway = 5n) => {
    const text = textOf(value)
    const [limit, mark] = [int(most), str(end)]
    const all = text === null ? null : characters(text)
    if (limit < characters(mark).length) return fail(`expected length >= ${characters(mark).length}, got ${limit}`)
    if ((all?.length ?? Sequences.length(value)) <= limit + (leeway === null ? 5 : int(leeway))) return value
    if (all === null) return fail(`truncate needs a text, not a ${typeOf(value)}`)
    const cut = Array.from(all)
      .slice(0, limit - characters(mark).length)
      .join("")
    return (isTrue(killwords) ? cut : Text.splitRight(cut, " ", 1)[0]) + mark
  },
)

const tojson: Filter = define(
  "ensure_ascii indent separators sort_keys",
  0,
  (value, ensureAscii = false, indent = null, separators = null, sortKeys = false) => {
    const space = indent === null ? null : (textOf(indent) ?? " ".repeat(Math.max(0, int(indent))))
    const usual = [space === null ? ", " : ",", ": "]
    const [item, key] = separators === null ? usual : Array.from(iterate(separators), str)
    return json(
      value,
      { indent: space, ensureAscii: isTrue(ensureAscii), sortKeys: isTrue(sortKeys), separators: [item, key] },
      (keys) => Sequences.sorted(keys, (one) => one),
    )
  },
)

const items: Filter = define("", 0, (value) => {
  if (value instanceof Undefined) return new Once([])
  return value instanceof Dict
    ? new Once(value.items().map((pair) => new Tuple(pair)))
    : fail("Can only get item pairs from a mapping.")
})

const ofOne: Readonly<{ [name: string]: Filter }> = {
  abs: define("", 0, (value) => {
    const number = unary("+", value)
    return isTrue(Number(number) < 0 || Object.is(number, -0)) ? unary("-", number) : number
  }),
  attr: define("name", 1, (value, name = null) => attributeOnly(value, str(name))),
  capitalize: ofText(Text.capitalize),
  center: define("width", 0, (value, width = 80n) => Text.pad(str(value), int(width), " ", "both")),
  default: fallback,
  d: fallback,
  e: escape,
  escape,
  forceescape: define("", 0, (value) => markup(str(value))),
  float: define("default", 0, (value, otherwise = 0) => toReal(defined(value), otherwise)),
  format: (value, args, named) => {
    if (args.length > 0 && named.size > 0) return fail("can't handle positional and keyword arguments at the same time")
    return percent(str(value), named.size > 0 ? new Dict(named) : new Tuple(args))
  },
  indent,
  int: define("default base", 0, (value, otherwise = 0n, base = 10n) => toInt(defined(value), otherwise, int(base))),
  items,
  length,
  count: length,
  lower: ofText((text) => text.toLowerCase()),
  replace: define("old new count", 2, (value, old = null, by = null, most = null) =>
    Text.replace(str(value), str(old), str(by), most === null ? -1 : int(most)),
  ),
  round: define("precision method", 0, (value, precision = 0n, method = "common") =>
    round(value, int(precision), str(method)),
  ),
  safe: define("", 0, (value) => new Markup(str(value))),
  string: define("", 0, (value) => (value instanceof Markup ? value : str(value))),
  title: ofText(Text.titleWords),
  tojson,
  trim: define("chars", 0, (value, set = null) =>
    Text.strip(str(value), set === null ? null : (textOf(set) ?? fail("strip arg must be None or str")), true, true),
  ),
  truncate,
  upper: ofText((text) => text.toUpperCase()),
  wordcount: ofText((text) => BigInt(text.match(/[\p{L}\p{N}_]+/gu)?.length ?? 0)),
}

/** Filters of Jinja that no chat needs. */
const missing = new Set("filesizeformat pprint random striptags urlencode urlize wordwrap xmlattr".split(" "))

const known: Readonly<{ [name: string]: Filter }> = { ...ofOne, ...Sequences.filters(define, apply) }

/** Applies a filter by its name. */
export function apply(name: string, value: Value, args: ReadonlyArray<Value>, named: Named): Value {
  if (Object.hasOwn(known, name)) return known[name](value, args, named)
  return fail(missing.has(name) ? `the filter ${name} is not implemented` : `No filter named '${name}'.`)
}

export const has = (name: string): boolean => Object.hasOwn(known, name)
