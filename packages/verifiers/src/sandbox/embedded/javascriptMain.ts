/**
 * The program of a process that runs JavaScript and TypeScript, in QuickJS compiled to WebAssembly: an engine without any way out but
 * the four functions that `Guest` is built on. Each test gets an instance of its own. Argument: the module of QuickJS.
 */
import { readFileSync } from "node:fs"
import vm from "node:vm"
import { transformSync } from "amaro"
import variant from "@jitl/quickjs-ng-wasmfile-release-sync"
import {
  newQuickJSWASMModuleFromVariant,
  newVariant,
  type QuickJSContext,
  type QuickJSHandle,
  type QuickJSRuntime,
  type QuickJSSyncVariant,
  type QuickJSWASMModule,
} from "quickjs-emscripten-core"
import type { Limits, Outcome, Test } from "../Sandbox.ts"
import * as Guest from "./Guest.ts"
import * as Serve from "./Serve.ts"

const maxError = 4096

class Run {
  stdout: Array<string> = []
  stderr = ""
  written = 0
  exitCode: number | null = null
  stopped: "timeout" | "output" | null = null
  value: string | undefined
}

/** What went wrong, in one line. */
const explain = (context: QuickJSContext, handle: QuickJSHandle): string => {
  const error: unknown = context.dump(handle)
  if (typeof error !== "object" || error === null) return String(error)
  const { message, name, stack } = error as { name?: string; message?: string; stack?: string }
  const line = /<program>:(\d+)/.exec(stack ?? "")?.[1]
  return `${name ?? "Error"}: ${message ?? ""}${line === undefined ? "" : ` (line ${line})`}`.slice(0, 1000)
}

class Failure extends Error {}

const perform = (
  context: QuickJSContext,
  runtime: QuickJSRuntime,
  source: string,
  test: Test,
  limits: Limits,
  run: Run,
) => {
  const unwrap = (result: ReturnType<QuickJSContext["evalCode"]>): QuickJSHandle => {
    if (result.error === undefined) return result.value
    const message = explain(context, result.error)
    result.error.dispose()
    throw new Failure(message)
  }
  const define = (name: string, f: (...args: Array<QuickJSHandle>) => QuickJSHandle | void) =>
    context.newFunction(name, f).consume((handle) => context.setProp(context.global, name, handle))
  define("__write", (fd, text) => {
    if (run.exitCode !== null) return
    const piece = context.getString(text)
    if (context.getNumber(fd) === 2) {
      run.stderr = (run.stderr + piece).slice(-maxError)
      return
    }
    run.written += Buffer.byteLength(piece)
    if (run.written > limits.output) {
      run.stopped = "output"
      throw new Error("too much output")
    }
    run.stdout.push(piece)
  })
  define("__exit", (code) => {
    run.exitCode ??= context.getNumber(code) & 255
  })
  define("__now", () => context.newNumber(performance.now()))
  context
    .newString(test.kind === "stdin" ? test.stdin : "")
    .consume((h) => context.setProp(context.global, "__stdin", h))
  const guest = unwrap(context.evalCode(Guest.prelude, "<guest>"))
  const ask = (name: string, ...args: Array<QuickJSHandle>): QuickJSHandle =>
    context.getProp(guest, name).consume((f) => unwrap(context.callFunction(f, context.undefined, ...args)))

  const isModule = /^\s*(?:import\s|import\{|export\s)/m.test(source)
  const drain = () => {
    for (;;) {
      const jobs = runtime.executePendingJobs()
      if (jobs.error !== undefined) {
        const message = explain(jobs.error.context, jobs.error)
        jobs.error.dispose()
        throw new Failure(message)
      }
      const wait = ask("step").consume((h) => context.getNumber(h))
      if (wait < 0 && !runtime.hasPendingJob()) return
      if (wait > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Math.min(wait, 1000 * limits.seconds))
      if (performance.now() > deadline) {
        run.stopped = "timeout"
        throw new Failure("timeout")
      }
    }
  }
  const done = unwrap(context.evalCode(source, "<program>", isModule ? { type: "module" } : { type: "global" }))
  const promise = context.getPromiseState(done)
  if (promise.type === "rejected") throw new Failure(explain(context, promise.error))
  done.dispose()
  drain()
  if (test.kind === "call") {
    // The name is an identifier: the ground truth was checked.
    const find = `typeof Solution === "function" && typeof Solution.prototype[${JSON.stringify(test.name)}] === "function" ? ((s) => s.${test.name}.bind(s))(new Solution()) : typeof ${test.name} !== "undefined" ? ${test.name} : module.exports.${test.name} ?? (typeof module.exports === "function" && module.exports.name === ${JSON.stringify(test.name)} ? module.exports : undefined)`
    const f = unwrap(context.evalCode(find, "<find>"))
    if (context.typeof(f) !== "function")
      throw new Failure(`ReferenceError: there is no function ${test.name}, and no class Solution that has it`)
    const list = context.newArray()
    for (const [i, arg] of test.args.entries()) context.newString(arg).consume((h) => context.setProp(list, i, h))
    ask("call", f, list).dispose()
    drain()
    const value = ask("returned")
    if (context.typeof(value) === "string") run.value = context.getString(value)
    else throw new Failure("the call returned a promise that never settles")
  }
  run.exitCode ??= ask("exitCode").consume((h) => context.getNumber(h)) & 255
}

let deadline = 0
let current: () => void = () => undefined
Object.defineProperty(globalThis, "lpoRun", { value: () => current() })
// The engine looks at its clock between steps; what takes long in one step is stopped from outside.
const script = new vm.Script("lpoRun()", { filename: "run" })

const runTest = (engine: QuickJSWASMModule, source: string, test: Test, limits: Limits): Outcome => {
  const started = performance.now()
  const run = new Run()
  let error: string | undefined
  deadline = started + 1000 * limits.seconds
  current = () => {
    const runtime = engine.newRuntime()
    runtime.setMemoryLimit(limits.memory)
    runtime.setMaxStackSize(2 ** 20)
    runtime.setInterruptHandler(() => {
      if (run.exitCode !== null || run.stopped !== null) return true
      if (performance.now() < deadline) return false
      run.stopped = "timeout"
      return true
    })
    runtime.setModuleLoader((name) => Guest.moduleSource(name) ?? { error: new Error(`Cannot find module '${name}'`) })
    const context = runtime.newContext()
    perform(context, runtime, source, test, limits, run)
  }
  try {
    script.runInThisContext({ timeout: Math.ceil(1000 * limits.seconds) + 200 })
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ERR_SCRIPT_EXECUTION_TIMEOUT") run.stopped = "timeout"
    else error = cause instanceof Error ? cause.message : String(cause)
  }
  current = () => undefined
  const memory = error !== undefined && /out of memory|Cannot enlarge memory|Aborted/i.test(error)
  return {
    status:
      run.stopped ?? (run.exitCode !== null ? "done" : memory ? "memory" : error === undefined ? "done" : "raised"),
    stdout: run.stdout.join(""),
    stderr: run.stderr,
    exitCode: run.exitCode ?? 0,
    ...(run.value !== undefined && { value: run.value }),
    ...(run.stopped === "timeout"
      ? { error: `longer than ${limits.seconds} s` }
      : run.stopped === "output"
        ? { error: `more than ${limits.output} bytes of output` }
        : error !== undefined && run.exitCode === null && { error }),
    seconds: (performance.now() - started) / 1000,
  }
}

const raised = (error: string): Outcome => ({
  status: "raised",
  stdout: "",
  stderr: "",
  exitCode: 0,
  error,
  seconds: 0,
})

/** Whether the transpiler, WebAssembly too, has trapped: it is in the middle of something then. */
let transpilerBroken = false

/** What is wrong with a program that cannot be transpiled is the program: the transpiler has proved itself. */
const transpile = (source: string): { readonly code: string } | { readonly error: string } => {
  try {
    return { code: transformSync(source, { mode: "transform" }).code }
  } catch (cause) {
    const { code, message } = cause as { readonly code?: unknown; readonly message?: unknown }
    if (code !== "InvalidSyntax" && code !== "UnsupportedSyntax") transpilerBroken = true
    return { error: `SyntaxError: ${String(message).split("\n").slice(0, 3).join(" ")}`.slice(0, 1000) }
  }
}

// Its types are those of the CommonJS build, where the variant is a property.
const sync = variant as unknown as QuickJSSyncVariant
const compiled = new WebAssembly.Module(readFileSync(process.argv[2]))
const fresh = (): Promise<QuickJSWASMModule> =>
  newQuickJSWASMModuleFromVariant(newVariant(sync, { wasmModule: compiled }))

let engine = await fresh()

/** Another instance; the memory of the old one is given back at once. */
const restore = async (): Promise<boolean> => {
  engine = await fresh()
  ;(globalThis as { gc?: () => void }).gc?.()
  return !transpilerBroken
}

const trial: Limits = { seconds: 30, totalSeconds: 30, memory: 2 ** 27, output: 2 ** 12, totalOutput: 2 ** 12 }

/** Runs a program that must print 42; a process that cannot does not serve. */
const prove = async (): Promise<void> => {
  const typed =
    "enum A { six = 6 }\nconst f = (n: number): number => n * A.six\nconsole.log(f(+require('fs').readFileSync(0)))"
  const program = transpile(typed)
  const { error, stdout } =
    "error" in program ? raised(program.error) : runTest(engine, program.code, { kind: "stdin", stdin: "7" }, trial)
  if (stdout !== "42\n") throw new Error(`the interpreter fails its self-test: ${error ?? JSON.stringify(stdout)}`)
  await restore()
}

await prove()
await Serve.serve(({ language, source }) => {
  const program = language === "typescript" ? transpile(source) : { code: source }
  return {
    test: (test, limits) => ("error" in program ? raised(program.error) : runTest(engine, program.code, test, limits)),
    restore,
  }
})
