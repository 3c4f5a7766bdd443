/** The statements of a template. */
import * as Expressions from "./Expressions.ts"
import type { Body, Parameter, Statement, Target } from "./Syntax.ts"
import type { Stream } from "./Stream.ts"

/** Statements of Jinja that need other templates, or that transformers does not switch on. */
const needsMore = new Set(["include", "import", "from", "extends", "autoescape"])

const target = (tokens: Stream): Target => {
  const first = tokens.name("a name to assign to")
  if (!tokens.skip("operator", ".")) return { kind: "name", name: first }
  return { kind: "namespace", name: first, attribute: tokens.name("an attribute") }
}

/** One target or several with commas, with parentheses where these are. */
const targets = (tokens: Stream, isEnd: () => boolean): Target => {
  const one = (): Target => {
    if (!tokens.skip("operator", "(")) return target(tokens)
    const inner = targets(tokens, () => tokens.is("operator", ")"))
    tokens.expect("operator", ")")
    return inner
  }
  const items: Array<Target> = [one()]
  let isTuple = false
  while (tokens.skip("operator", ",")) {
    isTuple = true
    if (isEnd()) break
    items.push(one())
  }
  return isTuple ? { kind: "tuple", items } : items[0]
}

const signature = (tokens: Stream): ReadonlyArray<Parameter> => {
  const out: Array<Parameter> = []
  tokens.expect("operator", "(")
  while (!tokens.is("operator", ")")) {
    if (out.length > 0) tokens.expect("operator", ",")
    const name = tokens.name("a parameter")
    const value = tokens.skip("operator", "=") ? Expressions.expression(tokens) : null
    if (value === null && out.some((before) => before.default !== null))
      throw new Error(`the parameter ${name} without a default follows one with a default`)
    out.push({ name, default: value })
  }
  tokens.expect("operator", ")")
  return out
}

/** A body up to one of the blocks in `ends`, whose name is left. */
const until = (tokens: Stream, ...ends: ReadonlyArray<string>): Body => {
  tokens.expect("endblock")
  const out = body(tokens, ends)
  return out
}

const blockOf = (tokens: Stream, end: string): Body => {
  const out = until(tokens, end)
  tokens.next()
  return out
}

const ifStatement = (tokens: Stream): Statement => {
  const branches: Array<
    readonly [
      Parameters<typeof Expressions.tuple>[0] extends never ? never : ReturnType<typeof Expressions.tuple>,
      Body,
    ]
  > = []
  for (;;) {
    const test = Expressions.tuple(tokens, { conditions: false })
    branches.push([test, until(tokens, "elif", "else", "endif")])
    const end = tokens.next().value
    if (end === "elif") continue
    return { kind: "if", branches, otherwise: end === "else" ? blockOf(tokens, "endif") : [] }
  }
}

const forStatement = (tokens: Stream): Statement => {
  const over = targets(tokens, () => tokens.is("name", "in"))
  tokens.expect("name", "in")
  const of = Expressions.tuple(tokens, { conditions: false, end: () => tokens.is("name", "recursive") })
  const test = tokens.skip("name", "if") ? Expressions.expression(tokens) : null
  const isRecursive = tokens.skip("name", "recursive")
  const inner = until(tokens, "endfor", "else")
  const otherwise = tokens.next().value === "else" ? blockOf(tokens, "endfor") : []
  return { kind: "for", target: over, of, test, isRecursive, body: inner, otherwise }
}

const setStatement = (tokens: Stream): Statement => {
  const to = targets(tokens, () => tokens.is("operator", "=") || tokens.is("endblock"))
  if (tokens.skip("operator", "=")) return { kind: "set", target: to, value: Expressions.tuple(tokens) }
  const filters = Expressions.filters(tokens)
  return { kind: "capture", target: to, filters, body: blockOf(tokens, "endset") }
}

const withStatement = (tokens: Stream): Statement => {
  const values: Array<readonly [Target, ReturnType<typeof Expressions.expression>]> = []
  while (!tokens.is("endblock")) {
    if (values.length > 0) tokens.expect("operator", ",")
    const to = targets(tokens, () => tokens.is("operator", "="))
    tokens.expect("operator", "=")
    values.push([to, Expressions.expression(tokens)])
  }
  return { kind: "with", values, body: blockOf(tokens, "endwith") }
}

const callStatement = (tokens: Stream): Statement => {
  const parameters = tokens.is("operator", "(") ? signature(tokens) : []
  const of = Expressions.expression(tokens)
  if (of.kind !== "call") throw new Error("a call block calls nothing")
  return { kind: "call", of, parameters, body: blockOf(tokens, "endcall") }
}

const blockStatement = (tokens: Stream): Statement => {
  const name = tokens.name("the name of a block")
  const isTop = !tokens.skip("name", "scoped")
  tokens.skip("name", "required")
  const inner = blockOf(tokens, "endblock")
  tokens.skip("name", name)
  return { kind: "scope", isTop, body: inner }
}

/** A statement after its keyword, up to the end of its last block, which is left. */
const statement = (tokens: Stream, keyword: string): Statement => {
  switch (keyword) {
    case "for":
      return forStatement(tokens)
    case "if":
      return ifStatement(tokens)
    case "set":
      return setStatement(tokens)
    case "macro": {
      const name = tokens.name("the name of a macro")
      return { kind: "macro", name, parameters: signature(tokens), body: blockOf(tokens, "endmacro") }
    }
    case "call":
      return callStatement(tokens)
    case "filter":
      return { kind: "filter", filters: Expressions.filters(tokens, true), body: blockOf(tokens, "endfilter") }
    case "with":
      return withStatement(tokens)
    case "block":
      return blockStatement(tokens)
    case "generation":
      return { kind: "scope", isTop: false, body: blockOf(tokens, "endgeneration") }
    case "break":
    case "continue":
      return { kind: keyword }
    default:
      throw new Error(
        needsMore.has(keyword) ? `the statement ${keyword} is not implemented` : `there is no statement ${keyword}`,
      )
  }
}

/** Statements up to a block that begins with one of `ends`, or to the end of the template. */
const body = (tokens: Stream, ends: ReadonlyArray<string>): Body => {
  const out: Array<Statement> = []
  for (;;) {
    const token = tokens.next()
    if (token.kind === "data") out.push({ kind: "data", text: token.value })
    else if (token.kind === "print") {
      out.push({ kind: "print", value: Expressions.tuple(tokens) })
      tokens.expect("endprint")
    } else if (token.kind === "end") {
      if (ends.length === 0) return out
      throw new Error(`the template ends before ${ends.join(" or ")}`)
    } else {
      if (ends.some((end) => tokens.is("name", end))) return out
      const keyword = tokens.name("a statement")
      if (keyword === "print") {
        do out.push({ kind: "print", value: Expressions.expression(tokens) })
        while (tokens.skip("operator", ","))
      } else out.push(statement(tokens, keyword))
      tokens.expect("endblock")
    }
  }
}

/** The statements of a whole template. */
export const parse = (tokens: Stream): Body => body(tokens, [])
