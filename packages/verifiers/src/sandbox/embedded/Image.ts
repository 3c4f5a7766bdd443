/**
 * The interpreter's memory image: made once per machine and version by `imageMain`, in a second or two, then kept in the user's cache
 * folder. Where nothing can be kept it is made once per process.
 *
 * An image is kept only when an interpreter that started from it has proved itself, under a name that holds everything it depends on.
 * Every process proves itself again; when one cannot, `discard` forgets the image, and it is made anew.
 */
import { execFile, spawn } from "node:child_process"
import { createHash } from "node:crypto"
import { readFileSync, rmSync } from "node:fs"
import { mkdir, readFile, rename, writeFile } from "node:fs/promises"
import { createRequire } from "node:module"
import { homedir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import * as Frames from "./Frames.ts"
import * as Harness from "./Harness.ts"

/** How to start a process. */
export interface Command {
  readonly file: string
  readonly args: ReadonlyArray<string>
}

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

/** The last frame that a process wants: how slow interpreters are here, which it measures when that is not known yet. */
export const slownessFrame = (slowness: number | null): Buffer => Frames.encode(Buffer.from(String(slowness ?? "")))

/** Starts an interpreter from an image; fails when it does not say that it is ready. */
const prove = ({ args, file }: Command, image: Buffer): Promise<void> =>
  new Promise((resolve, reject) => {
    const child = spawn(file, args, { env: {}, cwd: "/", stdio: ["pipe", "pipe", "pipe"], windowsHide: true })
    const timer = setTimeout(() => child.kill("SIGKILL"), 120_000)
    let said = ""
    let ready = false
    const decode = Frames.decoder((payload) => {
      ready = Frames.readReply(payload).type === "ready"
      child.kill("SIGKILL")
    }, 2 ** 16)
    child.stdout.on("data", (chunk: Buffer) => {
      try {
        decode(chunk)
      } catch {
        child.kill("SIGKILL")
      }
    })
    child.stderr.on("data", (data: Buffer) => (said = (said + data.toString()).slice(-1000)))
    child.stdin.on("error", () => undefined)
    child.once("error", reject)
    child.once("close", (code, signal) => {
      clearTimeout(timer)
      if (ready) resolve()
      else reject(new Error(`the Python interpreter does not start from its image: ${said.trim() || signal || code}`))
    })
    child.stdin.write(image)
    child.stdin.write(slownessFrame(1))
  })

/** Everything that an image depends on. */
const key = (): string => {
  const { version } = require("pyodide/package.json") as { readonly version: string }
  const { arch, platform, version: node, versions } = process
  const parts = [version, node, versions.v8, arch, platform, Harness.source, readFileSync(program("imageMain"), "utf8")]
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 16)
}

const path = (): string => join(folder(), `python-${key()}.image`)

const load = async (command: Command): Promise<Buffer> => {
  const file = path()
  try {
    const kept = await readFile(file)
    const digest = createHash("sha256").update(kept.subarray(32)).digest()
    if (digest.equals(kept.subarray(0, 32))) return kept.subarray(32)
  } catch {
    // Not made yet.
  }
  const image = await make()
  await prove(command, image)
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

/** The image as the first two frames that a process wants: what belongs to it, and the memory. `command` starts such a process. */
export const get = (command: Command): Promise<Buffer> => {
  image ??= load(command).catch((cause: unknown) => {
    image = null
    throw cause
  })
  return image
}

let discarded = false

/** Forgets the image, also the one that is kept, once: after that the image is not at fault. */
export const discard = (): void => {
  if (discarded) return
  discarded = true
  image = null
  try {
    rmSync(path(), { force: true })
  } catch {
    // A machine without a home to write to.
  }
}
