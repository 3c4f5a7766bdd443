/**
 * What all readers of a formula share: what is open around the place, and what was read ahead of it.
 */
import * as Rational from "../algebra/Rational.ts"
import { Cursor } from "./Cursor.ts"
import * as Syntax from "./Syntax.ts"
import { type Expression } from "./Syntax.ts"
import { type Token } from "./Tokens.ts"

/** @category reading */
export abstract class Reading extends Cursor {
  protected inTrigonometry = 0
  /** The unit of the side that is being read. */
  protected unit: string | null = null
  /** Letters that were printed bold: vectors. */
  protected readonly bold = new Set<string>()
  /** Absolute values open. */
  protected bars = 0

  /** What was read ahead at a place: read twice at every level it would be read 2^depth times. */
  private readonly ahead = new Map<
    number,
    { readonly value: Expression; readonly end: number; readonly unit: string | null }
  >()
  /** What `read` gives, kept for when this place is read again. */
  protected remembered(read: () => Expression): Expression {
    const start = this.at
    const value = read()
    this.ahead.set(start, { value, end: this.at, unit: this.unit })
    return value
  }
  /** What was read ahead here, or null. */
  protected recall(): Expression | null {
    const known = this.ahead.get(this.at)
    if (known === undefined) return null
    this.at = known.end
    this.unit = known.unit
    return known.value
  }

  protected abstract atom(): Expression
  /** Clauses up to a closing bracket or the end. */
  protected abstract list(): Expression
  protected abstract clause(): Expression
  protected abstract sum(): Expression
  /** `implicitOnly`: what stands side by side, as the argument of a function without brackets. */
  protected abstract product(implicitOnly?: boolean): Expression
  protected abstract startsFactor(): boolean

  /** The first digit of a number after `\frac`, `\sqrt`, `\binom` without braces; the number goes on after it. */
  protected digit(): Expression | null {
    const token = this.tokens[this.at]
    if (token?.kind !== "number" || token.text.length === 1 || !/^[0-9]+$/.test(token.text)) return null
    const rest = token.text.slice(1)
    const after: Token = { ...token, text: rest, value: Rational.fromDecimal(rest), space: false }
    this.tokens[this.at] = after
    return Syntax.number(Rational.fromDecimal(token.text[0]))
  }
}
