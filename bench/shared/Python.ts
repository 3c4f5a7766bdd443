/** The one way to Python: an environment is made on first use under .python/ and kept until what it is made of changes. */
import { spawn, spawnSync } from "node:child_process"
import { createHash } from "node:crypto"
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { homedir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"

export interface Environment {
  /** Its folder is `.python/<name>`; an interpreter named by `<NAME>_PYTHON` of the process's environment is used instead. */
  readonly name: string
  /** A file for `pip install --requirement`. */
  readonly requirements: URL
  /** The minor versions of Python 3 that do, first and last; by default whatever `python3` is. */
  readonly versions?: readonly [number, number]
  /** A package for `pip install --no-deps`, after the others. */
  readonly alone?: string
  /** Records of packages for the metadata of the environment, by name and version, for programs that ask for another's name. */
  readonly provides?: Readonly<Record<string, string>>
}

/** The environment of a program that uses transformers: without a network, bars and warnings. */
export const quietly: NodeJS.ProcessEnv = {
  ...process.env,
  HF_HUB_OFFLINE: "1",
  TRANSFORMERS_VERBOSITY: "error",
  PYTHONWARNINGS: "ignore",
  TQDM_DISABLE: "1",
}

const windows = process.platform === "win32"
const root = fileURLToPath(new URL("../../.python/", import.meta.url))

/** Runs a program to its end and gives what it printed; throws an `Error` with the command and why it failed. */
const run = (command: string, ...args: ReadonlyArray<string>): string => {
  const { error, status, stdout } = spawnSync(command, args, { stdio: ["ignore", "pipe", "inherit"], encoding: "utf8" })
  if (error === undefined && status === 0) return stdout.trim()
  throw new Error(`${command} ${args.join(" ")} failed (${error?.message ?? `exit code ${status}`})`)
}

/** An interpreter of the wanted versions: on the PATH, or one of pyenv's. */
const find = ({ versions }: Environment): string => {
  const usual = windows ? "python" : "python3"
  if (versions === undefined) return usual
  const [first, last] = versions
  const pyenv = join(process.env.PYENV_ROOT ?? join(homedir(), ".pyenv"), "versions")
  const installed = existsSync(pyenv) ? readdirSync(pyenv).map((version) => join(pyenv, version, "bin", "python")) : []
  const named = Array.from({ length: last - first + 1 }, (_, i) => `python3.${first + i}`)
  const test = `import sys; sys.exit(not (3, ${first}) <= sys.version_info < (3, ${last + 1}))`
  const fits = (python: string) => spawnSync(python, ["-c", test], { stdio: "ignore" }).status === 0
  const found = [...named, usual, ...installed].find(fits)
  if (found !== undefined) return found
  throw new Error(
    `no Python from 3.${first} to 3.${last} was found (${named.join(", ")} on the PATH, or one of pyenv's)`,
  )
}

/** Returns the interpreter of an environment, created if missing; throws an `Error` that says why it is not available. */
export const prepare = (environment: Environment): string => {
  const { alone, name, provides = {}, requirements } = environment
  const given = process.env[`${name.toUpperCase().replaceAll("-", "_")}_PYTHON`]
  if (given !== undefined && given !== "") return given
  const folder = join(root, name)
  const python = windows ? join(folder, "Scripts", "python.exe") : join(folder, "bin", "python")
  const wanted = createHash("sha256")
    .update(readFileSync(requirements, "utf8").replaceAll(/^#.*\n/gm, ""))
    .update(JSON.stringify([alone, provides]))
    .digest("hex")
  const stamp = join(folder, "made-of.sha256")
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return python
  const base = find(environment)
  console.log(`installing Python packages into ${folder} with ${base} (once; up to 6 GB and a few minutes)`)
  run(base, "-m", "venv", "--clear", folder)
  run(python, "-m", "pip", "install", "--quiet", "--requirement", fileURLToPath(requirements))
  if (alone !== undefined) run(python, "-m", "pip", "install", "--quiet", "--no-deps", alone)
  const site = run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))")
  for (const [provided, version] of Object.entries(provides)) {
    const record = join(site, `${provided}-${version}.dist-info`)
    mkdirSync(record, { recursive: true })
    writeFileSync(join(record, "METADATA"), `Metadata-Version: 2.1\nName: ${provided}\nVersion: ${version}\n`)
  }
  writeFileSync(stamp, wanted)
  return python
}

/** A Python program that answers requests. */
export interface Worker {
  /** Its message when it was ready. */
  readonly ready: unknown
  /** Sends a request and resolves with its answer, or rejects with the worker's error. */
  readonly ask: <Answer>(request: object) => Promise<Answer>
  readonly stop: () => void
}

interface Waiting {
  readonly resolve: (answer: { readonly error?: string }) => void
  readonly reject: (cause: Error) => void
}

/** Starts a program that speaks lines of JSON (shared/lines.py); resolves when it is ready. */
export const start = async (python: string, script: URL, ...args: ReadonlyArray<string>): Promise<Worker> => {
  const path = fileURLToPath(script)
  const child = spawn(python, [path, ...args], {
    stdio: ["pipe", "pipe", "pipe"],
    env: { ...process.env, PYTHONPATH: fileURLToPath(new URL(".", import.meta.url)) },
  })
  // The end of what it says on stderr is worth showing only when it dies.
  let said = ""
  child.stderr.on("data", (data) => (said = (said + String(data)).slice(-2000)))
  const waiting: Array<Waiting> = []
  let dead: Error | null = null
  createInterface({ input: child.stdout }).on("line", (line) => waiting.shift()?.resolve(JSON.parse(line)))
  const die = (reason: string) => {
    dead ??= new Error(`${path}: ${reason}\n${said}`)
    for (const { reject } of waiting.splice(0)) reject(dead)
  }
  child.on("error", (error) => die(error.message))
  child.on("close", (code) => die(`exit code ${code}`))
  child.stdin.on("error", () => {}) // A dead child is reported by `close`.
  const receive = async () => {
    if (dead !== null) throw dead
    const answer = await new Promise<{ readonly error?: string }>((resolve, reject) =>
      waiting.push({ resolve, reject }),
    )
    if (answer.error !== undefined) throw new Error(`${path}: ${answer.error}`)
    return answer
  }
  const stop = () => void child.kill()
  try {
    const ready = await receive()
    return {
      ready,
      ask: <Answer>(request: object) => {
        child.stdin.write(`${JSON.stringify(request)}\n`)
        return receive() as Promise<Answer>
      },
      stop,
    }
  } catch (error) {
    stop()
    throw error
  }
}
