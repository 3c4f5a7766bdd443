/**
 * The divergences as textbooks write them, in many decimal digits, each beside its derivative by P; and the chain rule to
 * log-ratios. Slow, and nothing here is shared with the package.
 */
import { Decimal } from "decimal.js"

const D = Decimal.clone({ precision: 45, maxE: 9e15, minE: -9e15 })

/** Digits from here on. With distributions e^n apart the chi-squares cancel about n decimal digits. */
export const digits = (precision: number): void => void D.set({ precision })
type Vector = ReadonlyArray<Decimal>
/** The very value of a float: decimal.js would read its shortest decimal form, half a unit in the last place away. */
export const d = (x: Decimal | number): Decimal => {
  if (typeof x !== "number") return x
  let integer = x
  let halvings = 0
  for (; !Number.isInteger(integer); halvings++) integer *= 2
  return new D(BigInt(integer).toString()).div(new D(2).pow(halvings))
}
const sum = (x: Vector): Decimal => x.reduce((a, b) => a.add(b), d(0))

export const softmax = (x: ArrayLike<number> | Vector): Vector => {
  const all = Array.from(x as ArrayLike<Decimal | number>, d)
  const top = all.reduce((a, b) => (b.gt(a) ? b : a))
  const e = all.map((v) => v.sub(top).exp())
  const z = sum(e)
  return e.map((v) => v.div(z))
}

interface Textbook {
  readonly value: (p: Vector, w: Vector) => Decimal
  readonly gradient: (p: Vector, w: Vector) => Vector
}

const forward: Textbook = {
  value: (p, w) => sum(w.map((v, k) => v.mul(v.div(p[k]).ln()))),
  gradient: (p, w) => p.map((v, k) => w[k].div(v).neg()),
}
const reverse: Textbook = {
  value: (p, w) => sum(p.map((v, k) => v.mul(v.div(w[k]).ln()))),
  gradient: (p, w) => p.map((v, k) => v.div(w[k]).ln().add(1)),
}
const combine = (x: Textbook, y: Textbook, a: number, b: number): Textbook => ({
  value: (p, w) => x.value(p, w).mul(a).add(y.value(p, w).mul(b)),
  gradient: (p, w) => {
    const [g, h] = [x.gradient(p, w), y.gradient(p, w)]
    return g.map((v, k) => v.mul(a).add(h[k].mul(b)))
  },
})
const jensenShannon = (a: number): Textbook => ({
  value: (p, w) => {
    const m = p.map((v, k) => w[k].mul(a).add(v.mul(d(1).sub(a))))
    return forward
      .value(m, w)
      .mul(a)
      .add(forward.value(m, p).mul(d(1).sub(a)))
  },
  gradient: (p, w) =>
    p.map((v, k) =>
      v
        .div(w[k].mul(a).add(v.mul(d(1).sub(a))))
        .ln()
        .mul(d(1).sub(a)),
    ),
})
const alpha = (a: number): Textbook => ({
  value: (p, w) =>
    sum(p.map((v, k) => w[k].pow(a).mul(v.pow(d(1).sub(a)))))
      .sub(1)
      .div(d(a).mul(d(a).sub(1))),
  gradient: (p, w) => p.map((v, k) => w[k].div(v).pow(a).div(-a)),
})
const renyi = (a: number): Textbook => {
  const s = (p: Vector, w: Vector) => sum(p.map((v, k) => w[k].pow(a).mul(v.pow(d(1).sub(a)))))
  return {
    value: (p, w) => s(p, w).ln().div(d(a).sub(1)),
    gradient: (p, w) => p.map((v, k) => w[k].div(v).pow(a).div(s(p, w)).neg()),
  }
}

/** By the package's names. */
export const textbooks: Record<string, Textbook> = {
  "forward-kl": forward,
  "reverse-kl": reverse,
  jeffreys: combine(forward, reverse, 1, 1),
  "jensen-shannon": jensenShannon(0.5),
  "jensen-shannon(0.1)": jensenShannon(0.1),
  "pearson-chi2": {
    value: (p, w) => sum(p.map((v, k) => v.sub(w[k]).pow(2).div(w[k]))),
    gradient: (p, w) => p.map((v, k) => v.div(w[k]).mul(2)),
  },
  "neyman-chi2": {
    value: (p, w) => sum(p.map((v, k) => v.sub(w[k]).pow(2).div(v))),
    gradient: (p, w) => p.map((v, k) => w[k].div(v).pow(2).neg()),
  },
  "alpha(0)": reverse,
  "alpha(1)": forward,
  "alpha(0.3)": alpha(0.3),
  "alpha(-0.5)": alpha(-0.5),
  "alpha(1.7)": alpha(1.7),
  hellinger2: {
    value: (p, w) => sum(p.map((v, k) => v.sqrt().sub(w[k].sqrt()).pow(2))).div(2),
    gradient: (p, w) => p.map((v, k) => w[k].div(v).sqrt().div(-2)),
  },
  "renyi(0.5)": renyi(0.5),
  "renyi(1)": forward,
  "renyi(2)": renyi(2),
  "total-variation": {
    value: (p, w) => sum(p.map((v, k) => v.sub(w[k]).abs())).div(2),
    gradient: (p, w) => p.map((v, k) => d(v.cmp(w[k])).div(2)),
  },
  brier: {
    value: (p, w) => sum(p.map((v, k) => v.sub(w[k]).pow(2))).div(2),
    gradient: (p, w) => p.map((v, k) => v.sub(w[k])),
  },
  triangular: {
    value: (p, w) => sum(p.map((v, k) => v.sub(w[k]).pow(2).div(v.add(w[k])))),
    gradient: (p, w) => p.map((v, k) => d(1).sub(w[k].pow(2).mul(4).div(v.add(w[k]).pow(2)))),
  },
  "0.75 forward-kl + 0.25 reverse-kl": combine(forward, reverse, 0.75, 0.25),
}

/** c_k = P_k (g_k - sum_j P_j g_j), as C.6 writes it. */
export const coefficients = (textbook: Textbook, p: Vector, w: Vector): Vector => {
  const g = textbook.gradient(p, w)
  const mean = sum(g.map((v, k) => v.mul(p[k])))
  return g.map((v, k) => p[k].mul(v.sub(mean)))
}

/** dD/ds_k by central differences with a step of 1e-12: exact to some 20 digits. */
export const differences = (textbook: Textbook, s: ArrayLike<number>, w: Vector): Vector => {
  const h = new D("1e-12")
  const at = (k: number, step: Decimal) => softmax(Array.from(s, (v, j) => (j === k ? d(v).add(step) : d(v))))
  return Array.from(s, (_, k) =>
    textbook
      .value(at(k, h), w)
      .sub(textbook.value(at(k, h.neg()), w))
      .div(h.mul(2)),
  )
}

export const gibbs = (rewards: ArrayLike<number>, tau: number, anchor: ArrayLike<number>): Vector =>
  softmax(Array.from(rewards, (r, k) => d(r).div(tau).add(anchor[k])))

export const number = (x: Decimal): number => x.toNumber()
export const numbers = (x: Vector): ReadonlyArray<number> => x.map(number)
