/**
 * LaTeX as plain text, as pylatexenc 2.10 writes it and the PRM800K family reads it: `\frac{a}{b}` is `a/b` without brackets, which is
 * that family's known defect; matrices become `[ 1 2; 3 4 ]`; macros that it does not know vanish and leave their arguments.
 *
 * @module
 */
import { type Node, read, TooDeep } from "./LatexNodes.ts"
import { accents, alphabets, displays, matrices, symbols } from "./LatexSymbols.ts"

/** The conversion raises in the original: the text stays what it is. */
class Raised extends Error {}

/** Macros whose text is that of an argument. */
const transparent = new Set(
  "mathrm emph textrm textit textbf textsc textsl text overline underline widehat widetilde wideparen overleftarrow overrightarrow overleftrightarrow underleftarrow underrightarrow underleftrightarrow overbrace underbrace overgroup undergroup overbracket underbracket overlinesegment underlinesegment overleftharpoon overrightharpoon".split(
    " ",
  ),
)
/** Those of them that leave `%s` where the argument is missing, as every pattern does. */
const patterned = (name: string): boolean => /^(?:over|under|wide)/.test(name)
const fixed: Readonly<Record<string, string>> = { hspace: "", vspace: "\n", "\\": "\n", ref: "<ref>", eqref: "(<ref>)" }
const patterns: Readonly<Record<string, string>> = {
  frac: "%s/%s",
  nicefrac: "%s/%s",
  ket: "|%s\u27e9",
  bra: "\u27e8%s|",
  braket: "\u27e8%s|%s\u27e9",
  ketbra: "|%s\u27e9\u27e8%s|",
}
/** Which argument is left of a macro that has more. */
const kept: Readonly<Record<string, number>> = { textcolor: 2, colorbox: 2, fcolorbox: 4, texorpdfstring: 1 }
const specials: Readonly<Record<string, string>> = {
  "&": "   ",
  "~": "\u00a0",
  "``": "\u201c",
  "''": "\u201d",
  "--": "\u2013",
  "---": "\u2014",
  "!`": "\u00a1",
  "?`": "\u00bf",
}

const restyle = (text: string, name: string): string => {
  const [capital, small, elsewhere] = alphabets.get(name) ?? [0, 0, ""]
  const apart = Array.from(elsewhere)
  return Array.from(text, (c) => {
    const at = apart.indexOf(c)
    if (at >= 0 && at % 2 === 0) return apart[at + 1]
    if (/^[A-Z]$/.test(c)) return String.fromCodePoint(capital + c.charCodeAt(0) - 65)
    return /^[a-z]$/.test(c) ? String.fromCodePoint(small + c.charCodeAt(0) - 97) : c
  }).join("")
}

const accented = (text: string, accent: string): string =>
  Array.from(text, (c) => `${c === "\u0131" ? "i" : c === "\u0237" ? "j" : c}${accent}`.normalize("NFC")).join("")

const macro = (node: Extract<Node, { readonly kind: "macro" }>, formula: boolean): string => {
  const { args, name } = node
  const arg = (i: number): string => {
    const one = args?.[i] ?? null
    return one === null ? "" : content(one, formula)
  }
  const symbol = symbols.get(name)
  if (symbol !== undefined) return symbol
  if (Object.hasOwn(fixed, name)) return fixed[name]
  if (Object.hasOwn(patterns, name)) {
    if (args === null) return patterns[name]
    let i = 0
    return patterns[name].replaceAll("%s", () => arg(i++))
  }
  if (name === "sqrt") {
    if (args === null) throw new Raised("a root without an argument")
    return `\u221a(${arg(1)})`
  }
  if (transparent.has(name)) return args === null && patterned(name) ? "%s" : arg(0)
  if (Object.hasOwn(kept, name)) {
    if (args === null && name !== "texorpdfstring") throw new Raised("a colour without arguments")
    return arg(kept[name])
  }
  const accent = accents.get(name)
  if (accent !== undefined) return accented(args === null ? " " : arg(0).trim(), accent)
  return alphabets.has(name) ? restyle(arg(0), name) : ""
}

const matrix = (nodes: ReadonlyArray<Node>, formula: boolean): string => {
  const rows: Array<Array<string>> = [[]]
  let cell: Array<Node> = []
  const endCell = (): void => {
    if (cell.length > 0) rows.at(-1)?.push(print(cell, formula).trim())
    cell = []
  }
  for (const node of nodes) {
    if (node.kind === "special" && node.text === "&") endCell()
    else if (node.kind === "macro" && node.name === "\\") {
      endCell()
      rows.push([])
    } else cell.push(node)
  }
  endCell()
  const lengths = rows.flat().map((text) => Array.from(text).length)
  if (lengths.length === 0) throw new Raised("a matrix without a cell")
  const width = Math.max(...lengths)
  const cells = rows.map((row) => row.map((text) => " ".repeat(width - Array.from(text).length) + text).join(" "))
  return `[ ${cells.join("; ")} ]`
}

const display = (nodes: ReadonlyArray<Node>): string =>
  `\n    ${print(nodes, true).trim().replaceAll("\n", "\n    ")}\n`

const content = (node: Node, formula: boolean): string =>
  node.kind === "group" ? print(node.nodes, formula) : printOne(node, formula)

const printOne = (node: Node, formula: boolean): string => {
  if (node.kind === "chars") return formula && node.text.trim() === "" ? "" : node.text
  if (node.kind === "special") return specials[node.text]
  if (node.kind === "macro") return macro(node, formula)
  if (node.kind === "group") return print(node.nodes, formula)
  if (node.kind === "formula") return node.display ? display(node.nodes) : print(node.nodes, true).trim()
  if (matrices.has(node.name)) return matrix(node.nodes, formula)
  if (displays.has(node.name)) return display(node.nodes)
  return /^(?:center|flushleft|flushright)$/.test(node.name)
    ? `\n${print(node.nodes, formula)}\n`
    : print(node.nodes, formula)
}

/** Inside of `\( \)` and display formulas white space alone vanishes and that after a macro stays; elsewhere it is the other way. */
const print = (nodes: ReadonlyArray<Node>, formula: boolean): string =>
  nodes
    .map((node, i) => {
      const last = i === 0 ? null : nodes[i - 1]
      const bare = last?.kind === "macro" && (last.args === null || last.args.length === 0)
      return (formula && bare && node.kind === "chars" ? last.space : "") + printOne(node, formula)
    })
    .join("")

/**
 * The text, with roots, pi, products and unions spelled as SymPy reads them; the same text where pylatexenc raises.
 *
 * @category conversions
 */
export const convert = (latex: string): string => {
  const tidy = latex.replaceAll(/\\[td]frac/g, "\\frac").replaceAll("\\frac", " \\frac")
  try {
    return print(read(tidy), false)
      .replaceAll("\u221a", "sqrt")
      .replaceAll("\u03c0", "pi")
      .replaceAll("\u221e", "inf")
      .replaceAll("\u222a", "U")
      .replaceAll(/[\u00b7\u00d7]/g, "*")
      .trim()
  } catch (error) {
    if (error instanceof Raised || error instanceof TooDeep) return latex
    throw error
  }
}
