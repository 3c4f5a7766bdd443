/** Python's two ways to put values into a text: `%` and `format`. */
import { fixed, floatText, general, scientific, toFloat } from "./Numbers.ts"
import { repr, str } from "./Print.ts"
import { pad } from "./Text.ts"
import { Dict, fail, isNumber, type Named, Tuple, typeOf, Undefined, type Value } from "./Value.ts"

const integral = (value: Value, kind: string): bigint => {
  if (!isNumber(value)) return fail(`%${kind} format: a real number is required, not ${typeOf(value)}`)
  return BigInt(typeof value === "number" ? Math.trunc(value) : value)
}

const real = (value: Value): number =>
  isNumber(value) ? toFloat(value) : fail(`must be real number, not ${typeOf(value)}`)

/** A number without its sign, in a format's letter. */
const digitsOf = (
  kind: string,
  value: Value,
  precision: number | null,
): { readonly text: string; readonly negative: boolean } => {
  const lower = kind.toLowerCase()
  if ("diuxo".includes(lower) || kind === "b") {
    const whole = integral(value, kind)
    const radix = lower === "x" ? 16 : lower === "o" ? 8 : kind === "b" ? 2 : 10
    const text = (whole < 0n ? -whole : whole).toString(radix)
    return { text: (kind === "X" ? text.toUpperCase() : text).padStart(precision ?? 0, "0"), negative: whole < 0n }
  }
  const number = real(value)
  const size = Math.abs(number)
  const places = precision ?? 6
  const text = lower === "f" ? fixed(size, places) : lower === "e" ? scientific(size, places) : general(size, places)
  return { text: kind === lower ? text : text.toUpperCase(), negative: number < 0 || Object.is(number, -0) }
}

const conversion = /%(?:\(([^)]*)\))?([-+ 0#]*)(\*|\d+)?(?:\.(\*|\d+)?)?([^])/g

/** `text % value`. */
export const percent = (text: string, value: Value): string => {
  const items = value instanceof Tuple ? value.items : [value]
  let used = 0
  const take = (): Value => (used < items.length ? items[used++] : fail("not enough arguments for format string"))
  let isNamed = false
  const out = text.replace(
    conversion,
    (whole, key: string | undefined, flags: string, width = "0", places: string | undefined, kind: string) => {
      if (kind === "%") return "%"
      if (width === "*" || places === "*" || flags.includes("#")) return fail(`the format ${whole} is not implemented`)
      if (key !== undefined) isNamed = true
      const given =
        key === undefined
          ? take()
          : value instanceof Dict
            ? value.has(key)
              ? (value.get(key) as Value)
              : fail(`'${key}'`)
            : fail("format requires a mapping")
      const isPrecise = /\.\d*[^\d]$/.test(whole)
      const precision = isPrecise ? Number(places ?? 0) : null
      if (kind === "s" || kind === "r" || kind === "c") {
        const shown =
          kind === "s"
            ? str(given)
            : kind === "r"
              ? repr(given)
              : isNumber(given)
                ? String.fromCodePoint(Number(given))
                : str(given)
        const cut = precision === null ? shown : Array.from(shown).slice(0, precision).join("")
        return pad(cut, Number(width), " ", flags.includes("-") ? "right" : "left")
      }
      if (!"diufFeEgGxXo".includes(kind)) return fail(`unsupported format character '${kind}'`)
      const { negative, text: digits } = digitsOf(kind, given, precision)
      const sign = negative ? "-" : flags.includes("+") ? "+" : flags.includes(" ") ? " " : ""
      if (flags.includes("-")) return (sign + digits).padEnd(Number(width))
      if (flags.includes("0")) return sign + digits.padStart(Number(width) - sign.length, "0")
      return (sign + digits).padStart(Number(width))
    },
  )
  if (text.replaceAll(conversion, "").endsWith("%")) return fail("incomplete format")
  if (!isNamed && used < items.length && !(value instanceof Dict || value instanceof Undefined || Array.isArray(value)))
    return fail("not all arguments converted during string formatting")
  return out
}

const specification = /^(?:([^])?([<>^=]))?([-+ ]?)(0?)(\d*)([,_]?)(?:\.(\d+))?([a-zA-Z%]?)$/u

/** A value by a specification such as `>8.2f`. */
const formatted = (value: Value, spec: string): string => {
  if (spec === "") return str(value)
  const found = specification.exec(spec)
  if (found === null) return fail(`the format ${JSON.stringify(spec)} is not implemented`)
  const [, fill, given, sign, zero, width, grouping, places, kind] = found
  const isText = !isNumber(value) || typeof value === "boolean"
  let align = given ?? (isText ? "<" : zero === "0" ? "=" : ">")
  let head = ""
  let body: string
  if (isText) {
    if (typeof value !== "string" || !["", "s"].includes(kind) || align === "=" || sign !== "" || grouping !== "")
      return fail(`the format ${JSON.stringify(spec)} of a ${typeOf(value)} is not implemented`)
    body = places === undefined ? value : Array.from(value).slice(0, Number(places)).join("")
  } else {
    const precision = places === undefined ? null : Number(places)
    const isFloat = typeof value === "number"
    if (!"bdoxXeEfFgG%".includes(kind) || (isFloat && "bdoxX".includes(kind) && kind !== ""))
      return fail(`the format code '${kind}' for a ${typeOf(value)} is not implemented`)
    const plain = kind === "" && precision === null
    const own = kind === "%" ? real(value) * 100 : value
    const digits = plain
      ? {
          text: isFloat ? floatText(Math.abs(value)) : String(value < 0n ? -value : value),
          negative: value < 0 || Object.is(value, -0),
        }
      : digitsOf(
          kind === ""
            ? isFloat
              ? fail(`the format ${JSON.stringify(spec)} is not implemented`)
              : "d"
            : kind === "%"
              ? "f"
              : kind,
          own,
          precision,
        )
    head = digits.negative ? "-" : sign === "+" || sign === " " ? sign : ""
    const [whole, ...rest] = digits.text.split(/(?=[.e])/)
    body =
      (grouping === "" ? whole : whole.replace(/\B(?=(\d{3})+$)/g, grouping)) +
      rest.join("") +
      (kind === "%" ? "%" : "")
    if (zero === "0" && grouping !== "") return fail(`the format ${JSON.stringify(spec)} is not implemented`)
  }
  const mark = fill ?? (zero === "0" ? "0" : " ")
  if (zero === "0" && isText) align = "<"
  if (align === "=") return head + pad(body, Number(width) - head.length, mark, "left")
  const text = head + body
  if (align !== "^") return pad(text, Number(width), mark, align === "<" ? "right" : "left")
  const missing = Math.max(0, Number(width) - Array.from(text).length)
  return mark.repeat(Math.floor(missing / 2)) + text + mark.repeat(Math.ceil(missing / 2))
}

/** `text.format(...)`; `look` takes an attribute or an item of a value. */
export const format = (
  text: string,
  args: ReadonlyArray<Value>,
  named: Named,
  look: (of: Value, key: string, isItem: boolean) => Value,
): string => {
  let automatic = 0
  return text.replace(/\{\{|\}\}|\{([^{}]*)\}|[{}]/g, (whole, inner: string | undefined) => {
    if (whole === "{{" || whole === "}}") return whole[0]
    if (inner === undefined) return fail(`Single '${whole}' encountered in format string`)
    const [, field, turned, spec = ""] =
      /^([^!:]*)(?:!([rs]))?(?::([^]*))?$/.exec(inner) ?? fail(`the format ${whole} is not implemented`)
    const [, first, path] = /^([^.[]*)([^]*)$/.exec(field) ?? []
    const key = first === "" ? String(automatic++) : first
    const found = /^\d+$/.test(key) ? args[Number(key)] : named.get(key)
    if (found === undefined) return fail(`${whole} has no value`)
    let value: Value = found
    for (const { 1: attribute, 2: item } of (path ?? "").matchAll(/\.([^.[]+)|\[([^\]]+)\]/g))
      value = look(value, attribute ?? item, item !== undefined)
    return formatted(turned === "r" ? repr(value) : turned === "s" ? str(value) : value, spec)
  })
}
