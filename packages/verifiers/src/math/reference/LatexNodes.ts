/**
 * LaTeX as a list of nodes, as pylatexenc's tolerant reader sees it: what does not fit is skipped, what never ends ends with the
 * text, and a macro only has the arguments that it is known to have.
 */
import { environments, signatures } from "./LatexSymbols.ts"

/** @category models */
export type Node =
  | { readonly kind: "chars"; readonly text: string }
  | { readonly kind: "group"; readonly nodes: ReadonlyArray<Node> }
  /** Without arguments, `args` is null: the macro was itself an argument, or the text ended before they came. */
  | {
      readonly kind: "macro"
      readonly name: string
      readonly args: ReadonlyArray<Node | null> | null
      readonly space: string
    }
  | { readonly kind: "environment"; readonly name: string; readonly nodes: ReadonlyArray<Node> }
  | { readonly kind: "special"; readonly text: string }
  | { readonly kind: "formula"; readonly display: boolean; readonly nodes: ReadonlyArray<Node> }

interface Token {
  readonly kind: "char" | "macro" | "open" | "close" | "begin" | "end" | "formula" | "special"
  readonly text: string
  /** White space before it, and after a macro of letters. */
  readonly before: string
  readonly after: string
  readonly from: number
  readonly to: number
}

class EndOfText extends Error {
  readonly space: string
  constructor(space: string) {
    super("end of text")
    this.space = space
  }
}

/** Nesting too deep for the original, and for this. */
export class TooDeep extends Error {}

/** Python counts five characters more than JavaScript does. */
const white = { test: (char: string): boolean => /\s/u.test(char) || /^[\u0085]$/u.test(char) || separators.has(char) }
const separators = new Set(["\u001c", "\u001d", "\u001e", "\u001f"])
const letter = /\p{L}/u
const specials = ["---", "--", "``", "''", "!`", "?`", "&", "~"]
const maxDepth = 200

type Stop = { readonly close?: string; readonly environment?: string; readonly formula?: string }

class Reader {
  private readonly text: string
  private depth = 0

  constructor(text: string) {
    this.text = text
  }

  private token(at: number, brackets: boolean, environment = true): Token {
    const { text } = this
    let pos = at
    let before = ""
    while (pos < text.length && white.test(text[pos])) {
      before += text[pos++]
      if (before.endsWith("\n\n"))
        return { kind: "char", text: "\n\n", before: before.slice(0, -2), after: "", from: pos - 2, to: pos }
    }
    if (pos >= text.length) throw new EndOfText(before)
    const make = (kind: Token["kind"], content: string, length: number, after = ""): Token => ({
      kind,
      text: content,
      before,
      after,
      from: pos,
      to: pos + length,
    })
    const char = text[pos]
    if (char === "\\") return this.command(pos, environment, make)
    if (char === "{" || (brackets && char === "[")) return make("open", char, 1)
    if (char === "}" || (brackets && char === "]")) return make("close", char, 1)
    const special = specials.find((s) => text.startsWith(s, pos))
    if (special !== undefined) return make("special", special, special.length)
    return make("char", String.fromCodePoint(text.codePointAt(pos) ?? 0), (text.codePointAt(pos) ?? 0) > 0xffff ? 2 : 1)
  }

  private command(
    pos: number,
    environment: boolean,
    make: (kind: Token["kind"], content: string, length: number, after?: string) => Token,
  ): Token {
    const { text } = this
    if (pos + 1 >= text.length) throw new EndOfText("")
    let name = text[pos + 1]
    const named = letter.test(name)
    if (named) while (letter.test(text.charAt(pos + 1 + name.length))) name += text[pos + 1 + name.length]
    const length = 1 + name.length
    if ("[]()".includes(name)) return make("formula", `\\${name}`, length)
    if (environment && (name === "begin" || name === "end")) {
      const found = /^\s*\{([\p{L}\p{N}_* .-]+)\}/u.exec(text.slice(pos + length))
      if (found === null) return make("char", `\\${name}`, length)
      return make(name, found[1], length + found[0].length)
    }
    let after = ""
    if (named)
      while (white.test(text.charAt(pos + length + after.length))) {
        after += text[pos + length + after.length]
        if (after.endsWith("\n\n")) {
          after = after.slice(0, -2)
          break
        }
      }
    return make("macro", name, length + after.length, after)
  }

  /** Nodes from `at` to what stops them, and where the text goes on. */
  nodes(at: number, stop: Stop = {}): readonly [nodes: Array<Node>, after: number] {
    if (++this.depth > maxDepth) throw new TooDeep("nested too deep")
    const out: Array<Node> = []
    let chars = ""
    let pos = at
    const flush = (more = ""): void => {
      chars += more
      if (chars !== "") out.push({ kind: "chars", text: chars })
      chars = ""
    }
    for (;;) {
      let token: Token
      try {
        token = this.token(pos, stop.close === "]")
      } catch (error) {
        if (!(error instanceof EndOfText)) throw error
        flush(error.space)
        pos = this.text.length
        break
      }
      pos = token.to
      if (token.kind === "char") {
        chars += token.before + token.text
        continue
      }
      flush(token.before)
      if (token.kind === "close") {
        if (token.text === stop.close) break
      } else if (token.kind === "end") {
        if (token.text === stop.environment) break
      } else if (token.kind === "formula") {
        if (token.text === stop.formula) break
        if (token.text === "\\)" || token.text === "\\]") continue
        const [nodes, after] = this.nodes(pos, { formula: token.text === "\\(" ? "\\)" : "\\]" })
        out.push({ kind: "formula", display: token.text === "\\[", nodes })
        pos = after
      } else if (token.kind === "open") {
        const [nodes, after] = this.nodes(pos, { close: token.text === "{" ? "}" : "]" })
        out.push({ kind: "group", nodes })
        pos = after
      } else if (token.kind === "begin") {
        const [args, from] = this.args(environments.get(token.text) ?? "", pos)
        void args
        const [nodes, after] = this.nodes(from, { environment: token.text })
        out.push({ kind: "environment", name: token.text, nodes })
        pos = after
      } else if (token.kind === "macro") {
        const [args, after] = this.args(signatures.get(token.text) ?? "", pos)
        out.push({ kind: "macro", name: token.text, args, space: token.after })
        pos = after
      } else out.push({ kind: "special", text: token.text })
    }
    flush()
    this.depth--
    return [out, pos]
  }

  /** The arguments that `signature` asks for; null, and nothing read, when the text ends before they do. */
  private args(signature: string, at: number): readonly [args: ReadonlyArray<Node | null> | null, after: number] {
    const out: Array<Node | null> = []
    let pos = at
    try {
      for (const kind of signature) {
        if (kind === "{") {
          const [node, after] = this.expression(pos)
          out.push(node)
          pos = after
        } else if (kind === "*") {
          const token = this.token(pos, false)
          const star = token.kind === "char" && token.text === "*"
          out.push(star ? { kind: "chars", text: "*" } : null)
          if (star) pos = token.to
        } else if (signature === "*[" && white.test(this.text.charAt(pos))) out.push(null)
        else {
          const group = this.optional(pos)
          out.push(group === null ? null : group[0])
          pos = group === null ? pos : group[1]
        }
      }
      return [out, pos]
    } catch (error) {
      if (error instanceof EndOfText) return [null, at]
      throw error
    }
  }

  private optional(pos: number): readonly [Node, number] | null {
    let token: Token
    try {
      token = this.token(pos, true, false)
    } catch (error) {
      if (error instanceof EndOfText) return null
      throw error
    }
    if (token.kind !== "open" || token.text !== "[") return null
    const [nodes, after] = this.nodes(token.to, { close: "]" })
    return [{ kind: "group", nodes }, after]
  }

  /** One argument: a group, a macro without its own arguments, or a character. */
  private expression(pos: number): readonly [Node, number] {
    const token = this.token(pos, false, false)
    if (token.kind === "open") {
      const [nodes, after] = this.nodes(token.to, { close: "}" })
      return [{ kind: "group", nodes }, after]
    }
    if (token.kind === "close" || (token.kind === "macro" && token.text === "end"))
      return [{ kind: "chars", text: "" }, token.from]
    if (token.kind === "macro") return [{ kind: "macro", name: token.text, args: null, space: token.after }, token.to]
    if (token.kind === "special") return [{ kind: "special", text: token.text }, token.to]
    if (token.kind === "formula") return [{ kind: "macro", name: token.text, args: null, space: "" }, token.to]
    return [{ kind: "chars", text: token.text }, token.to]
  }
}

/** The nodes of a text. Throws `TooDeep`. @category reading */
export const read = (text: string): ReadonlyArray<Node> => new Reader(text).nodes(0)[0]
