/** Where strict maths takes the answer from: the boxes of a response. */
import * as Extract from "./Extract.ts"

/** @category models */
export interface Found {
  readonly answer: string
  /** A percent sign follows the box: the answer may be meant with it. */
  readonly percent?: boolean
}

interface Box {
  readonly from: number
  readonly to: number
  readonly content: string
}

/** Where the group that opens before `start` ends; null when it never does. */
const closed = (text: string, start: number): number | null => {
  let depth = 1
  let at = start
  for (; at < text.length && depth > 0; at++) {
    if (text[at] === "\\") at++
    else if (text[at] === "{") depth++
    else if (text[at] === "}") depth--
  }
  return depth > 0 ? null : at
}

const opening = /\\(?:f?boxed|fbox|framebox)(?![a-zA-Z])\s*(?:\[[^\]{}]*\]\s*)*/g
/** What a box without braces holds: a number, a choice, a simple fraction or root. */
const bare =
  /(?:[-+]?(?:[0-9][0-9,]*(?:\.[0-9]+)?|\.[0-9]+)(?:\s*\/\s*[0-9]+)?%?|[A-Z](?![a-zA-Z])|[-+]?\\[dt]?frac\s*\{[^{}]*\}\s*\{[^{}]*\}|[-+]?\\sqrt\s*\{[^{}]*\}|\\text\s*\{[^{}]*\})/y

/** The boxes in order; `unfinished` when the last one never closes. A command that is only spoken of is none. */
const boxesOf = (text: string): { readonly boxes: ReadonlyArray<Box>; readonly unfinished: boolean } => {
  const boxes: Array<Box> = []
  let unfinished = false
  for (const open of text.matchAll(opening)) {
    const start = open.index + open[0].length
    // A box in a box.
    if (boxes.length > 0 && open.index < (boxes.at(-1)?.to ?? 0)) continue
    if (text[start] === "{") {
      const to = closed(text, start + 1)
      if (to === null) {
        unfinished = true
        break
      }
      boxes.push({ from: open.index, content: text.slice(start + 1, to - 1).trim(), to })
      continue
    }
    bare.lastIndex = start
    const held = bare.exec(text)
    if (held !== null) boxes.push({ from: open.index, content: held[0].trim(), to: start + held[0].length })
    else if (text.slice(start).trim() === "") unfinished = true
  }
  return { boxes, unfinished }
}

/** What may stand between two boxes of one list: layout, marks, "and", "or". */
const between =
  /^(?:\s|(?<=\n\s*)(?:[-+•]|[0-9]{1,2}[.)])(?=\s)|[$,;.&*~|]|\\\\|\\[,;:!>()[\] ]|\\q?quad(?![a-zA-Z])|\\(?:land|lor|wedge|vee|hspace\{[^{}]*\})(?![a-zA-Z])|(?:\\(?:text|mathrm|textbf|mbox)\s*\{\s*)?(?:,\s*)?(?:and|or)\b(?:\s*,)?\s*\}?|\\text\s*\{\s*[,;]?\s*\})*$/

const percentAfter = /^(?:\s|\$|\\[)\], ])*(?:\\?%|(?:\\text\s*\{\s*)?(?:percent|per\s+cent|pct)\b|\\text\s*\{\s*\\?%)/

/**
 * Where strict mode takes the answer from: the last `\boxed{}`, `\fbox{}` or `\framebox{}` after the thinking; without braces it
 * holds one number, choice, fraction or root. Boxes with nothing between them but layout, commas, "and" or "or" are one list. A
 * reason, when there is none, or the last one never closes.
 *
 * @category extraction
 */
export const extract = (response: string): Found | { readonly missing: string } => {
  const text = Extract.afterThinking(response)
  if (text === null) return { missing: "the thinking never ends, so there is no answer after it" }
  const found = boxesOf(text)
  if (found.unfinished) return { missing: "the last \\boxed{...} never closes: the response was cut" }
  const boxes = [...found.boxes]
  const last = boxes.pop()
  if (last === undefined) return { missing: "no \\boxed{...} after the thinking" }
  let answer = last.content
  const seen = new Set([answer])
  let { from } = last
  for (let box = boxes.pop(); box !== undefined; box = boxes.pop()) {
    const gap = text.slice(box.to, from)
    if (gap.length > 60 || !between.test(gap)) break
    if (!seen.has(box.content))
      answer = `${box.content}${/\bor\b|\\lor|\\vee/.test(gap) ? "\\text{ or }" : ", "}${answer}`
    seen.add(box.content)
    ;({ from } = box)
  }
  const percent = seen.size === 1 && !/%|percent/.test(answer) && percentAfter.test(text.slice(last.to, last.to + 40))
  return percent ? { answer, percent } : { answer }
}
