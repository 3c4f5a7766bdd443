/** The site: guides and reference as pages, built into `docs/site`. */
import { readFileSync } from "node:fs"
import { defineConfig } from "vitepress"
import { defaultClientConditions, defaultServerConditions } from "vite"
import { dialog } from "./dialog.ts"
import { figures } from "./figures.ts"
import { math } from "./math.ts"
import { guides, reference } from "./navigation.ts"
import { miniSearch } from "./search.ts"
import { writeText } from "./text.ts"

interface Manifest {
  readonly version: string
  readonly repository?: { readonly url: string }
}
const manifest = JSON.parse(
  readFileSync(new URL("../../packages/simplex/package.json", import.meta.url), "utf8"),
) as Manifest
/** Where the sources are, once the packages say it. */
const repository = manifest.repository?.url.replace(/^git\+/, "").replace(/\.git$/, "")

/** Packages are taken from their sources, as the tests do. */
const conditions = (standard: ReadonlyArray<string>) => ({ conditions: ["@lpo/source", ...standard] })

// Relative: the site works under any path. LPO_DOCS_BASE=/lpo/ sets one.
const base = process.env["LPO_DOCS_BASE"] ?? "./"

export default defineConfig({
  lang: "en",
  title: "LPO",
  description: "Listwise Policy Optimization in TypeScript: train language models with verifiable rewards",
  base,
  outDir: "./site",
  cacheDir: "./node_modules/.cache/vitepress",
  srcExclude: ["node_modules/**", "site/**", "test/**"],
  // Otherwise a page fetches all that its navigation leads to.
  router: { prefetchLinks: false },
  // Head tags are not made relative to their page.
  transformHead: ({ page }) => {
    const root = base === "./" ? "../".repeat(page.split("/").length - 1) : base
    return [["link", { rel: "icon", type: "image/svg+xml", href: `${root}favicon.svg` }]]
  },
  markdown: {
    config: (md) => {
      math(md)
      figures(md)
    },
  },
  vite: {
    // The index of the search, which is loaded when somebody searches.
    build: { chunkSizeWarningLimit: 4000 },
    resolve: conditions(defaultClientConditions),
    ssr: { resolve: conditions(defaultServerConditions) },
    // Of the training page; it loads its backend when it starts.
    worker: { format: "es" },
    plugins: [dialog],
  },
  buildEnd: writeText,
  themeConfig: {
    siteTitle: "LPO",
    logo: "/favicon.svg",
    outline: [2, 3],
    nav: [
      { text: "Try it", link: "/guides/live" },
      { text: "Guides", link: "/guides/quickstart", activeMatch: "/guides/(?!live)" },
      { text: "Reference", link: "/reference/", activeMatch: "/reference/" },
      repository === undefined
        ? { text: `v${manifest.version}`, link: "/reference/" }
        : { text: `v${manifest.version}`, link: `${repository}/releases` },
    ],
    sidebar: {
      "/guides/": [...guides()],
      "/reference/": [...reference()],
    },
    search: { provider: "local", options: { miniSearch } },
    ...(repository === undefined
      ? {}
      : {
          socialLinks: [{ icon: "github", link: repository }],
          editLink: { pattern: `${repository}/edit/main/docs/:path`, text: "Edit this page" },
        }),
  },
})
