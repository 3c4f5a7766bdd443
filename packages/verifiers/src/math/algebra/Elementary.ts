/** Exponential, logarithm, sine, cosine and arctangent of balls: series of whole numbers with a bound on what they lose. */
import * as Ball from "./Ball.ts"
import { spend } from "./Work.ts"

/** A constant in units of 2^-p for any p, computed once in steps of 512 bits. */
const cached = (compute: (p: number) => bigint): ((p: number) => bigint) => {
  const known = new Map<number, bigint>()
  return (p) => {
    const size = Math.ceil((p + 16) / 512) * 512
    let value = known.get(size)
    if (value === undefined) {
      spend((size / 64) * (size / 64))
      value = compute(size)
      known.set(size, value)
    }
    return value >> BigInt(size - p)
  }
}
/** arctan (sign -1) or artanh (sign 1) of 1/n, in units of 2^-p, some units off. */
const series = (n: bigint, sign: 1n | -1n, p: number): bigint => {
  let term = (1n << BigInt(p)) / n
  let out = term
  for (let k = 3n; term !== 0n; k += 2n) {
    term = (sign * term) / (n * n)
    out += term / k
  }
  return out
}
/** A few units below 2^-p off, which the 16 spare bits take. */
const piAt = cached((p) => (16n * series(5n, -1n, p + 16) - 4n * series(239n, -1n, p + 16)) >> 16n)
const ln2At = cached(
  (p) => (18n * series(26n, 1n, p + 16) - 2n * series(4801n, 1n, p + 16) + 8n * series(8749n, 1n, p + 16)) >> 16n,
)

/** Pi. @category constants */
export const pi = (): Ball.Ball => {
  const p = Ball.precision() + 8
  return { m: piAt(p), r: 2n, e: -p }
}

const cost = (p: number): void => spend(25 + (p * Math.sqrt(p)) / 48)

/** In units of 2^-p, and by how many units that may be off. */
const fixed = (a: Ball.Ball, p: number): { readonly value: bigint; readonly off: bigint } => {
  const shift = a.e + p
  if (shift >= 0) {
    if (shift > 200_000) throw new Ball.NoValue("too large")
    return { value: a.m << BigInt(shift), off: a.r << BigInt(shift) }
  }
  const s = BigInt(Math.min(-shift, 1_000_000))
  return { value: a.m >> s, off: (a.r >> s) + 2n }
}

/** How often the argument is halved before a series at p bits. */
const halvings = (p: number): number => Math.floor(Math.sqrt(p) / 2) + 1

/** Largest argument of exp, in bits. */
const maxArgument = 44

/** @category functions */
export const exp = (a: Ball.Ball): Ball.Ball => {
  if (Ball.isZero(a)) return Ball.one
  const size = Ball.top(a)
  if (size > maxArgument) throw new Ball.NoValue("a value too large or too small to compute")
  const p = Ball.precision() + 20 + Math.max(0, size)
  cost(p)
  const x = fixed(a, p)
  if (x.off >> BigInt(p) > 0n) throw new Ball.Imprecise("an exponent")
  const ln2 = ln2At(p)
  const k = (2n * x.value + ln2) / (2n * ln2) - (x.value < 0n ? 1n : 0n)
  const f = x.value - k * ln2
  const j = halvings(p)
  const w = p + 2 * j + 12
  const unit = 1n << BigInt(w)
  const g = f << BigInt(j + 12)
  let [sum, term] = [unit, unit]
  for (let n = 1n; term !== 0n && term !== -1n; n++) {
    term = ((term * g) >> BigInt(w)) / n
    sum += term
  }
  for (let i = 0; i < j; i++) sum = (sum * sum) >> BigInt(w)
  // The middle is below 4 = e^(2 ln 2): an error in the argument counts at most four times, plus its square.
  const off = 8n * (x.off + (k < 0n ? -k : k) + 4n)
  return Ball.ball(sum >> BigInt(2 * j + 12), off + 4n, Number(k) - p)
}

/** The sum of t^k / k over odd k, with signs that alternate or not; |t| < 1/2. */
const odd = (t: Ball.Ball, alternate: boolean): Ball.Ball => {
  const size = Ball.top(t)
  if (size > -2) throw new Ball.Imprecise("a small argument")
  if (Ball.isZero(t)) return Ball.zero
  let power = t
  let out = t
  const square = alternate ? Ball.negate(Ball.multiply(t, t)) : Ball.multiply(t, t)
  const last = Math.ceil((Ball.precision() + 8) / (-2 * size)) + 1
  for (let k = 1; k <= last; k++) {
    power = Ball.multiply(power, square)
    out = Ball.add(out, Ball.divide(power, Ball.integer(2 * k + 1)))
  }
  // What is left out is below the last power.
  return Ball.add(out, { m: 0n, r: 1n, e: Math.max(size * (2 * last + 3) + 1, -(2 ** 40)) })
}

/** Of what is known to be positive. @category functions */
export const log = (a: Ball.Ball): Ball.Ball => {
  if (Ball.isZero(a)) throw new Ball.NoValue("the logarithm of zero")
  if (Ball.sign(a) < 0) throw new Ball.NoValue("the logarithm of a negative number")
  const k = a.e + Ball.length(a.m)
  const x = Ball.shifted(a, -k)
  const start = Ball.fromNumber(Math.log(Ball.toNumber(x)))
  const e = exp(start)
  const t = Ball.divide(Ball.subtract(x, e), Ball.add(x, e))
  const p = Ball.precision() + 64
  const ln2: Ball.Ball = { m: ln2At(p), r: 2n, e: -p }
  return Ball.add(Ball.add(start, Ball.shifted(odd(t, false), 1)), Ball.multiply(Ball.integer(k), ln2))
}

/** Largest angle, in bits. */
const maxAngle = 4096

/** @category functions */
export const sinCos = (a: Ball.Ball): { readonly sin: Ball.Ball; readonly cos: Ball.Ball } => {
  if (Ball.isZero(a)) return { sin: Ball.zero, cos: Ball.one }
  const size = Math.max(0, Ball.top(a))
  if (size > maxAngle) throw new Ball.NoValue("an angle too large to compute")
  const p = Ball.precision() + 20
  cost(p + size)
  const x = fixed(a, p + size)
  const half = piAt(p + size) >> 1n
  const k = (2n * x.value + half) / (2n * half) - (x.value < 0n ? 1n : 0n)
  const f = (x.value - k * half) >> BigInt(size)
  const off = (x.off >> BigInt(size)) + 6n
  if (off >> BigInt(p) > 0n) throw new Ball.Imprecise("an angle")
  const j = halvings(p)
  const w = p + 2 * j + 12
  const unit = 1n << BigInt(w)
  const g = f << BigInt(j + 12)
  const square = (g * g) >> BigInt(w)
  let [sin, cos, term] = [g, unit, unit]
  for (let n = 2n; term !== 0n && term !== -1n; n += 2n) {
    term = -((term * square) >> BigInt(w)) / (n * (n - 1n))
    cos += term
  }
  term = g
  for (let n = 3n; term !== 0n && term !== -1n; n += 2n) {
    term = -((term * square) >> BigInt(w)) / (n * (n - 1n))
    sin += term
  }
  for (let i = 0; i < j; i++) {
    const next = (sin * cos) >> BigInt(w - 1)
    cos = unit - ((sin * sin) >> BigInt(w - 1))
    sin = next
  }
  const down = BigInt(2 * j + 12)
  const s = Ball.ball(sin >> down, off + 6n, -p)
  const c = Ball.ball(cos >> down, off + 6n, -p)
  switch (((k % 4n) + 4n) % 4n) {
    case 0n:
      return { sin: s, cos: c }
    case 1n:
      return { sin: c, cos: Ball.negate(s) }
    case 2n:
      return { sin: Ball.negate(s), cos: Ball.negate(c) }
    default:
      return { sin: Ball.negate(c), cos: s }
  }
}

/** @category functions */
export const atan = (a: Ball.Ball): Ball.Ball => {
  if (Ball.isZero(a)) return Ball.zero
  if (Ball.top(a) > 60) {
    if (Ball.containsZero(a)) throw new Ball.Imprecise("an arctangent")
    const right = Ball.shifted(pi(), -1)
    return Ball.subtract(Ball.sign(a) < 0 ? Ball.negate(right) : right, atan(Ball.divide(Ball.one, a)))
  }
  if (Ball.top(a) < -60) return odd(a, true)
  const start = Ball.fromNumber(Math.atan(Ball.toNumber(a)))
  const { cos, sin } = sinCos(start)
  const t = Ball.divide(Ball.subtract(Ball.multiply(a, cos), sin), Ball.add(cos, Ball.multiply(a, sin)))
  return Ball.add(start, odd(t, true))
}
