/** What an expression gives. */
import { attribute, item, slice } from "./Attributes.ts"
import * as Filters from "./Filters.ts"
import { percent } from "./Format.ts"
import { binary, unary } from "./Numbers.ts"
import { str } from "./Print.ts"
import { lookUp, type Scope } from "./Scope.ts"
import type { Arguments, Expression } from "./Syntax.ts"
import * as Tests from "./Tests.ts"
import {
  compare,
  contains,
  defined,
  Dict,
  equal,
  fail,
  Fn,
  isTrue,
  iterate,
  type Named,
  Holder,
  textOf,
  Tuple,
  typeOf,
  Undefined,
  type Value,
} from "./Value.ts"

/** Arguments by place and by name. */
export const argumentsOf = (given: Arguments, scope: Scope): readonly [ReadonlyArray<Value>, Named] => {
  const args = given.positional.map((one) => evaluate(one, scope))
  const named = new Map(given.named.map(([name, value]) => [name, evaluate(value, scope)] as const))
  if (given.spread !== null) args.push(...iterate(evaluate(given.spread, scope)))
  if (given.spreadNamed !== null) {
    const more = evaluate(given.spreadNamed, scope)
    if (!(more instanceof Dict)) return fail("argument after ** must be a mapping")
    for (const [key, value] of more.items()) named.set(str(key), value)
  }
  return [args, named]
}

const holds = (operator: string, a: Value, b: Value): boolean => {
  switch (operator) {
    case "==":
      return equal(a, b)
    case "!=":
      return !equal(a, b)
    case "in":
      return contains(b, a)
    case "not in":
      return !contains(b, a)
    case "<":
      return compare(a, b, operator) < 0
    case "<=":
      return compare(a, b, operator) <= 0
    case ">":
      return compare(a, b, operator) > 0
    default:
      return compare(a, b, operator) >= 0
  }
}

/** One after the other, as long as they hold. */
const compared = (first: Value, rest: ReadonlyArray<readonly [string, Expression]>, scope: Scope): boolean => {
  let left = first
  for (const [operator, right] of rest) {
    const value = evaluate(right, scope)
    if (!holds(operator, left, value)) return false
    left = value
  }
  return true
}

const called = (callee: Value, [args, named]: readonly [ReadonlyArray<Value>, Named]): Value => {
  if (callee instanceof Fn) return callee.call(args, named)
  if (callee instanceof Holder && callee.call !== null) return callee.call(args, named)
  return fail(`'${typeOf(defined(callee))}' object is not callable`)
}

export const evaluate = (node: Expression, scope: Scope): Value => {
  const of = (inner: Expression): Value => evaluate(inner, scope)
  switch (node.kind) {
    case "constant":
      return node.value
    case "name":
      return lookUp(scope, node.name)
    case "list":
      return node.items.map(of)
    case "tuple":
      return new Tuple(node.items.map(of))
    case "dict":
      return new Dict(node.items.map(([key, value]) => [of(key), of(value)] as const))
    case "unary":
      return node.operator === "not" ? !isTrue(of(node.of)) : unary(node.operator, of(node.of))
    case "binary": {
      const left = of(node.left)
      if (node.operator === "and") return isTrue(left) ? of(node.right) : left
      if (node.operator === "or") return isTrue(left) ? left : of(node.right)
      const right = of(node.right)
      return node.operator === "%" && textOf(left) !== null
        ? percent(str(left), right)
        : binary(node.operator, left, right)
    }
    case "concat":
      // By `+`, which copies nothing until the text is read: a long one ends in an error before it fills the heap.
      return node.items.reduce((text, one) => text + str(of(one)), "")
    case "compare":
      return compared(of(node.first), node.rest, scope)
    case "condition":
      if (isTrue(of(node.test))) return of(node.value)
      return node.otherwise === null
        ? new Undefined("the inline if-expression evaluated to false and no else section was defined.")
        : of(node.otherwise)
    case "attribute":
      return attribute(of(node.of), node.name)
    case "item":
      return item(of(node.of), of(node.key))
    case "slice": {
      const [from, to, by] = node.bounds.map((bound) => (bound === null ? null : of(bound)))
      return slice(of(node.of), from, to, by)
    }
    case "call":
      return called(of(node.of), argumentsOf(node.given, scope))
    case "filter": {
      const value = of(node.of)
      return Filters.apply(node.name, value, ...argumentsOf(node.given, scope))
    }
    case "test": {
      const [args] = argumentsOf(node.given, scope)
      // Names of filters and tests are asked for without a value of these.
      if (node.name === "filter") return Filters.has(str(of(node.of)))
      if (node.name === "test") return Tests.has(str(of(node.of)))
      return Tests.passes(node.name, of(node.of), args)
    }
  }
}
