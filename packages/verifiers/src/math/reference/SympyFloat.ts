/**
 * SymPy's numbers: exact fractions, and floats of so many bits, each operation rounded to nearest. A grader that asks whether a difference
 * is 0 sees the last bit, so `25.0/6` is not `25/6`. Sums are kept as coefficients of products of letters, pi and square roots, as
 * SymPy keeps them; what has another shape is not decided here.
 */
import * as Rational from "../algebra/Rational.ts"
import type { Tree } from "./ImplicitText.ts"

/** A fraction, and the bits of its mantissa where it is a float. */
interface Numeral {
  readonly value: Rational.Rational
  readonly bits: number | null
}

/** Coefficients by what they belong to: `""` is the number itself, else factors `name^exponent` in order. */
type Sum = ReadonlyMap<string, Numeral>

class Undecided extends Error {}

/** Longest integers worked with, in bits. */
const maxBits = 4096

const length = (n: bigint): number => (n === 0n ? 0 : n.toString(2).length)

/** Nearest number with `bits` bits, ties to even. */
const rounded = ({ den, num }: Rational.Rational, bits: number): Rational.Rational => {
  if (num === 0n) return Rational.zero
  const size = num < 0n ? -num : num
  // Two bits more than asked for tell which way to go, with the remainder.
  let shift = bits + 2 - (length(size) - length(den))
  if (Math.abs(shift) > maxBits) throw new Undecided("out of range")
  const [a, b] = shift >= 0 ? [size << BigInt(shift), den] : [size, den << BigInt(-shift)]
  let quotient = a / b
  const sticky = a % b !== 0n
  const extra = length(quotient) - bits
  const low = quotient & ((1n << BigInt(extra)) - 1n)
  const half = 1n << BigInt(extra - 1)
  quotient >>= BigInt(extra)
  shift -= extra
  if (low > half || (low === half && (sticky || (quotient & 1n) === 1n))) quotient += 1n
  const signed = num < 0n ? -quotient : quotient
  return shift >= 0 ? Rational.make(signed, 1n << BigInt(shift)) : Rational.make(signed << BigInt(-shift))
}

const exact = (value: Rational.Rational): Numeral => ({ value, bits: null })
const float = (value: Rational.Rational, bits: number): Numeral => ({ value: rounded(value, bits), bits })

const combine = (
  a: Numeral,
  b: Numeral,
  f: (x: Rational.Rational, y: Rational.Rational) => Rational.Rational,
): Numeral => {
  if (a.bits === null && b.bits === null) return exact(f(a.value, b.value))
  const bits = Math.max(a.bits ?? 0, b.bits ?? 0)
  const of = (n: Numeral): Rational.Rational => (n.bits === null ? rounded(n.value, bits) : n.value)
  return float(f(of(a), of(b)), bits)
}
const plus = (a: Numeral, b: Numeral): Numeral => combine(a, b, Rational.add)
const times = (a: Numeral, b: Numeral): Numeral => combine(a, b, Rational.multiply)
const invert = (a: Numeral): Numeral => {
  if (a.value.num === 0n) throw new Undecided("division by zero")
  const value = Rational.invert(a.value)
  return a.bits === null ? exact(value) : float(value, a.bits)
}
const negate = (a: Numeral): Numeral => ({ ...a, value: Rational.negate(a.value) })

/** Bits for so many decimal digits, as mpmath has it. */
const bitsFor = (digits: number): number => Math.max(1, Math.round((digits + 1) * 3.3219280948873626))

const literal = (tree: Extract<Tree, { readonly tag: "number" }>): Numeral => {
  const value = Rational.fromDecimal(tree.digits, tree.exponent)
  if (!tree.float) return exact(value)
  const significant = tree.digits.replace(".", "").replace(/^0+/, "").length
  return float(value, bitsFor(Math.max(15, significant)))
}

const one: Numeral = exact(Rational.one)
const sumOf = (key: string, coefficient: Numeral): Sum => new Map([[key, coefficient]])
const single = (a: Sum): readonly [key: string, coefficient: Numeral] => {
  const [only] = a
  if (a.size !== 1 || only === undefined) throw new Undecided("a sum in a product")
  return only
}

const add = (a: Sum, b: Sum): Sum => {
  const out = new Map(a)
  for (const [key, coefficient] of b) {
    const before = out.get(key)
    const after = before === undefined ? coefficient : plus(before, coefficient)
    if (after.value.num === 0n && key !== "") out.delete(key)
    else out.set(key, after)
  }
  return out
}
const scale = (a: Sum, f: (n: Numeral) => Numeral): Sum => new Map([...a].map(([key, n]) => [key, f(n)]))

/** n as s^2 m with m free of squares, for small n. */
const squareFree = (n: bigint): readonly [root: bigint, rest: bigint] => {
  if (n > 1_000_000n) throw new Undecided("a large radicand")
  let [root, rest] = [1n, n]
  for (let d = 2n; d * d <= rest; d++)
    while (rest % (d * d) === 0n) {
      rest /= d * d
      root *= d
    }
  return [root, rest]
}

/** Factors `name^exponent`; a root is the factor `r` followed by its radicand. */
const powersOf = (key: string): Map<string, number> =>
  new Map(
    key
      .split(" ")
      .filter((factor) => factor !== "")
      .map((factor) => {
        const [name, exponent] = factor.split("^")
        return [name, Number(exponent)]
      }),
  )
const keyOf = (powers: ReadonlyMap<string, number>): string =>
  [...powers]
    .filter(([, exponent]) => exponent !== 0)
    .map(([name, exponent]) => `${name}^${exponent}`)
    .sort()
    .join(" ")

const multiply = (a: Sum, b: Sum): Sum => {
  const [[ka, x], [kb, y]] = [single(a), single(b)]
  const powers = powersOf(ka)
  for (const [name, exponent] of powersOf(kb)) powers.set(name, (powers.get(name) ?? 0) + exponent)
  let coefficient = times(x, y)
  let radicand = 1n
  for (const name of [...powers.keys()].filter((n) => /^\d/.test(n))) {
    if ((powers.get(name) ?? 0) % 2 === 0) coefficient = times(coefficient, exact(Rational.make(BigInt(name))))
    else radicand *= BigInt(name)
    powers.delete(name)
  }
  const [root, rest] = squareFree(radicand)
  if (root !== 1n) coefficient = times(coefficient, exact(Rational.make(root)))
  if (rest !== 1n) powers.set(String(rest), 1)
  return sumOf(keyOf(powers), coefficient)
}

const inverse = (a: Sum): Sum => {
  const [key, coefficient] = single(a)
  const powers = powersOf(key)
  let out = invert(coefficient)
  for (const [name, exponent] of powers) {
    if (/^\d/.test(name)) out = times(out, exact(Rational.make(1n, BigInt(name))))
    else powers.set(name, -exponent)
  }
  return sumOf(keyOf(powers), out)
}

const isNumber = (a: Sum): boolean => a.size === 1 && a.has("")

const divide = (a: Sum, b: Sum): Sum => {
  if (isNumber(a) && isNumber(b)) {
    const [[, x], [, y]] = [single(a), single(b)]
    if (y.value.num === 0n) throw new Undecided("division by zero")
    if (x.bits !== null)
      return sumOf(
        "",
        combine(x, y, (p, q) => Rational.multiply(p, Rational.invert(q))),
      )
  }
  const factor = inverse(b)
  if (!isNumber(factor) || a.size === 1) return multiply(a, factor)
  throw new Undecided("a sum divided")
}

const power = (base: Sum, exponent: Sum): Sum => {
  const n = single(exponent)[1]
  // A letter to the power 2.0 is not its square.
  if (isNumber(exponent) && n.bits !== null && !isNumber(base))
    return sumOf(`${single(base)[0].replaceAll(/[ ^]/g, "_")}**${Rational.format(n.value)}^1`, one)
  if (!isNumber(exponent) || n.bits !== null || !Rational.isInteger(n.value)) throw new Undecided("such a power")
  const count = Number(n.value.num)
  if (Math.abs(count) > 64) throw new Undecided("a large power")
  if (isNumber(base)) {
    const [, { bits, value }] = single(base)
    if (value.num === 0n) throw new Undecided("a power of 0")
    const out = Rational.power(value, count)
    return sumOf("", bits === null ? exact(out) : float(out, bits))
  }
  let out: Sum = sumOf("", one)
  for (let i = 0; i < Math.abs(count); i++) out = multiply(out, base)
  return count < 0 ? inverse(out) : out
}

const squareRoot = (n: bigint): bigint => {
  let x = 1n << BigInt(Math.ceil(length(n) / 2) + 1)
  for (;;) {
    const y = (x + n / x) >> 1n
    if (y >= x) return x
    x = y
  }
}

const root = (of: Sum): Sum => {
  if (!isNumber(of)) throw new Undecided("the root of a letter")
  const [, { bits, value }] = single(of)
  if (value.num < 0n) throw new Undecided("the root of a negative number")
  if (value.num === 0n) return of
  if (bits !== null) {
    // Enough bits that rounding sees a remainder.
    const shift = BigInt(2 * (bits + 64 + length(value.den)))
    const scaled = (value.num << shift) / value.den
    const found = squareRoot(scaled)
    const sticky = found * found === scaled && (value.num << shift) % value.den === 0n ? 0n : 1n
    return sumOf("", float(Rational.make((found << 1n) + sticky, 1n << (shift / 2n + 1n)), bits))
  }
  const [whole, rest] = squareFree(value.num * value.den)
  const coefficient = exact(Rational.make(whole, value.den))
  return sumOf(rest === 1n ? "" : `${rest}^1`, coefficient)
}

const sum = (tree: Tree): Sum => {
  if (tree.tag === "number") return sumOf("", literal(tree))
  if (tree.tag === "name") return sumOf(`${tree.name}^1`, one)
  if (tree.tag === "minus") return scale(sum(tree.of), negate)
  if (tree.tag === "call") {
    if (tree.name !== "sqrt") throw new Undecided(tree.name)
    return root(sum(tree.of))
  }
  const [a, b] = [sum(tree.left), sum(tree.right)]
  if (tree.op === "+") return add(a, b)
  if (tree.op === "-") return add(a, scale(b, negate))
  if (tree.op === "*") return multiply(a, b)
  if (tree.op === "/") return divide(a, b)
  if (tree.op === "**") return power(a, b)
  throw new Undecided(tree.op)
}

/** Whether the difference is 0 to SymPy; null where this cannot tell. @category comparison */
export const equal = (a: Tree, b: Tree): boolean | null => {
  try {
    return [...add(sum(a), scale(sum(b), negate)).values()].every(({ value }) => value.num === 0n)
  } catch (error) {
    if (error instanceof Undecided) return null
    throw error
  }
}
