/**
 * Where the program stands in a response.
 *
 * @module
 */
import * as Thinking from "../Thinking.ts"
import type { Language } from "../sandbox/Sandbox.ts"

const fence = "```"

/**
 * As PRIME does it: what follows the last `\`\`\`python`, up to the next fence; without one, the whole response.
 *
 * @category extraction
 */
export const prime = (response: string): string => {
  const open = response.lastIndexOf(`${fence}python`)
  if (open < 0) return response
  const code = response.slice(open + `${fence}python`.length)
  const close = code.indexOf(fence)
  return close < 0 ? code : code.slice(0, close)
}

const names: Readonly<Record<Language, ReadonlyArray<string>>> = {
  python: ["python", "py", "python3", "pypy3"],
  javascript: ["javascript", "js", "node", "mjs"],
  typescript: ["typescript", "ts"],
}

interface Block {
  readonly language: string
  readonly code: string
}

const ofLanguage = (block: Block, language: Language): boolean => names[language].includes(block.language)

/** The language of an info string: `python`, `{python}`, `{.python .numberLines}`, `Python title="x"`, `py:main.py`. */
const languageOf = (info: string): string => (/[A-Za-z][\w+#-]*/.exec(info)?.[0] ?? "").toLowerCase()

const known: ReadonlySet<string> = new Set(Object.values(names).flat())

/** A fence that opens: three or more backticks or tildes, indented or in a list or quote; after other text only with a language. */
const opening = (line: string): { readonly mark: string; readonly info: string; readonly indent: number } | null => {
  const own = /^([ \t>]*(?:(?:[-*+]|\d{1,3}[.)])[ \t]+)?)(`{3,}|~{3,})([^`]*)$/.exec(line)
  if (own !== null) return { mark: own[2], info: own[3], indent: own[1].length }
  const inner = /^.*?(`{3,}|~{3,})[ \t]*(\w+)[ \t]*$/.exec(line.length > 1000 ? line.slice(-1000) : line)
  if (inner === null || !known.has(inner[2].toLowerCase())) return null
  return { mark: inner[1], info: inner[2], indent: 0 }
}

/**
 * What stands after a fence that closes: nothing, a tag, or, where the writer forgot to close, the next fence's language. One that is
 * indented by four blanks more than the fence that opened belongs to the program: it stands in a text of it.
 */
const closing = (line: string, mark: string, indent: number): string | null => {
  const trimmed = line.replace(/^[ \t>]*/, "")
  if (!trimmed.startsWith(mark) || line.length - trimmed.length > indent + 3) return null
  const rest = trimmed.slice(mark.length)
  return rest.startsWith(mark[0]) && rest.replaceAll(mark[0], "").trim() !== ""
    ? null
    : rest.replaceAll(mark[0], "").trim()
}

/** A line without as much white space as its fence had in front. */
const dedent = (line: string, indent: number): string => {
  let at = 0
  while (at < indent && (line[at] === " " || line[at] === "\t" || line[at] === ">")) at++
  return line.slice(at)
}

const blocks = (text: string): ReadonlyArray<Block> => {
  const out: Array<Block> = []
  interface Open {
    readonly mark: string
    readonly language: string
    readonly indent: number
    readonly lines: Array<string>
    /** How many lines stand before the first fence that is indented too far to close it. */
    inner: number | null
  }
  const start = (line: string): Open | null => {
    const found = opening(line)
    return found === null
      ? null
      : { mark: found.mark, language: languageOf(found.info), indent: found.indent, lines: [], inner: null }
  }
  const close = ({ language, lines }: Open) => out.push({ language, code: lines.join("\n") })
  let open: Open | null = null
  for (const line of text.split("\n")) {
    if (open === null) {
      open = start(line)
      continue
    }
    const rest = closing(line, open.mark, open.indent)
    // The program's last line, and the fence right after it.
    const end = rest === null ? /^(.*[^`\s])```[ \t]*$/.exec(line) : null
    if (end !== null && open.mark === fence) {
      open.lines.push(dedent(end[1], open.indent))
      close(open)
      open = null
    } else if (rest === null) {
      if (line.trim() === open.mark) open.inner ??= open.lines.length
      open.lines.push(dedent(line, open.indent))
    } else {
      close(open)
      open = known.has(languageOf(rest)) && !rest.startsWith("<") ? start(line) : null
    }
  }
  // A response that was cut, that ends with its program, or that closed it by a fence out of line.
  if (open !== null) close({ ...open, lines: open.lines.slice(0, open.inner ?? undefined) })
  return out
}

/** What the tests ask of the program, by which it is told from examples of its use. @category models */
export interface Wanted {
  /** The function that they call; null for scripts. */
  readonly name: string | null
  /** Whether they give a script something to read. */
  readonly reads: boolean
}

const reading: Readonly<Record<Language, RegExp>> = {
  python: /\b(?:input\s*\(|stdin\b|open\s*\(\s*0|os\.read\s*\(|fileinput\b)/,
  javascript: /\b(?:stdin\b|readline\b|readFileSync\s*\()/,
  typescript: /\b(?:stdin\b|readline\b|readFileSync\s*\()/,
}

const escaped = (name: string): string => name.replaceAll(/[$\\^.*+?()[\]{}|]/g, "\\$&")

/** Whether code could be what the tests run, and not an example of its use. */
const fits = (code: string, language: Language, { name, reads }: Wanted): boolean => {
  if (name === null) return !reads || reading[language].test(code)
  const word = escaped(name)
  const defines =
    language === "python"
      ? new RegExp(
          `^[ \\t]*(?:async[ \\t]+)?def[ \\t]+${word}[ \\t]*\\(|^${word}[ \\t]*(?::[^=\\n]*)?=[^=]|^class[ \\t]+Solution\\b`,
          "m",
        )
      : new RegExp(`\\bfunction\\b[ \\t*]*${word}\\b|\\b${word}[ \\t]*(?:=|:|\\()|\\bclass[ \\t]+Solution\\b`)
  return defines.test(code)
}

/** Whether there is a statement in it, and not only comments or a session of an interpreter. */
const hasStatement = (code: string): boolean =>
  code.split("\n").some((line) => {
    const text = line.trim()
    return text !== "" && !text.startsWith("#") && !text.startsWith("//") && !text.startsWith(">>>")
  })

/**
 * The last fenced block in the language that could be the program, else the last without one; without any fence, the whole text or
 * what stands between `<answer>` tags. A block could be the program that defines the function which is called, or reads standard input
 * where there is some; where none does, the last with a statement counts. What stands inside `<think>` is not an answer. Null when there are
 * only blocks in other languages, or the thinking never ends.
 *
 * @category extraction
 */
export const strict = (
  response: string,
  language: Language,
  wanted: Wanted = { name: null, reads: false },
): string | null => {
  const text = Thinking.after(response)?.replaceAll("\r\n", "\n")
  if (text === undefined) return null
  const found = blocks(text)
  if (found.length === 0) {
    const tagged = /<answer>([^]*?)(?:<\/answer>|$)/.exec(text)
    const bare = withoutMark(tagged === null ? text : tagged[1])
    return bare.trim() === "" ? null : bare
  }
  const own = found.filter((block) => ofLanguage(block, language))
  const candidates = own.length > 0 ? own : found.filter((block) => block.language === "")
  const block =
    candidates.findLast(({ code }) => hasStatement(code) && fits(code, language, wanted)) ??
    candidates.findLast(({ code }) => hasStatement(code)) ??
    candidates.at(-1)
  return block === undefined ? null : withoutMark(block.code)
}

/** A text without the byte-order mark that some editors put first. */
const withoutMark = (code: string): string => code.replace(/^\s*\uFEFF/, "")
