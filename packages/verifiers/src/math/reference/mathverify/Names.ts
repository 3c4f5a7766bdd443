/** The part of Math-Verify's grammar that reads what has a name: letters and symbols, functions, commands and environments. */
import * as Syntax from "../../read/Syntax.ts"
import { type Expression } from "../../read/Syntax.ts"
import { determinant, divide, isInteger } from "./Arithmetic.ts"
import { Cursor } from "./Cursor.ts"
import { matrices, named, several, type Token, unary, Unreadable } from "./Tokens.ts"
import { scalar, type Value } from "./Values.ts"

const e: Expression = { tag: "constant", name: "e" }
const imaginary: Expression = { tag: "constant", name: "i" }

/** @category parsing */
export abstract class Names extends Cursor {
  /** Put after the name of every symbol. */
  protected readonly mark: string

  constructor(tokens: ReadonlyArray<Token>, mark: string) {
    super(tokens)
    this.mark = mark
  }

  protected abstract additive(): Value
  protected abstract multiplicative(noFunction: boolean): Value
  protected abstract exponent(): Expression
  protected abstract group(): Expression
  protected abstract atom(applies?: boolean): Value

  protected number(value: Value): Expression {
    if (value.kind !== "scalar") throw new Unreadable(`a ${value.kind} where a number belongs`)
    return value.e
  }

  protected letter(text: string, applies: boolean): Value {
    this.at++
    if (text === "I") return scalar(imaginary)
    if (text === "E") return scalar(this.name("e"))
    if (text === "e") return scalar(e)
    const following = this.tokens[this.at]
    if (
      text === "d" &&
      following !== undefined &&
      (following.kind === "letter" || (following.kind === "command" && named.has(following.text)))
    ) {
      this.at++
      return scalar(this.name(`d${following.text.toLowerCase()}`))
    }
    return this.symbol(text, applies)
  }

  /** A symbol as this text's are. */
  protected name(text: string): Expression {
    return Syntax.symbol(`${text.toLowerCase()}${this.mark}`)
  }

  /** A symbol with its subscript, or its application to one atom or to several arguments. */
  protected symbol(name: string, applies: boolean): Value {
    const full = this.sign() === "_" ? name + this.subscript() : name
    if (full.toLowerCase() === "pi") return scalar(Syntax.pi)
    const args = applies ? this.application() : null
    // The name of a function keeps its case.
    return scalar(args === null ? this.name(full) : Syntax.call("apply", Syntax.symbol(full), ...args))
  }
  protected application(): ReadonlyArray<Expression> | null {
    if (this.sign() !== "(") return null
    const mark = this.at
    const { depth } = this
    this.at++
    try {
      const next = this.tokens[this.at]
      if (next !== undefined && next.kind !== "sign" && (next.kind !== "command" || named.has(next.text))) {
        const single = this.number(this.atom(false))
        if (this.take(")")) return [single]
        this.at = mark + 1
      }
      // Arguments after a comma: look for one at this level before reading.
      if (!this.hasComma()) throw new Unreadable("a product")
      const args = [this.number(this.additive())]
      while (this.take(",")) args.push(this.number(this.additive()))
      this.expect(")")
      return args
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error
      this.at = mark
      this.depth = depth
      return null
    }
  }
  protected commanded(name: string, applies: boolean): Value {
    this.at++
    if (name.startsWith("set ")) return { kind: "named", name: name.slice("set ".length) }
    if (Object.hasOwn(unary, name)) return scalar(this.call(unary[name]))
    if (Object.hasOwn(several, name)) return scalar(this.many(several[name]))
    if (named.has(name)) return this.symbol(name, applies)
    switch (name) {
      case "emptyset":
        return { kind: "named", name: "empty" }
      case "infty":
        return scalar(Syntax.infinity)
      case "frac": {
        const top = this.group()
        return scalar(divide(top, this.group()))
      }
      case "binom": {
        const top = this.group()
        return scalar(Syntax.call("binom", top, this.group()))
      }
      case "sqrt": {
        let degree: Expression = Syntax.integer(2)
        if (this.take("[")) {
          degree = this.nested(() => this.number(this.additive()))
          this.expect("]")
        }
        const radicand = this.group()
        return scalar(Syntax.power(radicand, divide(Syntax.integer(1), degree)))
      }
      case "lfloor":
      case "lceil": {
        const inner = this.nested(() => this.number(this.additive()))
        if (this.command() !== (name === "lfloor" ? "rfloor" : "rceil")) throw new Unreadable("an unclosed rounding")
        this.at++
        return scalar(Syntax.call(name === "lfloor" ? "floor" : "ceil", inner))
      }
      case "operatorname":
        return scalar(this.operatorName())
      case "begin":
        return this.environment()
      default:
        throw new Unreadable(`\\${name}`)
    }
  }

  protected operatorName(): Expression {
    this.expect("{")
    let name = ""
    while (this.tokens[this.at]?.kind === "letter") name += this.tokens[this.at++].text
    this.expect("}")
    if (Object.hasOwn(unary, name)) return this.call(unary[name])
    if (name === "gcd" || name === "lcm") return this.many(name)
    return this.call(name)
  }

  /** A function of one argument: powers and bases first, then brackets or what follows up to the next function. */
  protected call(name: string): Expression {
    let exponent: Expression | null = null
    let base: Expression | null = null
    for (let s = this.sign(); s === "^" || s === "_"; s = this.sign()) {
      this.at++
      if (s === "^") exponent = this.exponent()
      else base = this.exponent()
    }
    const arg = this.nested(() => {
      if (this.sign() !== "(") return this.number(this.multiplicative(true))
      this.at++
      const out = this.number(this.additive())
      this.expect(")")
      return out
    })
    const inverse =
      exponent !== null &&
      isInteger(exponent) &&
      exponent.value.num === -1n &&
      /^(?:sin|cos|tan|csc|sec|cot)$/.test(name)
    const value =
      name === "exp"
        ? Syntax.power(e, arg)
        : name === "ln" || name === "log"
          ? Syntax.call("log", base ?? (name === "ln" ? e : Syntax.integer(10)), arg)
          : Syntax.call(inverse ? `arc${name}` : name, arg)
    return exponent === null || inverse ? value : Syntax.power(value, exponent)
  }

  protected many(name: string): Expression {
    this.expect("(")
    const args = [this.nested(() => this.number(this.additive()))]
    while (this.take(",")) args.push(this.nested(() => this.number(this.additive())))
    this.expect(")")
    return Syntax.call(name, ...args)
  }

  protected environment(): Value {
    this.expect("{")
    let name = ""
    while (this.tokens[this.at]?.kind === "letter") name += this.tokens[this.at++].text
    this.expect("}")
    if (!matrices.has(name) && name !== "vmatrix") throw new Unreadable(`\\begin{${name}}`)
    if (name === "array" && this.take("{"))
      while (!this.take("}")) if (this.at++ >= this.tokens.length) throw new Unreadable("columns")
    const rows: Array<Array<Expression>> = [[]]
    for (;;) {
      rows.at(-1)?.push(this.nested(() => this.number(this.additive())))
      if (this.take("&")) continue
      if (!this.take("\\\\")) break
      if (this.command() === "end") break
      rows.push([])
    }
    if (this.command() !== "end") throw new Unreadable("a matrix that does not end")
    this.at++
    this.expect("{")
    while (this.tokens[this.at]?.kind === "letter") this.at++
    this.expect("}")
    if (rows.some((row) => row.length !== rows[0].length)) throw new Unreadable("rows of different lengths")
    return name === "vmatrix" ? scalar(determinant(rows)) : { kind: "matrix", rows }
  }
}
