/**
 * The grammar of Python's arithmetic expressions, for the reference graders that hand a response to Python: precedence,
 * literals, comments and what is a syntax error are Python's; what the parts are worth is the caller's `Algebra`.
 *
 * The text is read twice: once for its syntax, once for its value, because Python too finds every syntax error before it
 * computes anything. Nothing is executed.
 */

/** What an expression is worth. Every function may throw an `EvaluationError`. @category models */
export interface Algebra<V> {
  /** A decimal literal: digits, optional point, optional exponent. */
  readonly number: (text: string) => V
  readonly unary: (op: "+" | "-" | "~", a: V) => V
  readonly binary: (op: string, a: V, b: V) => V
  readonly name: (name: string) => V
  readonly call: (name: string, args: ReadonlyArray<V>) => V
  /**
   * `a!`. Present where the text goes through SymPy's tokeniser, which reads it, and glues operators that a space
   * separates: `2 * *3` is `2**3`.
   */
  readonly factorial?: (a: V) => V
  /** `a == b`, and whether a value counts as true; without them a comparison, `and`, `or` and `not` raise. */
  readonly logic?: {
    readonly equal: (a: V, b: V) => boolean
    readonly isTrue: (a: V) => boolean
    readonly truth: (value: boolean) => V
  }
}

/** The expression has no value: an exception in Python. @category errors */
export class EvaluationError extends Error {}

/** The value exists but would take Python so long that a grader without a time limit hangs. @category errors */
export class Endless extends EvaluationError {}

interface Token {
  readonly kind: "number" | "name" | "op"
  readonly text: string
}

const lexeme =
  /(?<space>[ \t\f]+|#[^\n]*)|(?<number>(?:[0-9](?:_?[0-9])*\.?(?:[0-9](?:_?[0-9])*)?|\.[0-9](?:_?[0-9])*)(?:[eE][+-]?[0-9](?:_?[0-9])*)?)|(?<name>[A-Za-z_][A-Za-z_0-9]*)|(?<op>\*\*|\/\/|<<|>>|==|!=|[-+*/%()~&^|,!])|(?<newline>\r\n?|\n)/y
/** A literal like 07: legal as a float (07.5), not as an integer. */
const leadingZero = /^0[0-9]*[1-9][0-9]*$/
/** CPython refuses to nest parentheses deeper. */
const maxParentheses = 200
/** CPython 3.11 refuses longer chains of signs, at a length that its stack decides. */
const maxSigns = 2900

const tokenise = (text: string, sympy: boolean): Array<Token> => {
  const out: Array<Token> = []
  let open = 0
  let lastLine = -1
  lexeme.lastIndex = 0
  for (let at = 0; at < text.length; at = lexeme.lastIndex) {
    lexeme.lastIndex = at
    const groups = lexeme.exec(text)?.groups
    if (groups === undefined) throw new EvaluationError(`unexpected ${JSON.stringify(text[at])}`)
    const { name, newline, number, op } = groups
    if (newline !== undefined && open === 0) lastLine = out.length
    if (number !== undefined) {
      const digits = number.replaceAll("_", "")
      if (leadingZero.test(digits)) throw new EvaluationError(`"${number}" has a leading zero`)
      out.push({ kind: "number", text: digits })
    } else if (name !== undefined) out.push({ kind: "name", text: name })
    else if (op !== undefined) {
      if (op === "(" && ++open > maxParentheses) throw new EvaluationError("too many nested parentheses")
      if (op === ")") open--
      if (op === "!" && /[ \t\f]/.test(text[at - 1] ?? " ")) throw new EvaluationError('a space before "!"')
      const last = out.at(-1)
      if (sympy && (op === "*" || op === "/") && last?.kind === "op" && last.text === op)
        out[out.length - 1] = { kind: "op", text: op + op }
      else out.push({ kind: "op", text: op })
    }
  }
  if (lastLine >= 0 && lastLine < out.length) throw new EvaluationError("the expression has several lines")
  return out
}

const keywords = new Set(["and", "or", "not", "in", "is", "if", "else", "for", "lambda"])

/** Binary operators from loosest to tightest, all left-associative; `**` stands apart. */
const levels: ReadonlyArray<ReadonlyArray<string>> = [
  ["|"],
  ["^"],
  ["&"],
  ["<<", ">>"],
  ["+", "-"],
  ["*", "/", "//", "%"],
]

const read = <V>(tokens: ReadonlyArray<Token>, algebra: Algebra<V>): V => {
  let at = 0
  let depth = 0
  const isOp = (text: string): boolean => tokens[at]?.kind === "op" && tokens[at].text === text
  const take = (text: string): void => {
    if (!isOp(text))
      throw new EvaluationError(`expected "${text}", found ${JSON.stringify(tokens[at]?.text ?? "the end")}`)
    at++
  }
  const isName = (text: string): boolean => tokens[at]?.kind === "name" && tokens[at].text === text
  const logic = (): NonNullable<Algebra<V>["logic"]> => {
    if (algebra.logic === undefined) throw new EvaluationError("a comparison is not a number")
    return algebra.logic
  }
  const comparison = (): V => {
    let left = binary(0)
    if (!isOp("==") && !isOp("!=")) return left
    let holds = true
    while (isOp("==") || isOp("!=")) {
      const wanted = tokens[at++].text === "=="
      const right = binary(0)
      holds &&= logic().equal(left, right) === wanted
      left = right
    }
    return logic().truth(holds)
  }
  const negation = (): V => {
    if (!isName("not")) return comparison()
    at++
    const value = negation()
    return logic().truth(!logic().isTrue(value))
  }
  /** Python's `and` and `or` give back one of their sides. */
  const either = (word: "and" | "or", next: () => V): V => {
    let value = next()
    while (isName(word)) {
      at++
      const right = next()
      if (logic().isTrue(value) === (word === "and")) value = right
    }
    return value
  }
  const whole = (): V => either("or", () => either("and", negation))
  const binary = (level: number): V => {
    if (level === levels.length) return signed()
    let value = binary(level + 1)
    while (tokens[at]?.kind === "op" && levels[level].includes(tokens[at].text)) {
      const op = tokens[at++].text
      value = algebra.binary(op, value, binary(level + 1))
    }
    return value
  }
  const signed = (): V => {
    const signs: Array<"+" | "-" | "~"> = []
    for (; isOp("+") || isOp("-") || isOp("~"); at++) signs.push(tokens[at].text as "+" | "-" | "~")
    if (signs.length > maxSigns) throw new EvaluationError("too many signs")
    let value = power()
    for (const sign of signs.reverse()) value = algebra.unary(sign, value)
    return value
  }
  const power = (): V => {
    const base = postfix()
    if (!isOp("**")) return base
    at++
    if (++depth > maxParentheses) throw new EvaluationError("too many nested powers")
    const exponent = signed()
    depth--
    return algebra.binary("**", base, exponent)
  }
  const postfix = (): V => {
    let value = atom()
    while (isOp("!") || isOp("(")) {
      if (algebra.factorial === undefined || isOp("(")) throw new EvaluationError("a number cannot be called")
      at++
      value = algebra.factorial(value)
    }
    return value
  }
  const atom = (): V => {
    const token = tokens[at++]
    if (token?.kind === "number") return algebra.number(token.text)
    if (token?.kind === "name" && keywords.has(token.text)) throw new EvaluationError(`"${token.text}" is not a value`)
    if (token?.kind === "name") {
      if (!isOp("(")) return algebra.name(token.text)
      const args: Array<V> = []
      do {
        at++
        if (isOp(")")) break
        args.push(whole())
      } while (isOp(","))
      take(")")
      return algebra.call(token.text, args)
    }
    at--
    take("(")
    const value = whole()
    take(")")
    return value
  }
  const value = whole()
  if (at < tokens.length) throw new EvaluationError(`unexpected ${JSON.stringify(tokens[at].text)}`)
  return value
}

const syntax: Algebra<null> = {
  number: () => null,
  unary: () => null,
  binary: () => null,
  name: () => null,
  call: () => null,
  factorial: () => null,
  logic: { equal: () => true, isTrue: () => true, truth: () => null },
}

/**
 * The value of an expression. Throws an `EvaluationError` where Python would raise, an `Endless` where it would not come
 * back.
 *
 * @category evaluation
 */
export const evaluate = <V>(text: string, algebra: Algebra<V>): V => {
  const tokens = tokenise(text, algebra.factorial !== undefined)
  read(tokens, syntax)
  return read(tokens, algebra)
}
