/** The expressions of a template, in Jinja's order of operators. */
import type { Arguments, Expression, FilterCall } from "./Syntax.ts"
import { noArguments } from "./Syntax.ts"
import type { Stream } from "./Stream.ts"

interface TupleOptions {
  /** Whether `a if b else c` may stand without parentheses. */
  readonly conditions?: boolean
  /** What ends the tuple beside the end of a block. */
  readonly end?: () => boolean
  readonly mayBeEmpty?: boolean
}

/** An expression, or several with commas between them. */
export const tuple = (tokens: Stream, options: TupleOptions = {}): Expression => {
  const { conditions = true, end = () => false, mayBeEmpty = false } = options
  const isEnd = (): boolean => tokens.is("endprint") || tokens.is("endblock") || tokens.is("operator", ")") || end()
  const items: Array<Expression> = []
  let isTuple = false
  for (;;) {
    if (items.length > 0) tokens.expect("operator", ",")
    if (isEnd()) break
    items.push(conditions ? expression(tokens) : or(tokens))
    if (!tokens.is("operator", ",")) break
    isTuple = true
  }
  if (!isTuple && items.length > 0) return items[0]
  if (!isTuple && !mayBeEmpty) tokens.fail("an expression")
  return { kind: "tuple", items }
}

export const expression = (tokens: Stream): Expression => {
  let found = or(tokens)
  while (tokens.skip("name", "if")) {
    const test = or(tokens)
    const otherwise = tokens.skip("name", "else") ? expression(tokens) : null
    found = { kind: "condition", test, value: found, otherwise }
  }
  return found
}

/** Operands of one level with the operators between them, from the left. */
const level = (
  inner: (tokens: Stream) => Expression,
  kind: "name" | "operator",
  ...operators: ReadonlyArray<string>
) => {
  const all = new Set(operators)
  return (tokens: Stream): Expression => {
    let left = inner(tokens)
    for (;;) {
      const { value } = tokens.current()
      if (typeof value !== "string" || !tokens.is(kind) || !all.has(value)) return left
      tokens.next()
      left = { kind: "binary", operator: value, left, right: inner(tokens) }
    }
  }
}

const comparisons = new Set(["==", "!=", "<", "<=", ">", ">="])

const comparison = (tokens: Stream): Expression => {
  const first = sum(tokens)
  const rest: Array<readonly [string, Expression]> = []
  for (;;) {
    const { value } = tokens.current()
    if (tokens.is("operator") && comparisons.has(String(value))) {
      tokens.next()
      rest.push([String(value), sum(tokens)])
    } else if (tokens.skip("name", "in")) rest.push(["in", sum(tokens)])
    else if (tokens.is("name", "not") && tokens.ahead().kind === "name" && tokens.ahead().value === "in") {
      tokens.next()
      tokens.next()
      rest.push(["not in", sum(tokens)])
    } else return rest.length === 0 ? first : { kind: "compare", first, rest }
  }
}

const not = (tokens: Stream): Expression =>
  tokens.is("name", "not") && !(tokens.ahead().kind === "name" && tokens.ahead().value === "in")
    ? (tokens.next(), { kind: "unary", operator: "not", of: not(tokens) })
    : comparison(tokens)

const unary = (tokens: Stream, withFilters = true): Expression => {
  let found: Expression
  if (tokens.skip("operator", "-")) found = { kind: "unary", operator: "-", of: unary(tokens, false) }
  else if (tokens.skip("operator", "+")) found = { kind: "unary", operator: "+", of: unary(tokens, false) }
  else found = primary(tokens)
  found = postfix(tokens, found)
  return withFilters ? filtered(tokens, found) : found
}

const power = level(unary, "operator", "**")
const product = level(power, "operator", "*", "/", "//", "%")
const concat = (tokens: Stream): Expression => {
  const items = [product(tokens)]
  while (tokens.skip("operator", "~")) items.push(product(tokens))
  return items.length === 1 ? items[0] : { kind: "concat", items }
}
const sum = level(concat, "operator", "+", "-")
const and = level(not, "name", "and")
const or = level(and, "name", "or")

const constants: Readonly<Record<string, null | boolean>> = {
  true: true,
  True: true,
  false: false,
  False: false,
  none: null,
  None: null,
}

/** Items with commas up to a bracket, one at the end included. */
const items = <A>(tokens: Stream, end: string, one: () => A): ReadonlyArray<A> => {
  const out: Array<A> = []
  while (!tokens.skip("operator", end)) {
    if (out.length > 0) {
      tokens.expect("operator", ",")
      if (tokens.skip("operator", end)) break
    }
    out.push(one())
  }
  return out
}

const primary = (tokens: Stream): Expression => {
  const token = tokens.next()
  switch (token.kind) {
    case "name":
      return Object.hasOwn(constants, token.value)
        ? { kind: "constant", value: constants[token.value] }
        : { kind: "name", name: token.value }
    case "text": {
      let { value } = token
      while (tokens.is("text")) value += String(tokens.next().value)
      return { kind: "constant", value }
    }
    case "integer":
    case "float":
      return { kind: "constant", value: token.value }
    case "data":
    case "block":
    case "endblock":
    case "print":
    case "endprint":
    case "end":
      break
    case "operator":
      if (token.value === "(") {
        const inner = tuple(tokens, { mayBeEmpty: true })
        tokens.expect("operator", ")")
        return inner
      }
      if (token.value === "[") return { kind: "list", items: items(tokens, "]", () => expression(tokens)) }
      if (token.value === "{")
        return {
          kind: "dict",
          items: items(tokens, "}", () => {
            const key = expression(tokens)
            tokens.expect("operator", ":")
            return [key, expression(tokens)] as const
          }),
        }
  }
  throw new Error(`unexpected ${token.value}`)
}

/** What stands in brackets after a value: a key, several, or a slice. */
const subscript = (tokens: Stream, of: Expression): Expression => {
  const bounds: Array<Expression | null> = []
  const isEnd = (): boolean => tokens.is("operator", "]") || tokens.is("operator", ",") || tokens.is("operator", ":")
  const first = tokens.is("operator", ":") ? null : expression(tokens)
  if (!tokens.is("operator", ":")) {
    if (first === null) return tokens.fail("a key")
    const keys = [first]
    while (tokens.skip("operator", ",")) keys.push(expression(tokens))
    tokens.expect("operator", "]")
    return { kind: "item", of, key: keys.length === 1 ? first : { kind: "tuple", items: keys } }
  }
  bounds.push(first)
  for (let i = 0; i < 2; i++) bounds.push(tokens.skip("operator", ":") && !isEnd() ? expression(tokens) : null)
  tokens.expect("operator", "]")
  return { kind: "slice", of, bounds: [bounds[0], bounds[1], bounds[2]] }
}

const postfix = (tokens: Stream, start: Expression): Expression => {
  let found = start
  for (;;) {
    if (tokens.skip("operator", ".")) {
      const key = tokens.next()
      if (key.kind === "name") found = { kind: "attribute", of: found, name: key.value }
      else if (key.kind === "integer") found = { kind: "item", of: found, key: { kind: "constant", value: key.value } }
      else throw new Error(`unexpected ${String(key.value)} after a dot`)
    } else if (tokens.skip("operator", "[")) found = subscript(tokens, found)
    else if (tokens.is("operator", "(")) found = { kind: "call", of: found, given: given(tokens) }
    else return found
  }
}

/** Arguments in parentheses. */
const given = (tokens: Stream): Arguments => {
  const positional: Array<Expression> = []
  const named: Array<readonly [string, Expression]> = []
  let spread: Expression | null = null
  let spreadNamed: Expression | null = null
  tokens.expect("operator", "(")
  items(tokens, ")", () => {
    if (tokens.skip("operator", "*")) spread = expression(tokens)
    else if (tokens.skip("operator", "**")) spreadNamed = expression(tokens)
    else if (tokens.is("name") && tokens.ahead().kind === "operator" && tokens.ahead().value === "=") {
      const key = tokens.name("a name")
      tokens.next()
      named.push([key, expression(tokens)])
    } else {
      if (named.length > 0 || spread !== null || spreadNamed !== null)
        throw new Error("an argument without a name follows one with a name")
      positional.push(expression(tokens))
    }
  })
  return { positional, named, spread, spreadNamed }
}

const dotted = (tokens: Stream, what: string): string => {
  let found = tokens.name(what)
  while (tokens.skip("operator", ".")) found += `.${tokens.name(what)}`
  return found
}

const filterCall = (tokens: Stream): FilterCall => ({
  name: dotted(tokens, "the name of a filter"),
  given: tokens.is("operator", "(") ? given(tokens) : noArguments,
})

/** Filters after a bar each; `inline`: the first without one. */
export const filters = (tokens: Stream, inline = false): ReadonlyArray<FilterCall> => {
  const out: Array<FilterCall> = inline ? [filterCall(tokens)] : []
  while (tokens.skip("operator", "|")) out.push(filterCall(tokens))
  return out
}

const argumentStarts = new Set(["name", "text", "integer", "float"])

const test = (tokens: Stream, of: Expression): Expression => {
  const isNegated = tokens.skip("name", "not")
  const name = dotted(tokens, "the name of a test")
  let more = noArguments
  const { kind, value } = tokens.current()
  if (tokens.is("operator", "(")) more = given(tokens)
  else if (
    (argumentStarts.has(kind) || (kind === "operator" && (value === "[" || value === "{"))) &&
    !(kind === "name" && ["else", "or", "and"].includes(value))
  ) {
    if (tokens.is("name", "is")) throw new Error("several tests with `is` cannot be chained")
    more = { ...noArguments, positional: [postfix(tokens, primary(tokens))] }
  }
  const found: Expression = { kind: "test", of, name, given: more }
  return isNegated ? { kind: "unary", operator: "not", of: found } : found
}

/** A value with its filters, tests and calls of what these give. */
const filtered = (tokens: Stream, start: Expression): Expression => {
  let found = start
  for (;;) {
    if (tokens.skip("operator", "|")) found = { kind: "filter", of: found, ...filterCall(tokens) }
    else if (tokens.skip("name", "is")) found = test(tokens, found)
    else if (tokens.is("operator", "(")) found = { kind: "call", of: found, given: given(tokens) }
    else return found
  }
}
