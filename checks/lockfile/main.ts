/**
 * `npm run checks -- lockfile`: whether the lockfile has the entries of optional packages for other platforms, which npm leaves out
 * and `npm ci` then misses there, and a hash of every package, without which `npm ci` takes whatever it is sent; `--write` adds
 * both.
 */
import { execFileSync } from "node:child_process"
import { readFileSync, writeFileSync } from "node:fs"
import * as Arguments from "../../bench/shared/Arguments.ts"
import * as Report from "../shared/Report.ts"

interface Entry {
  readonly version?: string
  readonly integrity?: string
  /** A package of this project. */
  readonly link?: boolean
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
const folder = "node_modules/"
const packages = [...Object.entries(lock.packages), ...missing].sort(([a], [b]) => (a < b ? -1 : 1))
const unhashed = packages.filter(
  ([path, { integrity, link }]) => path.includes(folder) && link !== true && integrity === undefined,
)
/** `name@version` of an entry. */
const named = ([path, { version }]: readonly [string, Entry]): string =>
  `${path.slice(path.lastIndexOf(folder) + folder.length)}@${version}`
/** The hash that the registry gives; null where it does not have the package; undefined where it cannot be asked. */
const hashOf = (entry: readonly [string, Entry]): string | null | undefined => {
  try {
    const said = execFileSync("npm", ["view", named(entry), "dist.integrity"], { encoding: "utf8", stdio: "pipe" })
    return /^sha512-\S+/.exec(said)?.[0]
  } catch (cause) {
    return String((cause as { readonly stderr: unknown }).stderr).includes("E404") ? null : undefined
  }
}

const report = Report.make("lockfile")
if (write) {
  const hashes = new Map(unhashed.map((entry) => [entry[0], hashOf(entry)]))
  const hashed = packages.map(([path, entry]) => {
    const integrity = entry.integrity ?? hashes.get(path)
    const { version, ...rest } = entry
    // npm's own order of keys.
    return [path, integrity == null || version === undefined ? entry : { version, integrity, ...rest }] as const
  })
  const complete = { ...lock, packages: Object.fromEntries(hashed) }
  writeFileSync("package-lock.json", `${JSON.stringify(complete, null, 2)}\n`)
  console.log(`${missing.size} entries added, ${[...hashes.values()].filter((hash) => hash != null).length} hashes`)
} else {
  report.add("every optional package has an entry", missing.size === 0, [...missing.keys()].join(", "))
  const absent = unhashed.filter((entry) => hashOf(entry) === null).map(named)
  const without = unhashed.map(named).filter((name) => !absent.includes(name))
  if (absent.length > 0) console.log(`without a hash, since the registry does not have them: ${absent.join(", ")}`)
  report.add("every package of the registry has a hash", without.length === 0, without.join(", "))
}
report.end()
