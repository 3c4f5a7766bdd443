/**
 * `npm run checks -- consumers`: packs every package, installs all of them in one empty project, and uses them as users do: from
 * TypeScript of several versions with default and strict settings and both ways of resolving modules, from plain JavaScript, and
 * from CommonJS.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { stripTypeScriptTypes } from "node:module"
import * as Arguments from "../../bench/shared/Arguments.ts"
import * as Packed from "../shared/Packed.ts"
import * as Report from "../shared/Report.ts"

const { all } = Arguments.read("npm run checks -- consumers", {
  all: Arguments.flag("every minor version of TypeScript from 5.4 on; otherwise the first and the last of each major"),
})
const versions = all ? ["5.4", "5.5", "5.6", "5.7", "5.8", "5.9", "6.0", "7.0"] : ["5.4", "5.9", "6.0", "7.0"]
const report = Report.make("consumers")
const root = mkdtempSync(join(tmpdir(), "lpo-consumers-"))

/** Each way of finding a package, strict and not, as `tsc --init` leaves declarations; and once with our declarations checked too. */
const settings = (["nodenext", "bundler"] as const).flatMap((resolution) => {
  const shared = {
    module: resolution === "nodenext" ? "nodenext" : "esnext",
    moduleResolution: resolution,
    target: "es2022",
    types: ["node"],
    noEmit: true,
  }
  return [
    {
      name: `strict, ${resolution}`,
      compilerOptions: { ...shared, strict: true, exactOptionalPropertyTypes: true, skipLibCheck: true },
    },
    { name: `not strict, ${resolution}`, compilerOptions: { ...shared, strict: false, skipLibCheck: true } },
    {
      name: `with declarations checked, ${resolution}`,
      compilerOptions: { ...shared, strict: true, skipLibCheck: false },
    },
  ]
})

/** Before it, typed arrays take no type argument, and declarations of today do not pass a check. */
const declarationsFrom = 5.7

/** Throws what this TypeScript finds wrong with the examples, and with what is ours of the declarations. */
const compile = (project: string, compiler: string, { compilerOptions }: (typeof settings)[number]): void => {
  const config = join(project, "tsconfig.json")
  writeFileSync(config, JSON.stringify({ compilerOptions, include: ["examples"] }))
  try {
    Packed.run(project, process.execPath, compiler, "--project", config)
  } catch (cause) {
    const faults = (cause as Error).message.split("\n").filter((line) => /error TS/.test(line))
    // What TensorFlow.js declares of WebGPU contradicts what compilers of today know of it.
    const ours = faults.filter((line) => /^(examples|node_modules\/@lpo)\//.test(line))
    if (faults.length === 0) throw cause
    if (ours.length > 0) throw new Error(ours.slice(0, 10).join("\n"), { cause })
  }
}

/** A tsc of that version, in a folder of its own. */
const compilerOf = (version: string): string => {
  const folder = join(root, `typescript-${version}`)
  mkdirSync(folder)
  writeFileSync(join(folder, "package.json"), JSON.stringify({ private: true }))
  Packed.install(folder, [`typescript@~${version}.0`])
  return join(folder, "node_modules", "typescript", "bin", "tsc")
}

try {
  const packages = Packed.libraries(Packed.pack(root))
  const project = join(root, "project")
  mkdirSync(join(project, "examples"), { recursive: true })
  writeFileSync(join(project, "package.json"), JSON.stringify({ private: true, type: "module" }))
  Packed.install(project, [...Packed.requests(packages.values()), "@types/node@22"])
  for (const [name, packed] of packages)
    writeFileSync(join(project, "examples", `${name.split("/")[1]}.ts`), Packed.example(packed))

  await report.run(
    versions.flatMap((version) => {
      const compiler = compilerOf(version)
      const fit = settings.filter(
        ({ compilerOptions }) => compilerOptions.skipLibCheck || Number(version) >= declarationsFrom,
      )
      return fit.map((options) => ({
        name: `the examples compile under TypeScript ${version}, ${options.name}`,
        run: () => compile(project, compiler, options),
      }))
    }),
  )
  await report.run(
    [...packages].map(([name, packed]) => ({
      name: `${name} works from plain JavaScript and from CommonJS`,
      run: () => {
        writeFileSync(join(project, "plain.mjs"), stripTypeScriptTypes(Packed.example(packed)))
        Packed.run(project, process.execPath, "plain.mjs")
        const entries = Object.keys(packed.manifest.exports ?? {}).filter((entry) => !/\.(json|wasm)$/.test(entry))
        const asked = JSON.stringify(entries.map((entry) => `${name}${entry.slice(1)}`))
        const compare = `
          const same = (a, b) => JSON.stringify(Object.keys(a).sort()) === JSON.stringify(Object.keys(b).sort())
          ;(async () => {
            for (const entry of ${asked})
              if (!same(require(entry), await import(entry))) throw new Error(entry + " differs from what an import gives")
          })().catch((error) => { console.error(error); process.exitCode = 1 })`
        writeFileSync(join(project, "common.cjs"), compare)
        Packed.run(project, process.execPath, "--disable-warning=ExperimentalWarning", "common.cjs")
      },
    })),
  )
} finally {
  rmSync(root, { recursive: true })
}
report.end()
