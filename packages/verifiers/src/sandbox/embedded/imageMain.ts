/**
 * The program that makes the image: starts Pyodide in full, loads the harness, and writes the interpreter's memory to standard output
 * with what else an instance needs to go on from it. Only trusted code runs here.
 */
import { loadPyodide } from "pyodide"
// @ts-expect-error -- the package declares no types for its own module.
import createModule from "pyodide/pyodide.asm.mjs"
import * as Frames from "./Frames.ts"
import * as Harness from "./Harness.ts"
import type { ImageInfo } from "./Interpreter.ts"

interface Settings {
  readonly instantiateWasm: (
    imports: WebAssembly.Imports,
    receive: (instance: WebAssembly.Instance, module: WebAssembly.Module) => void,
  ) => unknown
}

let instance: WebAssembly.Instance | undefined
let module: WebAssembly.Module | undefined
let imports: WebAssembly.Imports = {}
let tableBase = 0
let trampoline = ""

// Calls of functions through pointers of another type go by a small module of their own, which is made on the fly.
const { Module } = WebAssembly
WebAssembly.Module = new Proxy(Module, {
  construct: (Target, [bytes]: [Buffer<ArrayBuffer>]) => {
    const made = new Target(bytes)
    if (Module.exports(made).some(({ name }) => name === "trampoline_call"))
      trampoline = Buffer.from(bytes).toString("base64")
    return made
  },
})

const create = (settings: Settings): unknown =>
  createModule({
    ...settings,
    instantiateWasm: (wanted: WebAssembly.Imports, receive: Parameters<Settings["instantiateWasm"]>[1]) => {
      imports = wanted
      return settings.instantiateWasm(wanted, (made, from) => {
        instance = made
        module = from
        tableBase = (made.exports["__indirect_function_table"] as WebAssembly.Table).length
        receive(made, from)
      })
    },
  })

const pyodide = await loadPyodide({
  createPyodideModule: create as never,
  // One image is as good as another: sets of strings come in one order, so a program prints the same each time.
  env: { HOME: "/", PYTHONHASHSEED: "0" },
  jsglobals: Object.create(null) as object,
  stdout: () => undefined,
  stderr: () => undefined,
})
pyodide.runPython(Harness.source)
const address = Number(pyodide.runPython("_address"))
if (instance === undefined || module === undefined) throw new Error("Pyodide made no instance of its module")
const { exports } = instance
const table = exports["__indirect_function_table"] as WebAssembly.Table
const names = new Map<unknown, string>()
for (const [name, value] of Object.entries(exports)) if (typeof value === "function") names.set(value, name)
const added: Array<string | null> = []
for (let i = tableBase; i < table.length; i++) added.push(names.get(table.get(i)) ?? null)
const offsets: Record<string, number> = {}
for (const { kind, module: from, name } of Module.imports(module))
  if (kind === "global")
    offsets[`${from}/${name}`] = Number((imports[from] as Record<string, WebAssembly.Global>)[name].value)
const info: ImageInfo = {
  address,
  stackPointer: Number((exports["__stack_pointer"] as WebAssembly.Global).value),
  tableBase,
  added,
  offsets,
  trampoline,
}
Frames.write(Buffer.from(JSON.stringify(info)))
Frames.write(new Uint8Array((exports["memory"] as WebAssembly.Memory).buffer))
