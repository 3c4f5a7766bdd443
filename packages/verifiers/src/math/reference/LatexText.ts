/**
 * LaTeX as plain text, as pylatexenc writes it and the PRM800K family reads it: `\frac{a}{b}` is `a/b` without brackets, which is
 * that family's known defect; matrices become `[ 1 2; 3 4 ]`; macros that it does not know vanish and leave their
 * arguments.
 */

const words: Readonly<Record<string, string>> = {
  pi: "\u03c0",
  cdot: "\u00b7",
  times: "\u00d7",
  div: "\u00f7",
  infty: "\u221e",
  cup: "\u222a",
  cap: "\u2229",
  setminus: "\u2216",
  circ: "\u2218",
  textdegree: "\u00b0",
  le: "\u2264",
  leq: "\u2264",
  ge: "\u2265",
  geq: "\u2265",
  ne: "\u2260",
  neq: "\u2260",
  approx: "\u2248",
  equiv: "\u2261",
  sim: "\u223c",
  pm: "\u00b1",
  mp: "\u2213",
  in: "\u2208",
  subset: "\u2282",
  emptyset: "\u2205",
  varnothing: "\u2205",
  to: "\u2192",
  rightarrow: "\u2192",
  forall: "\u2200",
  exists: "\u2203",
  mid: "|",
  lvert: "|",
  rvert: "|",
  lfloor: "\u230a",
  rfloor: "\u230b",
  lceil: "\u2308",
  rceil: "\u2309",
  prime: "'",
  ldots: "\u2026",
  dots: "\u2026",
  angle: "\u2220",
  wedge: "\u2227",
  vee: "\u2228",
  perp: "\u27c2",
  parallel: "\u2225",
  alpha: "\u03b1",
  beta: "\u03b2",
  gamma: "\u03b3",
  delta: "\u03b4",
  epsilon: "\u03f5",
  varepsilon: "\u03b5",
  zeta: "\u03b6",
  eta: "\u03b7",
  theta: "\u03b8",
  iota: "\u03b9",
  kappa: "\u03ba",
  lambda: "\u03bb",
  mu: "\u03bc",
  nu: "\u03bd",
  xi: "\u03be",
  rho: "\u03c1",
  sigma: "\u03c3",
  tau: "\u03c4",
  upsilon: "\u03c5",
  phi: "\u03d5",
  varphi: "\u03c6",
  chi: "\u03c7",
  psi: "\u03c8",
  omega: "\u03c9",
  Gamma: "\u0393",
  Delta: "\u0394",
  Theta: "\u0398",
  Lambda: "\u039b",
  Xi: "\u039e",
  Sigma: "\u03a3",
  Phi: "\u03a6",
  Psi: "\u03a8",
  Omega: "\u03a9",
  quad: "  ",
  qquad: "    ",
  ln: "ln",
  log: "log",
  sin: "sin",
  cos: "cos",
  tan: "tan",
  cot: "cot",
  sec: "sec",
  csc: "csc",
  exp: "exp",
  lim: "lim",
  max: "max",
  min: "min",
}
/** Letters drawn in another alphabet. */
const alphabets: Readonly<Record<string, readonly [capital: number, small: number]>> = {
  mathbf: [0x1d400, 0x1d41a],
  mathbb: [0x1d538, 0x1d552],
}
const doubleStruck: Readonly<Record<string, string>> = {
  C: "\u2102",
  H: "\u210d",
  N: "\u2115",
  P: "\u2119",
  Q: "\u211a",
  R: "\u211d",
  Z: "\u2124",
}
const accents: Readonly<Record<string, string>> = { bar: "\u0305", vec: "\u20d7", hat: "\u0302", tilde: "\u0303" }
const matrices = new Set(["matrix", "pmatrix", "bmatrix", "Bmatrix", "vmatrix", "smallmatrix"])

/** Deepest nesting converted; beyond it the text stays. */
const maxDepth = 40

const group = (text: string, at: number): readonly [content: string, after: number] => {
  let from = at
  while (/\s/.test(text.charAt(from))) from++
  if (text[from] !== "{") {
    const macro = /^\\(?:[a-zA-Z]+|.)/s.exec(text.slice(from, from + 40))?.[0] ?? text.slice(from, from + 1)
    return [macro, from + macro.length]
  }
  let depth = 0
  for (let end = from; end < text.length; end++) {
    if (text[end] === "\\") end++
    else if (text[end] === "{") depth++
    else if (text[end] === "}" && --depth === 0) return [text.slice(from + 1, end), end + 1]
  }
  return [text.slice(from + 1), text.length]
}

const restyle = (text: string, alphabet: string): string =>
  Array.from(text, (c) => {
    const [capital, small] = alphabets[alphabet]
    if (alphabet === "mathbb" && Object.hasOwn(doubleStruck, c)) return doubleStruck[c]
    if (/[A-Z]/.test(c)) return String.fromCodePoint(capital + c.charCodeAt(0) - 65)
    return /[a-z]/.test(c) ? String.fromCodePoint(small + c.charCodeAt(0) - 97) : c
  }).join("")

/** `[ 1 2; 3 4 ]`, cells right-justified to the widest. */
const matrix = (body: string, depth: number): string => {
  const rows = body
    .split("\\\\")
    .map((row) => row.split("&").map((cell) => plain(cell, depth).trim()))
    .filter((row, i, all) => i < all.length - 1 || row.some((cell) => cell !== ""))
  const width = Math.max(0, ...rows.flat().map((cell) => cell.length))
  return `[ ${rows.map((row) => row.map((cell) => cell.padStart(width)).join(" ")).join("; ")} ]`
}

const plain = (text: string, depth: number): string => {
  if (depth > maxDepth) return text
  let out = ""
  for (let at = 0; at < text.length;) {
    const char = text[at]
    if (char !== "\\") {
      if (char === "~") out += "\u00a0"
      else if (char === "&") out += "   "
      else if (char !== "{" && char !== "}") out += char
      at++
      continue
    }
    const macro = /^\\(?:([a-zA-Z]+)\s*|(.))/s.exec(text.slice(at, at + 60))
    if (macro === null) return out
    const [whole, name, symbol] = macro
    at += whole.length
    if (symbol !== undefined) {
      if (symbol === "\\") out += "\n"
      else if (symbol !== "!" && !"()[]".includes(symbol)) out += " ,;:".includes(symbol) ? " " : symbol
    } else if (name === "frac") {
      const [a, afterA] = group(text, at)
      const [b, afterB] = group(text, afterA)
      out += `${plain(a, depth + 1)}/${plain(b, depth + 1)}`
      at = afterB
    } else if (name === "sqrt") {
      if (text[at] === "[") at = Math.max(at, text.indexOf("]", at)) + 1
      const [a, after] = group(text, at)
      out += `\u221a(${plain(a, depth + 1)})`
      at = after
    } else if (name === "begin") {
      const [environment, start] = group(text, at)
      const end = text.indexOf(`\\end{${environment}}`, start)
      const body = text.slice(start, end < 0 ? text.length : end)
      out += matrices.has(environment) ? matrix(body, depth + 1) : plain(body, depth + 1)
      at = end < 0 ? text.length : end + `\\end{${environment}}`.length
    } else if (name === "mbox") at = group(text, at)[1]
    else if (Object.hasOwn(alphabets, name) || Object.hasOwn(accents, name)) {
      const [a, after] = group(text, at)
      const inner = plain(a, depth + 1)
      out += Object.hasOwn(accents, name) ? inner + accents[name] : restyle(inner, name)
      at = after
    } else if (Object.hasOwn(words, name)) out += words[name]
  }
  return out
}

/**
 * The text, with roots, pi, products and unions spelled as SymPy reads them.
 *
 * @category conversions
 */
export const convert = (latex: string): string =>
  plain(latex.replaceAll(/\\[td]frac/g, "\\frac").replaceAll("\\frac", " \\frac"), 0)
    .replaceAll("\u221a", "sqrt")
    .replaceAll("\u03c0", "pi")
    .replaceAll("\u221e", "inf")
    .replaceAll("\u222a", "U")
    .replaceAll(/[\u00b7\u00d7]/g, "*")
    .trim()
