/** What `npm run checks -- lockfile` finds: nothing in ours, and every way to slip something in. */
import { readFileSync } from "node:fs"
import { expect, it } from "vitest"
import * as Lock from "../../checks/lockfile/Lock.ts"

const text = readFileSync(new URL("../../package-lock.json", import.meta.url), "utf8")
const read = () => (JSON.parse(text) as { packages: Record<string, Record<string, unknown>> }).packages
const faults = (packages: Lock.Packages): number =>
  Lock.missing(packages).size + Lock.unhashed(Object.entries(packages)).length + Lock.strange(packages).length

const effect = "node_modules/effect"
const binary = Object.keys(read()).find((path) => /oxlint.*darwin-arm64/.test(path)) ?? ""

it.each<[string, (packages: Record<string, Record<string, unknown>>) => unknown]>([
  ["a hash that is gone", (all) => delete all[effect]["integrity"]],
  ["a hash that is gone from a binary of another platform", (all) => delete all[binary]["integrity"]],
  ["a hash of a weak kind", (all) => (all[effect]["integrity"] = "sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=")],
  ["half a hash", (all) => (all[effect]["integrity"] = String(all[effect]["integrity"]).slice(0, 40))],
  ["an empty hash", (all) => (all[effect]["integrity"] = "")],
  [
    "two hashes, one of them weak",
    (all) => (all[effect]["integrity"] = `sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk= ${String(all[effect]["integrity"])}`),
  ],
  ["a binary that is left out", (all) => delete all[binary]],
  ["a package from a repository", (all) => (all[effect]["resolved"] = "git+ssh://git@elsewhere/effect.git#0000000")],
  ["a package from a file", (all) => (all[effect]["resolved"] = "file:../effect.tgz")],
  ["a package without encryption", (all) => (all[effect]["resolved"] = "http://elsewhere/effect/-/effect-4.0.0.tgz")],
  ["a package that is no archive", (all) => (all[effect]["resolved"] = "https://elsewhere/effect")],
  ["a package without a hash", (all) => (all["node_modules/left-pad"] = { version: "1.3.0" })],
])("finds %s", (_, change) => {
  const packages = read()
  expect(binary).not.toBe("")
  const before = faults(packages)
  change(packages)
  expect(faults(packages)).toBeGreaterThan(before)
})
