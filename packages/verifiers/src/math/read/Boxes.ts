/** Where strict maths takes the answer from: the boxes of a response. */
import * as Extract from "./Extract.ts"

const between = /^[\s$,;.]*(?:(?:\\text\s*\{\s*)?(?:and|or)\b(?:\s*\})?)?[\s$,;.]*$/

/**
 * Where strict mode takes the answer from: the last `\boxed{}` or `\fbox{}` after the thinking. Boxes with nothing but
 * a comma, "and" or "or" between them are one list. A reason, when there is none.
 *
 * @category extraction
 */
export const extract = (response: string): { readonly answer: string } | { readonly missing: string } => {
  const text = Extract.afterThinking(response)
  if (text === null) return { missing: "the thinking never ends: no answer outside of it" }
  const boxes: Array<{ readonly from: number; readonly content: string; readonly to: number }> = []
  for (const open of text.matchAll(/\\f?box(?:ed)?\s*\{/g)) {
    // A box in a box.
    if (boxes.length > 0 && open.index < (boxes.at(-1)?.to ?? 0)) continue
    let depth = 1
    let at = open.index + open[0].length
    for (; at < text.length && depth > 0; at++) {
      if (text[at] === "\\") at++
      else if (text[at] === "{") depth++
      else if (text[at] === "}") depth--
    }
    if (depth > 0) break
    boxes.push({ from: open.index, content: text.slice(open.index + open[0].length, at - 1).trim(), to: at })
  }
  const last = boxes.pop()
  if (last === undefined) return { missing: "no \\boxed{...} after the thinking" }
  let answer = last.content
  const seen = new Set([answer])
  let { from } = last
  for (let box = boxes.pop(); box !== undefined; box = boxes.pop()) {
    const gap = text.slice(box.to, from)
    if (gap.length > 40 || !between.test(gap) || !/[,;$a-z]/.test(gap)) break
    if (!seen.has(box.content)) answer = `${box.content}${/\bor\b/.test(gap) ? "\\text{ or }" : ", "}${answer}`
    seen.add(box.content)
    ;({ from } = box)
  }
  return { answer }
}
