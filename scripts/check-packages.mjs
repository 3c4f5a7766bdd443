// Packs every package, installs it alone in an empty project, and runs the example of its README there (the root README
// shows the same examples).
import { execFileSync } from "node:child_process"
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

const root = mkdtempSync(join(tmpdir(), "lpo-packages-"))
const run = (cwd, command, ...args) =>
  execFileSync(command, args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] })
const packages = new Map()
for (const folder of readdirSync("packages")) {
  const manifest = JSON.parse(readFileSync(join("packages", folder, "package.json"), "utf8"))
  const [{ filename }] = JSON.parse(run(join("packages", folder), "npm", "pack", "--json", "--pack-destination", root))
  packages.set(manifest.name, { folder, manifest, tarball: join(root, filename) })
}

/** A package and the sibling packages it depends on, all from tarballs: nothing of this project is on a registry. */
const closure = (name, seen = new Set()) => {
  if (!packages.has(name) || seen.has(name)) return seen
  seen.add(name)
  for (const dependency of Object.keys(packages.get(name).manifest.dependencies ?? {})) closure(dependency, seen)
  return seen
}

let failed = 0
for (const [name, { folder, manifest }] of packages) {
  const project = mkdtempSync(join(root, "project-"))
  try {
    writeFileSync(join(project, "package.json"), JSON.stringify({ private: true, type: "module" }))
    const tarballs = [...closure(name)].map((n) => packages.get(n).tarball)
    const peers = Object.entries(manifest.peerDependencies ?? {})
      .filter(([peer]) => manifest.peerDependenciesMeta?.[peer]?.optional !== true)
      .map(([peer, range]) => `${peer}@${range}`)
    run(project, "npm", "install", "--no-audit", "--no-fund", "--prefer-offline", ...tarballs, ...peers)
    const example = /```ts\n([\s\S]*?)```/.exec(readFileSync(join("packages", folder, "README.md"), "utf8"))
    if (example === null) throw new Error("its README has no example")
    if (!readFileSync("README.md", "utf8").includes(example[0]))
      throw new Error("README.md shows another example than its README")
    writeFileSync(join(project, "example.ts"), example[1])
    run(project, process.execPath, "--disable-warning=ExperimentalWarning", "example.ts")
    console.log(`${name}: installs alone, its README example runs`)
  } catch (cause) {
    failed++
    console.error(`${name}: ${cause.stderr || cause.message}`)
  }
}
rmSync(root, { recursive: true })
process.exitCode = failed === 0 ? 0 : 1
