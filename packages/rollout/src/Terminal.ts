/**
 * Texts of models, servers and files, as a terminal may show them.
 *
 * @module
 */
import "./SupportedNode.ts"

// Control characters but for tab and newline, those of C1, and what turns the direction of writing.
// oxlint-disable-next-line no-control-regex -- these are what it is about.
const unseen = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g

const escaped = (character: string): string =>
  character === "\r" ? "\\r" : `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`

/**
 * The text with its control characters written out, so that it can neither move the cursor, set the title or the clipboard, nor look like
 * another text. Newlines and tabs stay.
 *
 * ```ts
 * Terminal.visible("\u001b[2Jall right") // "\\u001b[2Jall right"
 * ```
 *
 * @category combinators
 */
export const visible = (text: string): string => text.replace(unseen, escaped)

/**
 * A number of things in words: `1 row`, `2 rows`.
 *
 * @category combinators
 */
export const counted = (n: number, thing: string): string => `${n} ${thing}${n === 1 ? "" : "s"}`

// oxlint-disable-next-line no-control-regex -- the codes of colours.
const colour = /\u001b\[[0-9;]*m/g

const widthOf = (text: string): number => text.replace(colour, "").length

/** A line cut between its words, all but the first part indented as its last column is. */
const cut = (line: string, columns: number): ReadonlyArray<string> => {
  const plain = line.replace(colour, "")
  const head = /^ *(?:\S.*? {2,}(?=\S))?/.exec(plain)?.[0].length ?? 0
  const indent = head <= columns / 2 ? head : 6
  const parts: Array<string> = []
  let part = ""
  for (const word of line.split(/(?<=[^ ]) (?=[^ ])/)) {
    if (part === "") part = word
    else if (widthOf(part) + 1 + widthOf(word) <= columns) part += ` ${word}`
    else {
      parts.push(part)
      part = " ".repeat(indent) + word
    }
  }
  return [...parts, part]
}

/**
 * A text of lines, no line longer than so many columns where there is a space to break it at. What goes on in the next line stands under
 * the last column of a table. Colours take no room. `undefined` columns, as a pipe has: the text as it is.
 *
 * ```ts
 * Terminal.wrapped("  --k  Responses per prompt", 20) // "  --k  Responses\n       per prompt"
 * ```
 *
 * @category combinators
 */
export const wrapped = (text: string, columns: number | undefined): string =>
  columns === undefined
    ? text
    : text
        .split("\n")
        .flatMap((line) => (widthOf(line) > columns ? cut(line, columns) : [line]))
        .join("\n")

/**
 * Ends `program` with 1 and one line when its output cannot be written any more, as on a full disk: whoever keeps it would else keep half
 * and hear that all is well. A reader that is gone (`| head`) is left to `closed`.
 */
export const watchOutput = (program: string, closed: () => void): void => {
  let isEnding = false
  for (const stream of [process.stdout, process.stderr])
    stream.on("error", (error: NodeJS.ErrnoException) => {
      // EIO: the terminal is gone.
      if (error.code === "EPIPE" || error.code === "EIO") return closed()
      if (isEnding) process.exit(1)
      isEnding = true
      const line = `${program}: the output cannot be written (${error.message}); free space, or send it elsewhere\n`
      process.stderr.write(line, () => process.exit(1))
    })
}
