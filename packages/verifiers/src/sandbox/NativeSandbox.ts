/**
 * The native sandbox: the machine's own CPython under bubblewrap, a fresh process for every test.
 *
 * Namespaces of its own for everything (network, processes, users, mounts, IPC, host name); a file system that holds the interpreter,
 * its library with the packages installed in it, and the shared objects it needs, read-only, and nothing else; no capabilities, no
 * environment of the host, limits on memory, processor time, files and core dumps, a filter of system calls; killed with its parent and
 * at the time limit. Where the machine lets it, each test has a control group with the limit on memory. Faster than the embedded sandbox
 * on heavy programs, slower on light ones, with real threads.
 *
 * The harness writes one byte before it runs the program. Until that byte a failure is ours; after it everything is the program's doing,
 * whatever it writes, and whoever ends it.
 *
 * @module
 */
import { type ChildProcess, execFile, spawn } from "node:child_process"
import { existsSync } from "node:fs"
import { availableParallelism } from "node:os"
import type { Readable, Writable } from "node:stream"
import { promisify } from "node:util"
import { Effect, Layer, Semaphore } from "effect"
import * as Turn from "@lpo/rollout/Turn"
import * as Cgroup from "./Cgroup.ts"
import * as Answer from "./embedded/Answer.ts"
import * as PythonHarness from "./PythonHarness.ts"
import { type Limits, type Outcome, Sandbox, SandboxError, type SandboxService, type Test } from "./Sandbox.ts"
import * as Seccomp from "./Seccomp.ts"
import { inOrder } from "./TestsInOrder.ts"

/** @category models */
export interface Options {
  /** Programs that run at once. Default: one per processor. */
  readonly processes?: number
  /** The interpreter. Default `python3`. */
  readonly python?: string
  /** Default `bwrap`. */
  readonly bubblewrap?: string
}

const name = "native sandbox"
const fail = (reason: string): SandboxError => new SandboxError({ sandbox: name, reason })

/** The byte before any answer: the interpreter is up. */
const mark = "!"

const driver = `${PythonHarness.source}\n${PythonHarness.overPipes}\n_run = _make()\n__import__("os").write(4, b"${mark}")\n_run(_get, _answer)`

/** Libraries that make a thread, and memory for it, per processor unless told otherwise. */
const environment = ["OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"]

/** Prints what the interpreter is made of: itself, its library, and the shared objects that its modules bring in. */
const probe = `
import importlib, json, os, sys, sysconfig
for name in sorted(sys.builtin_module_names) + [f.split(".")[0] for f in os.listdir(sysconfig.get_path("platstdlib") + "/lib-dynload")]:
    if not name.startswith(("_test", "_xx", "xx", "_tkinter", "_ctypes_test")):
        try:
            importlib.import_module(name)
        except BaseException:
            pass
executable = os.path.realpath(sys.executable)
packages = {p for p in (sysconfig.get_path("purelib"), sysconfig.get_path("platlib")) if os.path.isdir(p)}
for name in ("numpy",):
    try:
        importlib.import_module(name)
    except BaseException:
        pass
folders = {sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")} | packages
files = {line.split(None, 5)[5].strip() for line in open("/proc/self/maps") if line.count("/") and len(line.split(None, 5)) > 5}
inside = lambda f: any(f.startswith(d + "/") for d in folders)
files = sorted(f for f in files if f.startswith("/") and os.path.isfile(f) and (".so" in f or f == executable) and not inside(f))
# The loader asks for libraries by their short names, which are links.
for f in list(files):
    d = os.path.dirname(f)
    files += [d + "/" + e for e in os.listdir(d) if os.path.islink(d + "/" + e) and os.path.realpath(d + "/" + e) == f]
print(json.dumps({"executable": executable, "folders": sorted(folders), "files": files, "prefix": sys.base_prefix}))
`

interface Interpreter {
  readonly executable: string
  readonly folders: ReadonlyArray<string>
  readonly files: ReadonlyArray<string>
  readonly prefix: string
}

/** The command line in front of a program. */
const wall = ({ executable, files, folders }: Interpreter, filtered: boolean): ReadonlyArray<string> => {
  // The loader is asked for by the path that is written in the executable, a link perhaps.
  const loaders = ["/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1"].filter((file) => existsSync(file))
  const bound = [...new Set([executable, ...folders, ...files, ...loaders])]
  return [
    "--unshare-all",
    "--die-with-parent",
    "--new-session",
    "--clearenv",
    "--cap-drop",
    "ALL",
    "--uid",
    "65534",
    "--gid",
    "65534",
    "--hostname",
    "sandbox",
    ...environment.flatMap((name) => ["--setenv", name, "1"]),
    ...bound.flatMap((path) => ["--ro-bind", path, path]),
    "--remount-ro",
    "/",
    "--chdir",
    "/",
    ...(filtered ? ["--seccomp", "5"] : []),
  ]
}

/** Keeps what a stream says, up to a limit. */
const collect = (stream: Readable | null, limit: number, onOver: () => void) => {
  const chunks: Array<Buffer> = []
  let size = 0
  stream?.on("data", (chunk: Buffer) => {
    size += chunk.length
    if (size <= limit) chunks.push(chunk)
    else onOver()
  })
  return () => Buffer.concat(chunks).toString("utf8")
}

const maxError = 4096
/** Milliseconds that the interpreter may take to start. */
const maxStart = 60_000

const give = (pipe: Writable | null, text: Uint8Array | string): void => {
  // A program need not read what it gets.
  pipe?.on("error", () => undefined)
  pipe?.end(text)
}

/** What is the same for every test of this machine. */
interface Machine {
  readonly file: string
  readonly args: ReadonlyArray<string>
  readonly filter: Buffer | null
  readonly groups: Cgroup.Groups | null
}

const shellOf = (limits: Limits, group: Cgroup.Group | null): string => {
  const kibibytes = Math.ceil(limits.memory / 1024)
  // Processor time is a second limit, for what the clock of a busy machine would let through.
  const bounds = ["-c 0", "-f 0", "-n 64", `-v ${kibibytes}`, `-t ${Math.ceil(limits.seconds) + 1}`]
  // The limit on the size of files must come after the group is joined, which is a write.
  const join = group === null ? [] : [`echo 0 > '${group.procs}'`]
  return [...join, ...bounds.map((one) => `ulimit ${one}`), 'exec "$0" "$@"'].join(" && ")
}

const runTest = (
  { args, file, filter, groups }: Machine,
  source: string,
  test: Test,
  limits: Limits,
): Effect.Effect<Outcome, SandboxError> =>
  Effect.callback((resume) => {
    // The clock of a test starts when the interpreter is up: how long that takes is the machine's doing.
    let started = performance.now()
    let group: Cgroup.Group | null
    try {
      group = groups?.make(limits.memory) ?? null
    } catch (cause) {
      return resume(Effect.fail(fail(`no control group for a test: ${(cause as Error).message}`)))
    }
    const stdio = ["pipe", "pipe", "pipe", "pipe", "pipe", "pipe"] as const
    const child: ChildProcess = spawn("/bin/sh", ["-c", shellOf(limits, group), file, ...args], {
      env: {},
      cwd: "/",
      stdio: [...stdio],
    })
    let stopped: "timeout" | "output" | null = null
    const stop = (why: "timeout" | "output") => {
      stopped ??= why
      child.kill("SIGKILL")
    }
    let timer = setTimeout(() => stop("timeout"), maxStart)
    const stdout = collect(child.stdout, limits.output, () => stop("output"))
    let stderr = ""
    child.stderr?.on("data", (chunk: Buffer) => (stderr = (stderr + chunk.toString()).slice(-maxError)))
    const [, , , jobPipe, resultPipe, filterPipe] = child.stdio as unknown as ReadonlyArray<Readable & Writable>
    const result = collect(resultPipe, limits.output, () => stop("output"))
    give(child.stdin, test.kind === "stdin" ? test.stdin : "")
    const call = test.kind === "call" && { call: { name: test.name, args: test.args, encoded: test.encoded === true } }
    give(jobPipe, JSON.stringify({ source, ...call }))
    give(filterPipe, filter ?? "")
    resultPipe.on("error", () => undefined)
    resultPipe.once("data", () => {
      clearTimeout(timer)
      started = performance.now()
      timer = setTimeout(() => stop("timeout"), 1000 * limits.seconds)
    })
    const outcome = (code: number | null, signal: string | null): Outcome | SandboxError => {
      const base = { stdout: stdout(), stderr, exitCode: 0, seconds: (performance.now() - started) / 1000 }
      const said = result()
      const up = said.startsWith(mark)
      if (group?.exhausted() === true && up)
        return { ...base, status: "memory", error: `more than ${limits.memory} bytes of memory` }
      if (stopped === "timeout" && up) return { ...base, status: "timeout", error: `longer than ${limits.seconds} s` }
      if (stopped === "output")
        return { ...base, status: "output", error: `more than ${limits.output} bytes of output` }
      if (!up) return fail(`Python does not start: ${stderr.trim() || signal || `exit code ${code}`}`)
      if (said.length > 1) return { ...base, ...Answer.read(said.slice(1)) }
      if (signal !== null) return { ...base, status: "crashed", error: `ended by ${signal}` }
      // A program's process that ends by a signal makes bubblewrap exit with 128 and its number.
      if (code === 128 + 24 || code === 128 + 9) return { ...base, status: "timeout", error: "out of processor time" }
      if (code !== null && code > 128) return { ...base, status: "crashed", error: `ended by signal ${code - 128}` }
      return { ...base, status: "done", exitCode: code ?? 0 }
    }
    child.once("error", (error) => {
      clearTimeout(timer)
      group?.remove()
      resume(Effect.fail(fail(error.message)))
    })
    child.once("close", (code, signal) => {
      clearTimeout(timer)
      const made = outcome(code, signal)
      group?.remove()
      resume(made instanceof SandboxError ? Effect.fail(made) : Effect.succeed(made))
    })
    return Effect.sync(() => {
      clearTimeout(timer)
      child.kill("SIGKILL")
    })
  })

/**
 * The native sandbox; fails when the machine has no bubblewrap, no Python, or does not let them make namespaces.
 *
 * @category constructors
 */
export const make = (options: Options = {}): Effect.Effect<SandboxService, SandboxError> =>
  Effect.gen(function* () {
    const { bubblewrap = "bwrap", processes = availableParallelism(), python = "python3" } = options
    if (process.platform !== "linux") return yield* fail(`it needs Linux, and this is ${process.platform}`)
    const interpreter = yield* Effect.tryPromise({
      try: async () => {
        const { stdout } = await promisify(execFile)(python, ["-I", "-c", probe])
        return JSON.parse(stdout) as Interpreter
      },
      catch: (cause) => fail(`${python} cannot be used: ${(cause as Error).message}`),
    })
    const filter = Seccomp.filter()
    const args = [...wall(interpreter, filter !== null), interpreter.executable, "-I", "-B", "-X", "utf8", "-c", driver]
    const turns = yield* Semaphore.make(processes)
    const file = yield* Effect.tryPromise({
      try: async () => (await promisify(execFile)("/bin/sh", ["-c", 'command -v "$0"', bubblewrap])).stdout.trim(),
      catch: () => fail(`there is no ${bubblewrap}; install bubblewrap`),
    })
    const machine: Machine = { file, args, filter, groups: Cgroup.find() }
    const run: SandboxService["run"] = (job, each) =>
      Turn.bounded(inOrder(job, (test, limits) => Turn.take(turns)(runTest(machine, job.source, test, limits)), each))
    const hello = yield* run({ language: "python", source: "print(6 * 7)", tests: [{ kind: "stdin", stdin: "" }] })
    if (hello[0]?.stdout !== "42\n")
      return yield* fail(`Python does not start under bubblewrap: ${hello[0]?.error ?? hello[0]?.stderr ?? ""}`)
    return { name, languages: ["python"], run }
  })

/** @category layers */
export const layer = (options: Options = {}): Layer.Layer<Sandbox, SandboxError> => Layer.effect(Sandbox, make(options))
