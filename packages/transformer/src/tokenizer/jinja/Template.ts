/**
 * Chat templates as transformers renders them: Jinja 3.1 in its sandbox, with `trim_blocks`, `lstrip_blocks`, loop controls, the
 * `generation` statement, and `tojson` as `json.dumps` writes it. A value is what it is in Python: ints of any size, floats, tuples, characters
 * beyond the first plane, filters that give what can be gone through once. What is not there is refused by name.
 */
import { Float } from "./Float.ts"
import * as Frames from "./Frames.ts"
import * as Interpreter from "./Interpreter.ts"
import { tokenize } from "./Lexer.ts"
import { str } from "./Print.ts"
import { parse } from "./Parser.ts"
import * as Scope from "./Scope.ts"
import * as Stream from "./Stream.ts"
import { int } from "./Arguments.ts"
import { Dict, fail, Fn, iterate, type Named, Range, Holder, textOf, type Value } from "./Value.ts"

/** A value of JavaScript as one of Python. */
const toValue = (input: unknown): Value => {
  if (input === null || input === undefined) return null
  if (input instanceof Float) return input.value
  if (typeof input === "number") return Number.isInteger(input) ? BigInt(input) : input
  if (typeof input === "boolean" || typeof input === "string" || typeof input === "bigint") return input
  if (Array.isArray(input)) return input.map(toValue)
  if (typeof input === "function") {
    const run = input as (...args: ReadonlyArray<unknown>) => unknown
    return new Fn("function", (args) => toValue(run(...args.map((one) => textOf(one) ?? one))))
  }
  if (typeof input === "object") return new Dict(Object.entries(input).map(([key, value]) => [key, toValue(value)]))
  return fail(`a ${typeof input} cannot be a variable of a template`)
}

const dict = (args: ReadonlyArray<Value>, named: Named): Dict => {
  const [from] = args
  const out = new Dict(
    from instanceof Dict
      ? from.items()
      : from === undefined
        ? []
        : Array.from(iterate(from), (pair) => {
            const [key, value] = iterate(pair)
            return [key, value] as const
          }),
  )
  for (const [key, value] of named) out.set(key, value)
  return out
}

const range = (args: ReadonlyArray<Value>): Range => {
  const [first, last, step] = args.map(int)
  if (args.length < 1 || args.length > 3) return fail("range expects 1 to 3 arguments")
  return last === undefined ? new Range(0, first, 1) : new Range(first, last, step ?? 1)
}

const namespace = (args: ReadonlyArray<Value>, named: Named): Holder =>
  new Holder(
    "Namespace",
    new Map(
      dict(args, named)
        .items()
        .map(([key, value]) => [str(key), value]),
    ),
    { settable: true },
  )

const joiner = ([by = ", "]: ReadonlyArray<Value>): Fn => {
  let used = false
  return new Fn("joiner", () => {
    const now = used ? by : ""
    used = true
    return now
  })
}

const cycler = (items: ReadonlyArray<Value>): Holder => {
  let at = 0
  const values = new Map<string, Value>([
    ["next", new Fn("next", () => items[at++ % items.length])],
    ["reset", new Fn("reset", () => ((at = 0), null))],
  ])
  const get = (name: string): Value | undefined => (name === "current" ? items[at % items.length] : values.get(name))
  return new Holder("Cycler", values, { get })
}

/** What every template has. */
const globals: ReadonlyMap<string, Value> = new Map<string, Value>([
  ["raise_exception", new Fn("raise_exception", ([message = ""]) => fail(str(message)))],
  ["range", new Fn("range", range)],
  ["dict", new Fn("dict", dict)],
  ["namespace", new Fn("namespace", namespace)],
  ["joiner", new Fn("joiner", joiner)],
  ["cycler", new Fn("cycler", cycler)],
  ["self", new Fn("self", () => fail("self is not implemented"))],
  ["lipsum", new Fn("lipsum", () => fail("lipsum is not implemented"))],
])

/** Parses a template; what it returns renders it with variables. Both throw where Jinja would, or name what is not implemented. @category constructors */
export const compile = (source: string): ((variables: Readonly<{ [name: string]: unknown }>) => string) => {
  const body = parse(Stream.make(tokenize(source)))
  const hidden = Frames.analyse(body)
  return (variables) => {
    const given = Object.entries(variables).map(([name, value]) => [name, toValue(value)] as const)
    return Interpreter.render(body, Scope.make(new Map([...globals, ...given]), body, hidden))
  }
}
