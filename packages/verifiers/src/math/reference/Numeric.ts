/**
 * Plain-text expressions such as `2sqrt(221)`, `16/3`, `4pi` and `7+3/4`, with letters as unknowns, and whether two of them
 * are equal. A closed grammar: numbers, `+ - * /`, `^` and `**`, juxtaposition, parentheses, `sqrt`, `pi`.
 *
 * Equality is decided by value, at several points when there are letters. Two answers of a geometry problem that agree
 * to fourteen digits and differ have not been seen; a proof of equality this is not.
 */

/** What each letter is worth. */
type Letters = (name: string) => number

interface Node {
  /** The value where the letters have theirs. */
  readonly at: (letters: Letters) => number
  /** Whether a decimal point or exponent occurs: then the value is a float to the graders. */
  readonly decimal: boolean
  /** Whether an exact root, pi or a letter occurs: then no decimal is equal to it. */
  readonly symbolic: boolean
  /** Whether something symbolic is raised to a decimal: `x^2.0` is not `x^2` to SymPy. */
  readonly decimalPower: boolean
}

class Refusal extends Error {}

/** Longest expression read, in characters; also bounds the recursion. */
const maxLength = 300

const tokens =
  /(?<number>(?:[0-9]+(?:_[0-9]+)*\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?)|(?<name>\p{L}[\p{L}0-9]*)|(?<op>\*\*|[-+*/^()!])/uy

const leaf = (value: number, kind: Partial<Pick<Node, "decimal" | "symbolic">>): Node => ({
  at: () => value,
  decimal: false,
  symbolic: false,
  decimalPower: false,
  ...kind,
})

const factorial = (x: number): number => {
  if (!Number.isInteger(x) || x < 0 || x > 170) return Number.NaN
  let out = 1
  for (let k = 2; k <= x; k++) out *= k
  return out
}

const repeatedly = (f: (x: number) => number, times: number, x: number): number => {
  let out = x
  for (let i = 0; i < times && Number.isFinite(out); i++) out = f(out)
  return out
}

const parse = (text: string): Node => {
  if (text.length > maxLength) throw new Refusal("too long")
  const list: Array<{ readonly kind: string; readonly text: string }> = []
  for (tokens.lastIndex = 0; tokens.lastIndex < text.length;) {
    const groups = tokens.exec(text)?.groups
    if (groups === undefined) throw new Refusal("not an expression")
    const [kind, value] = Object.entries(groups).find(([, v]) => v !== undefined) ?? ["", ""]
    if (kind === "number" && /^0[0-9]+$/.test(value)) throw new Refusal("a leading zero")
    if (kind === "name" && value !== "sqrt" && value !== "pi") {
      // A name that is none of SymPy's is the product of its letters and numbers.
      for (const part of value.match(/\p{L}|[0-9]+/gu) ?? [])
        list.push({ kind: /^[0-9]/.test(part) ? "number" : kind, text: part })
      continue
    }
    list.push({ kind, text: value === "**" ? "^" : value })
  }
  let at = 0
  const is = (op: string): boolean => list[at]?.kind === "op" && list[at].text === op
  const both = (a: Node, b: Node, f: (x: number, y: number) => number): Node => ({
    at: (l) => f(a.at(l), b.at(l)),
    decimal: a.decimal || b.decimal,
    symbolic: a.symbolic || b.symbolic,
    decimalPower: a.decimalPower || b.decimalPower,
  })
  const sum = (): Node => {
    let a = product()
    while (is("+") || is("-")) {
      const minus = list[at++].text === "-"
      a = both(a, product(), minus ? (x, y) => x - y : (x, y) => x + y)
    }
    return a
  }
  const product = (): Node => {
    let a = signed()
    for (;;) {
      if (is("*")) {
        at++
        a = both(a, signed(), (x, y) => x * y)
      } else if (is("/")) {
        at++
        a = both(a, signed(), (x, y) => x / y)
      } else if (at < list.length && (list[at].kind !== "op" || is("("))) a = both(a, power(), (x, y) => x * y)
      else return a
    }
  }
  const signed = (): Node => {
    if (!is("-") && !is("+")) return power()
    const minus = list[at++].text === "-"
    const a = signed()
    return minus ? { ...a, at: (l) => -a.at(l) } : a
  }
  const power = (): Node => {
    const operand = atom()
    let factorials = 0
    for (; is("!"); at++) factorials++
    const a =
      factorials === 0 ? operand : { ...operand, at: (l: Letters) => repeatedly(factorial, factorials, operand.at(l)) }
    if (!is("^")) return a
    at++
    const exponent = signed()
    const out = both(a, exponent, (x, y) => x ** y)
    return a.symbolic && exponent.decimal ? { ...out, decimalPower: true } : out
  }
  const atom = (): Node => {
    const token = list[at++]
    if (token === undefined) throw new Refusal("ends early")
    if (token.kind === "number")
      return leaf(Number(token.text.replaceAll("_", "")), { decimal: /[.e]/.test(token.text) })
    if (token.text === "pi") return leaf(Math.PI, { symbolic: true })
    if (token.text === "sqrt") {
      if (!is("(")) throw new Refusal("sqrt of what")
      const a = atom()
      // The root of a decimal is a decimal.
      return { ...a, at: (l) => Math.sqrt(a.at(l)), symbolic: a.symbolic || !a.decimal }
    }
    if (token.kind === "name") return { ...leaf(0, { symbolic: true }), at: (l) => l(token.text) }
    if (token.text !== "(") throw new Refusal(`unexpected ${token.text}`)
    const a = sum()
    if (!is(")")) throw new Refusal("unbalanced")
    at++
    return a
  }
  const out = sum()
  if (at < list.length) throw new Refusal("trailing text")
  return out
}

/** Whether `x`, written `text`, is a decimal that can only be close to `y`: a root, pi, or a fraction to 15 digits. */
const inexact = (x: Node, text: string, y: Node): boolean =>
  x.decimal && !x.symbolic && !y.decimal && (y.symbolic || (text.match(/[0-9]/g)?.length ?? 0) >= 15)

/** Points at which letters are tried: positive, so that roots are real. */
const points = [0.7310585, 1.6180339, 2.9957322, 5.3851648]

/**
 * Whether both expressions are equal wherever tried; false when one is no expression or has no real value.
 *
 * @category comparison
 */
export const equal = (a: string, b: string): boolean => {
  try {
    const [x, y] = [parse(a), parse(b)]
    if (inexact(x, a, y) || inexact(y, b, x)) return false
    if (x.decimalPower !== y.decimalPower) return false
    const tolerance = x.decimal || y.decimal ? 2e-15 : 1e-13
    return points.every((point) => {
      const letters = (name: string): number => point * (1 + 0.37 * (((name.codePointAt(0) ?? 0) + 7) % 26))
      const [u, v] = [x.at(letters), y.at(letters)]
      return (
        Number.isFinite(u) && Number.isFinite(v) && Math.abs(u - v) <= tolerance * Math.max(Math.abs(u), Math.abs(v))
      )
    })
  } catch (error) {
    if (error instanceof Refusal) return false
    throw error
  }
}
