/** How Python writes values: `str`, `repr`, and JSON. */
import { floatText } from "./Numbers.ts"
import { Dict, fail, iterate, Markup, Range, Holder, Tuple, typeOf, Undefined, type Value, View } from "./Value.ts"

const hidden = /[\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}/u

const shown = (character: string): string => {
  if (!hidden.test(character)) return character
  const code = character.codePointAt(0) ?? 0
  const hex = code.toString(16)
  return code < 0x100
    ? `\\x${hex.padStart(2, "0")}`
    : code < 0x10000
      ? `\\u${hex.padStart(4, "0")}`
      : `\\U${hex.padStart(8, "0")}`
}

const quoted = (text: string): string => {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'"
  const names: Readonly<{ [character: string]: string }> = {
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\\": "\\\\",
    [quote]: `\\${quote}`,
  }
  return quote + Array.from(text, (c) => names[c] ?? shown(c)).join("") + quote
}

/** `repr`, as within a list. */
export const repr = (value: Value): string => {
  if (typeof value === "string") return quoted(value)
  if (value instanceof Markup) return `Markup(${quoted(value.text)})`
  return value instanceof Undefined ? "Undefined" : str(value)
}

const list = (items: Iterable<Value>): string => Array.from(items, repr).join(", ")

/** `str`, which is what a template prints. */
export const str = (value: Value): string => {
  if (typeof value === "string") return value
  if (value instanceof Markup) return value.text
  if (value === null) return "None"
  if (typeof value === "boolean") return value ? "True" : "False"
  if (typeof value === "bigint") return String(value)
  if (typeof value === "number") return floatText(value)
  if (value instanceof Undefined) return ""
  if (Array.isArray(value)) return `[${list(value as ReadonlyArray<Value>)}]`
  if (value instanceof Tuple) return `(${list(value.items)}${value.items.length === 1 ? "," : ""})`
  if (value instanceof Dict)
    return `{${value
      .items()
      .map(([key, item]) => `${repr(key)}: ${repr(item)}`)
      .join(", ")}}`
  if (value instanceof Range) return value.shown
  if (value instanceof View) return `dict_${value.kind}([${list(iterate(value))}])`
  if (value instanceof Holder && value.settable) return `<Namespace ${str(new Dict(value.values))}>`
  return fail(`a ${typeOf(value)} is printed, which gives its address; put it through \`list\` or call it`)
}

export interface JsonOptions {
  readonly indent: string | null
  readonly ensureAscii: boolean
  readonly sortKeys: boolean
  readonly separators: readonly [item: string, key: string]
}

const ascii = (text: string): string =>
  text.replace(/[\u007f-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)

const jsonFloat = (value: number): string => {
  if (Number.isNaN(value)) return "NaN"
  return Number.isFinite(value) ? floatText(value) : value > 0 ? "Infinity" : "-Infinity"
}

const jsonKey = (key: Value): string => {
  if (typeof key === "string") return key
  if (key === null || typeof key === "boolean") return String(key)
  if (typeof key === "number") return jsonFloat(key)
  if (typeof key === "bigint") return String(key)
  return key instanceof Markup ? key.text : fail(`keys must be str, int, float, bool or None, not ${typeOf(key)}`)
}

/** `json.dumps`. */
export const json = (
  value: Value,
  options: JsonOptions,
  order: (keys: ReadonlyArray<Value>) => ReadonlyArray<Value>,
  depth = 0,
): string => {
  const { ensureAscii, indent, separators, sortKeys } = options
  const text = (raw: string): string => (ensureAscii ? ascii(JSON.stringify(raw)) : JSON.stringify(raw))
  const within = (open: string, parts: ReadonlyArray<string>, close: string): string => {
    if (parts.length === 0 || indent === null) return open + parts.join(separators[0]) + close
    const line = (levels: number): string => `\n${indent.repeat(levels)}`
    return open + line(depth + 1) + parts.join(separators[0] + line(depth + 1)) + line(depth) + close
  }
  const inner = (item: Value): string => json(item, options, order, depth + 1)
  if (value === null || typeof value === "boolean") return String(value)
  if (typeof value === "bigint") return String(value)
  if (typeof value === "number") return jsonFloat(value)
  if (typeof value === "string") return text(value)
  if (value instanceof Markup) return text(value.text)
  if (Array.isArray(value) || value instanceof Tuple) return within("[", Array.from(iterate(value), inner), "]")
  if (!(value instanceof Dict)) return fail(`Object of type ${typeOf(value)} is not JSON serializable`)
  const keys = sortKeys ? order(value.keys()) : value.keys()
  return within(
    "{",
    keys.map((key) => text(jsonKey(key)) + separators[1] + inner(value.get(key) as Value)),
    "}",
  )
}
