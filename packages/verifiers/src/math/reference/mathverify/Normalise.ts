/**
 * Math-Verify's clean-up of LaTeX before it is parsed: boxes opened, styles and units dropped, "and" and "or" to commas, words
 * for percent, malformed fractions, roots and logarithms repaired. The rules work on text, one after the other.
 */

const left =
  /\\m?left(\\\{|\{|\\\||\||\[|\(|\\rbracl|\\lgroup|\\lbrace|\\lbrack|\\vert|\\lvert|\\lceil|\\lfloor|\\langle|\\llcorner|\\ulcorner)/g
const right =
  /\\m?right(\\\}|\}|\\\||\||\]|\)|\\rbrack|\\rgroup|\\rbrace|\\vert|\\rvert|\\rceil|\\rfloor|\\rangle|\\lrcorner|\\urcorner)/g

const unitNames =
  "integerpoint|feet|sue|digit|pound|meal|edge|student|children ticket|multiple|east|degree|mph|kmph|ft|m square| m east|" +
  "sq m|deg|mile|q .|monkey|prime|ratio|profit of rs|rd|o|gm|p . m|lb|tile|per|dm|lt|gain|ab|way|west|a .|b .|c .|d .|e .|" +
  "f .|g .|h .|t|h|no change|men|soldier|pie|bc|excess|st|inches|noon|cent|by|gal|kmh|c|acre|rise|a . m|th|\u03c0 r 2|sq|" +
  "mark|l|toy|coin|sq . m|gallon|\u00b0 f|profit|minw|yr|women|am|pm|hr|cu cm|square|v \u00e2 \u20ac \u2122|are|rupee|rounds|" +
  "cubic|cc|mtr|s|ohm|number|kmph|day|hour|minute|min|second|man|woman|sec|cube|mt|sq inch|mp|\u220f cm \u00b3|hectare|more|" +
  "sec|unit|cu . m|cm 2|rs .|rs|kg|g|month|km|m|cm|mm|apple|liter|loss|yard|pure|year|increase|decrease|d|less|Surface|" +
  "litre|pi sq m|s .|metre|meter|inch"
const trailingUnit = new RegExp(`([0-9]|\\}|\\s)\\s*(?:${unitNames})(?:s|es)?\\s*$`)
const trailingText = /(\\(?:text|mbox)\{.*?\})(\^[0-9]|\{\^[0-9]\})?$/

const dropped = /\\mathrm\{th\}|\\!\s*|\\text\s*\{\s*\}|\\\$|\$|(?<!\\)["']|\\displaystyle/g

const rewritten: ReadonlyArray<readonly [pattern: string, by: string]> = [
  [String.raw`\\math(?:rm|it|bf)`, "\\text"],
  [String.raw`\\text(?:normal|bf|it|rm)`, "\\text"],
  [String.raw`\\(?:d|t|c)frac`, "\\frac"],
  [String.raw`\s\.`, " 0."],
  [String.raw`\{\.`, "{0."],
  [String.raw`~=`, "\\approx"],
  [String.raw`\s*\{\s*,\s*\}`, ","],
  [String.raw`(?<![a-zA-Z]),?\s*(?:and|or)(?![a-zA-Z])`, ","],
  [String.raw`,?\s*\\text\{\s*(?:and|or)\s*\}`, ","],
  [String.raw`(?<!\\)\\\s`, " "],
  ["infinity", "\\infty"],
  [String.raw`,?\\ldots`, " "],
  [String.raw`\s*percentage`, "\\%"],
  [String.raw`\\text\{percentage\}`, "\\%"],
  [String.raw`\s*percent`, "\\%"],
  [String.raw`\\text\{percent\}`, "\\%"],
  [String.raw`\s*pct`, "\\%"],
  [String.raw`\\text\{pct\}`, "\\%"],
  [String.raw`(?<!\\)inf(?!inity)`, "\\infty"],
  [" sqrt", "\\sqrt"],
]
const rewriting = new RegExp(rewritten.map(([pattern]) => `(${pattern})`).join("|"), "g")
const rewrite = (text: string): string =>
  text.replaceAll(rewriting, (whole, ...groups: Array<string | number | undefined>) => {
    const which = groups.findIndex((group, i) => i < rewritten.length && group !== undefined)
    return which < 0 ? whole : rewritten[which][1]
  })

const permutation = /\(([a-zA-Z0-9+\-*/\\ ]+?)\)_\{([a-zA-Z0-9+\-*/\\ ]+?)\}/g

const malformed: ReadonlyArray<readonly [RegExp, string]> = [
  [/\^\s?\((.*?)\)/g, "^{$1}"],
  [/sqrt\s?\((.*?)\)/g, "\\sqrt{$1}"],
  [/\\frac\s?([0-9])\s?([0-9]+)/g, "\\frac{$1}{$2}"],
  [/\\log_\s?([0-9])\s?([0-9]+)/g, "\\log_{$1}{$2}"],
  [/\\frac\s?\{(.*?)\}\s?([0-9])/g, "\\frac{$1}{$2}"],
  [/\\frac\s?([0-9])\s?\{(.*?)\}/g, "\\frac{$1}{$2}"],
  [/\\sqrt\s?([0-9])/g, "\\sqrt{$1}"],
]

const braceRoots = (text: string): string => {
  const [first, ...rest] = text.split("\\sqrt")
  return (
    first +
    rest
      .map((part) => part.trimStart())
      .map((part) => (part === "" || /^[{[]/.test(part) ? `\\sqrt${part}` : `\\sqrt{${part[0]}}${part.slice(1)}`))
      .join("")
  )
}

const braceFractions = (text: string): string => {
  const [first, ...rest] = text.split("\\frac")
  let out = first
  for (const piece of rest) {
    const part = piece.trimStart()
    out += "\\frac"
    if (part.startsWith("{")) out += part
    else if (part.length < 2) return text
    else out += part[1] === "{" ? `{${part[0]}}${part.slice(1)}` : `{${part[0]}}{${part[1]}}${part.slice(2)}`
  }
  return out
}

const slash = (text: string): string => {
  const found = /^(-?(?:0|[1-9][0-9]*))\/(-?(?:0|[1-9][0-9]*))$/.exec(text)
  return found === null || found[1] === "-0" || found[2] === "-0" ? text : `\\frac{${found[1]}}{${found[2]}}`
}

const closing = (text: string, open: number, end: number): number => {
  let depth = 0
  for (let at = open; at < end; at++) {
    if (text[at] === "{") depth++
    else if (text[at] === "}" && --depth === 0) return at
  }
  return -1
}

/** Whether a box belongs to the list that the next one ends. */
const adjoins = (between: string, content: string, next: string): boolean =>
  between.length < 10 || (content !== next && between.length < 70 && /and|or|,|;/.test(between))

/**
 * The contents of the boxes, joined by commas: all of them, or with `last` those that stand together at the end. Text without a
 * box stays whole; after a box without braces, or whose braces never close, the rest is its content.
 *
 * @category boxes
 */
export const openBoxes = (text: string, last: boolean): string => {
  const found: Array<string> = []
  let next = -1
  let limit = text.length
  for (let before = text.length; before > 0 && found.length < maxBoxes;) {
    const boxed = text.lastIndexOf("\\boxed", before - "\\boxed".length)
    const framed = text.lastIndexOf("\\fbox", before - "\\fbox".length)
    const start = Math.max(before < 6 ? -1 : boxed, before < 5 ? -1 : framed)
    if (start < 0) break
    let open = start + (boxed > framed ? "\\boxed" : "\\fbox").length
    while (open < limit && /\s/.test(text[open])) open++
    if (open >= limit) break
    const end = text[open] === "{" ? closing(text, open, limit) : -1
    if (end < 0) {
      if (found.length === 0) found.push(text.slice(open))
      break
    }
    const content = text.slice(open + 1, end).trim()
    if (last && next >= 0 && !adjoins(text.slice(end + 1, next), content, found.at(-1) ?? "")) break
    found.push(content)
    next = start
    limit = start
    before = start
  }
  return found.length === 0 ? text : found.toReversed().join(",")
}

/** More boxes than this are not one answer. */
const maxBoxes = 50

/** Longest text cleaned up, in characters; longer ones stay as they are and then do not parse. @category limits */
export const maxLength = 1500

/** The clean text; `last`: of several boxes only those that stand together at the end. @category normalisation */
export const normalise = (latex: string, last: boolean): string => {
  let s = openBoxes(latex, last)
  if (s.length > maxLength) return s.trim()
  s = s
    .replaceAll("\\mathrm{T}", "T")
    .replaceAll("\\mathrm{d}", "d")
    .replaceAll("{\\rm d}", "d")
    .replaceAll("\\left[\\begin{matrix}", "\\begin{bmatrix}")
    .replaceAll("\\end{matrix}\\right]", "\\end{bmatrix}")
    .replaceAll(left, "$1")
    .replaceAll(right, "$1")
    .replaceAll(permutation, "\\frac{($1)!}{(($1)-($2))!}")
    .replaceAll(dropped, "")
  s = rewrite(s).replaceAll(/[\n\t]/g, " ")
  if (!s.includes("matrix")) s = s.replaceAll(/\\\\(?=[a-zA-Z])/g, "\\")
  const bare = s.replace(trailingText, "").trim()
  if (bare !== "") s = bare
  for (let round = 0; round < 2; round++) {
    const without = s.replace(trailingUnit, "$1")
    if (without !== "") s = without
  }
  if (s.startsWith(".")) s = `0${s}`
  if (s === "0.5") s = "\\frac{1}{2}"
  for (const [pattern, by] of malformed) s = s.replaceAll(pattern, by)
  return slash(braceFractions(braceRoots(s.replaceAll(" sqrt", "\\sqrt")))).trim()
}
