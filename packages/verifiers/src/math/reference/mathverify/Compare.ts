/**
 * Math-Verify's comparison of what it has parsed. Not symmetric: the form of the gold answer decides how an equation in the
 * prediction is read. Where the original asks SymPy to simplify or to solve, this decides by exact normal forms and by values,
 * within a bound of work; what cannot be decided counts as different, as an exception does there.
 */
import { Decimal } from "decimal.js"
import * as Rational from "../../algebra/Rational.ts"
import * as Syntax from "../../read/Syntax.ts"
import { children, type Expression, some, unknowns } from "../../read/Syntax.ts"
import { spend } from "../../algebra/Work.ts"
import * as Scalar from "../Scalar.ts"
import { bound } from "./Arithmetic.ts"
import { complexMark } from "./Parse.ts"
import { isOnlySymbols, isSet, type Operator, type Relation, scalar, type Value } from "./Values.ts"

/** Structure as text: equal for equal trees. */
const shape = (e: Expression): string => {
  spend(1)
  if (e.tag === "number") return `${Rational.format(e.value)}${e.digits === null ? "" : "."}`
  if (e.tag === "symbol") return e.name
  if (e.tag === "constant") return `\\${e.name}`
  const name = e.tag === "call" ? e.name : e.tag
  return `${name}(${children(e).map(shape).join(",")})`
}

/** Applications of functions as unknowns of their own. */
const opaque = (e: Expression): Expression =>
  e.tag === "call" && !known.has(e.name) ? Syntax.symbol(shape(e)) : Scalar.mapParts(e, opaque)
const known = new Set(
  "sin cos tan cot sec csc arcsin arccos arctan arccot arcsec arccsc sinh cosh tanh log abs floor ceil factorial binom gcd lcm max min".split(
    " ",
  ),
)

const isDecimal = (e: Expression): boolean => some(e, (part) => part.tag === "number" && part.digits !== null)
const isHundredth = (e: Expression): boolean =>
  e.tag === "number" && e.digits === null && e.value.num === 1n && e.value.den === 100n
/** A number, or a number of percent. */
const isAtomic = (e: Expression, decimal: boolean): boolean => {
  if (e.tag === "number") return !decimal || e.digits !== null
  return e.tag === "product" && e.factors.length === 2 && isHundredth(e.factors[1]) && isAtomic(e.factors[0], decimal)
}

/** `x^2.0` is not `x^2`. */
const hasDecimalPower = (e: Expression): boolean =>
  some(e, (part) => part.tag === "power" && isDecimal(part.exponent) && unknowns(part.base).length > 0)

/** Decimals to six places; but a decimal is a whole number only when it is that number. */
const roundsTo = (a: Expression, b: Expression): boolean => {
  const [x, y] = [Scalar.decimal(a), Scalar.decimal(b)]
  if (x === null || y === null) return false
  const whole = (e: Expression, v: Decimal): boolean => !isDecimal(e) && v.minus(v.round()).abs().lt(1e-25)
  if (whole(a, x) !== whole(b, y)) return nearly(x, y)
  const round = (v: Decimal): Decimal => v.toDecimalPlaces(6, Decimal.ROUND_HALF_EVEN)
  return round(x).eq(round(y))
}
/** As doubles are: the same to their last bits. */
const nearly = (x: Decimal, y: Decimal): boolean =>
  x.eq(y) || x.minus(y).abs().lte(Decimal.max(x.abs(), y.abs()).times(2e-16))

const scalars = (gold: Expression, pred: Expression): boolean => {
  if ((isAtomic(gold, true) || isAtomic(pred, true)) && roundsTo(gold, pred)) return true
  const [a, b] = [opaque(gold), opaque(pred)]
  if (hasDecimalPower(a) !== hasDecimalPower(b)) return false
  if (Scalar.equal(a, b)) return true
  if (!isDecimal(a) && !isDecimal(b)) return false
  const [x, y] = [Scalar.decimal(a), Scalar.decimal(b)]
  return x !== null && y !== null && nearly(x, y)
}

const nameOf = (e: Syntax.Tagged<"symbol">): string => (e.name.endsWith(complexMark) ? e.name.slice(0, -1) : e.name)

/** A name against what is not the same name: `\text{abc}` is also the product a b c, and `\text{5}` reads as 5. */
const names = (gold: Expression, pred: Expression): boolean => {
  const spelled = (e: Expression): string | null => {
    if (e.tag === "symbol") return nameOf(e)
    if (e.tag === "constant" && e.name === "e") return "e"
    if (e.tag === "number" && e.digits === null) return Rational.format(e.value)
    if (e.tag !== "product") return null
    const letters = e.factors.map((f) =>
      f.tag === "symbol" ? nameOf(f) : f.tag === "constant" && f.name === "e" ? "e" : null,
    )
    return letters.includes(null) ? null : letters.join("")
  }
  const [a, b] = [spelled(gold), spelled(pred)]
  return a !== null && a === b
}

const isName = (e: Expression): boolean => e.tag === "symbol" && e.name !== "infinity"
/** Where one side is a bare name, only the name counts. */
const expressions = (gold: Expression, pred: Expression): boolean =>
  isName(gold) || isName(pred) ? shape(gold) === shape(pred) || names(gold, pred) : scalars(gold, pred)

const isRelation = (v: Value): v is Relation => v.kind === "relation"
const isEquation = (v: Value): boolean => isRelation(v) && v.operators.every((op) => op === "=")
const isAssignment = (v: Value): boolean => isRelation(v) && isEquation(v) && isOnlySymbols(v.sides[0])
const last = (v: Relation): Value => v.sides[v.sides.length - 1]
const assignment = (v: Relation): Relation => ({ kind: "relation", operators: ["="], sides: [v.sides[0], last(v)] })

const flipped: Readonly<Record<Operator, Operator>> = {
  "=": "=",
  "!=": "!=",
  "<": ">",
  ">": "<",
  "<=": ">=",
  ">=": "<=",
}

/** The first side less the second, or the other way round. */
const difference = (v: Relation, reverse = false): Expression | null => {
  const [a, b] = reverse ? v.sides.toReversed() : v.sides
  if (a.kind !== "scalar" || b.kind !== "scalar") return null
  // A name less 0 is still a name, with the rules for names.
  if (Scalar.approximate(b.e) === 0) return a.e
  return Syntax.sum([a.e, Syntax.negate(b.e)])
}

const links = (v: Relation): ReadonlyArray<Relation> =>
  v.operators.map((op, i) => ({ kind: "relation", operators: [op], sides: [v.sides[i], v.sides[i + 1]] }))

const relations = (gold: Relation, pred: Relation): boolean => {
  if (gold.operators.length > 1 || pred.operators.length > 1) {
    const [as, bs] = [links(gold), links(pred)]
    return as.length === bs.length && as.length > 1 && as.every((a, i) => relations(a, bs[i]))
  }
  const [op, other] = [gold.operators[0], pred.operators[0]]
  const [a, b] = [difference(gold), difference(pred)]
  // With a set or a matrix on one side only the same relation will do, and that has been looked at.
  if (a === null || b === null) return false
  if (op === other && expressions(a, b)) return true
  const turned = difference(pred, true)
  if (op !== "!=" && flipped[op] === other && turned !== null && expressions(a, turned)) return true
  return op === "=" && other === "=" && proportional(a, b)
}

/** Whether one is a constant multiple of the other: then both vanish at the same places. */
const proportional = (a: Expression, b: Expression): boolean => {
  const variables = unknowns(a)
  if (variables.length === 0 || variables.length > 4 || variables.join() !== unknowns(b).join()) return false
  const point = (shift: number): ReadonlyMap<string, Expression> =>
    new Map(variables.map((name, i) => [name, Syntax.number(Rational.make(BigInt(13 * i + shift), BigInt(7 + i)))]))
  for (const shift of [5, 8, 11]) {
    const at = point(shift)
    const [x, y] = [substitute(a, at), substitute(b, at)]
    const [u, v] = [Scalar.approximate(x), Scalar.approximate(y)]
    if (u === null || v === null || u === 0 || v === 0) continue
    return Scalar.equal(opaque(Syntax.product([a, y])), opaque(Syntax.product([b, x])))
  }
  return false
}
const substitute = (e: Expression, values: ReadonlyMap<string, Expression>): Expression =>
  e.tag === "symbol" ? (values.get(e.name) ?? e) : Scalar.mapParts(e, (part) => substitute(part, values))

type Interval = Extract<Value, { readonly kind: "interval" }>
const reals: Interval = {
  kind: "interval",
  from: Syntax.negate(Syntax.infinity),
  to: Syntax.infinity,
  leftOpen: true,
  rightOpen: true,
}

/** The numbers that satisfy an inequality, or a chain of two, in one unknown that stands alone; null when it is another. */
const solutions = (v: Relation): Value | null => {
  let { from, leftOpen, rightOpen, to } = reals
  for (const { operators, sides } of links(v)) {
    const [op] = operators
    const [a, b] = sides
    if (a.kind !== "scalar") return null
    if (b.kind !== "scalar") return op === "=" && a.e.tag === "symbol" ? b : null
    const swap = a.e.tag !== "symbol"
    const [name, limit] = swap ? [b.e, a.e] : [a.e, b.e]
    if (name.tag !== "symbol" || bound(limit) === null) return null
    if (op === "=") return { kind: "set", items: [scalar(limit)] }
    if (op === "!=")
      return {
        kind: "operation",
        op: "setminus",
        left: { kind: "named", name: "R" },
        right: { kind: "set", items: [scalar(limit)] },
      }
    const upper = (op === "<" || op === "<=") !== swap
    const open = op === "<" || op === ">"
    if (upper) [to, rightOpen] = [limit, open]
    else [from, leftOpen] = [limit, open]
  }
  return { kind: "interval", from, to, leftOpen, rightOpen }
}

const intervals = (a: Interval, b: Interval): boolean =>
  a.leftOpen === b.leftOpen &&
  a.rightOpen === b.rightOpen &&
  equal(scalar(a.from), scalar(b.from)) &&
  equal(scalar(a.to), scalar(b.to))

/** Stretches of the line with numbers for ends. */
interface Stretch {
  readonly from: number
  readonly to: number
  readonly leftOpen: boolean
  readonly rightOpen: boolean
}

/** The ends at which anything changes, and for each end and each gap whether it belongs to the set; null when not numeric. */
const stretches = (v: Value): ReadonlyArray<Stretch> | null => {
  if (v.kind === "named" && v.name === "R") return [{ from: -Infinity, to: Infinity, leftOpen: true, rightOpen: true }]
  if (v.kind === "named" && v.name === "empty") return []
  if (v.kind === "interval") {
    const [from, to] = [bound(v.from), bound(v.to)]
    return from === null || to === null ? null : [{ from, to, leftOpen: v.leftOpen, rightOpen: v.rightOpen }]
  }
  if (v.kind === "set") {
    const points = v.items.map((item) => (item.kind === "scalar" ? Scalar.approximate(item.e) : null))
    return points.includes(null)
      ? null
      : points.flatMap((p) => (p === null ? [] : [{ from: p, to: p, leftOpen: false, rightOpen: false }]))
  }
  return null
}
const contains = (v: Value, x: number): boolean | null => {
  if (v.kind === "operation") {
    const [a, b] = [contains(v.left, x), contains(v.right, x)]
    if (a === null || b === null) return null
    return v.op === "cup" ? a || b : v.op === "cap" ? a && b : a && !b
  }
  const parts = stretches(v)
  if (parts === null) return null
  return parts.some(
    ({ from, leftOpen, rightOpen, to }) => (leftOpen ? x > from : x >= from) && (rightOpen ? x < to : x <= to),
  )
}
const ends = (v: Value): ReadonlyArray<number> => {
  if (v.kind === "operation") return [...ends(v.left), ...ends(v.right)]
  return (stretches(v) ?? []).flatMap(({ from, to }) => [from, to])
}
/** Whether both hold the same numbers: tried at every end and between every two. */
const sameNumbers = (a: Value, b: Value): boolean => {
  const all = [...new Set([...ends(a), ...ends(b)])].filter(Number.isFinite).sort((x, y) => x - y)
  if (all.length > 200) return false
  const probes = all.flatMap((x, i) => [x, i + 1 < all.length ? (x + all[i + 1]) / 2 : x + 1])
  probes.push((all[0] ?? 0) - 1)
  return probes.every((x) => {
    const [inA, inB] = [contains(a, x), contains(b, x)]
    return inA !== null && inA === inB
  })
}

const isOpenPair = (v: Value): v is Interval => v.kind === "interval" && v.leftOpen && v.rightOpen
const isList = (v: Value): v is Extract<Value, { readonly kind: "set" | "tuple" }> =>
  v.kind === "set" || v.kind === "tuple"
const pair = (v: Interval): Value => ({ kind: "tuple", items: [scalar(v.from), scalar(v.to)] })

/** Each element once. */
const distinct = (items: ReadonlyArray<Value>): ReadonlyArray<Value> =>
  items.filter((item, i) => !items.slice(0, i).some((other) => identical(other, item)))

const lists = (gold: Value, pred: Value): boolean => {
  if (!isList(gold) || !isList(pred)) return false
  const [as, bs] = [gold, pred].map((v) => (v.kind === "set" ? distinct(v.items) : v.items))
  if (as.length !== bs.length || as.length > maxItems) return false
  // A tuple takes the elements of a set as they were written; two sets are compared in sorted order.
  if (gold.kind === "tuple") return as.every((a, i) => equal(a, bs[i]))
  return paired(as, bs, pred.kind === "set" ? alike : equal)
}
/** Elements of sets are compared as values even where one is a bare name. */
const alike = (a: Value, b: Value): boolean =>
  equal(a, b) || (a.kind === "scalar" && b.kind === "scalar" && scalars(a.e, b.e))
/** More elements than this are not compared. */
const maxItems = 60

/** Whether some order of `bs` matches `as`. Greedy: equality is as good as transitive. */
const paired = (as: ReadonlyArray<Value>, bs: ReadonlyArray<Value>, same: (a: Value, b: Value) => boolean): boolean => {
  const left = [...bs]
  return as.every((a) => {
    const at = left.findIndex((b) => same(a, b))
    if (at < 0) return false
    left.splice(at, 1)
    return true
  })
}

const sets = (gold: Value, pred: Value): boolean => {
  const lift = (v: Value): Value => (isSet(v) || v.kind === "tuple" ? v : { kind: "set", items: [v] })
  const [a, b] = [lift(gold), lift(pred)]
  if (a.kind === "interval" && b.kind === "interval") return intervals(a, b)
  if (identical(a, b)) return true
  if (isSet(a) && isSet(b) && stretchable(a) && stretchable(b) && sameNumbers(a, b)) return true
  if (isList(a) && isList(b)) return lists(a, b)
  if (isOpenPair(a) && isList(b) && b.items.length === 2) return lists(pair(a), b)
  if (isOpenPair(b) && isList(a) && a.items.length === 2) return lists(a, pair(b))
  return false
}
const stretchable = (v: Value): boolean =>
  v.kind === "operation" ? stretchable(v.left) && stretchable(v.right) : stretches(v) !== null

/** The same structure. */
const identical = (a: Value, b: Value): boolean => written(a) === written(b)
const written = (v: Value): string => {
  switch (v.kind) {
    case "scalar":
      return shape(v.e)
    case "matrix":
      return `matrix ${v.rows.map((row) => row.map(shape).join("&")).join(";")}`
    case "set":
      return `{${[...new Set(v.items.map(written))].toSorted().join(";")}}`
    case "tuple":
      return `(${v.items.map(written).join(";")})`
    case "interval":
      return `${v.leftOpen ? "]" : "["}${shape(v.from)};${shape(v.to)}${v.rightOpen ? "[" : "]"}`
    case "operation":
      return `${v.op}<${written(v.left)}|${written(v.right)}>`
    case "named":
      return `set ${v.name}`
    case "relation":
      return `${v.operators.join()}<${v.sides.map(written).join("|")}>`
    case "not":
      return `not ${written(v.value)}`
  }
}

/** Whether the grader accepts `predicted` for `accepted`. Throws `WorkExceeded`. @category comparison */
export const equal = (accepted: Value, predicted: Value): boolean => {
  spend(10)
  let gold = isAssignment(accepted) ? assignment(accepted as Relation) : accepted
  let pred = isAssignment(predicted) ? assignment(predicted as Relation) : predicted
  if (isRelation(pred) && isEquation(pred) && !isEquation(gold)) pred = last(pred)
  else if (isRelation(gold) && isAssignment(gold) && !isEquation(pred)) gold = last(gold)
  if (isRelation(gold) && isSet(pred)) gold = solutions(gold) ?? gold
  if (identical(gold, pred)) return true
  if (isRelation(gold) && isRelation(pred)) return relations(gold, pred)
  if (isSet(gold) || gold.kind === "tuple" || isSet(pred) || pred.kind === "tuple") return sets(gold, pred)
  if (gold.kind === "scalar" && pred.kind === "scalar") {
    return expressions(gold.e, pred.e)
  }
  if (gold.kind === "matrix" && pred.kind === "matrix") {
    const { rows } = pred
    return (
      gold.rows.length === rows.length &&
      gold.rows[0].length === rows[0].length &&
      gold.rows.every((row, i) => row.every((x, j) => scalars(x, rows[i][j])))
    )
  }
  return false
}
