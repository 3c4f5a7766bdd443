/**
 * The canonical text of an answer, for maj@k: equal answers have equal keys, with three exceptions. A decimal that stands for
 * 1/3 or a surd keeps its own; `1,234` is keyed as one number even where it matches a list; an equation whose unknowns stand
 * in functions is keyed as written. Different answers may share a key where the comparison forgives: units and the name before
 * an equals sign are not in it.
 *
 * A constant is its fraction, or 20 digits; an expression with unknowns is its values at three points.
 */
import type { Options } from "./Compare.ts"
import { chained, measure, named, relation, several } from "./Shapes.ts"
import * as Ball from "../algebra/Ball.ts"
import * as Value from "../algebra/Value.ts"
import * as NormalForm from "../algebra/NormalForm.ts"
import * as Polynomial from "../algebra/Polynomial.ts"
import * as Rational from "../algebra/Rational.ts"
import * as Region from "./Region.ts"
import * as Syntax from "../read/Syntax.ts"
import { type Expression } from "../read/Syntax.ts"
import * as Words from "../read/Words.ts"
import { spend } from "../algebra/Work.ts"

const scale = 10n ** 40n
const largest = 10n ** 55n
const smallest = 10n ** 10n
const largestDenominator = 10n ** 9n
const tolerance = 10n ** 8n

/** In units of 10^-40. */
const scaled = (x: Ball.Ball): bigint =>
  Ball.withPrecision(400, () => Ball.nearest(Ball.multiply(x, Ball.integer(scale))))

/** The fraction with a small denominator that 40 digits say, if there is one. */
const fraction = (x: Ball.Ball): string | null => {
  const wanted = scaled(x)
  if (wanted > largest || wanted < -largest) return null
  if (wanted < smallest && wanted > -smallest) return "0"
  let [a, b] = [wanted < 0n ? -wanted : wanted, scale]
  let [p0, p1, q0, q1] = [0n, 1n, 1n, 0n]
  for (let i = 0; i < 60 && b !== 0n; i++) {
    spend(5)
    const n = a / b
    ;[p0, p1] = [p1, n * p1 + p0]
    ;[q0, q1] = [q1, n * q1 + q0]
    if (q1 > largestDenominator) return null
    const error = p1 * scale - (wanted < 0n ? -wanted : wanted) * q1
    if ((error < 0n ? -error : error) < tolerance * q1)
      return Rational.format(Rational.make(wanted < 0n ? -p1 : p1, q1))
    ;[a, b] = [b, a - n * b]
  }
  return null
}

/** Twenty digits, or of what is huge or tiny its size. */
const digits = (x: Ball.Ball): string => {
  const size = Ball.top(x)
  if (Math.abs(size) > 3000) return `2^${size}`
  const places = Math.max(0, 20 - Math.floor(size * Math.log10(2)))
  const value = Ball.withPrecision(Math.max(400, Math.abs(size) + 200), () =>
    Ball.nearest(Ball.multiply(x, Ball.integer(10n ** BigInt(places)))),
  ).toString()
  const sign = value.startsWith("-") ? "-" : ""
  const all = value.replace("-", "")
  return `${sign}${all.slice(0, 20)}e${all.length - places}`
}

const real = (x: Ball.Ball): string => fraction(x) ?? digits(x)

const complex = ({ im, re }: Value.Value): string => {
  if (Ball.isZero(im)) return real(re)
  return `${Ball.isZero(re) ? "" : `${real(re)} + `}${real(im)}i`
}

const scalar = (e: Expression): string => {
  if (e.tag === "number") return Rational.format(e.value)
  const form = NormalForm.normalForm(e)
  const exact = NormalForm.constantOf(form)
  if (exact !== null) return Rational.format(exact)
  // x + y - y depends on x alone.
  const left = new Set([...Polynomial.atoms(form.num), ...Polynomial.atoms(form.den)])
  const names = Syntax.unknowns(e).filter((name) => [...left].some((atom) => atom.includes(`${name} `)))
  const all = Syntax.unknowns(e)
  const written = NormalForm.format(form).replaceAll(/ (?=[\^*]|$)/g, "")
  if (names.includes("infinity") || names.includes("pm")) return written.replaceAll("-1*infinity", "-infinity")
  const points = all.length === 0 ? 1 : 3
  const values: Array<string> = []
  for (let point = 0; point < points; point++) {
    // What an unknown is worth depends on its name alone: equal answers need not have the same unknowns.
    const at = new Map(all.map((name) => [name, Value.anyNumber(name, point)] as const))
    const value = Value.evaluate(e, at, 320)
    values.push(typeof value === "string" ? "?" : complex(value))
  }
  if (values.includes("?")) return written
  if (values.every((value) => value === values[0])) return values[0]
  return `${names.join(",")}: ${values.join(" ")}`
}

const region = ({ intervals }: Region.Region, options: Options): string =>
  intervals.length === 0
    ? "{}"
    : intervals
        .map((i) => {
          if (i.from === i.to) return `{${of(i.low, options)}}`
          return `${i.lowClosed ? "[" : "("}${of(i.low, options)}, ${of(i.high, options)}${i.highClosed ? "]" : ")"}`
        })
        .join(" u ")

const letter = (name: string): Expression =>
  name === "e" || name === "i" ? { tag: "constant", name } : Syntax.symbol(name)

/** The key of an answer. Throws `WorkExceeded` and `NormalForm.Undefined`. @category keys */
export const of = (e: Expression, options: Options = {}): string => {
  spend(10)
  if (e.tag === "text") {
    const words = Words.spelled(e)?.text ?? e.text
    return words.length === 1 ? of(letter(words), options) : words.toLowerCase()
  }
  const joined = e.tag === "list" && e.items.every((item) => item.tag === "relation" && named(item) === null)
  const held = joined || e.tag === "relation" || e.tag === "setop" || e.tag === "symbol" ? Region.of(e) : null
  if (held !== null) return region(held, options)
  const said = named(e)
  const value = said?.value ?? chained(e)
  if (value !== null) return of(value, options)
  const items = several(e)
  if (items.length !== 1) {
    const keys = items.map((item) => of(item, options)).sort()
    const members = e.tag === "set" ? [...new Set(keys)] : keys
    return members.length === 1 ? members[0] : `{${members.join(", ")}}`
  }
  if (items[0] !== e) return of(items[0], options)
  switch (e.tag) {
    case "quantity":
      return of(measure(e, options).value, options)
    case "based":
      return `${e.digits}_${e.base}`
    case "tuple":
      return `${e.open}${e.items.map((item) => of(item, options)).join(", ")}${e.close}`
    case "matrix":
      return `[${e.rows.map((row) => `[${row.map((item) => of(item, options)).join(", ")}]`).join(", ")}]`
    case "relation": {
      const form = relation(e)
      if (form !== null) return `${NormalForm.format(form.form).replaceAll(/ (?=[\^*]|$)/g, "")} ${form.kind} 0`
      return e.sides.map((side, i) => (i === 0 ? "" : ` ${e.relations[i - 1]} `) + of(side, options)).join("")
    }
    case "setop":
      return e.items.map((item) => of(item, options)).join(` ${e.op} `)
    case "list":
    case "set":
      return `{${e.items.map((item) => of(item, options)).join(", ")}}`
    case "call":
    case "constant":
    case "number":
    case "power":
    case "product":
    case "sum":
    case "symbol":
      return Syntax.isScalar(e)
        ? scalar(e)
        : `${e.tag}(${Syntax.children(e)
            .map((c) => of(c, options))
            .join(", ")})`
  }
}
