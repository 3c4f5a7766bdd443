/** The packages of the WebGPU backend, as the lockfile of this folder has them. */
import { spawnSync } from "node:child_process"
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

export const folder = fileURLToPath(new URL(".", import.meta.url))

/** Installs them if they are missing; ends the process if they are not available. */
export const install = (): void => {
  const lock = readFileSync(join(folder, "package-lock.json"), "utf8")
  // A copy of the lockfile that was installed, written when all of it was there.
  const installed = join(folder, "node_modules", ".installed-lock.json")
  if (existsSync(installed) && readFileSync(installed, "utf8") === lock) return
  console.log("installing the packages of the WebGPU backend (about 30 MB to download)")
  const { error, status } = spawnSync("npm", ["ci"], { cwd: folder, stdio: ["inherit", 2, "inherit"] })
  if (status !== 0) {
    console.error(`REFUSED: npm ci in ${folder} failed${error === undefined ? "" : ` (${error.message})`}`)
    process.exit(1)
  }
  writeFileSync(installed, lock)
}
