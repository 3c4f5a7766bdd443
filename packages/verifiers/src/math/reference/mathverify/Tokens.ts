/** Math-Verify's tokens: what latex2sympy2_extended's lexer makes of LaTeX, as far as answers use it. */

/** The text is not in the grammar. @category errors */
export class Unreadable extends Error {}

export interface Token {
  readonly kind: "number" | "percent" | "letter" | "command" | "text" | "sign"
  readonly text: string
}

const token =
  /\s+|\\[,:;]|\\q?quad(?![a-zA-Z])|(?<number>[0-9]+(?:\.[0-9]+)?|\.[0-9]+)|\\(?<accent>text|mbox|bar|overline|vec|overrightarrow|tilde|widetilde|hat|mathbb|mathcal|mathfrak|mathscr|mathsf|mathtt|mathbf)\s*\{(?<content>[^}]*)\}|\\(?<command>[a-zA-Z]+)|(?<letter>[a-zA-Z]|[\u0391-\u03c9\u03d1\u03d5\u03d6\u03f1\u03f5])|(?<sign>\\[{}()[\]|]|<=|>=|!=|==|[-+*/^_(){}[\]|,;:=<>!&\u00d7\u00f7\u2264\u2265\u2260\u2212]|\\\\)/uy

const signs: Readonly<Record<string, string>> = {
  "\u00d7": "*",
  "\u00f7": "/",
  ":": "/",
  "\u2264": "<=",
  "\u2265": ">=",
  "\u2260": "!=",
  "\u2212": "-",
  "==": "=",
  "\\(": "(",
  "\\)": ")",
  "\\[": "[",
  "\\]": "]",
}
const commands: Readonly<Record<string, string>> = {
  times: "*",
  cdot: "*",
  div: "/",
  lt: "<",
  gt: ">",
  le: "<=",
  leq: "<=",
  leqslant: "<=",
  ge: ">=",
  geq: ">=",
  geqslant: ">=",
  ne: "!=",
  neq: "!=",
  lbrace: "\\{",
  rbrace: "\\}",
  lbrack: "[",
  rbrack: "]",
  lgroup: "(",
  rgroup: ")",
  vert: "|",
  lvert: "|",
  rvert: "|",
}
const greek =
  "alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta iota kappa lambda mu nu xi omicron pi varpi rho varrho sigma varsigma tau upsilon phi varphi chi psi omega".split(
    " ",
  )
export const named = new Set([
  ...greek,
  ..."Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega angle triangle ell varnothing hbar imath jmath perp square prime star".split(
    " ",
  ),
])
const greekLetters: Readonly<Record<string, string>> = Object.fromEntries(
  Array.from(
    "\u03b1\u03b2\u03b3\u03b4\u03b5\u03b6\u03b7\u03b8\u03b9\u03ba\u03bb\u03bc\u03bd\u03be\u03bf\u03c0\u03c1\u03c3\u03c4\u03c5\u03c6\u03c7\u03c8\u03c9",
  ).map((c, i) => [
    c,
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigma tau upsilon phi chi psi omega".split(
      " ",
    )[i],
  ]),
)
const sets: Readonly<Record<string, string>> = { R: "R", Z: "Z", N: "N", Q: "Q", C: "C" }
export const unary: Readonly<Record<string, string>> = {
  sin: "sin",
  cos: "cos",
  tan: "tan",
  csc: "csc",
  sec: "sec",
  cot: "cot",
  arcsin: "arcsin",
  arccos: "arccos",
  arctan: "arctan",
  arccsc: "arccsc",
  arcsec: "arcsec",
  arccot: "arccot",
  sinh: "sinh",
  cosh: "cosh",
  tanh: "tanh",
  ln: "ln",
  log: "log",
  exp: "exp",
}
export const several: Readonly<Record<string, string>> = { max: "max", min: "min", gcd: "gcd", lcm: "lcm" }
export const matrices = new Set(["matrix", "pmatrix", "bmatrix", "Bmatrix", "smallmatrix", "array"])

export const tokenise = (text: string): Array<Token> => {
  const out: Array<Token> = []
  for (token.lastIndex = 0; token.lastIndex < text.length;) {
    const at = token.lastIndex
    const found = token.exec(text)
    if (found === null) throw new Unreadable(`unexpected ${JSON.stringify(text.slice(at, at + 1))}`)
    const { accent, command, content, letter, number, sign } = found.groups ?? {}
    if (number !== undefined) {
      const percent = /\s*\\?%/y
      percent.lastIndex = token.lastIndex
      const ends = percent.exec(text)
      if (ends !== null) token.lastIndex = percent.lastIndex
      out.push({ kind: ends === null ? "number" : "percent", text: number })
    } else if (accent !== undefined) {
      if (accent === "mathbb" && Object.hasOwn(sets, content.trim()))
        out.push({ kind: "command", text: `set ${content.trim()}` })
      else out.push({ kind: "text", text: accented(accent, content.replaceAll(" ", "")) })
    } else if (command !== undefined) {
      if (command !== "quad" && command !== "qquad") {
        const known = knownCommand(command)
        token.lastIndex -= command.length - known.length
        if (Object.hasOwn(commands, known)) out.push({ kind: "sign", text: commands[known] })
        else out.push({ kind: "command", text: known })
      }
    } else if (letter !== undefined) {
      const name = Object.hasOwn(greekLetters, letter) ? greekLetters[letter] : null
      out.push(name === null ? { kind: "letter", text: letter } : { kind: "command", text: name })
    } else if (sign !== undefined) out.push({ kind: "sign", text: Object.hasOwn(signs, sign) ? signs[sign] : sign })
  }
  return out
}

/** The longest command that the name starts with: `\\cdotn` is `\\cdot n`. */
const knownCommand = (name: string): string => {
  for (let length = name.length; length > 1; length--) {
    const start = name.slice(0, length)
    if (Object.hasOwn(commands, start) || Object.hasOwn(unary, start) || Object.hasOwn(several, start)) return start
    if (named.has(start) || structural.has(start)) return start
  }
  return name
}
const structural = new Set(
  "frac sqrt binom infty lfloor rfloor lceil rceil begin end in notin approx cup cap setminus pm mp circ emptyset operatorname".split(
    " ",
  ),
)

/** The name of a symbol that is written with an accent or as text. */
const accented = (accent: string, content: string): string => {
  if (accent === "text" || accent === "mbox") return content.replaceAll(/[()]/g, "").toLowerCase()
  const kinds: Readonly<Record<string, string>> = {
    bar: "bar",
    overline: "bar",
    vec: "vec",
    overrightarrow: "vec",
    tilde: "tilde",
    widetilde: "tilde",
    hat: "hat",
  }
  return `${Object.hasOwn(kinds, accent) ? kinds[accent] : "math"}{${content}}`.toLowerCase()
}
