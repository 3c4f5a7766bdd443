/**
 * Whole and rational numbers, exactly: factors, square roots, and the functions whose value at rational numbers is rational.
 */
import * as Rational from "./Rational.ts"
import { spend } from "./Work.ts"

/** The prime factors of n > 0 that trial division finds, and a cofactor that is 1 or has none below 2000. @category arithmetic */
export const factor = (n: bigint): { readonly primes: Map<bigint, number>; readonly rest: bigint } => {
  const primes = new Map<bigint, number>()
  let rest = n
  for (let p = 2n; p < 2000n && p * p <= rest; p += p === 2n ? 1n : 2n) {
    spend(1)
    for (; rest % p === 0n; rest /= p) primes.set(p, (primes.get(p) ?? 0) + 1)
  }
  // A cofactor below 2000^2 is prime.
  if (rest > 1n && rest < 4_000_000n) {
    primes.set(rest, (primes.get(rest) ?? 0) + 1)
    rest = 1n
  }
  return { primes, rest }
}

/** A whole square root; null where there is none, and beyond 2^1000. @category arithmetic */
export const squareRoot = (n: bigint): bigint | null => {
  if (n > 1n << 1000n) return null
  let x = BigInt(Math.floor(Math.sqrt(Number(n))))
  for (let i = 0; i < 60; i++) {
    spend(1)
    if (x === 0n) break
    const next = (x + n / x) >> 1n
    if (next === x || next === x + 1n || next === x - 1n) {
      for (const y of [next - 1n, next, next + 1n]) if (y * y === n) return y
      return null
    }
    x = next
  }
  return x * x === n ? x : null
}

/** The product of the whole numbers from `low` to `high`, halves first: long numbers are multiplied late. */
const span = (low: bigint, high: bigint): bigint => {
  if (high - low < 8n) {
    let out = 1n
    for (let i = low; i <= high; i++) out *= i
    return out
  }
  const middle = (low + high) >> 1n
  return span(low, middle) * span(middle + 1n, high)
}
const factorial = (n: bigint): bigint => {
  spend(Number(n))
  return span(2n, n)
}
/** Largest number whose factorial is written out. */
const maxFactorial = 2500n

/** The value of a function of whole or rational numbers where it is one; null elsewhere. @category arithmetic */
export const exact = (name: string, args: ReadonlyArray<Rational.Rational>): Rational.Rational | null => {
  const [a, b] = args
  const whole = args.every(Rational.isInteger)
  switch (name) {
    case "abs":
      return args.length === 1 ? { num: a.num < 0n ? -a.num : a.num, den: a.den } : null
    case "floor":
      return Rational.integer(a.num >= 0n ? a.num / a.den : -((-a.num + a.den - 1n) / a.den))
    case "ceil":
      return Rational.integer(a.num <= 0n ? -(-a.num / a.den) : (a.num + a.den - 1n) / a.den)
    case "factorial":
      return whole && a.num >= 0n && a.num <= maxFactorial ? Rational.integer(factorial(a.num)) : null
    case "double factorial": {
      if (!whole || a.num < -1n || a.num > maxFactorial) return null
      let out = 1n
      for (let k = a.num; k > 1n; k -= 2n) out *= k
      return Rational.integer(out)
    }
    case "binom": {
      if (!whole || args.length !== 2 || a.num < 0n || a.num > 10_000n || b.num < 0n) return null
      if (b.num > a.num) return Rational.zero
      const k = b.num < a.num - b.num ? b.num : a.num - b.num
      spend(2 * Number(k))
      return k > maxFactorial ? null : Rational.integer(span(a.num - k + 1n, a.num) / factorial(k))
    }
    case "mod":
      return args.length === 2 && whole && b.num > 0n ? Rational.integer(((a.num % b.num) + b.num) % b.num) : null
    case "gcd":
    case "lcm": {
      if (!whole || args.length < 2) return null
      let out = args[0].num < 0n ? -args[0].num : args[0].num
      for (const { num } of args.slice(1)) {
        let [x, y] = [out, num < 0n ? -num : num]
        while (y !== 0n) {
          spend(1)
          ;[x, y] = [y, x % y]
        }
        out = name === "gcd" ? x : x === 0n ? 0n : (out / x) * (num < 0n ? -num : num)
      }
      return Rational.integer(out)
    }
    case "max":
    case "min":
      return args.reduce((x, y) => (Rational.compare(x, y) < 0 === (name === "max") ? y : x))
    default:
      return null
  }
}
