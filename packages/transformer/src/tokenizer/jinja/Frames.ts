/**
 * Which names a part of a template hides until it sets them. Jinja decides that before it runs: a name that a part sets before it reads it
 * is that part's own from its beginning, so that a loop further up does not see a variable of the same name.
 */
import type { Body, Expression, Statement, Target } from "./Syntax.ts"

/** Names of one part: true where it hides them. */
type Names = Map<string, boolean>

interface Frame {
  readonly names: Names
  /** Those that the parts around it read or set. */
  readonly around: ReadonlySet<string>
}

const readNames = (node: unknown, frame: Frame): void => {
  if (Array.isArray(node)) for (const inner of node) readNames(inner, frame)
  else if (node !== null && typeof node === "object") {
    const { kind, name } = node as Partial<Expression> & { readonly name?: string }
    if (kind === "name" && name !== undefined) {
      if (!frame.names.has(name)) frame.names.set(name, false)
    } else for (const inner of Object.values(node)) readNames(inner, frame)
  }
}

const setName = (name: string, { around, names }: Frame): void => {
  if (!names.has(name)) names.set(name, !around.has(name))
}

const setTarget = (target: Target, frame: Frame): void => {
  if (target.kind === "name") setName(target.name, frame)
  else if (target.kind === "tuple") for (const item of target.items) setTarget(item, frame)
  else readNames({ kind: "name", name: target.name }, frame)
}

/** Names of statements in their order; parts with names of their own are left out. */
const visit = (body: Body, frame: Frame): void => {
  for (const statement of body) visitOne(statement, frame)
}

const visitOne = (statement: Statement, frame: Frame): void => {
  switch (statement.kind) {
    case "print":
      return readNames(statement.value, frame)
    case "set":
      readNames(statement.value, frame)
      return setTarget(statement.target, frame)
    case "capture":
      return setTarget(statement.target, frame)
    case "for":
      return readNames(statement.of, frame)
    case "macro":
      return setName(statement.name, frame)
    case "call":
      return readNames(statement.of, frame)
    case "filter":
      return readNames(statement.filters, frame)
    case "with":
      return readNames(
        statement.values.map(([, value]) => value),
        frame,
      )
    case "if": {
      const [[test, first], ...rest] = statement.branches
      readNames(test, frame)
      const before = new Set(frame.names.keys())
      // The branches of `elif` count as one.
      const branches = [first, null, statement.otherwise].map((branch): Frame => {
        const copy = { names: new Map(frame.names), around: frame.around }
        if (branch !== null) visit(branch, copy)
        else for (const [more, inner] of rest) visitOne({ kind: "if", branches: [[more, inner]], otherwise: [] }, copy)
        return copy
      })
      for (const { names } of branches)
        for (const [name, hides] of names) {
          if (before.has(name)) continue
          // What not every branch sets is what it was outside where it is not set.
          frame.names.set(name, hides && branches.every((branch) => branch.names.get(name) === true))
        }
      return
    }
    case "data":
    case "scope":
    case "break":
    case "continue":
  }
}

/** The parts of a statement with names of their own, and the names that each begins with. */
const parts = (statement: Statement): ReadonlyArray<readonly [Body, ReadonlyArray<string>]> => {
  switch (statement.kind) {
    case "for":
      return [
        [statement.body, ["loop", ...targetNames(statement.target)]],
        [statement.otherwise, []],
      ]
    case "macro":
    case "call":
      return [[statement.body, ["caller", "varargs", "kwargs", ...statement.parameters.map(({ name }) => name)]]]
    case "with":
      return [[statement.body, statement.values.flatMap(([target]) => targetNames(target))]]
    case "capture":
    case "filter":
    case "scope":
      return [[statement.body, []]]
    case "if":
      return [...statement.branches.map(([, body]) => body), statement.otherwise].flatMap((body) => body.flatMap(parts))
    case "data":
    case "print":
    case "set":
    case "break":
    case "continue":
      return []
  }
}

const targetNames = (target: Target): ReadonlyArray<string> =>
  target.kind === "tuple" ? target.items.flatMap(targetNames) : target.kind === "name" ? [target.name] : []

/** What each part of a template hides. */
export type Hidden = ReadonlyMap<Body, ReadonlyArray<string>>

export const analyse = (template: Body): Hidden => {
  const out = new Map<Body, ReadonlyArray<string>>()
  const go = (body: Body, begins: ReadonlyArray<string>, around: ReadonlySet<string>): void => {
    const names: Names = new Map(begins.map((name) => [name, false]))
    visit(body, { names, around })
    const hidden = [...names].filter(([, hides]) => hides).map(([name]) => name)
    if (hidden.length > 0) out.set(body, hidden)
    const known = new Set([...around, ...names.keys()])
    for (const statement of body)
      for (const [inner, own] of parts(statement))
        go(inner, own, statement.kind === "scope" && statement.isTop ? new Set() : known)
  }
  go(template, [], new Set())
  return out
}
