/** What a package publishes is its table of contents: each module of `index.ts`, by its name, and nothing else. */
import { readdirSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { expect, it } from "vitest"

const root = fileURLToPath(new URL("../../packages", import.meta.url))

it.each(readdirSync(root))("%s", (name) => {
  const manifest = JSON.parse(readFileSync(`${root}/${name}/package.json`, "utf8")) as { readonly exports: object }
  const index = readFileSync(`${root}/${name}/src/index.ts`, "utf8")
  const modules = [...index.matchAll(/^export \* as (\w+) from "\.\/(.+)\.ts"$/gm)].map(([, module, path]) => [
    `./${module}`,
    { "@lpo/source": `./src/${path}.ts`, types: `./dist/${path}.d.ts`, default: `./dist/${path}.js` },
  ])
  expect(modules.length).toBeGreaterThan(3)
  expect(manifest.exports).toEqual({
    ".": { "@lpo/source": "./src/index.ts", types: "./dist/index.d.ts", default: "./dist/index.js" },
    ...Object.fromEntries(modules),
    ...(name === "transformer" ? { "./kernels.wasm": "./wasm/kernels.wasm" } : {}),
    "./package.json": "./package.json",
  })
})
