/**
 * `npm run bench -- NAME [options]` and `npm run checks -- NAME [options]`: compiles the engine's kernels, then runs
 * `<folder>/NAME/main.ts` on the sources of the packages. Without a name, lists what there is.
 */
import { spawnSync, type StdioOptions } from "node:child_process"
import { existsSync, readdirSync } from "node:fs"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL("../..", import.meta.url))
const [folder, name, ...options] = process.argv.slice(2)
const names = readdirSync(`${root}/${folder}`).filter((entry) => existsSync(`${root}/${folder}/${entry}/main.ts`))
if (!names.includes(name)) {
  const got = name === undefined ? "" : `; got ${JSON.stringify(name)}`
  console.error(`npm run ${folder} -- NAME, where NAME is one of: ${names.join(", ")}${got}`)
  process.exit(2)
}
const run = (command: string, args: ReadonlyArray<string>, stdio: StdioOptions): void => {
  const { error, status } = spawnSync(command, args, { cwd: root, stdio })
  if (error !== undefined) console.error(`${command} could not be started: ${error.message}`)
  if (status !== 0) process.exit(status ?? 1)
}
run("npm", ["run", "--silent", "kernels", "--workspace", "@lpo/transformer"], ["inherit", 2, "inherit"])
const node = ["--conditions=@lpo/source", "--disable-warning=ExperimentalWarning"]
run(process.execPath, [...node, `${folder}/${name}/main.ts`, ...options], "inherit")
