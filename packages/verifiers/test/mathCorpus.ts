/**
 * Rewritings that leave an answer what it is: spacing, `\dfrac`, `\left`, layout, a name, a unit, the order of a set. Each gives
 * null where it does not apply. What makes the corpus of golds thousands of answers.
 */
import { readFileSync } from "node:fs"

/** A gold, its class, rewritings by hand, and answers near it that are wrong. */
export interface Entry {
  readonly class: string
  readonly gold: string
  readonly same: ReadonlyArray<string>
  readonly different: ReadonlyArray<string>
}

// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the caller knows what the file holds.
export const read = <A>(file: string): A =>
  JSON.parse(readFileSync(new URL(`../cases/${file}`, import.meta.url), "utf8")) as A

export const corpus = read<ReadonlyArray<Entry>>("math-corpus.json")

const values = new Set(
  "integer fraction decimal surd pi symbolic complex power mixed scientific thousands function".split(" "),
)
const bracketed = new Set("tuple interval set matrix".split(" "))
const changed = (before: string, after: string): string | null => (before === after ? null : after)
/** Not inside a command's name or text. */
const plain = (gold: string): boolean => !/\\text|\\mathrm|\\begin|_|[a-z]{3}/.test(gold.replaceAll(/\\[a-z]+/g, ""))

export const rewritings: Readonly<Record<string, (gold: string, kind: string) => string | null>> = {
  "spaces around": (g) => `  ${g} `,
  newline: (g) => `\n${g}\n`,
  dollars: (g) => (g.includes("\\$") ? null : `$${g}$`),
  "display brackets": (g) => `\\displaystyle ${g}`,
  "thin spaces around": (g) => `\\,${g}\\;`,
  "full stop": (g, kind) => (kind === "decimal" ? null : `${g}.`),
  braces: (g, kind) => (kind === "text" || kind === "list" || kind === "relation" ? null : `{${g}}`),
  boxed: (g) => `\\boxed{${g}}`,
  dfrac: (g) => changed(g, g.replaceAll("\\frac", "\\dfrac")),
  tfrac: (g) => changed(g, g.replaceAll("\\frac", "\\tfrac")),
  "frac spaced": (g) => changed(g, g.replaceAll("\\frac{", "\\frac {").replaceAll("}{", "} {")),
  left: (g) =>
    /[()[\]]/.test(g) && !g.includes("\\text") && !g.includes("\\sqrt[")
      ? changed(g, g.replaceAll(/(?<![\\a-z])[([]/g, "\\left$&").replaceAll(/(?<![\\])[)\]]/g, "\\right$&"))
      : null,
  "spaces at operators": (g) =>
    plain(g) ? changed(g, g.replaceAll(/(?<=[0-9a-z}])[+=<>-](?=[0-9a-z\\])/g, " $& ")) : null,
  "no spaces": (g) =>
    /\\text|\\log_|[a-z]{3} /.test(g) ? null : changed(g, g.replaceAll(/(?<!\\[a-zA-Z]+) | (?![a-zA-Z])/g, "")),
  "exponent braces": (g) => changed(g, g.replaceAll(/\^([0-9a-z])/g, "^{$1}")),
  "exponents bare": (g) => changed(g, g.replaceAll(/\^\{([0-9a-z])\}/g, "^$1")),
  "x =": (g, kind) => (values.has(kind) && !/[x=]/.test(g.replaceAll(/\\[a-z]+/g, "")) ? `x = ${g}` : null),
  "y=": (g, kind) => (values.has(kind) && !/[y=]/.test(g.replaceAll(/\\[a-z]+/g, "")) ? `y=${g}` : null),
  "AB =": (g, kind) => (values.has(kind) && !/[ABx-z=]/.test(g) ? `AB = ${g}` : null),
  "parentheses around": (g, kind) => (values.has(kind) && kind !== "thousands" ? `(${g})` : null),
  "plus sign": (g, kind) => (values.has(kind) && !/^\s*[-+\\]/.test(g) ? `+${g}` : null),
  "times one": (g, kind) => (values.has(kind) && /^[0-9]+$/.test(g) ? `1 \\cdot ${g}` : null),
  "twice halved": (g, kind) =>
    values.has(kind) && plain(g) && !/mixed|thousands/.test(kind) ? `\\frac{2(${g})}{2}` : null,
  "plus zero": (g, kind) => (values.has(kind) && kind !== "scientific" ? `${g} + 0` : null),
  "one from itself": (g, kind) => (values.has(kind) && !/mixed|thousands/.test(kind) ? `1 + (${g}) - 1` : null),
  "minus the negative": (g, kind) => (values.has(kind) && kind !== "thousands" ? `-(-(${g}))` : null),
  "slash fraction": (g) =>
    /^-?\\frac\{[0-9]+\}\{[0-9]+\}$/.test(g) ? g.replace(/\\frac\{([0-9]+)\}\{([0-9]+)\}/, "$1/$2") : null,
  "unreduced fraction": (g) => {
    const found = /^(-?)\\frac\{([0-9]+)\}\{([0-9]+)\}$/.exec(g)
    return found === null ? null : `${found[1]}\\frac{${3 * Number(found[2])}}{${3 * Number(found[3])}}`
  },
  "decimal zero": (g, kind) => (kind === "integer" && /^-?[0-9]+$/.test(g) ? `${g}.0` : null),
  "trailing zeros": (g, kind) => (kind === "decimal" && /^-?[0-9]*\.[0-9]+$/.test(g) ? `${g}00` : null),
  "leading zero": (g) => (/^[1-9][0-9]{0,2}$/.test(g) ? `0${g}` : null),
  "text unit": (g, kind) => (/^(?:integer|decimal|fraction)$/.test(kind) ? `${g} \\text{ cm}` : null),
  "mathrm unit": (g, kind) => (/^(?:integer|decimal|fraction)$/.test(kind) ? `${g}\\,\\mathrm{kg}` : null),
  "counted things": (g, kind) => (kind === "integer" ? `${g} \\text{ apples}` : null),
  degrees: (g, kind) => (kind === "integer" ? `${g}^\\circ` : null),
  dollar: (g, kind) => (/^[0-9.]+$/.test(g) && /^(?:integer|decimal)$/.test(kind) ? `\\$${g}` : null),
  reversed: (g, kind) => (kind === "list" && !/[({]|or|and/.test(g) ? g.split(",").reverse().join(",") : null),
  "in braces": (g, kind) => (kind === "list" && !/=|or|and/.test(g) ? `\\{${g}\\}` : null),
  "and for the last comma": (g, kind) =>
    kind === "list" && !/[({]|or|and/.test(g) ? g.replace(/,\s*([^,]*)$/, " \\text{ and } $1") : null,
  "semicolons at the top": (g, kind) => (kind === "list" && !/[({]/.test(g) ? g.replaceAll(",", ";") : null),
  "set reversed": (g, kind) =>
    kind === "set" && /^\\\{[^(]*\\\}$/.test(g) ? `\\{${g.slice(2, -2).split(",").reverse().join(", ")}\\}` : null,
  "set as list": (g, kind) => (kind === "set" && /,/.test(g) && !g.includes("(") ? g.slice(2, -2) : null),
  "big brackets": (g, kind) =>
    bracketed.has(kind) && /^[([]/.test(g) && /[)\]]$/.test(g) ? `\\bigl${g.slice(0, -1)}\\bigr${g.at(-1)}` : null,
  "comma spaced": (g, kind) => (/tuple|interval|list|set/.test(kind) ? changed(g, g.replaceAll(/,\s*/g, " , ")) : null),
  "comma tight": (g, kind) => (/tuple|interval|list|set/.test(kind) ? changed(g, g.replaceAll(/,\s+/g, ",")) : null),
  "x in": (g, kind) => (kind === "interval" ? `x \\in ${g}` : null),
  bmatrix: (g) => changed(g, g.replaceAll("pmatrix", "bmatrix")),
  array: (g) =>
    g.includes("{pmatrix}")
      ? `\\left(${g.replace("\\begin{pmatrix}", "\\begin{array}{cc}").replace("\\end{pmatrix}", "\\end{array}")}\\right)`
      : null,
  "matrix spaced": (g) => (g.includes("matrix") ? g.replaceAll("&", " & ").replaceAll("\\\\", " \\\\ ") : null),
  lowercase: (g, kind) => (kind === "text" && /[a-zA-Z]{4}/.test(g.replace("\\text", "")) ? g.toLowerCase() : null),
  "without text": (g, kind) => (kind === "text" ? changed(g, g.replaceAll(/\\text\{([^}]*)\}/g, "$1")) : null),
  textbf: (g, kind) => (kind === "text" ? changed(g, g.replaceAll("\\text{", "\\textbf{")) : null),
  mathrm: (g, kind) => (kind === "text" ? changed(g, g.replaceAll("\\text{", "\\mathrm{")) : null),
  "text in text": (g, kind) => (kind === "text" && !g.includes("\\") ? `\\text{${g}}` : null),
  mbox: (g, kind) => (kind === "text" ? changed(g, g.replaceAll("\\text{", "\\mbox{")) : null),
  textit: (g, kind) => (kind === "text" ? changed(g, g.replaceAll("\\text{", "\\textit{")) : null),
  flipped: (g, kind) =>
    kind === "relation" && /^[^=]+=[^=]+$/.test(g)
      ? g
          .split("=")
          .map((s) => s.trim())
          .reverse()
          .join(" = ")
      : null,
  "both sides doubled": (g, kind) => {
    const sides = kind === "relation" && /^[^=(]+=[^=]+$/.test(g) ? g.split("=") : []
    return sides.length === 2 ? `2(${sides[0]})=2(${sides[1]})` : null
  },
  "moved to one side": (g, kind) => {
    const sides = kind === "relation" && /^[^=]+=[^=]+$/.test(g) ? g.split("=") : []
    return sides.length === 2 && !/\(.\)/.test(sides[0]) ? `${sides[0]} - (${sides[1]}) = 0` : null
  },
  leq: (g) => changed(g, g.replaceAll(/\\le(?![a-z])/g, "\\leq").replaceAll(/\\ge(?![a-z])/g, "\\geq")),
  "Unicode signs": (g) =>
    changed(g, g.replaceAll("\\pi", "π").replaceAll("\\infty", "∞").replaceAll("-", "−").replaceAll("\\cup", "∪")),
  cdot: (g) => changed(g, g.replaceAll("\\times", "\\cdot")),
  "base in braces": (g, kind) => (kind === "base" ? changed(g, g.replace(/_([0-9]+)$/, "_{$1}")) : null),
  "base spaced": (g, kind) => (kind === "base" ? g.replace("_", " _ ") : null),
  "base zeros": (g, kind) => (kind === "base" ? `0${g}` : null),
  "base in text": (g, kind) => (kind === "base" ? g.replace(/_\{?([0-9]+)\}?$/, "_{\\text{$1}}") : null),
}
