/**
 * mathruler's grader, which descends from PRM800K's: equal Hendrycks forms, or equal normal forms, or element by element an
 * equal value. Where it asks SymPy to simplify a difference, this compares values (`Numeric`).
 */
import * as Hendrycks from "./Hendrycks.ts"
import * as Numeric from "./Numeric.ts"

/** The content of the last `\boxed{...}` with its braces matched, trimmed; null when there is none. @category extraction */
export const lastBox = (text: string): string | null => {
  const start = text.lastIndexOf("\\boxed{")
  if (start < 0) return null
  const from = start + "\\boxed{".length
  let depth = 1
  for (let at = from; at < text.length; at++) {
    if (text[at] === "{") depth++
    else if (text[at] === "}" && --depth === 0) return text.slice(from, at).trim()
  }
  return null
}

const units =
  /(?:degree|cm|centimeter|meter|mile|second|minute|hour|day|week|month|year|foot|feet|inch|yard)(?:es)?s? *(?:\^[0-9]+)?/g

/** LaTeX as plain text, as the grader's converter writes it: fractions lose their grouping, which is its known defect. */
const plain = (latex: string): string => {
  const group = (text: string, at: number): readonly [string, number] => {
    let from = at
    while (text[from] === " ") from++
    if (text[from] !== "{") {
      const macro = /^\\[a-zA-Z]+/.exec(text.slice(from))?.[0] ?? text.slice(from, from + 1)
      return [macro, from + macro.length]
    }
    let depth = 0
    for (let end = from; end < text.length; end++) {
      if (text[end] === "{") depth++
      else if (text[end] === "}" && --depth === 0) return [text.slice(from + 1, end), end + 1]
    }
    return [text.slice(from + 1), text.length]
  }
  const words: Readonly<Record<string, string>> = {
    pi: "pi",
    cdot: "*",
    times: "*",
    infty: "inf",
    cup: "U",
    circ: "\u2218",
    le: "\u2264",
    leq: "\u2264",
    ge: "\u2265",
    geq: "\u2265",
    pm: "\u00b1",
    theta: "\u03b8",
    alpha: "\u03b1",
    beta: "\u03b2",
    angle: "\u2220",
  }
  const convert = (text: string, depth: number): string => {
    if (depth > 50) return text
    let out = ""
    for (let at = 0; at < text.length;) {
      const macro = text[at] === "\\" ? /^\\(?:([a-zA-Z]+) *|(.))/s.exec(text.slice(at, at + 40)) : null
      if (macro === null) {
        out += text[at++]
        continue
      }
      const [whole, name, symbol] = macro
      at += whole.length
      if (symbol !== undefined) out += " ,;:!".includes(symbol) ? " " : symbol
      else if (name === "frac") {
        const [a, afterA] = group(text, at)
        const [b, afterB] = group(text, afterA)
        out += ` ${convert(a, depth + 1)}/${convert(b, depth + 1)}`
        at = afterB
      } else if (name === "sqrt") {
        if (text[at] === "[") at = Math.max(at, text.indexOf("]", at)) + 1
        const [a, after] = group(text, at)
        out += `sqrt(${convert(a, depth + 1)})`
        at = after
      } else if (Object.hasOwn(words, name)) out += words[name]
    }
    return out
  }
  return convert(latex.replaceAll(/\\[td]frac/g, "\\frac"), 0).trim()
}

const float = /^\s*[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?\s*$/
const isWhole = (x: number): boolean => Math.abs(x - Math.round(x)) <= 1e-7

const withoutCommas = (text: string): string => {
  for (let out = text; ;) {
    const next = out.replaceAll(/([0-9]),([0-9]{3})(?=$|[^0-9])/g, "$1$2")
    if (next === out) return out
    out = next
  }
}

const isInteger = (text: string): boolean => {
  const bare = withoutCommas(text)
  return float.test(bare) && isWhole(Number(bare))
}

/** Answers longer than this are compared as strings: no answer of the data set is, and the work stays bounded. */
const maxLength = 2000

/** The grader's normal form. @category normalisation */
export const normalise = (answer: string): string => {
  let s = /^\\text\{(.+?)\}$/.exec(answer)?.[1] ?? answer
  s = s
    .replaceAll("\\%", "%")
    .replaceAll("\\$", "$")
    .replaceAll(/[$%]/g, "")
    .replaceAll(/ (?:or|and) /g, " , ")
    .replaceAll("million", "*10^6")
    .replaceAll("billion", "*10^9")
    .replaceAll("trillion", "*10^12")
    .replaceAll(units, "")
    .replaceAll(/\^ *\\circ/g, "")
  if (s.startsWith("{") && s.endsWith("}")) s = s.slice(1, -1)
  s = s.replaceAll(/,\\! */g, "")
  if (float.test(s) && isWhole(Number(s))) s = String(Math.round(Number(s)))
  if (s.includes("\\")) s = plain(s)
  s = s
    .replaceAll(/- */g, "-")
    .replaceAll(/([0-9]) +([0-9])/g, "$1+$2")
    .replaceAll(/[ {}]/g, "")
    .toLowerCase()
  return isInteger(s) ? String(Math.round(Number(s.replaceAll(",", "")))) : s
}

const isFraction = (text: string): boolean => /^-?[0-9]+.?\/0*[1-9][0-9]*.?$/.test(text)

const mayEvaluate = (a: string, b: string): boolean => {
  const text = `(${a})-(${b})`
  const letters = new Set(text.replaceAll(/sqrt|frac/g, "").match(/\p{L}/gu))
  return letters.size <= 2 && !/\^\{|\^\(|\^[0-9]+\^|\^[0-9]{2}/.test(text)
}

const elements = (text: string): Array<string> => {
  const bare = withoutCommas(text)
  const inner = bare.slice(1, -1)
  return bare.length > 2 && /^[([].*[)\]]$/s.test(bare) && !/[()[\]]/.test(inner)
    ? inner.split(",").map((e) => e.trim())
    : [bare]
}

/** Whether the grader calls `given` right. @category grading */
export const equal = (given: string, gold: string): boolean => {
  if (given.length > maxLength || gold.length > maxLength) return given.trim() === gold.trim()
  if (Hendrycks.normalise(given) === Hendrycks.normalise(gold)) return true
  const [a, b] = [normalise(given), normalise(gold)]
  if (a === b) return true
  if (a === "") return false
  const [as, bs] = [elements(a), b === "" ? [] : elements(b)]
  if (bs.length > 1 && (a[0] !== b[0] || a.at(-1) !== b.at(-1))) return false
  if (as.length !== bs.length) return false
  return bs.every((y, i) => {
    const x = as[i]
    if (isFraction(x) && isFraction(y)) return x === y
    if (isInteger(x) !== isInteger(y)) return false
    return mayEvaluate(x, y) && Numeric.equal(x, y)
  })
}
