// Bundles the figures for the site: one classic script each, since a page opened from disk may not load modules.
import { fileURLToPath } from "node:url"
import { rolldown } from "rolldown"

/** Writes `simplex.js` into `folder`. */
export const buildFigures = async (folder: string): Promise<void> => {
  const bundle = await rolldown({
    input: fileURLToPath(new URL("simplex/main.ts", import.meta.url)),
    platform: "browser",
    resolve: { conditionNames: ["@lpo/source", "import", "default"] },
    logLevel: "warn",
  })
  await bundle.write({ file: `${folder}/simplex.js`, format: "iife", minify: true })
  await bundle.close()
}
