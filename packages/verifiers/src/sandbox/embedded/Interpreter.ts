/**
 * CPython in WebAssembly, put back to one and the same state before every program.
 *
 * Pyodide's module is started once, in a process of its own, and its memory kept: the image. An interpreter here is a bare instance of
 * that module whose memory is a copy of the image: none of Pyodide's JavaScript is loaded. A program can change the memory, the
 * stack pointer, and what `Host` keeps; after it all three are set back, and a memory that grew is wiped or left behind with its
 * instance. So each program finds what the first one found, and nothing of those before it.
 */
import vm from "node:vm"
import { Channels, Host, Stop } from "./Host.ts"

/** What belongs to a memory image. */
export interface ImageInfo {
  /** Where the harness's function is. */
  readonly address: number
  readonly stackPointer: number
  /** Length of the function table as the module makes it. */
  readonly tableBase: number
  /** Functions added after that, by the name they are exported under; null for those of JavaScript. */
  readonly added: ReadonlyArray<string | null>
  /** Values of imported globals. */
  readonly offsets: Readonly<Record<string, number>>
  /** The module that calls through pointers of another type. */
  readonly trampoline: string
}

/** How a run ended: what the harness answered, or why it did not. */
export type Ended =
  | { readonly type: "answer"; readonly text: string }
  | { readonly type: "timeout" }
  | { readonly type: "stop"; readonly stop: Stop }
  | { readonly type: "trap"; readonly message: string }

/** Growth of the memory that is wiped; a larger one is left behind with its instance. */
const maxWiped = 2 ** 26

interface Exports {
  readonly memory: WebAssembly.Memory
  readonly __indirect_function_table: WebAssembly.Table
  readonly __stack_pointer: WebAssembly.Global<"i32">
  readonly PyObject_CallNoArgs: (callable: number) => number
  readonly PyErr_Clear: () => void
}

/** @internal */
export class Interpreter {
  readonly host: Host
  readonly #module: WebAssembly.Module
  readonly #image: Uint8Array
  readonly #info: ImageInfo
  #exports!: Exports
  #dirty = false
  #answered = false
  // Only what runs inside a script can be stopped from outside of it: the engine ends loops in WebAssembly too.
  readonly #script = new vm.Script("lpoRun()", { filename: "run" })

  constructor(module: WebAssembly.Module, library: Uint8Array, image: Uint8Array, info: ImageInfo) {
    this.#module = module
    this.#image = image
    this.#info = info
    this.host = new Host(library)
    Object.defineProperty(globalThis, "lpoRun", { value: () => this.#call() })
    this.#instantiate()
  }

  #instantiate(): void {
    const imports: Record<string, Record<string, WebAssembly.ImportValue>> = {}
    for (const { kind, module, name } of WebAssembly.Module.imports(this.#module)) {
      const group = (imports[module] ??= {})
      if (kind === "global")
        group[name] = new WebAssembly.Global({ value: "i32", mutable: true }, this.#info.offsets[`${module}/${name}`])
      else group[name] = this.host.import(module, name)
    }
    const exports = new WebAssembly.Instance(this.#module, imports).exports as unknown as Exports
    const { __indirect_function_table: table, memory } = exports
    if (table.length !== this.#info.tableBase) throw new Error("the image is of another version of Pyodide")
    table.grow(this.#info.added.length)
    const all = exports as unknown as Record<string, unknown>
    for (const [i, name] of this.#info.added.entries())
      if (name !== null) table.set(this.#info.tableBase + i, all[name])
    const trampoline = new WebAssembly.Instance(new WebAssembly.Module(Buffer.from(this.#info.trampoline, "base64")), {
      env: { __indirect_function_table: table, memory },
    })
    table.set(table.length - 1, trampoline.exports["trampoline_call"])
    memory.grow((this.#image.length - memory.buffer.byteLength) / 65_536)
    this.host.memory = memory
    this.#exports = exports
    this.#dirty = true
  }

  /** A new instance, and the memory of the old one given back at once: the next test may need as much. */
  #replace(): void {
    this.#instantiate()
    ;(globalThis as { gc?: () => void }).gc?.()
  }

  /** Puts everything back to the image. */
  restore(): void {
    if (!this.#dirty) return
    if (this.size > this.#image.length + maxWiped) this.#replace()
    const bytes = new Uint8Array(this.#exports.memory.buffer)
    bytes.set(this.#image)
    bytes.fill(0, this.#image.length)
    this.#exports.__stack_pointer.value = this.#info.stackPointer
    this.host.reset(new Channels(0), 0)
    this.#dirty = false
  }

  /** Bytes of memory at the moment. */
  get size(): number {
    return this.#exports.memory.buffer.byteLength
  }

  #call(): void {
    if (this.#exports.PyObject_CallNoArgs(this.#info.address) === 0) this.#exports.PyErr_Clear()
    else this.#answered = true
  }

  /**
   * Runs the harness once, for at most `milliseconds`. After anything but an answer the interpreter is in the middle of something:
   * restore it.
   */
  run(channels: Channels, maxMemory: number, milliseconds: number): Ended {
    // What is left of a memory that has grown would not have to be asked for.
    if (this.size > Math.max(maxMemory, this.#image.length)) {
      this.#replace()
      this.restore()
    }
    this.host.reset(channels, maxMemory)
    this.#dirty = true
    this.#answered = false
    try {
      this.#script.runInThisContext({ timeout: Math.max(1, Math.ceil(milliseconds)) })
    } catch (cause) {
      if (cause instanceof Stop) return { type: "stop", stop: cause }
      if ((cause as NodeJS.ErrnoException).code === "ERR_SCRIPT_EXECUTION_TIMEOUT") return { type: "timeout" }
      return { type: "trap", message: cause instanceof Error ? cause.message : String(cause) }
    }
    if (!this.#answered) return { type: "trap", message: "the program broke the interpreter" }
    return { type: "answer", text: Buffer.concat(channels.result).toString("utf8") }
  }
}
