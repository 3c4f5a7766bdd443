/** Puts text and data into a page, never as markup. */

/** @category text */
export const escape = (text: string): string =>
  text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;").replace(/"/g, "&quot;")

/** JSON that cannot end its script element. @category text */
export const embed = (value: unknown): string => JSON.stringify(value).replace(/</g, String.raw`\u003c`)

/** Names with values. @category text */
export const facts = (values: Readonly<Record<string, string>>): string =>
  `<dl class="facts">${Object.entries(values)
    .map(([name, value]) => `<div><dt>${escape(name)}</dt><dd>${escape(value)}</dd></div>`)
    .join("")}</dl>`

/** A table; cells after the first are numbers, aligned right. @category text */
export const table = (
  caption: string,
  head: ReadonlyArray<string>,
  rows: ReadonlyArray<ReadonlyArray<string>>,
): string => {
  const cell = (tag: "td" | "th", scope: string) => (text: string, i: number) =>
    `<${tag}${scope}${i > 0 ? ' class="n"' : ""}>${escape(text)}</${tag}>`
  return `<div class="scroll" tabindex="0" role="region" aria-label="${escape(caption)}"><table><caption>${escape(caption)}</caption><thead><tr>${head
    .map(cell("th", ' scope="col"'))
    .join(
      "",
    )}</tr></thead><tbody>${rows.map((row) => `<tr>${row.map(cell("td", "")).join("")}</tr>`).join("")}</tbody></table></div>`
}
