/**
 * Texts of models, servers and files, as a terminal may show them.
 *
 * @module
 */

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
