// `npm run bench -- NAME [options]` and `npm run integration -- NAME [options]`: builds the packages, then runs
// bench/NAME/main.mjs or integration/NAME/main.mjs; without a name, lists what there is.
import { spawnSync } from "node:child_process"
import { existsSync, readdirSync } from "node:fs"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL("..", import.meta.url))
const [folder, name, ...options] = process.argv.slice(2)
const names = existsSync(`${root}/${folder}`)
  ? readdirSync(`${root}/${folder}`).filter((entry) => existsSync(`${root}/${folder}/${entry}/main.mjs`))
  : []
if (!names.includes(name)) {
  console.error(
    `npm run ${folder} -- NAME, where NAME is one of: ${names.join(", ")}${name === undefined ? "" : `; got ${JSON.stringify(name)}`}`,
  )
  process.exit(2)
}
const run = (command, args, stdio) => {
  const { error, status } = spawnSync(command, args, { cwd: root, stdio })
  if (error !== undefined) console.error(`${command} could not be started: ${error.message}`)
  if (status !== 0) process.exit(status ?? 1)
}
run("npx", ["turbo", "run", "build", "--output-logs=errors-only"], ["inherit", 2, "inherit"])
// `node` is the pinned one of the workspace: npm puts node_modules/.bin first.
run("node", [`${folder}/${name}/main.mjs`, ...options], "inherit")
