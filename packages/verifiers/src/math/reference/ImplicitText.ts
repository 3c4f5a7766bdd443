/**
 * Plain text such as `2sqrt(221)`, `16/3`, `4pi` and `7+3/4` as SymPy's `parse_expr` with implicit multiplication reads it: the tokens
 * of CPython 3.11 (in which `02` is `0` and `2`), a star between neighbours, and a name that is none of SymPy's a product of its
 * letters and numbers.
 */

/** @category models */
export type Tree =
  | { readonly tag: "number"; readonly digits: string; readonly exponent: number; readonly float: boolean }
  | { readonly tag: "name"; readonly name: string }
  | { readonly tag: "call"; readonly name: "sqrt" | "ln" | "factorial" | "factorial2"; readonly of: Tree }
  | {
      readonly tag: "binary"
      readonly op: "+" | "-" | "*" | "/" | "//" | "**"
      readonly left: Tree
      readonly right: Tree
    }
  | { readonly tag: "minus"; readonly of: Tree }

/** SymPy raises, or makes something of the text that is not a number. @category errors */
export class Refusal extends Error {}

/** Longest expression read, in characters; also bounds the recursion. */
const maxLength = 300

const lexeme =
  /(?<space>\s+)|(?<float>(?:[0-9](?:_?[0-9])*\.(?:[0-9](?:_?[0-9])*)?|\.[0-9](?:_?[0-9])*)(?:e[+-]?[0-9]+)?|[0-9](?:_?[0-9])*e[+-]?[0-9]+)|(?<integer>0(?:_?0)*|[1-9](?:_?[0-9])*)|(?<name>[\p{L}_][\p{L}\p{N}_]*)|(?<op>\*\*|\/\/|!!|[-+*/^()!])/uy

const functions = new Set(["sqrt", "ln"])
/** Python's words, and SymPy's names for things that are not expressions; only those that the graders let through. */
const reserved = new Set("as if in is or oo nan zoo re im li ff rf fu jn yn".split(" "))
/** Greek letters by name are one symbol. */
const whole = new Set(["pi", "mu", "nu", "xi"])

interface Token {
  readonly kind: "number" | "name" | "op"
  readonly text: string
  readonly float?: boolean
}

const tokenise = (text: string): ReadonlyArray<Token> => {
  const out: Array<Token> = []
  for (lexeme.lastIndex = 0; lexeme.lastIndex < text.length;) {
    const groups = lexeme.exec(text)?.groups
    if (groups === undefined) throw new Refusal("not an expression")
    const { float, integer, name, op } = groups
    if (float !== undefined || integer !== undefined)
      out.push({ kind: "number", text: (float ?? integer).replaceAll("_", ""), float: float !== undefined })
    else if (op !== undefined) out.push({ kind: "op", text: op === "^" ? "**" : op })
    else if (name !== undefined) {
      if (reserved.has(name)) throw new Refusal(`"${name}" is not a number`)
      if (name.includes("_") || whole.has(name) || functions.has(name)) out.push({ kind: "name", text: name })
      else
        for (const part of name.match(/[0-9]+|\P{Nd}|\p{Nd}/gu) ?? []) {
          // SymPy makes a number of any digit in a name, raised, lowered or of any script, and then cannot read it.
          if (
            /[\p{Nd}\u00b2\u00b3\u00b9\u2070\u2074-\u2079\u2080-\u2089\u2460-\u2468]/u.test(part) &&
            !/^[0-9]+$/.test(part)
          )
            throw new Refusal(`"${part}" is not a number`)
          out.push(/^[0-9]/.test(part) ? { kind: "number", text: part, float: false } : { kind: "name", text: part })
        }
    }
  }
  return out
}

const number = (token: Token): Tree => {
  const [digits, exponent = "0"] = token.text.split("e")
  return { tag: "number", digits, exponent: Number(exponent), float: token.float === true }
}

/** The tree. Throws a `Refusal`. @category parsing */
export const parse = (text: string): Tree => {
  if (text.length > maxLength) throw new Refusal("too long")
  const list = tokenise(text)
  let at = 0
  const is = (...ops: ReadonlyArray<string>): boolean => list[at]?.kind === "op" && ops.includes(list[at].text)
  const binary = (op: Extract<Tree, { readonly tag: "binary" }>["op"], left: Tree, right: Tree): Tree => ({
    tag: "binary",
    op,
    left,
    right,
  })
  const sum = (): Tree => {
    let a = product()
    while (is("+", "-")) a = binary(list[at++].text as "+" | "-", a, product())
    return a
  }
  const product = (): Tree => {
    let a = signed()
    for (;;) {
      if (is("*", "/", "//")) a = binary(list[at++].text as "*" | "/" | "//", a, signed())
      else if (at < list.length && (list[at].kind !== "op" || is("("))) a = binary("*", a, power())
      else return a
    }
  }
  const signed = (): Tree => {
    if (!is("-", "+")) return power()
    return list[at++].text === "-" ? { tag: "minus", of: signed() } : signed()
  }
  const power = (): Tree => {
    let a = atom()
    for (; is("!", "!!"); at++) a = { tag: "call", name: is("!") ? "factorial" : "factorial2", of: a }
    if (!is("**")) return a
    at++
    return binary("**", a, signed())
  }
  const atom = (): Tree => {
    const token = list[at++]
    if (token === undefined) throw new Refusal("ends early")
    if (token.kind === "number") return number(token)
    if (token.kind === "name") {
      if (!functions.has(token.text)) return { tag: "name", name: token.text }
      if (!is("(")) throw new Refusal(`${token.text} of what`)
      return { tag: "call", name: token.text as "sqrt" | "ln", of: atom() }
    }
    if (token.text !== "(") throw new Refusal(`unexpected ${token.text}`)
    const a = sum()
    if (!is(")")) throw new Refusal("unbalanced")
    at++
    return a
  }
  const out = sum()
  if (at < list.length) throw new Refusal("trailing text")
  return out
}

/** Whether any part of the tree is so. @category traversal */
export const some = (tree: Tree, test: (tree: Tree) => boolean): boolean => {
  if (test(tree)) return true
  if (tree.tag === "binary") return some(tree.left, test) || some(tree.right, test)
  return (tree.tag === "call" || tree.tag === "minus") && some(tree.of, test)
}
