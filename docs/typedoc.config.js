/** The reference as Markdown, from the packages' docstrings into `docs/reference`. */
/** @type {Partial<import("typedoc").TypeDocOptions> & Partial<import("typedoc-plugin-markdown").PluginOptions>} */
export default {
  name: "Reference",
  out: "reference",
  plugin: ["typedoc-plugin-markdown", "./reference-plugin.js"],
  router: "lpo",
  entryPointStrategy: "packages",
  entryPoints: ["simplex", "rollout", "verifiers", "trainer", "eval", "transformer", "tinker"].map(
    (p) => `../packages/${p}`,
  ),
  packageOptions: {
    entryPoints: ["src/index.ts"],
    tsconfig: "tsconfig.src.json",
    readme: "none",
    // Otherwise every Schema class lists Effect's statics.
    excludeExternals: true,
    excludeInternal: true,
    validation: { notExported: false },
    // A checkout without a remote must build the same site.
    disableSources: true,
    jsDocCompatibility: { exampleTag: false },
  },
  readme: "none",
  entryFileName: "index",
  hideBreadcrumbs: true,
  hidePageHeader: true,
  hideGroupHeadings: false,
  useCodeBlocks: true,
  expandParameters: true,
  expandObjects: true,
  parametersFormat: "none",
  propertiesFormat: "table",
  interfacePropertiesFormat: "table",
  classPropertiesFormat: "table",
  typeAliasPropertiesFormat: "table",
  typeDeclarationFormat: "table",
  indexFormat: "table",
  sortEntryPoints: false,
  categorizeByGroup: false,
  validation: { invalidLink: true, invalidPath: true, notExported: false, notDocumented: false },
  treatValidationWarningsAsErrors: true,
}
