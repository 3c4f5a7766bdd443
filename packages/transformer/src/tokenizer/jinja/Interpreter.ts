/** Runs the statements of a template: scopes, loops, macros, and what is printed. */
import { argumentsOf, evaluate } from "./Evaluate.ts"
import * as Filters from "./Filters.ts"
import { str } from "./Print.ts"
import { assign, child, type Scope } from "./Scope.ts"
import { type Body, type FilterCall, mentions, type Parameter, type Statement } from "./Syntax.ts"
import {
  defined,
  Dict,
  equal,
  fail,
  Fn,
  isTrue,
  iterate,
  type Named,
  Holder,
  Tuple,
  Undefined,
  type Value,
} from "./Value.ts"

/** `break` or `continue` on its way to its loop. */
type Leave = "break" | "continue"

/** Texts that were printed, one after the other. */
type Out = Array<string>

const captured = (body: Body, scope: Scope): string => {
  const out: Out = []
  run(body, scope, out)
  return out.join("")
}

const filtered = (filters: ReadonlyArray<FilterCall>, text: string, scope: Scope): Value => {
  let value: Value = text
  for (const { given, name } of filters) value = Filters.apply(name, value, ...argumentsOf(given, scope))
  return value
}

/** A macro: parameters by place or by name, and what is left over where its body asks for that. */
const macro = (name: string, parameters: ReadonlyArray<Parameter>, body: Body, scope: Scope): Fn => {
  const names = parameters.map((parameter) => parameter.name)
  const [wantsRest, wantsNamed, wantsCaller] = ["varargs", "kwargs", "caller"].map((word) => mentions(body, word))
  const call = (args: ReadonlyArray<Value>, given: Named): Value => {
    const inner = child(scope, body)
    const named = new Map(given)
    for (const [i, { default: otherwise, name: own }] of parameters.entries()) {
      const value = i < args.length ? args[i] : named.get(own)
      if (i >= args.length) named.delete(own)
      if (value !== undefined) inner.values.set(own, value)
      else if (otherwise !== null) inner.values.set(own, evaluate(otherwise, inner))
      else inner.values.set(own, new Undefined(`parameter '${own}' was not provided`))
    }
    if (wantsCaller && !names.includes("caller")) {
      inner.values.set("caller", named.get("caller") ?? new Undefined("No caller defined"))
      named.delete("caller")
    }
    if (wantsNamed) inner.values.set("kwargs", new Dict(named))
    else for (const stray of named.keys()) return fail(`macro '${name}' takes no keyword argument '${stray}'`)
    if (wantsRest) inner.values.set("varargs", new Tuple(args.slice(names.length)))
    else if (args.length > names.length) return fail(`macro '${name}' takes not more than ${names.length} argument(s)`)
    return captured(body, inner)
  }
  return new Fn(
    name,
    call,
    new Map<string, Value>([
      ["name", name],
      ["arguments", new Tuple(names)],
    ]),
  )
}

/** `loop` of one turn. */
const loopOf = (
  items: ReadonlyArray<Value>,
  i: number,
  depth: number,
  changes: { last: ReadonlyArray<Value> | null },
  recurse: ((of: Value) => Value) | null,
): Holder => {
  const changed = (args: ReadonlyArray<Value>): Value => {
    const { last } = changes
    changes.last = args
    return last === null || last.length !== args.length || last.some((one, k) => !equal(one, args[k]))
  }
  return new Holder(
    "LoopContext",
    new Map<string, Value>([
      ["index", BigInt(i + 1)],
      ["index0", BigInt(i)],
      ["revindex", BigInt(items.length - i)],
      ["revindex0", BigInt(items.length - i - 1)],
      ["first", i === 0],
      ["last", i === items.length - 1],
      ["length", BigInt(items.length)],
      ["depth", BigInt(depth + 1)],
      ["depth0", BigInt(depth)],
      ["previtem", i > 0 ? items[i - 1] : new Undefined("there is no previous item")],
      ["nextitem", i < items.length - 1 ? items[i + 1] : new Undefined("there is no next item")],
      [
        "cycle",
        new Fn("cycle", (args) => (args.length === 0 ? fail("no items for cycling given") : args[i % args.length])),
      ],
      ["changed", new Fn("changed", changed)],
    ]),
    {
      call: ([of]) =>
        recurse === null ? fail("The loop must have the 'recursive' marker to be called recursively.") : recurse(of),
    },
  )
}

type For = Extract<Statement, { kind: "for" }>

const loop = (statement: For, of: Value, scope: Scope, out: Out, depth: number): void => {
  const { body, isRecursive, otherwise, target, test } = statement
  const items = [...iterate(of)].filter((item) => {
    if (test === null) return true
    const inner = child(scope, null)
    assign(target, item, inner)
    return isTrue(evaluate(test, inner))
  })
  const recurse = (inner: Value): Value => {
    const text: Out = []
    loop(statement, inner, scope, text, depth + 1)
    return text.join("")
  }
  const changes = { last: null }
  for (const [i, item] of items.entries()) {
    const inner = child(scope, body)
    inner.values.set("loop", loopOf(items, i, depth, changes, isRecursive ? recurse : null))
    assign(target, item, inner)
    if (run(body, inner, out) === "break") return
  }
  if (items.length === 0) run(otherwise, child(scope, otherwise), out)
}

const one = (statement: Statement, scope: Scope, out: Out): Leave | null => {
  switch (statement.kind) {
    case "data":
      out.push(statement.text)
      return null
    case "print":
      out.push(str(evaluate(statement.value, scope)))
      return null
    case "set":
      assign(statement.target, evaluate(statement.value, scope), scope)
      return null
    case "capture": {
      const text = captured(statement.body, child(scope, statement.body))
      assign(statement.target, filtered(statement.filters, text, scope), scope)
      return null
    }
    case "if": {
      const found = statement.branches.find(([test]) => isTrue(evaluate(test, scope)))
      return run(found === undefined ? statement.otherwise : found[1], scope, out)
    }
    case "for":
      loop(statement, evaluate(statement.of, scope), scope, out, 0)
      return null
    case "macro": {
      const { body, name, parameters } = statement
      scope.values.set(name, macro(name, parameters, body, scope))
      return null
    }
    case "call": {
      const { body, of, parameters } = statement
      const [args, named] = argumentsOf(of.given, scope)
      const caller = macro("caller", parameters, body, scope)
      const callee = defined(evaluate(of.of, scope))
      if (!(callee instanceof Fn)) return fail("a call block calls something that is not a macro")
      out.push(str(callee.call(args, new Map([...named, ["caller", caller]]))))
      return null
    }
    case "filter":
      out.push(str(filtered(statement.filters, captured(statement.body, child(scope, statement.body)), scope)))
      return null
    case "with": {
      const inner = child(scope, statement.body)
      for (const [target, value] of statement.values) assign(target, evaluate(value, scope), inner)
      return run(statement.body, inner, out)
    }
    case "scope": {
      const around = statement.isTop ? (scope.top ?? scope) : scope
      out.push(captured(statement.body, child(around, statement.body)))
      return null
    }
    case "break":
    case "continue":
      return statement.kind
  }
}

/** Runs statements one after the other; how they were left where that was before their end. */
const run = (body: Body, scope: Scope, out: Out): Leave | null => {
  for (const statement of body) {
    const leave = one(statement, scope, out)
    if (leave !== null) return leave
  }
  return null
}

/** The text of a template. */
export const render = (body: Body, scope: Scope): string => captured(body, scope)
