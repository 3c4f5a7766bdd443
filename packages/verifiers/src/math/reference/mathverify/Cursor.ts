/** Math-Verify's tokens under a cursor. */
import { spend } from "../../algebra/Work.ts"
import { type Token, Unreadable } from "./Tokens.ts"

/** Deepest nesting read. */
const maxDepth = 50

/** @category parsing */
export abstract class Cursor {
  protected at = 0
  protected depth = 0
  protected readonly tokens: ReadonlyArray<Token>

  constructor(tokens: ReadonlyArray<Token>) {
    this.tokens = tokens
  }

  protected sign(at = this.at): string | null {
    const next = this.tokens[at]
    return next?.kind === "sign" ? next.text : null
  }
  protected command(at = this.at): string | null {
    const next = this.tokens[at]
    return next?.kind === "command" ? next.text : null
  }
  protected take(sign: string): boolean {
    if (this.sign() !== sign) return false
    this.at++
    return true
  }
  protected expect(sign: string): void {
    if (!this.take(sign)) throw new Unreadable(`expected ${sign}`)
  }
  protected nested<A>(f: () => A): A {
    spend(5)
    if (++this.depth > maxDepth) throw new Unreadable("nested too deep")
    const out = f()
    this.depth--
    return out
  }

  protected hasComma(): boolean {
    let depth = 0
    for (let at = this.at; at < this.tokens.length; at++) {
      spend(1)
      const s = this.sign(at)
      if (s === "(" || s === "{" || s === "[") depth++
      else if (s === ")" || s === "}" || s === "]") {
        if (depth-- === 0) return false
      } else if (s === "," && depth === 0) return true
    }
    return false
  }

  protected subscript(): string {
    this.expect("_")
    let text = ""
    if (this.take("{")) {
      let depth = 1
      for (; this.at < this.tokens.length; this.at++) {
        const next = this.tokens[this.at]
        if (next.kind === "sign" && next.text === "{") depth++
        if (next.kind === "sign" && next.text === "}" && --depth === 0) break
        text += next.kind === "command" ? `\\${next.text}` : next.text
      }
      this.expect("}")
    } else {
      const next = this.tokens[this.at++]
      if (next === undefined || next.kind === "sign") throw new Unreadable("a subscript is missing")
      text = next.kind === "command" ? `\\${next.text}` : next.text
    }
    return `_${text.length > 1 ? `{${text}}` : text}`.toLowerCase()
  }
}
