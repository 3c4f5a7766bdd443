/** What stands after `is`. */
import { binary } from "./Numbers.ts"
import {
  compare,
  contains,
  defined,
  Dict,
  equal,
  fail,
  Fn,
  isNumber,
  lengthOf,
  Markup,
  Once,
  Holder,
  textOf,
  typeOf,
  Undefined,
  type Value,
  View,
} from "./Value.ts"
import { str } from "./Print.ts"
import { questions } from "./Text.ts"

type Test = (value: Value, ...args: ReadonlyArray<Value>) => boolean

const order =
  (operator: string, holds: (sign: number) => boolean): Test =>
  (a, b) =>
    holds(compare(a, b, operator))
const less = order("<", (sign) => sign < 0)
const atMost = order("<=", (sign) => sign <= 0)
const more = order(">", (sign) => sign > 0)
const atLeast = order(">=", (sign) => sign >= 0)
const same: Test = (a, b) => equal(a, b)
const other: Test = (a, b) => !equal(a, b)

const rest = (value: Value, by: Value): Value =>
  typeof defined(value) === "string"
    ? fail("not all arguments converted during string formatting")
    : binary("%", value, by)

/** The same object: of values that cannot change, an equal one of the same type. */
const identical: Test = (a, b) =>
  typeOf(a) === typeOf(b) && (a === b || (a instanceof Undefined && b instanceof Undefined && a === b))

/** Tests by name, with how many arguments each has. */
const all: Readonly<{ [name: string]: readonly [number, Test] }> = {
  defined: [0, (value) => !(value instanceof Undefined)],
  undefined: [0, (value) => value instanceof Undefined],
  none: [0, (value) => value === null],
  boolean: [0, (value) => typeof value === "boolean"],
  true: [0, (value) => value === true],
  false: [0, (value) => value === false],
  integer: [0, (value) => typeof value === "bigint"],
  float: [0, (value) => typeof value === "number"],
  number: [0, isNumber],
  string: [0, (value) => textOf(value) !== null],
  mapping: [0, (value) => value instanceof Dict],
  sequence: [0, (value) => lengthOf(value) !== null && !(value instanceof View)],
  iterable: [0, (value) => lengthOf(value) !== null || value instanceof Once],
  callable: [
    0,
    (value) => value instanceof Fn || (value instanceof Holder && value.call !== null) || value instanceof Undefined,
  ],
  escaped: [0, (value) => value instanceof Markup],
  lower: [0, (value) => questions["islower"](str(value))],
  upper: [0, (value) => questions["isupper"](str(value))],
  odd: [0, (value) => equal(rest(value, 2n), 1n)],
  even: [0, (value) => equal(rest(value, 2n), 0n)],
  divisibleby: [1, (value, by) => equal(rest(value, by), 0n)],
  sameas: [1, identical],
  in: [1, (value, whole) => contains(whole, value)],
  eq: [1, same],
  equalto: [1, same],
  "==": [1, same],
  ne: [1, other],
  "!=": [1, other],
  lt: [1, less],
  lessthan: [1, less],
  "<": [1, less],
  le: [1, atMost],
  "<=": [1, atMost],
  gt: [1, more],
  greaterthan: [1, more],
  ">": [1, more],
  ge: [1, atLeast],
  ">=": [1, atLeast],
}

export const has = (name: string): boolean => Object.hasOwn(all, name)

/** Whether a value passes a test. */
export const passes = (name: string, value: Value, args: ReadonlyArray<Value>): boolean => {
  if (!Object.hasOwn(all, name)) return fail(`No test named '${name}'`)
  const [count, test] = all[name]
  if (args.length !== count) return fail(`the test ${name} takes ${count} arguments, ${args.length} were given`)
  return test(value, ...args)
}
