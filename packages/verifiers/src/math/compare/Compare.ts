/**
 * Strict equality of answers of any kind.
 *
 * - A name before an equals sign and a unit after a number may be missing on one side; two that differ do not match.
 * - Lists and sets match as whole multisets, `\pm` being two answers; tuples match in order and with their brackets.
 * - Inequalities, intervals and their unions match as sets of numbers; equations when one is a multiple of the other.
 * - A decimal is the number that it says. It stands for a number that no decimal can say, as 1/3 and 3 pi, when it is given to
 *   `decimals` places and as many significant digits.
 * - A number in another base keeps its base.
 */
import { inRadians, isLetter, joined, letter, renamed, setsIn, ticked } from "./Aligned.ts"
import { congruences, residue } from "./Congruences.ts"
import { type Outcome } from "./Equality.ts"
import * as NormalForm from "../algebra/NormalForm.ts"
import * as Rational from "../algebra/Rational.ts"
import * as Region from "./Region.ts"
import { isRatio, ratios } from "./Ratios.ts"
import * as Matrices from "./Matrices.ts"
import { all, type Options, scalars } from "./Scalars.ts"
import { assignments, chained, congruence, measure, named, relation, several, unqualified } from "./Shapes.ts"
import * as Syntax from "../read/Syntax.ts"
import { type Expression } from "../read/Syntax.ts"
import * as Words from "../read/Words.ts"
import { spend } from "../algebra/Work.ts"

export type { Options } from "./Scalars.ts"

const inOrder = (a: ReadonlyArray<Expression>, b: ReadonlyArray<Expression>, options: Options): Outcome =>
  a.length === b.length ? all(a.map((x, i) => compare(x, b[i], options))) : "different"

/** Most answers in a list. */
const maxItems = 2000

/** The text of an item's exact form: items of the same text are equal; null where there is none. */
const exactText = (e: Expression): string | null => {
  if (e.tag === "number") return Rational.format(e.value)
  if (!Syntax.isScalar(e)) return null
  return NormalForm.format(NormalForm.normalForm(e))
}

const anyOrder = (a: ReadonlyArray<Expression>, b: ReadonlyArray<Expression>, options: Options): Outcome => {
  if (a.length !== b.length || a.length > maxItems) return "different"
  // Three capital letters or more are an order, as of finishers or of vertices.
  if (a.length > 2 && a.every(isLetter) && b.every(isLetter)) return inOrder(a, b, options)
  // Items that name different things keep their names: x = 1, y = 2 is not 1, 2; x_1 = 1, x_2 = 2 is.
  const names = (items: ReadonlyArray<Expression>): Set<string> =>
    new Set(items.map(named).flatMap((n) => (n === null ? [] : [withoutIndex(n.name)])))
  if ((names(a).size > 1 || names(b).size > 1) && names(a).size !== names(b).size) return "different"
  const rest = [...b]
  let left = a
  if (a.length > 8) {
    const byText = new Map<string, Array<Expression>>()
    for (const y of b) {
      const text = exactText(y)
      if (text !== null) byText.set(text, [...(byText.get(text) ?? []), y])
    }
    left = a.filter((x) => {
      const text = exactText(x)
      const y = text === null ? undefined : byText.get(text)?.pop()
      if (y === undefined) return true
      rest.splice(rest.indexOf(y), 1)
      return false
    })
  }
  let open = false
  for (const x of left) {
    let found = -1
    for (const [i, y] of rest.entries()) {
      spend(10)
      const outcome = compare(x, y, options, true)
      if (outcome === "equal") {
        found = i
        break
      }
      if (outcome === "unknown") open = true
    }
    if (found < 0) return open ? "unknown" : "different"
    rest.splice(found, 1)
  }
  return "equal"
}
/** Most members of a set that are compared with each other. */
const maxDistinct = 40

/** Members, each once. */
const distinct = (items: ReadonlyArray<Expression>, options: Options): ReadonlyArray<Expression> => {
  if (items.length > maxDistinct) {
    const texts = items.map((item) => exactText(item))
    return items.filter((_, i) => texts[i] === null || texts.indexOf(texts[i]) === i)
  }
  const out: Array<Expression> = []
  for (const item of items) if (!out.some((other) => compare(other, item, options, true) === "equal")) out.push(item)
  return out
}

/** What two answers give, of which one is a set that names a member twice and the other is not a list that does so too; else null. */
const members = (
  a: Expression,
  b: Expression,
  options: Options,
): [ReadonlyArray<Expression>, ReadonlyArray<Expression>] | null => {
  if (a.tag !== "set" && b.tag !== "set") return null
  const given = [several(a), several(b)]
  if (given[0].length === given[1].length && (a.tag !== "set" || b.tag !== "set")) return null
  const [x, y] = [a, b].map((e, i) => (e.tag === "set" ? distinct(given[i], options) : given[i]))
  return x.length === given[0].length && y.length === given[1].length ? null : [x, y]
}

/** The name of a root without its number. */
const withoutIndex = (name: Expression): string =>
  name.tag === "symbol" ? name.name.replace(/_[0-9]+$/, "") : Syntax.written(name)

const regions = (a: Region.Region, b: Region.Region, options: Options): Outcome => {
  if (a.name !== null && b.name !== null && a.name !== b.name) return "different"
  if (a.intervals.length !== b.intervals.length) return "different"
  return all(
    a.intervals.flatMap((x, i) => {
      const y = b.intervals[i]
      if (x.lowClosed !== y.lowClosed || x.highClosed !== y.highClosed) return ["different" as const]
      return [scalars(x.low, y.low, options), scalars(x.high, y.high, options)]
    }),
  )
}

const isRegionOnly = (e: Expression): boolean =>
  e.tag === "setop" ||
  (e.tag === "symbol" && /^set R\+?$/.test(e.name)) ||
  (e.tag === "relation" && !e.relations.every((r) => r === "=" || r === "~"))

/** A segment with its bar: alone it is the two letters. */
const isSegment = (e: Expression): boolean => e.tag === "symbol" && /^overline [A-Z]{2}$/.test(e.name)

/** Words against words, against the letters of a product, against what they mean. */
const worded = (a: Expression, b: Expression, options: Options): Outcome => {
  const [words, otherWords] = [Words.spelled(a), Words.spelled(b)]
  if (words !== null && otherWords !== null && Words.alike(words, otherWords)) return "equal"
  const meant = (e: Expression, other: Expression): Expression => {
    if (e.tag !== "text") return e
    const meaning = Words.meaning(e.text)
    if (meaning !== null) return meaning
    const letters = Array.from(e.text, (c) => letter(c))
    return e.letters === true && Syntax.isScalar(other) && Words.spelled(other) === null ? Syntax.product(letters) : e
  }
  const [x, y] = [meant(a, b), meant(b, a)]
  return x.tag === "text" || y.tag === "text" ? "different" : compare(x, y, options)
}
/**
 * Compares two answers as expressions; `inner`: as members of a list or set, where a set of one is not its member. Throws
 * `WorkExceeded`, and `NormalForm.Undefined` for a division by zero.
 *
 * @category comparison
 */
export const compare = (a: Expression, b: Expression, options: Options = {}, inner = false): Outcome => {
  spend(10)
  if (a.tag === "number" && b.tag === "number") return scalars(a, b, options)
  if (inner && (a.tag === "set") !== (b.tag === "set")) return "different"
  if ((a.tag === "list") !== (b.tag === "list") && ticked(a) !== null && ticked(a) === ticked(b)) return "equal"
  if (a.tag === "text" || b.tag === "text") return worded(a, b, options)
  if (isSegment(a) || isSegment(b)) {
    const [x, y] = [Words.spelled(a), Words.spelled(b)]
    if (x !== null && x.text === y?.text) return "equal"
  }
  if (isRatio(a) || isRatio(b))
    return a.tag === "quantity" || b.tag === "quantity" ? quantities(a, b, options) : ratios(a, b)

  const [plainA, plainB] = [unqualified(a), unqualified(b)]
  if ((plainA === a) !== (plainB === b)) return compare(plainA, plainB, options, inner)
  if (plainA !== a && Syntax.written(setsIn(a)) === Syntax.written(setsIn(b)))
    return compare(plainA, plainB, options, inner)

  const [congruentA, congruentB] = [congruence(a), congruence(b)]
  if (congruentA !== null && congruentB !== null) return congruences(congruentA, congruentB)
  const congruent = congruentA ?? congruentB
  if (congruent !== null) {
    const told = residue(congruent)
    return typeof told === "string" ? told : compare(told, congruentA === null ? a : b, options)
  }

  if ([a, b].some((e) => isRegionOnly(e) || (e.tag === "list" && e.items.some(isRegionOnly)))) {
    const [x, y] = [Region.of(joined(a, b)), Region.of(joined(b, a))]
    if (x !== null && y !== null) return regions(x, y, options)
    if (a.tag === "setop" && b.tag === "setop" && a.op === b.op)
      return a.op === "setminus" ? inOrder(a.items, b.items, options) : anyOrder(a.items, b.items, options)
    if (a.tag !== "list" && b.tag !== "list") return related(a, b, options)
  }

  const [byNameA, byNameB] = [assignments(a), assignments(b)]
  if (byNameA !== null && byNameB !== null) return assigned(byNameA, byNameB, options)
  if (byNameA !== null && b.tag === "tuple" && b.open === "(" && b.close === ")")
    return inOrder(inAlphabet(byNameA), b.items, options)
  if (byNameB !== null && a.tag === "tuple" && a.open === "(" && a.close === ")")
    return inOrder(a.items, inAlphabet(byNameB), options)

  const [saysA, saysB] = [named(a), named(b)]
  if (saysA !== null && saysB !== null && Syntax.written(saysA.name) === Syntax.written(saysB.name))
    return compare(saysA.value, saysB.value, options)
  if (saysA !== null && b.tag !== "relation" && b.tag !== "list") return compare(saysA.value, b, options)
  if (saysB !== null && a.tag !== "relation" && a.tag !== "list") return compare(a, saysB.value, options)

  // p and q is not p or q.
  if (
    a.tag === "list" &&
    b.tag === "list" &&
    new Set(["and", "or", a.joiner, b.joiner]).size === 2 &&
    a.joiner !== b.joiner
  )
    if (
      [a, b].every(
        (e) => e.tag === "list" && e.items.every((item) => Words.spelled(item) !== null || item.tag === "call"),
      )
    )
      return "different"
  const asSets = members(a, b, options)
  if (asSets !== null) return anyOrder(...asSets, options)
  const [manyA, manyB] = [several(a), several(b)]
  if (manyA.length !== 1 || manyB.length !== 1) return anyOrder(manyA, manyB, options)
  if (manyA[0] !== a || manyB[0] !== b) return compare(manyA[0], manyB[0], options, true)

  if (a.tag === "quantity" || b.tag === "quantity") return quantities(a, b, options)
  if (a.tag === "relation" || b.tag === "relation") {
    const [x, y] = [chained(a), chained(b)]
    if (x !== null && b.tag !== "relation") return compare(x, b, options)
    if (y !== null && a.tag !== "relation") return compare(a, y, options)
    return related(a, b, options)
  }
  const [reducedA, reducedB] = [Matrices.reduced(a), Matrices.reduced(b)]
  if (reducedA !== a || reducedB !== b) return compare(reducedA, reducedB, options, inner)
  if ([a, b].some((e) => e.tag === "matrix" || Matrices.isVector(e))) {
    const both = Matrices.together(a, b)
    if (both === null) return a.tag === b.tag ? alike(a, b, options) : "different"
    const [x, y] = both
    return x.length === y.length ? all(x.map((row, i) => inOrder(row, y[i], options))) : "different"
  }
  if (a.tag === "tuple" && b.tag === "tuple")
    return a.open === b.open && a.close === b.close ? inOrder(a.items, b.items, options) : "different"
  if (a.tag === "based" && b.tag === "based") return a.base === b.base && a.digits === b.digits ? "equal" : "different"
  if (Syntax.isScalar(a) && Syntax.isScalar(b)) {
    const other = renamed(a, b)
    return scalars(a, other ?? b, options)
  }
  return alike(a, b, options)
}

const quantities = (a: Expression, b: Expression, options: Options): Outcome => {
  const [radiansA, radiansB] = [inRadians(a, b), inRadians(b, a)]
  if (radiansA !== null || radiansB !== null) return scalars(radiansA ?? a, radiansB ?? b, options)
  const [x, y] = [a, b].map((e) => (e.tag === "quantity" ? measure(e, options) : { value: e, unit: null }))
  if (x.unit !== null && y.unit !== null && x.unit !== y.unit) return "different"
  return compare(x.value, y.value, options)
}

const assigned = (
  a: ReadonlyMap<string, Expression>,
  b: ReadonlyMap<string, Expression>,
  options: Options,
): Outcome => {
  if (a.size !== b.size) return "different"
  return all(
    [...a].map(([name, value]) => {
      const other = b.get(name)
      return other === undefined ? "different" : compare(value, other, options)
    }),
  )
}
const inAlphabet = (values: ReadonlyMap<string, Expression>): ReadonlyArray<Expression> =>
  [...values].sort(([x], [y]) => (x < y ? -1 : 1)).map(([, value]) => value)

const turned: Readonly<Partial<Record<Syntax.Relation, Syntax.Relation>>> = {
  "<": ">",
  "<=": ">=",
  ">": "<",
  ">=": "<=",
  "=": "=",
  "!=": "!=",
}

const related = (a: Expression, b: Expression, options: Options): Outcome => {
  if (a.tag !== "relation" || b.tag !== "relation") return "different"
  const [x, y] = [relation(a), relation(b)]
  if (x !== null && y !== null && x.kind === y.kind && NormalForm.equal(x.form, y.form)) return "equal"
  if (a.relations.length !== b.relations.length) return "different"
  if (a.relations.every((r, i) => r === b.relations[i])) {
    const outcome = inOrder(a.sides, b.sides, options)
    if (outcome === "equal") return outcome
  }
  // The same chain from its other end.
  const back = [...b.relations].reverse().map((r) => turned[r])
  return a.relations.every((r, i) => r === back[i]) ? inOrder(a.sides, [...b.sides].reverse(), options) : "different"
}

/** Functions of what is not a scalar, as the determinant of a matrix: equal when their parts are. */
const alike = (a: Expression, b: Expression, options: Options): Outcome => {
  if (a.tag !== b.tag) return "different"
  if (a.tag === "call" && b.tag === "call") return a.name === b.name ? inOrder(a.args, b.args, options) : "different"
  return Syntax.written(a) === Syntax.written(b) ? "equal" : "different"
}
