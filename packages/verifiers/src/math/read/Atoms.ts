/**
 * The atoms of a formula: numbers, names, brackets, and what commands read.
 */
import { Commands } from "./Commands.ts"
import * as Syntax from "./Syntax.ts"
import { type Expression } from "./Syntax.ts"
import { type Token, Unreadable } from "./Tokens.ts"

/**
 * What `{x | x > 2}` says: its condition, with the set that x is taken from; of `{2n + 1 | n \in Z}` the members too. A condition with
 * "or" stands alone.
 */
const described = (member: Expression, condition: Expression): Expression => {
  const isLetters = (e: Expression): boolean =>
    e.tag === "symbol" || (e.tag === "constant" && e.name !== "pi") || (e.tag === "tuple" && e.items.every(isLetters))
  const conditions = condition.tag === "list" ? condition.items : [condition]
  if (isLetters(member) || (condition.tag === "list" && condition.joiner === "or")) return condition
  const items = member.tag === "relation" ? [...conditions, member] : [member, ...conditions]
  return { tag: "list", joiner: ",", items }
}

/** @category reading */
export abstract class Atoms extends Commands {
  /** What `^`, `_`, `\frac` and `\sqrt` take: a group, or one token, of a number one digit. */
  protected argument(): Expression {
    const known = this.recall()
    if (known !== null) return known
    return this.nested(() => {
      if (this.take("{")) {
        const out = this.list()
        this.expect("}")
        return out
      }
      const minus = this.take("-")
      const value = this.atom()
      return minus ? Syntax.negate(value) : value
    })
  }

  protected atom(): Expression {
    const known = this.recall()
    if (known !== null) return known
    return this.nested(() => {
      const token = this.tokens[this.at]
      if (token === undefined) throw this.unexpected()
      switch (token.kind) {
        case "number": {
          this.at++
          const base = this.subscriptBase()
          if (base === null) return Syntax.number(token.value, token.digits)
          return this.based(token.text, base)
        }
        case "symbol": {
          this.at++
          if (token.bold === true) this.bold.add(token.name)
          return this.applied(this.chosen(token.name) ?? this.named(token.name))
        }
        case "word": {
          if (/^[A-Fa-f]+$/.test(token.text) && this.sign(this.at + 1) === "_") {
            this.at++
            const base = this.subscriptBase()
            if (base !== null) return this.based(token.text, base)
          }
          // Letters side by side: an exponent belongs to the last.
          this.tokens.splice(
            this.at,
            1,
            ...Array.from(token.text, (name): Token => ({ kind: "symbol", name, space: false })),
          )
          return this.atom()
        }
        case "text": {
          const bare = token.text.trim()
          this.at++
          if (/^[a-zA-Z]$/.test(bare)) return this.applied(this.chosen(bare) ?? this.named(bare))
          const base = /^[0-9A-Fa-f]+$/.test(bare) ? this.subscriptBase() : null
          if (base !== null) return this.based(bare, base)
          this.at--
          throw this.unexpected()
        }
        case "sign":
          return this.bracket(token.sign)
        case "command":
          return this.commanded(token.name)
      }
    })
  }
  protected bracket(sign: string): Expression {
    this.at++
    switch (sign) {
      case "{": {
        if (this.take("}")) throw new Unreadable("empty braces")
        const inner = this.list()
        if (this.command() === "over") {
          this.at++
          const bottom = this.sum()
          this.expect("}")
          return Syntax.quotient(inner, bottom)
        }
        // {5 \\choose 2}
        if (this.command() === "choose" || this.command() === "brack") {
          this.at++
          const k = this.sum()
          this.expect("}")
          return Syntax.call("binom", inner, k)
        }
        this.expect("}")
        return inner
      }
      case "\\{": {
        if (this.take("\\}")) return { tag: "set", items: [] }
        // A bar after the unknown is not an absolute value.
        this.bars++
        const first = this.list()
        this.bars--
        // {x | x > 2}: the condition says it.
        if (this.sign() === "|" || this.sign() === ":") {
          this.at++
          const condition = this.list()
          this.expect("\\}")
          return described(first, condition)
        }
        this.expect("\\}")
        return { tag: "set", items: first.tag === "list" ? first.items : [first] }
      }
      case "(":
      case "[": {
        const bars = this.bars
        this.bars = 0
        const inner = this.list()
        this.bars = bars
        const close = this.sign()
        if (close !== ")" && close !== "]") throw this.unexpected()
        this.at++
        if (inner.tag === "list") return { tag: "tuple", open: sign, close, items: inner.items }
        if ((sign === "(") !== (close === ")")) throw new Unreadable(`"${sign}" closed by "${close}"`)
        return inner
      }
      case "|": {
        this.bars++
        const inner = this.clause()
        this.expect("|")
        this.bars--
        return Syntax.call(inner.tag === "matrix" ? "det" : "abs", inner)
      }
      default:
        this.at--
        throw this.unexpected()
    }
  }
}
