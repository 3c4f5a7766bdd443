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
  /(?<space>[ \t\f]+|#[^\n]*)|(?<number>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)|(?<name>[A-Za-z_][A-Za-z_0-9]*)|(?<op>\*\*|\/\/|<<|>>|[-+*/%()~&^|,!])|(?<newline>\r\n?|\n)/y
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
      if (leadingZero.test(number)) throw new EvaluationError(`"${number}" has a leading zero`)
      out.push({ kind: "number", text: number })
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
    if (token?.kind === "name") {
      if (!isOp("(")) return algebra.name(token.text)
      const args: Array<V> = []
      do {
        at++
        if (isOp(")")) break
        args.push(binary(0))
      } while (isOp(","))
      take(")")
      return algebra.call(token.text, args)
    }
    at--
    take("(")
    const value = binary(0)
    take(")")
    return value
  }
  const value = binary(0)
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
