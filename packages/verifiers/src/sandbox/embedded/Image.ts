/**
 * The interpreter's memory image: made once per machine and version by `imageMain`, in a second or two, then kept in the user's cache
 * folder. Where nothing can be kept it is made once per process.
 */
import { execFile } from "node:child_process"
import { createHash } from "node:crypto"
import { mkdir, readFile, rename, writeFile } from "node:fs/promises"
import { createRequire } from "node:module"
import { homedir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import * as Harness from "./Harness.ts"

const require = createRequire(import.meta.url)

/** Extension of the programs beside this module: they run as TypeScript in the sources. */
export const extension = import.meta.url.endsWith(".ts") ? "ts" : "js"

/** The path of a program beside this module. */
export const program = (name: string): string => fileURLToPath(new URL(`./${name}.${extension}`, import.meta.url))

/** The path of a file of Pyodide's package. */
export const pyodideFile = (name: string): string => require.resolve(`pyodide/${name}`)

const folder = (): string => join(process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache"), "lpo-verifiers")

const make = (): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    const options = { encoding: "buffer" as const, maxBuffer: 2 ** 28, env: {}, timeout: 120_000 }
    execFile(process.execPath, ["--no-warnings", program("imageMain")], options, (error, stdout, stderr) => {
      if (error === null) resolve(stdout)
      else
        reject(
          new Error(`the Python interpreter could not be started: ${stderr.toString().slice(-1000) || error.message}`),
        )
    })
  })

const load = async (): Promise<Buffer> => {
  const { version } = require("pyodide/package.json") as { readonly version: string }
  const key = createHash("sha256").update(`${version}\n${Harness.source}`).digest("hex").slice(0, 16)
  const file = join(folder(), `python-${key}.image`)
  try {
    const kept = await readFile(file)
    const digest = createHash("sha256").update(kept.subarray(32)).digest()
    if (digest.equals(kept.subarray(0, 32))) return kept.subarray(32)
  } catch {
    // Not made yet.
  }
  const image = await make()
  try {
    await mkdir(folder(), { recursive: true, mode: 0o700 })
    const part = `${file}.${process.pid}`
    await writeFile(part, Buffer.concat([createHash("sha256").update(image).digest(), image]), { mode: 0o600 })
    await rename(part, file)
  } catch {
    // A machine without a home to write to.
  }
  return image
}

let image: Promise<Buffer> | null = null

/** The image as the two frames that a process wants: what belongs to it, and the memory. */
export const get = (): Promise<Buffer> => {
  image ??= load().catch((cause: unknown) => {
    image = null
    throw cause
  })
  return image
}
