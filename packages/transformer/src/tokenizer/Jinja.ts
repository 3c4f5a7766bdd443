/**
 * Jinja as transformers runs it, on the parser and interpreter of `@huggingface/jinja`, with what that library (0.5.11) does
 * otherwise than Jinja put right: `strip` of characters, line ends, `selectattr` on attributes that are not there, equality, floats.
 * A test renders each case with the library alone too, and fails once that is mended.
 */
import { Environment, Interpreter, parse, tokenize } from "@huggingface/jinja"
import { Float } from "./Variables.ts"

/** A value of the interpreter. */
interface Value {
  readonly type: string
  readonly value: any
  __bool__(): { readonly value: boolean }
}
type Make = new (value: unknown) => any
/** A node of the syntax tree. */
type Node = any

const scratch = new Environment()
const classOf = (value: unknown, name: string): Make => scratch.set(name, value).constructor
// The library does not export its classes of values; one of each is made to have them.
const Text = classOf("", "text")
const Bool = classOf(true, "bool")
const Whole = classOf(1, "whole")
const Real = classOf(1.5, "real")
const None = classOf(null, "null")
const Undefined = classOf(undefined, "undefined")
const List = classOf([], "list")
const Dict = classOf({}, "dict")
const Fn = classOf(() => null, "function")

const isNumber = (v: Value): boolean => v instanceof Whole || v instanceof Real || v instanceof Bool

/** Python's `==`. */
const equal = (a: Value, b: Value): boolean => {
  if (isNumber(a) && isNumber(b)) return Number(a.value) === Number(b.value)
  if (a.type !== b.type) return false
  if (a instanceof List)
    return a.value.length === b.value.length && a.value.every((x: Value, i: number) => equal(x, b.value[i]))
  if (a instanceof Dict) {
    if (a.value.size !== b.value.size) return false
    for (const [key, x] of a.value) {
      const y = b.value.get(key)
      if (y === undefined || !equal(x, y)) return false
    }
    return true
  }
  return a.value === b.value
}

/** What Python's `strip` takes off without an argument: its white space has U+001C to U+001F and U+0085, and not U+FEFF. */
const isBlank = (unit: string): boolean => {
  const code = unit.charCodeAt(0)
  return unit !== "\ufeff" && (/\s/.test(unit) || (code >= 0x1c && code <= 0x1f) || code === 0x85)
}

const strip = (text: string, characters: string | null, left: boolean, right: boolean): string => {
  const units = Array.from(text)
  const set = characters === null ? null : new Set(characters)
  const off = (unit: string): boolean => (set === null ? isBlank(unit) : set.has(unit))
  let from = 0
  let to = units.length
  if (left) while (from < to && off(units[from])) from++
  if (right) while (from < to && off(units[to - 1])) to--
  return units.slice(from, to).join("")
}

const capitalize = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1).toLowerCase()

const strips: Readonly<Record<string, readonly [boolean, boolean]>> = {
  strip: [true, true],
  lstrip: [true, false],
  rstrip: [false, true],
}

const ascii = (text: string): string =>
  text.replace(/[\u007f-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)

/** Python's `repr` of a float. */
const floatText = (value: number): string => {
  const text = Object.is(value, -0) ? "-0" : String(value)
  const size = Math.abs(value)
  if (size !== 0 && Number.isFinite(size) && (size < 1e-4 || size >= 1e16)) {
    const [digits, power] = value.toExponential().split("e")
    return `${digits}e${power[0]}${power.slice(1).padStart(2, "0")}`
  }
  return /^-?\d+$/.test(text) ? `${text}.0` : text
}

interface JsonOptions {
  readonly indent: number | null
  readonly ensureAscii: boolean
  readonly sortKeys: boolean
  readonly separators: readonly [string, string]
}

/** Python's `json.dumps`. */
const json = (value: Value, options: JsonOptions, depth = 0): string => {
  const { ensureAscii, indent, separators, sortKeys } = options
  const text = (raw: string): string => (ensureAscii ? ascii(JSON.stringify(raw)) : JSON.stringify(raw))
  const within = (open: string, parts: ReadonlyArray<string>, close: string): string => {
    if (parts.length === 0 || indent === null) return open + parts.join(separators[0]) + close
    const line = (levels: number): string => `\n${" ".repeat(indent * levels)}`
    return open + line(depth + 1) + parts.join(separators[0] + line(depth + 1)) + line(depth) + close
  }
  if (value instanceof None) return "null"
  if (value instanceof Real) return floatText(value.value)
  if (value instanceof Whole || value instanceof Bool) return String(value.value)
  if (value instanceof Text) return text(value.value)
  if (value instanceof List)
    return within(
      "[",
      value.value.map((x: Value) => json(x, options, depth + 1)),
      "]",
    )
  if (!(value instanceof Dict)) throw new Error(`Object of type ${value.type} is not JSON serializable`)
  const entries: Array<[string, Value]> = [...value.value]
  if (sortKeys) entries.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
  return within(
    "{",
    entries.map(([key, x]) => text(key) + separators[1] + json(x, options, depth + 1)),
    "}",
  )
}

/** Python's `repr`, for what lies in a list or a dictionary. */
const repr = (value: Value): string => {
  if (value instanceof Text) {
    const quote = value.value.includes("'") && !value.value.includes('"') ? '"' : "'"
    const names: Readonly<Record<string, string>> = {
      "\n": "\\n",
      "\r": "\\r",
      "\t": "\\t",
      "\\": "\\\\",
      [quote]: `\\${quote}`,
    }
    const shown = (c: string): string => {
      const code = c.charCodeAt(0)
      const isHidden = code < 0x20 || (code >= 0x7f && code <= 0xa0) || code === 0xad
      return names[c] ?? (isHidden ? `\\x${code.toString(16).padStart(2, "0")}` : c)
    }
    const body = Array.from(value.value, shown).join("")
    return quote + body + quote
  }
  return print(value)
}

/** Python's `str`, which is what a template prints. */
const print = (value: Value): string => {
  if (value instanceof Text) return value.value
  if (value instanceof None) return "None"
  if (value instanceof Undefined) return ""
  if (value instanceof Bool) return value.value ? "True" : "False"
  if (value instanceof Real) return floatText(value.value)
  if (value.type === "TupleValue") return `(${value.value.map(repr).join(", ")}${value.value.length === 1 ? "," : ""})`
  if (value instanceof List) return `[${value.value.map(repr).join(", ")}]`
  if (value instanceof Dict)
    return `{${[...value.value].map(([k, x]) => `${repr(new Text(k))}: ${repr(x)}`).join(", ")}}`
  return String(value.value)
}

const toValue = (input: unknown): Value => {
  if (input instanceof Float) return new Real(input.value)
  if (Array.isArray(input)) return new List(input.map(toValue))
  if (input !== null && typeof input === "object")
    return new Dict(new Map(Object.entries(input).map(([key, value]) => [key, toValue(value)])))
  return new Environment().set("value", input)
}

// What the library keeps private is overridden here: TypeScript is told nothing of it.
const Base = Interpreter as unknown as new (environment: Environment) => any

/** `break` or `continue` on its way to its loop, with what was printed before it. */
class Control {
  text = ""
  readonly type: string
  constructor(type: string) {
    this.type = type
  }
}

const itemsOf = (value: Value): ReadonlyArray<Value> => {
  if (value instanceof List) return value.value
  if (value instanceof Dict) return [...value.value.keys()].map((key) => new Text(key))
  if (value instanceof Text) return Array.from(value.value as string, (unit) => new Text(unit))
  if (value instanceof Undefined) return []
  throw new Error(`'${value.type}' object is not iterable`)
}

const bind = (target: Node, value: Value, scope: Environment): void => {
  if (target.type === "Identifier") return void scope.setVariable(target.value, value)
  const parts = itemsOf(value)
  if (parts.length !== target.value.length)
    throw new Error(`expected ${target.value.length} values to unpack, got ${parts.length}`)
  for (const [i, part] of parts.entries()) bind(target.value[i], part, scope)
}

class Python extends Base {
  evaluate(node: Node, environment: Environment): Value {
    if (node?.type === "Break" || node?.type === "Continue") throw new Control(node.type)
    return super.evaluate(node, environment)
  }

  /** Each turn has a scope of its own: what it sets is gone in the next, as in Jinja. */
  evaluateFor(node: Node, environment: Environment): Value {
    const select = node.iterable.type === "SelectExpression"
    const all = itemsOf(this.evaluate(select ? node.iterable.lhs : node.iterable, environment))
    const items = all.filter((item) => {
      if (!select) return true
      const scope = new Environment(environment)
      bind(node.loopvar, item, scope)
      return this.evaluate(node.iterable.test, scope).__bool__().value
    })
    if (items.length === 0) return this.evaluateBlock(node.defaultBlock, new Environment(environment))
    let out = ""
    for (const [i, item] of items.entries()) {
      const scope = new Environment(environment)
      const loop = toValue({
        index: i + 1,
        index0: i,
        revindex: items.length - i,
        revindex0: items.length - i - 1,
        first: i === 0,
        last: i === items.length - 1,
        length: items.length,
      })
      if (i > 0) loop.value.set("previtem", items[i - 1])
      if (i < items.length - 1) loop.value.set("nextitem", items[i + 1])
      loop.value.set("cycle", new Fn((args: ReadonlyArray<Value>) => args[i % args.length]))
      scope.setVariable("loop", loop)
      bind(node.loopvar, item, scope)
      try {
        out += this.evaluateBlock(node.body, scope).value
      } catch (cause) {
        if (!(cause instanceof Control)) throw cause
        out += cause.text
        if (cause.type === "Break") break
      }
    }
    return new Text(out)
  }

  evaluateMemberExpression(node: Node, environment: Environment): Value {
    const name: string = node.computed ? "" : node.property.value
    const of: Value = this.evaluate(node.object, environment)
    if (of instanceof Undefined) throw new Error(`what .${name} is asked of is undefined`)
    if (!Object.hasOwn(strips, name)) return super.evaluateMemberExpression(node, environment)
    if (!(of instanceof Text)) return super.evaluateMemberExpression(node, environment)
    const [left, right] = strips[name]
    return new Fn((args: ReadonlyArray<Value>) => {
      const characters = args.find((value) => value.type !== "KeywordArgumentsValue")
      if (characters !== undefined && !(characters instanceof Text) && !(characters instanceof None))
        throw new Error(`${name} arg must be None or str`)
      return new Text(strip(of.value, characters?.value ?? null, left, right))
    })
  }

  evaluateCallExpression(node: Node, environment: Environment): Value {
    const { callee } = node
    if (callee.type === "MemberExpression" && !callee.computed && callee.property.value === "capitalize") {
      const of: Value = this.evaluate(callee.object, environment)
      if (of instanceof Text) return new Text(capitalize(of.value))
    }
    return super.evaluateCallExpression(node, environment)
  }

  evaluateBinaryExpression(node: Node, environment: Environment): Value {
    const operator: string = node.operator.value
    if (operator === "==" || operator === "!=") {
      const same = equal(this.evaluate(node.left, environment), this.evaluate(node.right, environment))
      return new Bool(same === (operator === "=="))
    }
    if (operator === "~") {
      return new Text(print(this.evaluate(node.left, environment)) + print(this.evaluate(node.right, environment)))
    }
    if (operator === "in" || operator === "not in") {
      const left: Value = this.evaluate(node.left, environment)
      const right: Value = this.evaluate(node.right, environment)
      if (right instanceof List) {
        return new Bool(right.value.some((item: Value) => equal(item, left)) === (operator === "in"))
      }
      // What is no text, such as what is undefined, is no key.
      if (right instanceof Dict)
        return new Bool((left instanceof Text && right.value.has(left.value)) === (operator === "in"))
    }
    if (operator === "%") {
      const left: Value = this.evaluate(node.left, environment)
      const right: Value = this.evaluate(node.right, environment)
      if (isNumber(left) && isNumber(right)) {
        const [a, b] = [Number(left.value), Number(right.value)]
        if (b === 0) throw new Error("modulo by zero")
        const rest = a - b * Math.floor(a / b)
        return left instanceof Real || right instanceof Real ? new Real(rest) : new Whole(rest)
      }
    }
    return super.evaluateBinaryExpression(node, environment)
  }

  evaluateTestExpression(node: Node, environment: Environment): Value {
    const name: string = node.test.value ?? node.test.callee?.value
    if (name === "iterable") {
      const of: Value = this.evaluate(node.operand, environment)
      const is = of instanceof List || of instanceof Text || of instanceof Dict || of instanceof Undefined
      return new Bool(is !== node.negate)
    }
    return super.evaluateTestExpression(node, environment)
  }

  applyFilter(operand: Value, node: Node, environment: Environment): Value {
    const name: string = node.value ?? node.callee?.value
    const [args, named]: [ReadonlyArray<Value>, ReadonlyMap<string, Value>] =
      node.type === "CallExpression" && ["selectattr", "rejectattr", "tojson", "trim"].includes(name)
        ? this.evaluateArguments(node.args, environment)
        : [[], new Map()]
    if (name === "selectattr" || name === "rejectattr") {
      if (operand instanceof Undefined) return new List([])
      if (!(operand instanceof List)) throw new Error(`${name} needs a list`)
      return new List(
        operand.value.filter((item: Value) => passes(item, args, environment) === (name === "selectattr")),
      )
    }
    if (name === "trim") {
      const characters = args[0] ?? named.get("chars")
      return new Text(strip(print(operand), characters instanceof Text ? characters.value : null, true, true))
    }
    if (name === "capitalize") return new Text(capitalize(print(operand)))
    if (name === "string") return new Text(print(operand))
    if (name === "tojson") {
      const given = (key: string, at: number): any => {
        const value = args[at] ?? named.get(key)
        return value === undefined || value instanceof None ? null : value.value
      }
      const indent: number | null = given("indent", 1)
      const [item, key] = given("separators", 2) ?? []
      return new Text(
        json(operand, {
          indent,
          ensureAscii: given("ensure_ascii", 0) ?? false,
          sortKeys: given("sort_keys", 3) ?? false,
          separators: [item?.value ?? (indent === null ? ", " : ","), key?.value ?? ": "],
        }),
      )
    }
    return super.applyFilter(operand, node, environment)
  }

  evaluateBlock(statements: ReadonlyArray<Node>, environment: Environment): Value {
    let out = ""
    for (const statement of statements) {
      let value: Value
      try {
        value = this.evaluate(statement, environment)
      } catch (cause) {
        // `break` and `continue` end the loop's body, and what it has printed so far stays.
        if (cause instanceof Control) cause.text = out + cause.text
        throw cause
      }
      // A statement such as `set` gives null, which is no text; an expression that is None prints as in Python.
      if (value instanceof None ? expressions.has(statement.type) : !(value instanceof Undefined)) out += print(value)
    }
    return new Text(out)
  }
}

const expressions = new Set([
  "Identifier",
  "MemberExpression",
  "CallExpression",
  "FilterExpression",
  "Ternary",
  "BinaryExpression",
  "SelectExpression",
])

/** Whether an item passes `selectattr(path, test, argument)`. */
const passes = (item: Value, [path, test, argument]: ReadonlyArray<Value>, environment: Environment): boolean => {
  let found: Value = item
  for (const part of String(path.value).split("."))
    found = (found instanceof List ? found.value[Number(part)] : found.value?.get?.(part)) ?? new Undefined(undefined)
  if (test === undefined) return found.__bool__().value
  switch (test.value) {
    case "equalto":
    case "eq":
    case "==":
      return equal(found, argument)
    case "ne":
    case "!=":
      return !equal(found, argument)
    case "in":
      return argument instanceof List
        ? argument.value.some((x: Value) => equal(x, found))
        : argument instanceof Text && found instanceof Text && argument.value.includes(found.value)
    default: {
      const known = (environment as unknown as { tests: ReadonlyMap<string, (...v: ReadonlyArray<Value>) => boolean> })
        .tests
      const of = known.get(test.value)
      if (of === undefined) throw new Error(`No test named '${test.value}'`)
      return of(found, argument)
    }
  }
}

const globals: Readonly<Record<string, unknown>> = {
  true: true,
  false: false,
  none: null,
  True: true,
  False: false,
  None: null,
  raise_exception: (message: string) => {
    throw new Error(message)
  },
}

const range = (first: number, end?: number, step = 1): ReadonlyArray<number> => {
  const [from, to] = end === undefined ? [0, first] : [first, end]
  return Array.from({ length: Math.max(0, Math.ceil((to - from) / step)) }, (_, i) => from + i * step)
}

/** Parses a template; what it returns renders it with variables. Both throw where Jinja would. @category constructors */
export const compile = (source: string): ((variables: Readonly<Record<string, unknown>>) => string) => {
  // Jinja reads every line end as \n, whatever the file has.
  const program = parse(tokenize(source.replace(/\r\n?/g, "\n"), { lstrip_blocks: true, trim_blocks: true }))
  return (variables) => {
    const environment = new Environment()
    for (const [name, value] of Object.entries({ ...globals, range, ...variables }))
      environment.setVariable(name, toValue(value))
    return new Python(environment).run(program).value
  }
}
