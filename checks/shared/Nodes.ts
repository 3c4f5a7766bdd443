/** The versions of Node that are supported, each from its package, and one that is not. */
import { execFileSync } from "node:child_process"
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"

export const supported = [22, 24, 26] as const
/** The last version before these, which is refused. */
export const refused = 20

const name = `node-${process.platform === "win32" ? "win" : process.platform}-${process.arch}`

/** Installs the newest Node of a major version into a folder; the path of its executable. */
export const install = (major: number, folder: string): string => {
  const project = join(folder, `node-${major}`)
  mkdirSync(project, { recursive: true })
  writeFileSync(join(project, "package.json"), JSON.stringify({ private: true }))
  const args = ["install", "--no-audit", "--no-fund", "--prefer-offline", `${name}@${major}`]
  execFileSync("npm", args, { cwd: project, stdio: ["ignore", "ignore", "inherit"] })
  const node = join(project, "node_modules", name, "bin", process.platform === "win32" ? "node.exe" : "node")
  const version = execFileSync(node, ["--version"], { encoding: "utf8" }).trim()
  if (!version.startsWith(`v${major}.`)) throw new Error(`${name}@${major} is Node ${version}`)
  return node
}
