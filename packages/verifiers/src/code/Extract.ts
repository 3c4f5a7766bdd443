/** Where the program stands in a response. */
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

const blocks = (text: string): ReadonlyArray<Block> => {
  const out: Array<Block> = []
  let open: { readonly language: string; readonly lines: Array<string> } | null = null
  for (const line of text.split("\n")) {
    const mark = /^\s*```(.*)$/.exec(line)
    if (mark === null) open?.lines.push(line)
    else if (open === null) open = { language: mark[1].trim().split(/\s/)[0].toLowerCase(), lines: [] }
    else {
      out.push({ language: open.language, code: open.lines.join("\n") })
      open = null
    }
  }
  // A response that was cut, or that ends with its program.
  if (open !== null) out.push({ language: open.language, code: open.lines.join("\n") })
  return out
}

/**
 * The last fenced block in the language, else the last without one; without any fence, the whole text. What stands inside `<think>`
 * is no answer. Null when there are only blocks in other languages, or the thinking never ends.
 *
 * @category extraction
 */
export const strict = (response: string, language: Language): string | null => {
  const text = Thinking.after(response)?.replaceAll("\r\n", "\n")
  if (text === undefined) return null
  const found = blocks(text)
  if (found.length === 0) return text.trim() === "" ? null : text
  const block = found.findLast((b) => names[language].includes(b.language)) ?? found.findLast((b) => b.language === "")
  return block?.code ?? null
}
