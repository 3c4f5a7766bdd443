/**
 * `npm run metadata -- URL`: writes the address of the repository into every package that is published, as the registry wants it.
 * A release does it with the address it runs under, so a fork's packages point at the fork.
 */
import { readFileSync, writeFileSync } from "node:fs"
import { published } from "./published.ts"

const [given = ""] = process.argv.slice(2)
const url = URL.parse(given)
if (url?.protocol !== "https:" || url.pathname === "/") {
  console.error(
    `npm run metadata -- URL, where URL is the https address of the repository; got ${JSON.stringify(given)}`,
  )
  process.exit(2)
}
const address = url.href.replace(/(\/|\.git)$/, "")
for (const folder of published(".")) {
  const file = `${folder}/package.json`
  const { name: own, version, description, ...rest } = JSON.parse(readFileSync(file, "utf8")) as Record<string, unknown>
  const about = {
    homepage: `${address}/tree/main/${folder}#readme`,
    bugs: `${address}/issues`,
    repository: { type: "git", url: `git+${address}.git`, directory: folder },
  }
  const manifest = { name: own, version, description, ...rest, ...about }
  writeFileSync(file, `${JSON.stringify(manifest, null, 2)}\n`)
}
