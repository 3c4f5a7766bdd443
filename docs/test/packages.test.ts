/** What a package publishes: each module of `index.ts`, by its name, and nothing else; each refuses a Node that is too old. */
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { SupportedNode } from "@lpo/rollout"
import { build } from "esbuild"
import { expect, it } from "vitest"

const root = fileURLToPath(new URL("../..", import.meta.url))
const names = readdirSync(join(root, "packages"))

interface Manifest {
  readonly name: string
  readonly engines: { readonly node: string }
  readonly exports: Readonly<Record<string, string | { readonly "@lpo/source": string }>>
}

const manifests = names.map(
  (name) => [name, JSON.parse(readFileSync(join(root, `packages/${name}/package.json`), "utf8")) as Manifest] as const,
)

const entry = (path: string) => ({
  "@lpo/source": `./src/${path}.ts`,
  types: `./dist/${path}.d.ts`,
  default: `./dist/${path}.js`,
})

// `CommandLine` is reached by its path alone: it is for programs, and brings the library of command lines along.
it.each(manifests)("%s", (name, manifest) => {
  const index = readFileSync(join(root, `packages/${name}/src/index.ts`), "utf8")
  const modules = [...index.matchAll(/^export \* as (\w+) from "\.\/(.+)\.ts"$/gm)].map(([, module, path]) => [
    `./${module}`,
    entry(path),
  ])
  expect(modules.length).toBeGreaterThan(3)
  expect(manifest.exports).toEqual({
    ".": entry("index"),
    ...Object.fromEntries(modules),
    ...(name === "rollout" ? { "./CommandLine": entry("CommandLine") } : {}),
    ...(name === "transformer" ? { "./kernels.wasm": "./wasm/kernels.wasm" } : {}),
    "./package.json": "./package.json",
  })
})

/** The source of each entry point, by the specifier that imports it. */
const sources = new Map(
  manifests.flatMap(([name, { exports, name: scoped }]) =>
    Object.entries(exports).flatMap(([path, file]) =>
      typeof file === "string" ? [] : [[scoped + path.slice(1), join("packages", name, file["@lpo/source"])] as const],
    ),
  ),
)

it("every entry point imports what refuses a Node that is too old", async () => {
  const oldest = `>=${SupportedNode.oldest}`
  const refusing = manifests.filter(([, { engines }]) => engines.node === oldest).map(([, { name }]) => name)
  expect(refusing).toHaveLength(names.length - 1)
  const { metafile } = await build({
    entryPoints: [...sources.values()],
    absWorkingDir: root,
    bundle: true,
    splitting: true,
    packages: "external",
    platform: "node",
    format: "esm",
    outdir: "out",
    write: false,
    metafile: true,
    logLevel: "silent",
  })
  /** Whether a file imports another, in however many steps; types are no imports. */
  const reaches = (file: string, target: string, seen: Set<string>): boolean => {
    if (file === target) return true
    if (seen.has(file)) return false
    seen.add(file)
    const next = metafile.inputs[file]?.imports ?? []
    return next
      .filter(({ kind }) => kind === "import-statement")
      .some(({ path }) => reaches(sources.get(path) ?? path, target, seen))
  }
  const check = sources.get("@lpo/rollout/SupportedNode") as string
  const open = [...sources].filter(([, file]) => !reaches(file, check, new Set())).map(([entry]) => entry)
  expect(open.filter((entry) => refusing.some((name) => entry === name || entry.startsWith(`${name}/`)))).toEqual([])
})
