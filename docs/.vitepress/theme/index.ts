/** VitePress' own theme, with the formulas' style sheet and the figures. */
import DefaultTheme from "vitepress/theme"
import "katex/dist/katex.min.css"
import "./style.css"
import type { Theme } from "vitepress"
import { type Component, defineAsyncComponent } from "vue"

/** A page with `<div class="lpo-name-figure"></div>` loads `docs/figures/NameFigure.vue`; other pages do not. */
const figures = import.meta.glob<{ default: Component }>("../../figures/*.vue")

export default {
  extends: DefaultTheme,
  enhanceApp: ({ app }) => {
    for (const [path, load] of Object.entries(figures)) {
      const name = /(\w+)\.vue$/.exec(path)?.[1]
      if (name !== undefined) app.component(name, defineAsyncComponent(load))
    }
  },
} satisfies Theme
