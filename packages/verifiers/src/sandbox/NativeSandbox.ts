/**
 * The native sandbox: the machine's own CPython under bubblewrap, one sandbox for every program, a fork of a clean interpreter for every
 * test.
 *
 * Namespaces of its own for everything (network, processes, users, mounts, IPC, host name); a file system that holds the interpreter,
 * its library with the packages installed in it, and the shared objects it needs, read-only, and nothing else; no capabilities, no
 * environment of the host, limits on memory, processor time, files and core dumps, a filter of system calls; killed with its parent and
 * at the time limit. Where the machine lets it, each sandbox has a control group with the limit on memory. Faster than the embedded
 * sandbox on heavy programs, with real threads.
 *
 * @module
 */
import { execFile } from "node:child_process"
import { existsSync } from "node:fs"
import { availableParallelism } from "node:os"
import { promisify } from "node:util"
import { Effect, Layer, Semaphore } from "effect"
import * as Turn from "@lpo/rollout/Turn"
import * as Box from "./native/Box.ts"
import * as Cgroup from "./native/Cgroup.ts"
import * as Seccomp from "./native/Seccomp.ts"
import * as Supervisor from "./native/Supervisor.ts"
import {
  type Job,
  type Limits,
  type Outcome,
  Sandbox,
  SandboxError,
  type SandboxService,
  type Test,
} from "./Sandbox.ts"
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
print(json.dumps({"executable": executable, "folders": sorted(folders), "packages": sorted(packages), "files": files}))
`

interface Interpreter {
  readonly executable: string
  readonly folders: ReadonlyArray<string>
  readonly files: ReadonlyArray<string>
  /** Folders of what is installed beside the library. */
  readonly packages: ReadonlyArray<string>
}

/** The command line in front of a program. */
const wall = ({ executable, files, folders }: Interpreter): ReadonlyArray<string> => {
  // The loader is asked for by the path that is written in the executable, a link perhaps.
  const loaders = ["/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1"].filter((file) => existsSync(file))
  const bound = [...new Set([executable, ...folders, ...files, ...loaders])]
  return [
    "--unshare-all",
    "--as-pid-1",
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
  ]
}

/** Ends of its sandbox from outside that a test survives. */
const maxLost = 2

/** Runs the tests of one program in one sandbox; in another where one is spent. */
const runJob = <A>(
  machine: Box.Machine,
  job: Job,
  each?: (outcome: Outcome, index: number) => A,
): Effect.Effect<ReadonlyArray<A>, SandboxError> =>
  Effect.suspend(() => {
    let box: Box.Box | null = null
    let lost = 0
    const runTest = (test: Test, limits: Limits): Effect.Effect<Outcome, SandboxError> =>
      Effect.gen(function* () {
        const used = yield* Effect.try({
          try: () => (box = box?.usable() === true ? box : Box.start(machine, limits.memory)),
          catch: (cause) => fail(`no control group for a program: ${(cause as Error).message}`),
        })
        const { fresh } = used
        const first = fresh()
        const tried = yield* Effect.promise((signal) => used.run(job.source, test, limits, signal))
        if (tried.type === "outcome") {
          lost = 0
          return tried.outcome
        }
        // A sandbox that has run a program may owe its end to it.
        if (tried.type === "unstarted" && first) return yield* fail(`Python does not start: ${tried.reason}`)
        if (tried.type === "lost" && ++lost === maxLost) {
          const error = "it takes the sandbox down"
          return { status: "crashed", stdout: "", stderr: "", exitCode: 0, error, seconds: 0 }
        }
        used.end()
        return yield* runTest(test, limits)
      })
    return Effect.ensuring(
      inOrder(job, runTest, each),
      Effect.sync(() => box?.end()),
    )
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
    const supervisor = Supervisor.program(interpreter.packages, Seccomp.filter())
    const args = [...wall(interpreter), interpreter.executable, "-I", "-S", "-B", "-X", "utf8", "-c", supervisor]
    const turns = yield* Semaphore.make(processes)
    const file = yield* Effect.tryPromise({
      try: async () => (await promisify(execFile)("/bin/sh", ["-c", 'command -v "$0"', bubblewrap])).stdout.trim(),
      catch: () => fail(`there is no ${bubblewrap}; install bubblewrap`),
    })
    const machine: Box.Machine = { file, args, groups: Cgroup.find() }
    const run: SandboxService["run"] = (job, each) => Turn.bounded(Turn.take(turns)(runJob(machine, job, each)))
    const hello = yield* run({ language: "python", source: "print(6 * 7)", tests: [{ kind: "stdin", stdin: "" }] })
    if (hello[0]?.stdout !== "42\n")
      return yield* fail(`Python does not start under bubblewrap: ${hello[0]?.error ?? hello[0]?.stderr ?? ""}`)
    return { name, languages: ["python"], run }
  })

/** @category layers */
export const layer = (options: Options = {}): Layer.Layer<Sandbox, SandboxError> => Layer.effect(Sandbox, make(options))
