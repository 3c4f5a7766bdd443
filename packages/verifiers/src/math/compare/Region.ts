/**
 * Sets of real numbers: intervals, their unions and intersections, and the inequalities in one unknown that say the same.
 * `x < 0`, `(-\infty, 0)` and `x \in (-\infty, 0)` are one region. Bounds must be real constants.
 */
import * as Ball from "../algebra/Ball.ts"
import { evaluate } from "../algebra/Value.ts"
import * as Syntax from "../read/Syntax.ts"
import { type Expression, type Relation } from "../read/Syntax.ts"

/** @category models */
export interface Interval {
  readonly low: Expression
  readonly high: Expression
  readonly lowClosed: boolean
  readonly highClosed: boolean
  /** The bounds as numbers, for their order. */
  readonly from: number
  readonly to: number
}

/** Disjoint intervals in ascending order; `name` is the unknown when one was written. @category models */
export interface Region {
  readonly name: string | null
  readonly intervals: ReadonlyArray<Interval>
}

const minusInfinity = Syntax.negate(Syntax.infinity)

/** The size of a bound; null when it is not a real constant. */
const size = (e: Expression): number | null => {
  if (e.tag === "symbol" && e.name === "infinity") return Number.POSITIVE_INFINITY
  if (
    e.tag === "product" &&
    e.factors.length === 2 &&
    e.factors[1].tag === "symbol" &&
    e.factors[1].name === "infinity"
  ) {
    const [sign] = e.factors
    return sign.tag === "number" && sign.value.num === -1n ? Number.NEGATIVE_INFINITY : null
  }
  if (e.tag === "number") return Number(e.value.num) / Number(e.value.den)
  if (!Syntax.isScalar(e) || Syntax.unknowns(e).length > 0) return null
  const value = evaluate(e)
  return typeof value === "string" || !Ball.isZero(value.im) ? null : Ball.toNumber(value.re)
}

const interval = (low: Expression, lowClosed: boolean, high: Expression, highClosed: boolean): Interval | null => {
  const [from, to] = [size(low), size(high)]
  if (from === null || to === null || Number.isNaN(from) || Number.isNaN(to) || from > to) return null
  return { low, high, lowClosed, highClosed, from, to }
}

/** Puts intervals in order and joins those that touch. */
const union = (all: ReadonlyArray<Interval>): Array<Interval> => {
  const out: Array<Interval> = []
  for (const next of [...all].sort((a, b) => a.from - b.from || Number(b.lowClosed) - Number(a.lowClosed))) {
    const last = out.at(-1)
    if (last === undefined || last.to < next.from || (last.to === next.from && !last.highClosed && !next.lowClosed)) {
      out.push(next)
      continue
    }
    const further = next.to > last.to || (next.to === last.to && next.highClosed)
    out[out.length - 1] = further ? { ...last, high: next.high, to: next.to, highClosed: next.highClosed } : last
  }
  return out
}

const intersection = (a: ReadonlyArray<Interval>, b: ReadonlyArray<Interval>): Array<Interval> => {
  const out: Array<Interval> = []
  for (const x of a)
    for (const y of b) {
      const low = x.from > y.from || (x.from === y.from && !x.lowClosed) ? x : y
      const high = x.to < y.to || (x.to === y.to && !x.highClosed) ? x : y
      if (low.from > high.to || (low.from === high.to && !(low.lowClosed && high.highClosed))) continue
      out.push({
        low: low.low,
        from: low.from,
        lowClosed: low.lowClosed,
        high: high.high,
        to: high.to,
        highClosed: high.highClosed,
      })
    }
  return union(out)
}

const complement = (all: ReadonlyArray<Interval>): Array<Interval> => {
  const out: Array<Interval> = []
  let [low, from, closed]: [Expression, number, boolean] = [minusInfinity, Number.NEGATIVE_INFINITY, false]
  for (const next of all) {
    if (next.from > from || (next.from === from && closed && !next.lowClosed))
      out.push({ low, from, lowClosed: closed, high: next.low, to: next.from, highClosed: !next.lowClosed })
    ;[low, from, closed] = [next.high, next.to, !next.highClosed]
  }
  if (from < Number.POSITIVE_INFINITY)
    out.push({
      low,
      from,
      lowClosed: closed,
      high: Syntax.infinity,
      to: Number.POSITIVE_INFINITY,
      highClosed: false,
    })
  return out
}

const line: Interval = {
  low: minusInfinity,
  high: Syntax.infinity,
  lowClosed: false,
  highClosed: false,
  from: Number.NEGATIVE_INFINITY,
  to: Number.POSITIVE_INFINITY,
}

const flipped: Readonly<Partial<Record<Relation, Relation>>> = {
  "<": ">",
  "<=": ">=",
  ">": "<",
  ">=": "<=",
  "!=": "!=",
}

/** The numbers that stand in `relation` to the bound, as in x < 3. */
const halfLine = (relation: Relation, bound: Expression): Array<Interval> | null => {
  const at = interval(bound, true, bound, true)
  if (at === null) return null
  switch (relation) {
    case "<":
    case "<=":
      return [{ ...line, high: bound, to: at.to, highClosed: relation === "<=" }]
    case ">":
    case ">=":
      return [{ ...line, low: bound, from: at.from, lowClosed: relation === ">=" }]
    case "!=":
      return complement([at])
    case "=":
    case "equiv":
    case "in":
    case "~":
    default:
      return null
  }
}

const nameOf = (e: Expression): string | null =>
  e.tag === "symbol" && e.name !== "infinity" && e.name !== "pm" ? e.name : null

const ofRelation = (e: Syntax.Tagged<"relation">): Region | null => {
  const { relations, sides } = e
  if (relations.length === 1 && relations[0] === "in") {
    const name = nameOf(sides[0])
    const held = name === null ? null : of(sides[1])
    return held === null || held.name !== null ? null : { name, intervals: held.intervals }
  }
  const named = sides.map(nameOf)
  const where = named.findIndex((name) => name !== null)
  const name = named[where] ?? null
  if (name === null || named.filter((n) => n !== null).length > 1) return null
  let out: Array<Interval> = [line]
  for (const [i, relation] of relations.entries()) {
    // The unknown stands next to each relation: a < x < b.
    const part =
      i + 1 === where && flipped[relation] !== undefined
        ? halfLine(flipped[relation], sides[i])
        : i === where
          ? halfLine(relation, sides[i + 1])
          : null
    if (part === null) return null
    out = intersection(out, part)
  }
  return { name, intervals: out }
}

/** The region that an expression says; null when it says none. @category reading */
export const of = (e: Expression): Region | null => {
  switch (e.tag) {
    case "tuple": {
      if (e.items.length !== 2) return null
      const one = interval(e.items[0], e.open === "[", e.items[1], e.close === "]")
      return one === null || one.from >= one.to ? null : { name: null, intervals: [one] }
    }
    case "set": {
      const points = e.items.map((item) => interval(item, true, item, true))
      return points.length > 0 && points.every((p) => p !== null) ? { name: null, intervals: union(points) } : null
    }
    case "symbol":
      if (e.name === "set R+") return { name: null, intervals: [{ ...line, low: Syntax.integer(0), from: 0 }] }
      return e.name === "set R" ? { name: null, intervals: [line] } : null
    case "relation":
      return ofRelation(e)
    case "setop":
    case "list": {
      if (e.tag === "list" && e.joiner === "," && !e.items.every((item) => item.tag === "relation")) return null
      const parts = e.items.map(of)
      if (!parts.every((p) => p !== null)) return null
      const names = new Set(parts.map((p) => p.name).filter((n) => n !== null))
      if (names.size > 1) return null
      const all = parts.map((p) => p.intervals)
      const joins = e.tag === "list" ? e.joiner === "or" : e.op === "cup"
      const minus = e.tag === "setop" && e.op === "setminus"
      const intervals = joins
        ? union(all.flat())
        : all.slice(1).reduce<ReadonlyArray<Interval>>((x, y) => intersection(x, minus ? complement(y) : y), all[0])
      return { name: [...names][0] ?? null, intervals }
    }
    case "based":
    case "call":
    case "constant":
    case "matrix":
    case "number":
    case "power":
    case "product":
    case "quantity":
    case "sum":
    case "text":
      return null
  }
}
