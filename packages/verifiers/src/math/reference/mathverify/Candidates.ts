/**
 * Where Math-Verify looks for an answer: LaTeX in an environment or a box, and plain numbers and arithmetic, in groups of
 * falling priority. Within a group the match that ends last comes first.
 *
 * | priority | |
 * | --- | --- |
 * | 0 | after "final answer is", before "I hope" |
 * | 50 | after "final answer ... is"; from the first box to the last brace |
 * | 100 | up to 50 characters after "answer:" |
 * | 200 | up to 50 characters after "answer" |
 * | 300 | anywhere |
 *
 * Hand-written where the expressions of the original are superlinear; it looks at the last 64 anchors and the last 256 matches of
 * a group.
 */

/** A place in the text: LaTeX pieces that belong together, or a number or arithmetic. @category models */
export type Candidate =
  | { readonly kind: "latex"; readonly pieces: ReadonlyArray<Piece>; readonly start: number; readonly end: number }
  | {
      readonly kind: "number"
      readonly digits: string
      readonly percent: boolean
      readonly start: number
      readonly end: number
    }
  | { readonly kind: "arithmetic"; readonly text: string; readonly start: number; readonly end: number }

/** @category models */
export interface Piece {
  readonly text: string
  readonly boxed: boolean
  readonly percent: boolean
}

const percent = /\s*(?:\\?%|[Pp]ercent|[Pp]ercentage|[Pp]ct)/y
const simpleFraction = /-?\\frac\{-?[0-9]+(?:[.,][0-9]+)?\}\{-?[0-9]+(?:[.,][0-9]+)?\}/y
const connector = /\s*(?:,?and|,?or|,)\s*/y

const stickyEnd = (pattern: RegExp, text: string, at: number): number => {
  pattern.lastIndex = at
  return pattern.exec(text) === null ? -1 : pattern.lastIndex
}

/** Where the next `needle` without a backslash before it starts, from `at` on; remembers the last answer. */
const finder = (text: string, needle: string) => {
  let from = -1
  let found = -1
  return (at: number): number => {
    if (from >= 0 && at >= from && (found < 0 || found >= at)) return found
    from = at
    found = text.indexOf(needle, at)
    while (found > 0 && needle.startsWith("$") && text[found - 1] === "\\") found = text.indexOf(needle, found + 1)
    return found
  }
}

/** Reads environments of one text, each end looked up once. */
class Environments {
  private readonly text: string
  private readonly displayDollar
  private readonly bracket
  private readonly dollar
  private readonly parenthesis
  private readonly newline
  private readonly square

  constructor(text: string) {
    this.text = text
    this.displayDollar = finder(text, "$$")
    this.bracket = finder(text, "\\]")
    this.dollar = finder(text, "$")
    this.parenthesis = finder(text, "\\)")
    this.newline = finder(text, "\n")
    this.square = finder(text, "]")
  }

  private piece(
    start: number,
    close: number,
    width: number,
    inline: boolean,
  ): { readonly text: string; readonly end: number } | null {
    if (close <= start) return null
    if (inline) {
      const line = this.newline(start)
      if (line >= 0 && line < close) return null
    }
    return { text: this.text.slice(start, close), end: close + width }
  }

  /** The environment that starts at `at`. */
  one(at: number): { readonly text: string; readonly end: number } | null {
    const { text } = this
    const before = text[at - 1]
    const escaped = before === "\\"
    if (text[at] === "$" && !escaped) {
      if (text[at + 1] === "$") {
        const found = this.piece(at + 2, this.displayDollar(at + 3), 2, false)
        if (found !== null) return found
      }
      if (before === undefined || !/[0-9]/.test(before)) return this.piece(at + 1, this.dollar(at + 2), 1, true)
      return null
    }
    if (text[at] === "\\" && text[at + 1] === "[" && !escaped) return this.piece(at + 2, this.bracket(at + 2), 2, false)
    if (text[at] === "\\" && text[at + 1] === "(" && !escaped)
      return this.piece(at + 2, this.parenthesis(at + 2), 2, true)
    if (/\s/.test(text.charAt(at)) && text[at + 1] === "[") {
      const close = this.square(at + 2)
      if (close < 0 || !/\s/.test(text.charAt(close + 1))) return null
      const found = this.piece(at + 2, close, 2, true)
      return found === null || found.text.includes("[") ? null : found
    }
    if (text[at] === "\\" || text[at] === "-") {
      const end = stickyEnd(simpleFraction, text, at)
      return end < 0 ? null : { text: text.slice(at, end), end }
    }
    return null
  }

  /** An environment and up to five more that "and", "or" or a comma joins to it. */
  group(at: number): Extract<Candidate, { readonly kind: "latex" }> | null {
    const pieces: Array<Piece> = []
    let end = at
    for (let next = at; pieces.length < 6;) {
      const found = this.one(next)
      if (found === null) break
      const marked = stickyEnd(percent, this.text, found.end)
      end = marked < 0 ? found.end : marked
      pieces.push({ text: found.text, boxed: false, percent: marked >= 0 })
      next = stickyEnd(connector, this.text, end)
      if (next < 0) break
    }
    return pieces.length === 0 ? null : { kind: "latex", pieces, start: at, end }
  }
}

const currency = "[$\u20ac\u00a3\u00a5\u20b9\u20bd\u20aa\u20a9\u20ab\u0e3f\u20bf\u20b4\u20b1\u20ba]?"
const numeral =
  "(?<![0-9])(?:(?<a>-?[1-9][0-9]{0,2}(?:[ ,][0-9]{3})+)(?<b>\\.[0-9]+)?|(?<c>-?[0-9]+)(?<d>[.,][0-9]+)|(?<e>\\.[0-9]+)|(?<f>-?[0-9]+))(?<p>\\s{0,20}(?:%|[Pp]ercent|[Pp]ercentage|[Pp]ct))?"
const prefix = "(?:^|\\s|=)(?:\\*\\*)?"
const suffix = "(?:\\*\\*)?(?:\\.|,|:|\\s|\\)|\\$|$)"
const operator = "[-+*\u00d7/^()\u00f7]"
const arithmeticChars = "[-0-9.\\s+*\u00d7/^()\u00f7]"
const arithmetic = `(?<expr>-?\\(?-?[0-9]${arithmeticChars}{0,60}${operator}${arithmeticChars}{1,60}\\)?)`
const either = `(?:(?:${prefix}${arithmetic}${suffix})|(?:${prefix}${currency}${numeral}))`

const numberAnywhere = new RegExp(`${prefix}${currency}${numeral}`, "g")
const arithmeticStart = new RegExp(`${prefix}(?=-?\\(?-?[0-9])`, "g")
const answerNumber = (colon: string): RegExp =>
  new RegExp(
    `answer${colon}(?:[^\\n]{0,100}=\\s{0,20}|[^\\n]{0,50}?)${either}(?!\\s*=)`.replace(
      "answer",
      "[Aa][Nn][Ss][Ww][Ee][Rr]",
    ),
    "y",
  )
const finalNumber = [
  new RegExp(`final answer is:?\\s*${either}\\.?\\s?I hope`, "iy"),
  new RegExp(`final answer[^\\n]{0,100}?\\s+is:?${either}`, "iy"),
]
const answerNumbers = [answerNumber(":"), answerNumber("")]

const candidate = (found: RegExpExecArray): Candidate => {
  const { a, b, c, d, e, expr, f, p } = found.groups ?? {}
  const end = found.index + found[0].length
  if (expr !== undefined) return { kind: "arithmetic", text: expr, start: found.index, end }
  const whole = (a ?? c ?? f ?? "").replaceAll(/[, ]/g, "").replace(/^0+/, "")
  const digits = `${whole === "" ? "0" : whole}${(b ?? d ?? e ?? "").replace(",", ".")}`
  return { kind: "number", digits, percent: p !== undefined, start: found.index, end }
}

const maxAnchors = 64
const maxMatches = 256

/** Where `word` occurs, in any case: the last `maxAnchors` places. */
const anchors = (lower: string, word: string): ReadonlyArray<number> => {
  const out: Array<number> = []
  for (let at = lower.length; out.length < maxAnchors;) {
    at = lower.lastIndexOf(word, at - 1)
    if (at < 0) break
    out.push(at)
    if (at === 0) break
  }
  return out.toReversed()
}

/** Matches that do not overlap, from the left, as `finditer` gives them. */
const fromAnchors = (starts: ReadonlyArray<number>, match: (at: number) => Candidate | null): Array<Candidate> => {
  const out: Array<Candidate> = []
  let free = 0
  for (const at of starts) {
    if (at < free) continue
    const found = match(at)
    if (found === null) continue
    out.push(found)
    free = Math.max(found.end, at + 1)
  }
  return out
}

/** A number pattern tried on a window, so that its cost does not depend on the text. */
const windowed =
  (text: string, pattern: RegExp) =>
  (at: number): Candidate | null => {
    const from = Math.max(0, at - 1)
    pattern.lastIndex = at - from
    const found = pattern.exec(text.slice(from, at + 500))
    if (found === null) return null
    const shift = candidate(found)
    return { ...shift, start: shift.start + from, end: shift.end + from }
  }

const arithmeticAnywhere = (text: string): Array<Candidate> => {
  const out: Array<Candidate> = []
  const chars = new RegExp(arithmeticChars)
  const isOperator = new RegExp(operator)
  const start = new RegExp("-?\\(?-?[0-9]", "y")
  const closes = new RegExp(suffix, "y")
  arithmeticStart.lastIndex = 0
  for (let found = arithmeticStart.exec(text); found !== null; found = arithmeticStart.exec(text)) {
    const from = found.index + found[0].length
    start.lastIndex = from
    if (start.exec(text) === null) continue
    const first = start.lastIndex
    let end = first
    while (end < text.length && chars.test(text[end])) end++
    let op = first
    while (op < end && !isOperator.test(text[op])) op++
    let matched = false
    for (let stop = end; stop >= op + 2; stop--) {
      closes.lastIndex = stop
      if (closes.exec(text) === null) continue
      out.push({ kind: "arithmetic", text: text.slice(from, stop), start: found.index, end: closes.lastIndex })
      arithmeticStart.lastIndex = closes.lastIndex
      matched = true
      break
    }
    // Another start in the same run of characters would fail the same way.
    if (!matched) arithmeticStart.lastIndex = Math.max(found.index + 1, end - 1)
  }
  return out
}

const numbersAnywhere = (text: string): Array<Candidate> => {
  const out: Array<Candidate> = []
  numberAnywhere.lastIndex = 0
  for (let found = numberAnywhere.exec(text); found !== null; found = numberAnywhere.exec(text)) {
    out.push(candidate(found))
    if (found[0] === "") numberAnywhere.lastIndex++
  }
  return out
}

const latexAnywhere = (environments: Environments, text: string): Array<Candidate> => {
  const out: Array<Candidate> = []
  for (let at = 0; at < text.length;) {
    const found = environments.group(at)
    if (found === null) at++
    else {
      out.push(found)
      at = found.end
    }
  }
  return out
}

const boxed = (text: string): Array<Candidate> => {
  const start = text.indexOf("\\boxed{")
  const end = text.lastIndexOf("}") + 1
  if (start < 0 || end <= start + "\\boxed{".length + 1) return []
  return [{ kind: "latex", pieces: [{ text: text.slice(start, end), boxed: true, percent: false }], start, end }]
}

/** Longest text looked at, in characters; of a longer one the end. @category limits */
export const maxLength = 200_000

const order = (found: ReadonlyArray<Candidate>): ReadonlyArray<Candidate> =>
  found.toSorted((a, b) => b.end - a.end || a.start - b.start).slice(0, maxMatches)

/**
 * The candidates, group by group, each in the order in which they are tried; a group is made when it is asked for. `numbers`:
 * whether plain numbers count too.
 *
 * @category extraction
 */
export function* candidates(response: string, numbers: boolean): Generator<ReadonlyArray<Candidate>> {
  const text = response.slice(-maxLength)
  const lower = text.toLowerCase()
  const environments = new Environments(text)
  const answers = anchors(lower, "answer")
  const finals = anchors(lower, "final answer")
  const ask = (starts: ReadonlyArray<number>, pattern: RegExp): Array<Candidate> =>
    numbers ? fromAnchors(starts, windowed(text, pattern)) : []
  const near = (from: number, most: number): Candidate | null => {
    for (let at = from; at <= Math.min(from + most, text.length); at++) {
      const found = environments.group(at)
      if (found !== null) return found
    }
    return null
  }
  const after = (
    starts: ReadonlyArray<number>,
    start: (at: number) => number,
    hope: boolean,
    most: number,
  ): Array<Candidate> =>
    fromAnchors(starts, (at) => {
      const from = start(at)
      if (from < 0) return null
      const found = most === 0 ? environments.group(from) : near(from, most)
      if (found === null) return null
      const end = hope ? stickyEnd(/\.?\s?I hope/iy, text, found.end) : found.end
      return end < 0 ? null : { ...found, start: at, end }
    })
  const exact = /final answer is:?\s{0,200}/iy
  const loose = /final answer[\s\S]{0,100}?\s{1,50}is:?\s{0,200}/iy
  yield order([...ask(finals, finalNumber[0]), ...after(finals, (at) => stickyEnd(exact, text, at), true, 0)])
  yield order([
    ...ask(finals, finalNumber[1]),
    ...after(finals, (at) => stickyEnd(loose, text, at), false, 0),
    ...boxed(text),
  ])
  const colon = (at: number): number => (text[at + "answer".length] === ":" ? at + "answer:".length : -1)
  yield order([...ask(answers, answerNumbers[0]), ...after(answers, colon, false, 50)])
  yield order([...ask(answers, answerNumbers[1]), ...after(answers, (at) => at + "answer".length, false, 50)])
  yield order([
    ...(numbers ? arithmeticAnywhere(text) : []),
    ...(numbers ? numbersAnywhere(text) : []),
    ...latexAnywhere(environments, text),
  ])
}
