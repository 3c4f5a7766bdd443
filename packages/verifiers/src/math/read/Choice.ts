/** Choices of a list: `C`, `(C)`, `C)`, `[C]`, "Option C", `C: text`, `\textbf{(C)}\ 12`. */

/** `rest`: what stands after the letter, null when nothing does. @category models */
export interface Choice {
  readonly letter: string
  readonly rest: string | null
}

const command = /\\(?:text|textbf|textit|textrm|mathrm|mathbf|mathsf|mbox|bm|boldsymbol)(?![a-zA-Z])\s*/g
const alone = /^(?:(?:the\s+)?(?:option|choice|answer|statement)\s*:?\s*)?[([{]*\s*([A-J])\s*[)\]}]*\s*[.:),]?$/i
const marked =
  /^(?:(?:option|choice|answer)\s*:?\s*)?(?:[([]\s*([A-J])\s*[)\]]|([A-J])\s*(?:[):]|\.\s))[:.,]?\s*(\S[^]*)$/i

/** A second choice among the words after the first: a hedge. */
const another = /^(?:or|and|not|,|\/|&)(?![a-zA-Z])|(?:^|[^a-zA-Z\\(])(?:[([]\s*[A-J]\s*[)\]]|[A-J]\s*[):.](?=\s|$))/
const isHedge = ({ letter, rest }: Choice): boolean => {
  if (rest === null) return false
  const words = rest.replaceAll(command, "").replaceAll(/[{}]/g, " ").trim()
  const other = alone.exec(words)
  return other === null ? another.test(words) : other[1].toUpperCase() !== letter.toUpperCase()
}

/** The choice that an answer is; null for any other. A small letter counts only when nothing else does. @category reading */
export const read = (answer: string): Choice | null => {
  if (!/(?<![a-zA-Z])[A-Ja-j](?![a-zA-Z])/.test(answer)) return null
  const text = answer
    .replaceAll(/\\[ ,;:!()[\]]|\\q?quad(?![a-zA-Z])|[$~]/g, " ")
    .replaceAll(/\\(?:left|right)(?![a-zA-Z])/g, "")
    .replaceAll(command, "")
    .trim()
  const plain = text.replaceAll(/[{}]/g, " ").trim().replaceAll(/\s+/g, " ")
  const one = alone.exec(plain)
  if (one !== null) return { letter: one[1], rest: null }
  const more = marked.exec(plain)
  if (more === null) return null
  // The rest as it was written, braces and all.
  const from = answer.search(/[A-J]\s*[)\]:.]/i)
  const tail = answer.slice(from + 1).replace(/^[\s)\]:.}]+/, "")
  const rest = tail
    .replace(/^(?:\\[ ,;:!]|\\q?quad(?![a-zA-Z])|[\s~$}:.,])+/, "")
    .replace(/\}$/, (brace) => ((tail.match(/\{/g)?.length ?? 0) < (tail.match(/\}/g)?.length ?? 0) ? "" : brace))
  const letter = more[1] ?? more[2]
  return { letter, rest: rest.trim() === "" ? null : rest.trim() }
}

/** As `read`, of a policy's answer: one that names another choice after the first is none. @category reading */
export const readOne = (answer: string): Choice | null => {
  const found = read(answer)
  return found === null || isHedge(found) ? null : found
}
