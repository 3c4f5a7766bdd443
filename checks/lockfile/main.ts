/**
 * `npm run checks -- lockfile`: whether the lockfile has the entries of optional packages for other platforms, which npm leaves out
 * and `npm ci` then misses there, a hash of every package, without which `npm ci` takes whatever it is sent, and a registry to come from; `--write` adds
 * both.
 */
import { execFileSync } from "node:child_process"
import { readFileSync, writeFileSync } from "node:fs"
import * as Arguments from "../../bench/shared/Arguments.ts"
import * as Report from "../shared/Report.ts"
import * as Lock from "./Lock.ts"

const { write } = Arguments.read("npm run checks -- lockfile", {
  write: Arguments.flag("add what is missing"),
})
const lock = JSON.parse(readFileSync("package-lock.json", "utf8")) as { packages: Lock.Packages }
const missing = Lock.missing(lock.packages)
const packages = [...Object.entries(lock.packages), ...missing].sort(([a], [b]) => (a < b ? -1 : 1))
const unhashed = Lock.unhashed(packages)
/** The hash that the registry gives; null if it does not have the package; undefined if it cannot be reached. */
const hashOf = (entry: readonly [string, Lock.Entry]): string | null | undefined => {
  try {
    const said = execFileSync("npm", ["view", Lock.named(entry), "dist.integrity"], { encoding: "utf8", stdio: "pipe" })
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
  const absent = unhashed.filter((entry) => hashOf(entry) === null).map(Lock.named)
  const without = unhashed.map(Lock.named).filter((name) => !absent.includes(name))
  if (absent.length > 0) console.log(`without a hash, because the registry does not have them: ${absent.join(", ")}`)
  const strange = Lock.strange(lock.packages)
  report.add("every package comes from a registry, encrypted", strange.length === 0, strange.join(", "))
  report.add("every package of the registry has a hash", without.length === 0, without.join(", "))
}
report.end()
