import { math } from "./katex-plugin.js"

/** @type {Partial<import("typedoc").TypeDocOptions>} */
export default {
  name: "LPO",
  out: "site",
  customCss: "site.css",
  readme: "index.md",
  projectDocuments: [
    "guides/quickstart.md",
    "guides/your-own-data.md",
    "guides/presets.md",
    "guides/datasets.md",
    "guides/theory.md",
    "guides/walk.md",
    "guides/objectives.md",
    "guides/simplex/index.md",
    "guides/verifiers/index.md",
    "guides/runs.md",
    "guides/trackers.md",
    "guides/rollouts.md",
    "guides/engine.md",
    "guides/gpu.md",
    "guides/tfjs-node.md",
    "guides/cluster.md",
    "guides/models.md",
    "guides/evaluation.md",
    "guides/results.md",
    "guides/security.md",
  ],
  entryPointStrategy: "packages",
  entryPoints: ["simplex", "rollout", "verifiers", "trainer", "eval", "transformer", "tinker"].map(
    (p) => `../packages/${p}`,
  ),
  packageOptions: {
    entryPoints: ["src/index.ts"],
    tsconfig: "tsconfig.src.json",
    readme: "README.md",
    // Otherwise every Schema class lists Effect's statics.
    excludeExternals: true,
    excludeInternal: true,
    validation: { notExported: false },
    // A checkout without a remote must build the same site.
    disableSources: true,
    jsDocCompatibility: { exampleTag: false },
  },
  plugin: ["typedoc-github-theme", "typedoc-plugin-mdn-links", "./katex-plugin.js", "./figures-plugin.js"],
  // A plugin cannot set this one: TypeDoc discards it.
  markdownItLoader: math,
  highlightLanguages: ["ts", "js", "json", "sh", "python", "html"],
  markdownLinkExternal: false,
  customFooterHtml: "Apache-2.0",
  hideGenerator: true,
  navigation: { includeCategories: false, includeGroups: false },
  sortEntryPoints: false,
  categorizeByGroup: false,
  validation: { invalidLink: true, invalidPath: true, notExported: false, notDocumented: false },
  treatValidationWarningsAsErrors: true,
}
