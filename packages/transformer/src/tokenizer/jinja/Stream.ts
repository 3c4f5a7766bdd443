/** Tokens one after the other. */
import type { Token } from "./Lexer.ts"

type Kind = Token["kind"]

export interface Stream {
  readonly current: () => Token
  readonly ahead: () => Token
  readonly next: () => Token
  readonly is: (kind: Kind, value?: string) => boolean
  /** Takes the next token where it is this one. */
  readonly skip: (kind: Kind, value?: string) => boolean
  /** Takes the next token, which must be this one. */
  readonly expect: (kind: Kind, value?: string) => void
  readonly name: (what: string) => string
  readonly fail: (what: string) => never
}

export const make = (tokens: ReadonlyArray<Token>): Stream => {
  let at = 0
  const current = (): Token => tokens[Math.min(at, tokens.length - 1)]
  const is = (kind: Kind, value?: string): boolean =>
    current().kind === kind && (value === undefined || current().value === value)
  const fail = (what: string): never => {
    throw new Error(`expected ${what}, got ${String(current().value)}`)
  }
  const next = (): Token => {
    const token = current()
    at++
    return token
  }
  const skip = (kind: Kind, value?: string): boolean => {
    const found = is(kind, value)
    if (found) at++
    return found
  }
  return {
    current,
    ahead: () => tokens[Math.min(at + 1, tokens.length - 1)],
    next,
    is,
    skip,
    fail,
    expect: (kind, value) => {
      if (!skip(kind, value)) fail(value ?? kind)
    },
    name: (what) => (is("name") ? String(next().value) : fail(what)),
  }
}
