/**
 * Formulas: `$...$` and `$$...$$` are set by KaTeX when the site is built, so that pages need no script for them. Bad TeX fails the
 * build.
 */
import markdownItKatex from "@vscode/markdown-it-katex"
import katex from "katex"
import type { MarkdownRenderer } from "vitepress"

const renderer = {
  renderToString: (tex: string, options: katex.KatexOptions): string => {
    const html = katex.renderToString(tex, { ...options, throwOnError: true, strict: "error" })
    // Braces of TeX are not a template's. A formula of its own line scrolls where it is too wide, by the keyboard too.
    return html.replace("<span", options.displayMode === true ? '<span v-pre tabindex="0"' : "<span v-pre")
  },
}

export const math = (md: MarkdownRenderer): void => {
  const plugin: unknown = "default" in markdownItKatex ? markdownItKatex.default : markdownItKatex
  md.use(plugin as (md: MarkdownRenderer, options: object) => void, { katex: renderer })
}
