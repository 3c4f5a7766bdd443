/** What goes with a release: the addresses in the packages, and files that tools read. */
import { spawnSync } from "node:child_process"
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { expect, it } from "vitest"
import { published } from "../../scripts/published.ts"

const root = fileURLToPath(new URL("../..", import.meta.url))
const read = (file: string): string => readFileSync(join(root, file), "utf8")

const withPackages = <A>(use: (folder: string) => A): A => {
  const folder = mkdtempSync(join(tmpdir(), "lpo-metadata-"))
  try {
    for (const path of published(root)) {
      mkdirSync(join(folder, path), { recursive: true })
      cpSync(join(root, path, "package.json"), join(folder, path, "package.json"))
    }
    return use(folder)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const write = (cwd: string, url: string) =>
  spawnSync(process.execPath, ["--disable-warning=ExperimentalWarning", join(root, "scripts/metadata.ts"), url], {
    cwd,
    encoding: "utf8",
  })

it.each([
  "https://example.org/someone/fork",
  "https://example.org/someone/fork.git",
  "https://example.org/someone/fork/",
])("every package points at %s", (url) =>
  withPackages((folder) => {
    expect(write(folder, url).status).toBe(0)
    for (const path of published(root)) {
      const before = JSON.parse(read(`${path}/package.json`)) as object
      const after: unknown = JSON.parse(readFileSync(join(folder, path, "package.json"), "utf8"))
      expect(after).toEqual({
        ...before,
        homepage: `https://example.org/someone/fork/tree/main/${path}#readme`,
        bugs: "https://example.org/someone/fork/issues",
        repository: { type: "git", url: "git+https://example.org/someone/fork.git", directory: path },
      })
    }
  }),
)

it.each(["", "fork", "http://example.org/someone/fork", "https://example.org/", "file:///someone/fork"])(
  "an address that is none is refused: %j",
  (url) =>
    withPackages((folder) => {
      const { status, stderr } = write(folder, url)
      expect([status, stderr]).toEqual([2, expect.stringContaining(JSON.stringify(url))])
      expect(readFileSync(join(folder, "packages/simplex/package.json"), "utf8")).toBe(
        read("packages/simplex/package.json"),
      )
    }),
)

it("every package is found by what it is for, and ships its licence and notices", () => {
  for (const path of published(root)) {
    const { files, keywords, license } = JSON.parse(read(`${path}/package.json`)) as Record<string, unknown>
    expect(keywords).toEqual(expect.arrayContaining(["listwise", "lpo", "reinforcement-learning", "rlvr"]))
    expect(license).toBe("Apache-2.0")
    expect(files).toEqual(expect.arrayContaining(["LICENSE", "NOTICE"]))
    for (const file of ["LICENSE", "NOTICE"]) expect(read(`${path}/${file}`)).toBe(read(file))
  }
})

it("a release runs what every change runs", () => {
  const runs = (file: string) =>
    [...read(`.github/workflows/${file}`).matchAll(/run: (.+)$/gm)].map(([, command]) => command)
  const { scripts } = JSON.parse(read("package.json")) as { readonly scripts: Record<string, string> }
  for (const file of ["ci.yml", "release.yml"]) {
    expect(runs(file)).toContain("bash .ci/run")
    for (const command of runs(file)) {
      const script = /^npm run (\w+)/.exec(command)?.[1]
      if (script !== undefined) expect(Object.keys(scripts)).toContain(script)
    }
  }
})
