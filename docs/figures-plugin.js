// Interactive figures: `<div class="lpo-simplex-figure"></div>` in a guide becomes one. The script is bundled from the package's
// own sources and copied beside the pages, so that the site needs no network.
import { join } from "node:path"
import { JSX } from "typedoc"
import { buildFigures } from "./figures/build.ts"

const marker = "lpo-simplex-figure"

/** TypeDoc calls this: pages with a figure load its script, which is written with the pages. */
export const load = (app) => {
  app.renderer.hooks.on("body.end", (context) => {
    const parts = context.page.model.content ?? []
    return parts.some(({ text }) => text.includes(marker))
      ? JSX.createElement("script", { src: context.relativeURL("assets/figures/simplex.js") })
      : JSX.createElement(JSX.Fragment, null)
  })
  app.renderer.postRenderAsyncJobs.push(({ outputDirectory }) =>
    buildFigures(join(outputDirectory, "assets", "figures")),
  )
}
