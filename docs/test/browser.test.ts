/** The entry points that docs/guides/browser.md names for a browser, bundled from sources: no import of Node is among what they reach. */
import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { build, type BuildFailure } from "esbuild"
import { expect, it } from "vitest"

const root = fileURLToPath(new URL("../..", import.meta.url))
const guide = readFileSync(`${root}/docs/guides/browser.md`, "utf8")
const entries = [...guide.matchAll(/^\| `(@lpo\/[^`]+)` \|/gm)].map(([, entry]) => entry)

/** What a bundler for browsers cannot find, and who asks for it; what it warns of; what it leaves to the browser to find. */
const missing = async (entryPoints: ReadonlyArray<string>): Promise<ReadonlyArray<string>> => {
  try {
    const { metafile, warnings } = await build({
      entryPoints: [...entryPoints],
      absWorkingDir: root,
      bundle: true,
      splitting: true,
      platform: "browser",
      format: "esm",
      conditions: ["@lpo/source"],
      outdir: "out",
      write: false,
      metafile: true,
      logLevel: "silent",
    })
    const left = Object.values(metafile.outputs).flatMap(({ imports }) => imports.filter(({ external }) => external))
    return [...warnings.map(({ text }) => text), ...left.map(({ path }) => path)]
  } catch (cause) {
    return (cause as BuildFailure).errors.map(({ location, text }) => `${location?.file}: ${text}`)
  }
}

it("need no Node", async () => {
  for (const entry of ["@lpo/simplex", "@lpo/trainer/Lpo", "@lpo/trainer/Trainer", "@lpo/transformer/Browser"])
    expect(entries).toContain(entry)
  expect(await missing(entries)).toEqual([])
})

it("an entry point that needs Node would be named", async () => {
  expect((await missing(["@lpo/simplex", "@lpo/rollout/RegularFile"])).join("\n")).toMatch(
    /^packages\/rollout\/src\/RegularFile\.ts: .*node:fs/m,
  )
})
