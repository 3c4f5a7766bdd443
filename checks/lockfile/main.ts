/**
 * `npm run checks -- lockfile`: whether the lockfile has the entries of optional packages for other platforms, which npm leaves out
 * and `npm ci` then misses there; `--write` adds them.
 */
import { readFileSync, writeFileSync } from "node:fs"
import * as Arguments from "../../bench/shared/Arguments.ts"
import * as Report from "../shared/Report.ts"

interface Entry {
  readonly version?: string
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

const { write } = Arguments.read("npm run checks -- lockfile", {
  write: Arguments.flag("add what is missing"),
})
const platforms = /(linux|darwin|win32|windows|win|freebsd|openbsd|netbsd|android|openharmony|sunos|aix)/
const processors = /(x64|arm64|64|ia32|arm|riscv64|ppc64|s390x|loong64)(?:-|$)/

const lock = JSON.parse(readFileSync("package-lock.json", "utf8")) as { packages: Record<string, Entry> }
const missing = new Map<string, Entry>()
for (const [path, entry] of Object.entries(lock.packages)) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    const nested = path === "" ? `node_modules/${name}` : `${path}/node_modules/${name}`
    if (lock.packages[nested] !== undefined || lock.packages[`node_modules/${name}`] !== undefined) continue
    const platform = platforms.exec(name)?.[1]
    const cpu = processors.exec(name)?.[1]
    const os = platform === "windows" || platform === "win" ? "win32" : platform
    const added = {
      version: version.replace(/^[\^~]/, ""),
      ...(path === "" ? {} : { dev: true }),
      optional: true,
      os: [os ?? "none"],
      cpu: [cpu === "64" ? "x64" : (cpu ?? "none")],
    }
    missing.set(`node_modules/${name}`, added)
  }
}
const report = Report.make("lockfile")
if (write) {
  const packages = [...Object.entries(lock.packages), ...missing].sort(([a], [b]) => (a < b ? -1 : 1))
  const complete = { ...lock, packages: Object.fromEntries(packages) }
  writeFileSync("package-lock.json", `${JSON.stringify(complete, null, 2)}\n`)
  console.log(`${missing.size} entries added`)
} else report.add("every optional package has an entry", missing.size === 0, [...missing.keys()].join(", "))
report.end()
