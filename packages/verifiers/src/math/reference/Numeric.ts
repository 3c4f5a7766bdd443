/**
 * Whether SymPy would simplify the difference of two plain texts to 0, decided by value: exactly, at random fractions for the letters,
 * while there are only fractions; with SymPy's own rounding where decimals occur; else at complex points, because SymPy's letters are
 * complex and `sqrt(x^2)` is not `x` to it.
 *
 * Two answers that agree to eleven digits at every point and differ have not been seen; a proof of equality this is not.
 *
 * @module
 */
import * as Rational from "../algebra/Rational.ts"
import { within } from "../algebra/Work.ts"
import { parse, Refusal, some, type Tree } from "./ImplicitText.ts"
import * as SympyFloat from "./SympyFloat.ts"

/** The value is not a fraction. */
class Irrational extends Error {}

const maxFactorial = 3000

const factorial = (n: Rational.Rational, step: bigint): Rational.Rational => {
  if (!Rational.isInteger(n)) throw new Irrational("a factorial of something other than an integer")
  if (n.num < 0n || n.num > maxFactorial) throw new Refusal("a factorial out of range")
  let out = 1n
  for (let k = n.num; k > 1n; k -= step) out *= k
  return Rational.make(out)
}

const rootOf = (n: bigint): bigint => {
  if (n < 0n) throw new Irrational("a negative radicand")
  const guess = BigInt(Math.round(Math.sqrt(Number(n))))
  if (n > 2n ** 52n || guess * guess !== n) throw new Irrational("no square")
  return guess
}

/** The root of what `of` is worth; that of letters may be either one. */
const squareRoot = (x: Rational.Rational, of: Tree): Rational.Rational => {
  if (some(of, (part) => part.tag === "name")) throw new Irrational("a root of letters")
  return Rational.make(rootOf(x.num), rootOf(x.den))
}

const divide = (a: Rational.Rational, b: Rational.Rational): Rational.Rational => {
  if (Rational.isZero(b)) throw new Refusal("division by zero")
  return Rational.multiply(a, Rational.invert(b))
}

const floor = (x: Rational.Rational): Rational.Rational => {
  const quotient = x.num / x.den
  return Rational.make(x.num % x.den < 0n ? quotient - 1n : quotient)
}

type Letters<A> = (name: string) => A

/** The value as a fraction. Throws `Irrational` where it is none, `Refusal` where SymPy has no number. */
const rational = (tree: Tree, letters: Letters<Rational.Rational>): Rational.Rational => {
  if (tree.tag === "number") return Rational.fromDecimal(tree.digits, tree.exponent)
  if (tree.tag === "name") {
    if (tree.name === "pi") throw new Irrational("pi")
    return letters(tree.name)
  }
  if (tree.tag === "minus") return Rational.negate(rational(tree.of, letters))
  if (tree.tag === "call") {
    const of = rational(tree.of, letters)
    if (tree.name === "sqrt") return squareRoot(of, tree.of)
    if (tree.name === "ln") {
      if (Rational.equal(of, Rational.one)) return Rational.zero
      throw new Irrational("a logarithm")
    }
    return factorial(of, tree.name === "factorial" ? 1n : 2n)
  }
  const [a, b] = [rational(tree.left, letters), rational(tree.right, letters)]
  if (tree.op === "+") return Rational.add(a, b)
  if (tree.op === "-") return Rational.add(a, Rational.negate(b))
  if (tree.op === "*") return Rational.multiply(a, b)
  if (tree.op === "/") return divide(a, b)
  if (tree.op === "//") {
    if (some(tree, (part) => part.tag === "name")) throw new Irrational("a floor of letters")
    return floor(divide(a, b))
  }
  if (Rational.equal(b, Rational.make(1n, 2n))) return squareRoot(a, tree.left)
  if (!Rational.isInteger(b)) throw new Irrational("a broken power")
  if (Rational.isZero(a) && b.num < 0n) throw new Refusal("division by zero")
  return Rational.power(a, Number(b.num))
}

interface Complex {
  readonly re: number
  readonly im: number
}
const times = (a: Complex, b: Complex): Complex => ({ re: a.re * b.re - a.im * b.im, im: a.re * b.im + a.im * b.re })
const over = (a: Complex, b: Complex): Complex => {
  const norm = b.re * b.re + b.im * b.im
  return { re: (a.re * b.re + a.im * b.im) / norm, im: (a.im * b.re - a.re * b.im) / norm }
}
const logarithm = (a: Complex): Complex => ({ re: Math.log(Math.hypot(a.re, a.im)), im: Math.atan2(a.im, a.re) })
const raise = (a: Complex, b: Complex): Complex => {
  if (b.im === 0 && Number.isInteger(b.re) && Math.abs(b.re) <= 64) {
    let out: Complex = { re: 1, im: 0 }
    for (let i = 0; i < Math.abs(b.re); i++) out = times(out, a)
    return b.re < 0 ? over({ re: 1, im: 0 }, out) : out
  }
  if (a.re === 0 && a.im === 0) return { re: b.re > 0 ? 0 : Number.NaN, im: 0 }
  const { im, re } = times(b, logarithm(a))
  return { re: Math.exp(re) * Math.cos(im), im: Math.exp(re) * Math.sin(im) }
}

const complex = (tree: Tree, letters: Letters<Complex>): Complex => {
  if (tree.tag === "number") return { re: Number(tree.digits) * 10 ** tree.exponent, im: 0 }
  if (tree.tag === "name") return tree.name === "pi" ? { re: Math.PI, im: 0 } : letters(tree.name)
  if (tree.tag === "minus") {
    const { im, re } = complex(tree.of, letters)
    return { re: -re, im: im === 0 ? 0 : -im }
  }
  if (tree.tag === "call") {
    const of = complex(tree.of, letters)
    if (tree.name === "sqrt") return raise(of, { re: 0.5, im: 0 })
    if (tree.name === "ln") return logarithm(of)
    if (of.im !== 0 || !Number.isInteger(of.re)) throw new Refusal("a factorial of something other than an integer")
    return { re: Number(factorial(Rational.integer(of.re), tree.name === "factorial" ? 1n : 2n).num), im: 0 }
  }
  const [a, b] = [complex(tree.left, letters), complex(tree.right, letters)]
  if (tree.op === "+") return { re: a.re + b.re, im: a.im + b.im }
  if (tree.op === "-") return { re: a.re - b.re, im: a.im - b.im }
  if (tree.op === "*") return times(a, b)
  if (tree.op === "/") return over(a, b)
  if (tree.op === "//") throw new Refusal("a floor")
  return raise(a, b)
}

/** A small number that depends on the name and the try. */
const seed = (name: string, attempt: number): number => {
  let out = 17 + attempt
  for (const char of name) out = (out * 31 + (char.codePointAt(0) ?? 0)) % 997
  return out
}

const fractions =
  (attempt: number): Letters<Rational.Rational> =>
  (name) =>
    Rational.make(BigInt(seed(name, attempt) + 2), 89n)

/** All round the origin, so that the branches of roots and logarithms tell apart what only holds for positive letters. */
const points =
  (attempt: number): Letters<Complex> =>
  (name) => {
    const angle = 2 * Math.PI * ((0.618 * (seed(name, 0) + 1) * (attempt + 1)) % 1)
    const modulus = 0.8 + seed(name, attempt) / 700
    return { re: modulus * Math.cos(angle), im: modulus * Math.sin(angle) }
  }

const closeAt = (a: Tree, b: Tree, attempt: number, tolerance: number): boolean => {
  const [u, v] = [complex(a, points(attempt)), complex(b, points(attempt))]
  const size = Math.max(Math.hypot(u.re, u.im), Math.hypot(v.re, v.im))
  return Number.isFinite(size) && Math.hypot(u.re - v.re, u.im - v.im) <= tolerance * size
}

const decide = (a: Tree, b: Tree): boolean => {
  const float = some(a, isFloat) || some(b, isFloat)
  if (float) {
    const verdict = SympyFloat.equal(a, b)
    if (verdict !== null) return verdict
  } else {
    try {
      return [1, 2].every((attempt) => Rational.equal(rational(a, fractions(attempt)), rational(b, fractions(attempt))))
    } catch (error) {
      if (!(error instanceof Irrational)) throw error
    }
  }
  return Array.from({ length: tries }, (_, i) => i).every((attempt) => closeAt(a, b, attempt, float ? 2e-15 : 1e-11))
}

const isFloat = (tree: Tree): boolean => tree.tag === "number" && tree.float

/** Complex points tried: two letters must now and then lie in opposite directions. */
const tries = 10

/** Most steps of exact arithmetic for one comparison. */
const steps = 200_000

/** Whether both are expressions and equal; false when one is none or has no value. @category comparison */
export const equal = (a: string, b: string): boolean => {
  try {
    const [x, y] = [parse(a), parse(b)]
    return within(
      steps,
      () => decide(x, y),
      () => false,
    )
  } catch (error) {
    if (error instanceof Refusal) return false
    throw error
  }
}
