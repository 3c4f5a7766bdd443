// Adds the lockfile entries of optional packages for other platforms that npm left out, so that `npm ci` accepts the file.
import { readFileSync, writeFileSync } from "node:fs"

const lock = JSON.parse(readFileSync("package-lock.json", "utf8"))
let added = 0
for (const [path, entry] of Object.entries(lock.packages)) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    const nested = path === "" ? `node_modules/${name}` : `${path}/node_modules/${name}`
    if (lock.packages[nested] || lock.packages[`node_modules/${name}`]) continue
    const platform = /(linux|darwin|win32|windows|win|freebsd|openbsd|netbsd|android|openharmony|sunos|aix)/.exec(
      name,
    )?.[1]
    const cpu = /(x64|arm64|64|ia32|arm|riscv64|ppc64|s390x|loong64)(?:-|$)/.exec(name)?.[1]
    const os = platform === "windows" || platform === "win" ? "win32" : platform
    lock.packages[`node_modules/${name}`] = {
      version: version.replace(/^[\^~]/, ""),
      ...(path === "" ? {} : { dev: true }),
      optional: true,
      os: [os ?? "none"],
      cpu: [cpu === "64" ? "x64" : (cpu ?? "none")],
    }
    added++
  }
}
lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1)))
writeFileSync("package-lock.json", `${JSON.stringify(lock, null, 2)}\n`)
console.log(`${added} entries added`)
