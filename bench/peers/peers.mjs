/** The Python side of a benchmark: a virtual environment made on first use, and workers that answer JSON lines. */
import { spawn, spawnSync } from "node:child_process"
import { createHash } from "node:crypto"
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"

const here = fileURLToPath(new URL(".", import.meta.url))
const folderOf = (name) => `${here}${name}/.venv`
/** The interpreter of a prepared environment. */
export const pythonOf = (name) =>
  process.platform === "win32" ? `${folderOf(name)}/Scripts/python.exe` : `${folderOf(name)}/bin/python`

/** Makes the virtual environment of the benchmark unless it is there; throws an error that says why it cannot be had. */
export const prepare = (name) => {
  const folder = folderOf(name)
  const python = pythonOf(name)
  const requirements = `${here}${name}/requirements.txt`
  const wanted = createHash("sha256").update(readFileSync(requirements)).digest("hex")
  const stamp = `${folder}/requirements.sha256`
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return
  console.log(`installing the Python peers into ${folder} (once)`)
  const run = (command, ...args) => {
    const { error, status } = spawnSync(command, args, { stdio: ["ignore", "ignore", "inherit"] })
    if (error !== undefined || status !== 0)
      throw new Error(`${command} ${args.join(" ")} failed (${error?.message ?? `exit code ${status}`})`)
  }
  run(process.platform === "win32" ? "python" : "python3", "-m", "venv", folder)
  run(python, "-m", "pip", "install", "--quiet", "--requirement", requirements)
  writeFileSync(stamp, wanted)
}

/** Starts `script` of a prepared benchmark; resolves when it is ready. `ask` sends a request and resolves with its answer. */
export const start = async (name, script, ...args) => {
  const child = spawn(pythonOf(name), [`${here}${name}/${script}`, ...args], {
    stdio: ["pipe", "pipe", "pipe"],
    env: { ...process.env, PYTHONPATH: here },
  })
  // The end of what it says on stderr is worth showing only when it dies.
  let said = ""
  child.stderr.on("data", (data) => (said = (said + data).slice(-2000)))
  const waiting = []
  let dead = null
  createInterface({ input: child.stdout }).on("line", (line) => waiting.shift()?.resolve(JSON.parse(line)))
  const die = (reason) => {
    dead ??= new Error(`${script}: ${reason}\n${said}`)
    for (const { reject } of waiting.splice(0)) reject(dead)
  }
  child.on("error", (error) => die(error.message))
  child.on("close", (code) => die(`exit code ${code}`))
  child.stdin.on("error", () => {}) // A dead child is reported by `close`.
  const receive = async () => {
    if (dead !== null) throw dead
    const answer = await new Promise((resolve, reject) => waiting.push({ resolve, reject }))
    if (answer.error !== undefined) throw new Error(`${script}: ${answer.error}`)
    return answer
  }
  const stop = () => child.kill()
  try {
    const ready = await receive()
    return {
      ready,
      ask: (request) => {
        child.stdin.write(`${JSON.stringify(request)}\n`)
        return receive()
      },
      stop,
    }
  } catch (error) {
    stop()
    throw error
  }
}
