/**
 * `npm run checks -- supply`: the contents of the tarballs and their dependencies. LICENSE and NOTICE are in every tarball,
 * THIRD-PARTY-NOTICES.md lists what the packages install (`--write` makes it again), the bill of materials (CycloneDX) goes to
 * `dist/bom.json`, and `npm audit` finds nothing, if it can be reached.
 */
import { execFileSync } from "node:child_process"
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import * as Arguments from "../../bench/shared/Arguments.ts"
import { published } from "../../scripts/published.ts"
import * as Report from "../shared/Report.ts"

interface Entry {
  readonly version?: string
  readonly license?: string
  readonly dev?: boolean
  readonly devOptional?: boolean
  readonly link?: boolean
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

const { write } = Arguments.read("npm run checks -- supply", {
  write: Arguments.flag("make THIRD-PARTY-NOTICES.md again"),
})
const lock = JSON.parse(readFileSync("package-lock.json", "utf8")) as { packages: Record<string, Entry> }

/** Where Node finds `name` from the package at `path`; null where it is not installed. */
const resolve = (path: string, name: string): string | null => {
  for (let at = path; ; at = at.includes("/node_modules/") ? at.slice(0, at.lastIndexOf("/node_modules/")) : "") {
    const found = at === "" ? `node_modules/${name}` : `${at}/node_modules/${name}`
    if (lock.packages[found] !== undefined) return found
    if (at === "") return null
  }
}

/** What the published packages install: their dependencies, and those of these. */
const installed = (): ReadonlyMap<string, string> => {
  const found = new Map<string, string>()
  const seen = new Set<string>()
  const visit = (path: string): void => {
    const entry = lock.packages[path]
    if (entry === undefined || seen.has(path)) return
    seen.add(path)
    if (path.includes("node_modules/") && entry.link !== true) {
      const name = path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length)
      found.set(`${name} ${entry.version ?? ""}`, entry.license ?? "not given")
    }
    for (const name of Object.keys({ ...entry.dependencies, ...entry.optionalDependencies })) {
      const next = resolve(path, name)
      if (next !== null) visit(next)
    }
  }
  for (const folder of published(".")) visit(folder)
  return found
}

const file = "THIRD-PARTY-NOTICES.md"
const notices = (): string => {
  const byLicence = new Map<string, Array<string>>()
  for (const [name, licence] of installed()) byLicence.set(licence, [...(byLicence.get(licence) ?? []), name])
  const parts = [...byLicence]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([licence, entries]) => {
      const lines = entries.map((name) => `- ${name}`).sort()
      return `## ${licence}\n\n${lines.join("\n")}\n`
    })
  return `# Third-party notices

What npm installs with the packages, by licence. None of it is in the packages' own tarballs, and none of it is changed.
Pyodide (MPL-2.0) has its source at https://github.com/pyodide/pyodide.

${parts.join("\n")}`
}

/** The paths of a package's tarball. */
const packed = (folder: string): ReadonlyArray<string> => {
  const said = execFileSync("npm", ["pack", "--dry-run", "--ignore-scripts", "--json"], {
    cwd: folder,
    encoding: "utf8",
  })
  const [{ files }] = JSON.parse(said) as ReadonlyArray<{ readonly files: ReadonlyArray<{ readonly path: string }> }>
  return files.map(({ path }) => path)
}

if (write) writeFileSync(file, notices())
const report = Report.make("supply")
for (const folder of published(".")) {
  const files = packed(folder)
  for (const wanted of ["LICENSE", "NOTICE"]) {
    const isSame = readFileSync(join(folder, wanted), "utf8") === readFileSync(wanted, "utf8")
    report.add(`${folder}: ${wanted} is in the tarball, as at the root`, files.includes(wanted) && isSame)
  }
}
report.add(`${file} lists what is installed`, readFileSync(file, "utf8") === notices(), "--write makes it again")
const unknown = [...installed()].filter(([, licence]) => licence === "not given").map(([name]) => name)
report.add("every package states its licence", unknown.length === 0, unknown.join(", "))

const bom = execFileSync("npm", ["sbom", "--sbom-format", "cyclonedx", "--omit", "dev", "--package-lock-only"], {
  encoding: "utf8",
  maxBuffer: 2 ** 28,
})
mkdirSync("dist", { recursive: true })
writeFileSync("dist/bom.json", bom)
const { components } = JSON.parse(bom) as { readonly components: ReadonlyArray<{ readonly name: string }> }
report.add(
  "the bill of materials names Pyodide",
  components.some(({ name }) => name === "pyodide"),
  `${components.length} components`,
)

/** What npm audit found; null if it cannot be reached. */
const audit = (): Readonly<Record<string, number>> | null => {
  let said: string
  try {
    said = execFileSync("npm", ["audit", "--omit", "dev", "--json"], {
      encoding: "utf8",
      stdio: "pipe",
      timeout: 60_000,
    })
  } catch (cause) {
    // It ends with 1 where it found something, and where it was not reached.
    said = (cause as { readonly stdout: string }).stdout
  }
  const { metadata } = JSON.parse(said.trim() === "" ? "{}" : said) as {
    readonly metadata?: { readonly vulnerabilities: Readonly<Record<string, number>> }
  }
  return metadata?.vulnerabilities ?? null
}
const found = audit()
if (found === null) console.log("SKIPPED: npm audit cannot be reached from here")
else {
  const grave = (found["high"] ?? 0) + (found["critical"] ?? 0)
  report.add("npm audit finds nothing serious", grave === 0, JSON.stringify(found))
}
report.end()
