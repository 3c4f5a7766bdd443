/** Elements in a line. */

export const html = <K extends keyof HTMLElementTagNameMap>(
  tag: K,
  properties: Partial<HTMLElementTagNameMap[K]> = {},
  ...children: ReadonlyArray<Node | string>
): HTMLElementTagNameMap[K] => {
  const element = Object.assign(document.createElement(tag), properties)
  element.append(...children)
  return element
}

export const svg = (tag: string, attributes: Readonly<Record<string, string | number>> = {}, text = ""): SVGElement => {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag)
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value))
  if (text !== "") element.textContent = text
  return element
}

/** A labelled choice among named things. */
export const choose = <K extends string>(
  label: string,
  names: Readonly<Record<K, string>>,
  change: (key: K) => void,
): { readonly row: HTMLLabelElement; readonly select: HTMLSelectElement } => {
  const select = html("select")
  for (const [key, name] of Object.entries(names))
    select.append(html("option", { value: key, textContent: String(name) }))
  select.addEventListener("change", () => change(select.value as K))
  return { row: html("label", {}, html("span", { textContent: label }), select), select }
}
