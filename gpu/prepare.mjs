/** What both commands need: the packages of this folder, as its lockfile has them, and the built engine. */
import { spawnSync } from "node:child_process"
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { fileURLToPath } from "node:url"

const here = fileURLToPath(new URL(".", import.meta.url))
const root = fileURLToPath(new URL("..", import.meta.url))

const run = (cwd, command, ...args) => {
  const { error, status } = spawnSync(command, args, { cwd, stdio: ["inherit", 2, "inherit"] })
  if (status === 0) return
  console.error(`REFUSED: ${command} ${args.join(" ")} failed${error === undefined ? "" : ` (${error.message})`}`)
  process.exit(1)
}

export const prepare = () => {
  const lock = readFileSync(`${here}package-lock.json`, "utf8")
  // A copy of the lockfile that was installed, written when all of it was there.
  const installed = `${here}node_modules/.installed-lock.json`
  if (!existsSync(installed) || readFileSync(installed, "utf8") !== lock) {
    console.log("installing the packages of the WebGPU backend (about 30 MB to download)")
    run(here, "npm", "ci")
    writeFileSync(installed, lock)
  }
  run(root, "npx", "turbo", "run", "build", "--filter=@lpo/transformer", "--output-logs=errors-only")
}
