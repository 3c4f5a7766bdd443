/** `<div class="lpo-simplex-figure"></div>` in a page, which every reader of Markdown leaves alone, becomes the interactive figure. */
import type { MarkdownRenderer } from "vitepress"

const place = /<div class="lpo-(\w+)-figure"><\/div>/g

const component = (name: string): string => `${name.slice(0, 1).toUpperCase()}${name.slice(1)}Figure`

export const figures = (md: MarkdownRenderer): void => {
  const render = md.renderer.rules.html_block
  md.renderer.rules.html_block = (tokens, index, ...rest) => {
    const token = tokens[index]
    token.content = token.content.replace(place, (_, name: string) => `<${component(name)} />`)
    return render === undefined ? token.content : render(tokens, index, ...rest)
  }
}
