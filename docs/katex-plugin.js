// Formulas: `$...$` and `$$...$$` are set by KaTeX when the site is built, so that pages need no script and no network.
// Bad TeX fails the build.
import { cp, mkdir } from "node:fs/promises"
import { createRequire } from "node:module"
import { dirname, join } from "node:path"
import markdownItKatex from "@vscode/markdown-it-katex"
import katex from "katex"
import { JSX, PageEvent, RendererEvent } from "typedoc"

const assets = dirname(createRequire(import.meta.url).resolve("katex/dist/katex.min.css"))
const failures = []

const renderer = {
  renderToString: (tex, options) => {
    try {
      return katex.renderToString(tex, { ...options, throwOnError: true, strict: "error" })
    } catch (cause) {
      failures.push(`KaTeX cannot set ${JSON.stringify(tex)}: ${cause.message}`)
      return ""
    }
  },
}

/** The `markdownItLoader` of typedoc.config.js. */
export const math = (md) => md.use(markdownItKatex.default ?? markdownItKatex, { katex: renderer })

/** TypeDoc calls this: every page links the style sheet, which is copied with its fonts when the pages are written. */
export const load = (app) => {
  app.renderer.hooks.on("head.end", (context) =>
    JSX.createElement("link", { rel: "stylesheet", href: context.relativeURL("assets/katex/katex.min.css") }),
  )
  // TypeDoc adds the icons to every page by script: pointing at these from the start, a page opened from disk logs no error.
  app.renderer.on(PageEvent.END, (page) => {
    page.contents = page.contents?.replaceAll(/href="[^"]*assets\/icons\.svg#/g, 'href="#')
  })
  app.renderer.on(RendererEvent.END, () => {
    for (const failure of failures.splice(0)) app.logger.error(failure)
  })
  app.renderer.postRenderAsyncJobs.push(async ({ outputDirectory }) => {
    const out = join(outputDirectory, "assets", "katex")
    await mkdir(out, { recursive: true })
    await cp(join(assets, "katex.min.css"), join(out, "katex.min.css"))
    await cp(join(assets, "fonts"), join(out, "fonts"), { recursive: true })
  })
}
