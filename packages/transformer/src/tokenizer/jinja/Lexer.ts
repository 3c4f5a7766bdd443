/**
 * Templates as tokens, cut as Jinja cuts them with `trim_blocks` and `lstrip_blocks`, which is how transformers sets it: the first line
 * end after a block goes, and so does white space before it from the beginning of its line.
 */

/** White space of Python, which has U+001C to U+001F and U+0085, and not U+FEFF. */
export const blank = "\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000"

export type Token =
  | { readonly kind: "data" | "name" | "text" | "operator"; readonly value: string }
  | { readonly kind: "integer"; readonly value: bigint }
  | { readonly kind: "float"; readonly value: number }
  | { readonly kind: "block" | "endblock" | "print" | "endprint" | "end"; readonly value: string }

const open = new RegExp(`\\{%([-+]?)[${blank}]*raw[${blank}]*(?:-%\\}[${blank}]*|%\\})|(\\{%|\\{\\{|\\{#)([-+]?)`, "g")
const endComment = new RegExp(`\\+#\\}|-#\\}[${blank}]*|#\\}\\n?`, "g")
const endRaw = new RegExp(`\\{%([-+]?)[${blank}]*endraw[${blank}]*(?:\\+%\\}|-%\\}[${blank}]*|%\\}\\n?)`, "g")
const endBlock = new RegExp(`\\+%\\}|-%\\}[${blank}]*|%\\}\\n?`, "y")
const endPrint = new RegExp(`-\\}\\}[${blank}]*|\\}\\}`, "y")
const space = new RegExp(`[${blank}]+`, "y")
const trailing = new RegExp(`[${blank}]+$`)
const onlyBlank = new RegExp(`^[${blank}]*$`)
const digits = "(?:\\d+_)*\\d+"
const float = new RegExp(`(?<!\\.)${digits}(?:(?:\\.${digits})?e[+-]?${digits}|\\.${digits})`, "iy")
const integer = /0b(?:_?[01])+|0o(?:_?[0-7])+|0x(?:_?[\da-f])+|[1-9](?:_?\d)*|0(?:_?0)*/iy
const name = /[\p{L}\p{Nl}\p{Nd}\p{Mn}\p{Mc}\p{Pc}]+/uy
const identifier = /^[\p{L}\p{Nl}_][\p{L}\p{Nl}\p{Nd}\p{Mn}\p{Mc}\p{Pc}]*$/u
const text = /'(?:[^'\\]|\\[^])*'|"(?:[^"\\]|\\[^])*"/y
const operator = /\/\/|\*\*|==|!=|>=|<=|[-+/*%~[\](){}<>=.:|,;]/y

const escapes: Readonly<Record<string, string>> = {
  "\n": "",
  "\\": "\\",
  "'": "'",
  '"': '"',
  a: "\x07",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
}

/** What a text between quotes stands for. */
const unescape = (raw: string): string =>
  raw.replace(
    /\\(?:([0-7]{1,3})|x([\da-fA-F]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8})|([^]))/g,
    (whole, octal?: string, x?: string, u?: string, long?: string, one?: string) => {
      if (octal !== undefined) return String.fromCharCode(Number.parseInt(octal, 8))
      const hex = x ?? u ?? long
      if (hex !== undefined) return String.fromCodePoint(Number.parseInt(hex, 16))
      if (one === "x" || one === "u" || one === "U" || one === "N")
        throw new Error(`the escape ${whole} in a text is cut short, or a name, which is not implemented`)
      return escapes[one ?? ""] ?? whole
    },
  )

const closing: Readonly<Record<string, string>> = { "{": "}", "(": ")", "[": "]" }

/** The tokens of a template; throws where Jinja cannot cut it. */
export const tokenize = (given: string): ReadonlyArray<Token> => {
  // Every line end is \n, and one at the very end is not there.
  const source = given.replace(/\r\n?/g, "\n").replace(/\n$/, "")
  const tokens: Array<Token> = []
  let at = 0
  let lineStarts = true
  const data = (until: number, sign: string, isPrint: boolean): void => {
    let value = source.slice(at, until)
    if (sign === "-") value = value.replace(trailing, "")
    else if (sign !== "+" && !isPrint) {
      const line = value.lastIndexOf("\n") + 1
      if ((line > 0 || lineStarts) && onlyBlank.test(value.slice(line))) value = value.slice(0, line)
    }
    if (value !== "") tokens.push({ kind: "data", value })
  }
  const find = (pattern: RegExp, what: string): RegExpExecArray => {
    pattern.lastIndex = at
    const found = pattern.exec(source)
    if (found === null) throw new Error(`${what} has no end`)
    return found
  }
  const move = (to: number): void => {
    lineStarts = source[to - 1] === "\n"
    at = to
  }
  const match = (pattern: RegExp): string | null => {
    pattern.lastIndex = at
    const found = pattern.exec(source)?.[0] ?? null
    if (found !== null) at += found.length
    return found
  }
  /** The tokens of a block or of what is printed, up to its end. */
  const inside = (end: RegExp): void => {
    const brackets: Array<string> = []
    for (;;) {
      match(space)
      if (at >= source.length) throw new Error("the template ends within a block")
      if (brackets.length === 0 && match(end) !== null) return
      let found = match(float)
      if (found !== null) {
        tokens.push({ kind: "float", value: Number(found.replaceAll("_", "")) })
        continue
      }
      found = match(integer)
      if (found !== null) {
        tokens.push({ kind: "integer", value: BigInt(found.replaceAll("_", "").toLowerCase()) })
        continue
      }
      found = match(name)
      if (found !== null) {
        if (!identifier.test(found)) throw new Error(`${found} is not a name`)
        tokens.push({ kind: "name", value: found })
        continue
      }
      found = match(text)
      if (found !== null) {
        tokens.push({ kind: "text", value: unescape(found.slice(1, -1)) })
        continue
      }
      found = match(operator)
      if (found === null) throw new Error(`unexpected ${JSON.stringify(source[at])} at character ${at}`)
      if (found in closing) brackets.push(closing[found])
      else if ("})]".includes(found) && brackets.pop() !== found) throw new Error(`unexpected ${found}`)
      tokens.push({ kind: "operator", value: found })
    }
  }
  while (at < source.length) {
    open.lastIndex = at
    const found = open.exec(source)
    if (found === null) {
      tokens.push({ kind: "data", value: source.slice(at) })
      break
    }
    const [whole, rawSign, kind, sign = ""] = found
    data(found.index, rawSign ?? sign, kind === "{{")
    move(found.index + whole.length)
    if (kind === undefined) {
      const end = find(endRaw, "raw")
      data(end.index, end[1], false)
      move(end.index + end[0].length)
    } else if (kind === "{#") {
      const end = find(endComment, "a comment")
      move(end.index + end[0].length)
    } else {
      const isPrint = kind === "{{"
      tokens.push({ kind: isPrint ? "print" : "block", value: kind })
      inside(isPrint ? endPrint : endBlock)
      tokens.push({ kind: isPrint ? "endprint" : "endblock", value: isPrint ? "}}" : "%}" })
      move(at)
    }
  }
  tokens.push({ kind: "end", value: "the end of the template" })
  return tokens
}
