/**
 * The embedded sandbox: Python, JavaScript and TypeScript without anything installed.
 *
 * CPython (Pyodide's build) and QuickJS run as WebAssembly, each in a process of its own that is kept warm. A program meets three
 * walls, one behind the other:
 *
 * 1. WebAssembly: it reaches nothing but the imports of its module, which are standard input, output, clocks and its own standard
 *    library. There are no files, sockets, processes, environment or host objects on the other side.
 * 2. The process: an empty environment, Node's permission model (reading the sandbox's own files, nothing else), no code from
 *    strings, limits of the operating system on data, files and core dumps.
 * 3. The parent: kills a process that stays silent, and puts another in its place.
 *
 * The interpreter is put back to one and the same memory image before every program. Threads run at once and to their end in
 * `start()`; packages beyond the standard library are not there.
 *
 * @module
 */
import { createRequire } from "node:module"
import { availableParallelism } from "node:os"
import { dirname, join, sep } from "node:path"
import { Effect, Layer, type Scope } from "effect"
import * as Turn from "@lpo/rollout/Turn"
import * as Image from "./embedded/Image.ts"
import { Pool } from "./embedded/Pool.ts"
import { Sandbox, SandboxError, type SandboxService, keep, limitsOf } from "./Sandbox.ts"

/** @category models */
export interface Options {
  /** Processes per language, started when the first program in it comes. Default: one per processor. */
  readonly processes?: number
  /** Seconds of silence beyond a test's limit after which its process is killed. Default 10. */
  readonly grace?: number
}

const require = createRequire(import.meta.url)

/** The folder of the installed package that a file belongs to; packages may have manifests further inside. */
const folderOf = (file: string): string => {
  const parts = file.split(sep)
  const at = parts.lastIndexOf("node_modules")
  return at < 0 ? dirname(file) : parts.slice(0, at + (parts[at + 1].startsWith("@") ? 3 : 2)).join(sep)
}

const name = "embedded sandbox"

/** MiB of a process beside its WebAssembly memory: Node's own heap, code and buffers. */
const overheadMiB = 1024

const command = (name: string, args: ReadonlyArray<string>, readable: ReadonlyArray<string>): Image.Command => {
  const program = Image.program(name)
  const node = [
    "--permission",
    ...[dirname(program), ...readable].map((folder) => `--allow-fs-read=${join(folder, sep)}*`),
    "--no-warnings",
    "--no-addons",
    "--disallow-code-generation-from-strings",
    "--max-old-space-size=256",
    // Memory of a test is given back before the next one.
    "--expose-gc",
    // KiB, of the 8 MiB that a thread has: programs recurse.
    "--stack-size=3900",
    program,
    ...args,
  ]
  if (process.platform === "win32") return { file: process.execPath, args: node }
  const limits = `ulimit -c 0; ulimit -f 0; ulimit -n 64; ulimit -d ${(4096 + overheadMiB) * 1024}`
  return {
    file: "/bin/sh",
    args: ["-c", `{ ${limits}; } 2>/dev/null; exec "$0" "$@"`, process.execPath, ...node],
  }
}

const pythonCommand = (): Image.Command => {
  const files = ["pyodide.asm.wasm", "python_stdlib.zip"].map(Image.pyodideFile)
  return command("pythonMain", files, [folderOf(files[0])])
}

const variant = "@jitl/quickjs-ng-wasmfile-release-sync"
const javascriptCommand = (): Image.Command => {
  const core = require.resolve("quickjs-emscripten-core")
  const types = createRequire(core).resolve("@jitl/quickjs-ffi-types")
  const wasm = require.resolve(`${variant}/wasm`)
  return command("javascriptMain", [wasm], [core, types, wasm, require.resolve("amaro")].map(folderOf))
}

/** How slow interpreters are on this machine: what the first of them measured, for those that take their place. */
let slowness: number | null = null

/**
 * The embedded sandbox; its processes start when they are first needed and end with the scope.
 *
 * @category constructors
 */
export const make = (options: Options = {}): Effect.Effect<SandboxService, never, Scope.Scope> =>
  Effect.gen(function* () {
    const { grace = 10, processes = availableParallelism() } = options
    const pools = new Map<"python" | "javascript", Pool>()
    yield* Effect.addFinalizer(() => Effect.promise(() => Promise.all([...pools.values()].map((pool) => pool.close()))))
    const poolOf = (engine: "python" | "javascript"): Pool => {
      const found = pools.get(engine)
      if (found !== undefined) return found
      const python = engine === "python"
      const start = python ? pythonCommand() : javascriptCommand()
      const made = new Pool({
        command: start,
        size: processes,
        preamble: python
          ? async () => [await Image.get(start), Image.slownessFrame(slowness)]
          : () => Promise.resolve([]),
        graceMs: 1000 * grace,
        ...(python && {
          onFailedStart: Image.discard,
          onReady: (found: number) => {
            slowness = Math.max(slowness ?? 1, found)
          },
        }),
      })
      pools.set(engine, made)
      return made
    }
    return {
      name,
      languages: ["python", "javascript", "typescript"],
      run: (job, each = keep) =>
        Turn.bounded(
          Effect.flatMap(Turn.Turn, (turn) =>
            Effect.tryPromise({
              try: async (signal) => {
                const kept: Array<ReturnType<typeof each>> = []
                const { language, source, tests } = job
                await poolOf(language === "python" ? "python" : "javascript").run(
                  { language, source, tests, limits: limitsOf(job.limits) },
                  {
                    each: (outcome, i) => kept.push(each(outcome, i)),
                    wait: () => turn.enter("waiting"),
                    signal,
                  },
                )
                return kept
              },
              catch: (cause) => new SandboxError({ sandbox: name, reason: (cause as Error).message }),
            }),
          ),
        ),
    }
  })

/** @category layers */
export const layer = (options: Options = {}): Layer.Layer<Sandbox> => Layer.effect(Sandbox, make(options))
