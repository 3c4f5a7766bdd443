/**
 * The whole of the world that the Python interpreter sees: the functions that its WebAssembly module imports.
 *
 * There are seven kinds of things: reading standard input and the job, writing output and the result, reading the archive of the
 * standard library, clocks, the calendar (UTC), randomness, and growing the memory up to its limit. Every other import, the bridges
 * to JavaScript, files, sockets and processes among them, answers "not permitted" or ends the program. No JavaScript of Pyodide's
 * runs here, and there is no object for a program to find its way to.
 */
import { randomFillSync } from "node:crypto"

/** Ends the program from inside an import: the interpreter is then in no state to go on. */
export class Stop extends Error {
  readonly why: "exit" | "output" | "memory" | "denied"
  readonly code: number
  constructor(why: Stop["why"], message: string, code = 0) {
    super(message)
    this.why = why
    this.code = code
  }
}

/** What one run reads and writes. */
export class Channels {
  /** Descriptor 0. */
  stdin: Uint8Array = new Uint8Array(0)
  /** Descriptor 3. */
  job: Uint8Array = new Uint8Array(0)
  /** Descriptor 1. */
  readonly stdout: Array<Uint8Array> = []
  /** Descriptor 2, its end. */
  stderr: Buffer = Buffer.alloc(0)
  /** Descriptor 4. */
  readonly result: Array<Uint8Array> = []
  written = 0
  readonly maxOutput: number
  constructor(maxOutput: number) {
    this.maxOutput = maxOutput
  }
}

/** Keeps the end of what goes to standard error. */
const maxError = 4096

// Numbers of the WASI; system calls give them negated.
const errno = { access: 2, badDescriptor: 8, invalid: 28, noEntry: 44, notTerminal: 59, notPermitted: 63, noSeek: 70 }

const libraryPath = "/lib/python314.zip"

/** An open file: its bytes, or one of the standard descriptors by another name, or nothing at all. */
interface Open {
  readonly bytes: Uint8Array
  position: number
}

/** The imports of one instance, and what they share. */
export class Host {
  memory!: WebAssembly.Memory
  channels = new Channels(0)
  /** The most bytes of memory. */
  maxMemory = 2 ** 29
  /** Whether the memory could not grow any further. */
  exhausted = false
  readonly #library: Uint8Array
  readonly #files = new Map<number, Open>()
  #stdinAt = 0
  #jobAt = 0

  constructor(library: Uint8Array) {
    this.#library = library
  }

  /** Forgets the run before. */
  reset(channels: Channels, maxMemory: number): void {
    this.channels = channels
    this.maxMemory = maxMemory
    this.exhausted = false
    this.#files.clear()
    this.#stdinAt = 0
    this.#jobAt = 0
  }

  get #view(): DataView {
    return new DataView(this.memory.buffer)
  }

  #text(at: number): string {
    const bytes = new Uint8Array(this.memory.buffer)
    const end = bytes.indexOf(0, at >>> 0)
    return Buffer.from(bytes.subarray(at >>> 0, end)).toString("utf8")
  }

  /** Calls `each` with the memory of every buffer of a vector until it takes less than all; the sum of what it took. */
  #vector(iov: number, count: number, each: (part: Uint8Array) => number): number {
    let total = 0
    for (let i = 0; i < count; i++) {
      const at = this.#view.getUint32((iov >>> 0) + 8 * i, true)
      const length = this.#view.getUint32((iov >>> 0) + 8 * i + 4, true)
      const n = each(new Uint8Array(this.memory.buffer, at, length))
      total += n
      if (n < length) break
    }
    return total
  }

  #read(fd: number, iov: number, count: number): number {
    const file = this.#files.get(fd)
    const [source, from] =
      fd === 0
        ? [this.channels.stdin, this.#stdinAt]
        : fd === 3
          ? [this.channels.job, this.#jobAt]
          : [file?.bytes, file?.position ?? 0]
    if (source === undefined) return -1
    let at = from
    const n = this.#vector(iov, count, (part) => {
      const piece = source.subarray(at, at + part.length)
      part.set(piece)
      at += piece.length
      return piece.length
    })
    if (fd === 0) this.#stdinAt = at
    else if (fd === 3) this.#jobAt = at
    else if (file !== undefined) file.position = at
    return n
  }

  #write(fd: number, iov: number, count: number): number {
    const { channels } = this
    return this.#vector(iov, count, (part) => {
      if (fd === 2)
        channels.stderr = Buffer.from(Buffer.concat([channels.stderr, part.slice(-maxError)]).subarray(-maxError))
      else {
        channels.written += part.length
        if (channels.written > channels.maxOutput)
          throw new Stop("output", `more than ${channels.maxOutput} bytes of output`)
        const list = fd === 1 ? channels.stdout : channels.result
        list.push(part.slice())
      }
      return part.length
    })
  }

  #stat(at: number, mode: number, size: number): number {
    const view = this.#view
    new Uint8Array(this.memory.buffer, at >>> 0, 96).fill(0)
    view.setUint32((at >>> 0) + 4, mode, true)
    view.setUint32((at >>> 0) + 8, 1, true)
    view.setBigInt64((at >>> 0) + 24, BigInt(size), true)
    view.setInt32((at >>> 0) + 32, 4096, true)
    return 0
  }

  #statPath(path: string, at: number): number {
    return path === libraryPath ? this.#stat(at, 0o100444, this.#library.length) : -errno.noEntry
  }

  #calendar(seconds: bigint, at: number): void {
    const date = new Date(Number(seconds) * 1000)
    const day = Math.floor((date.getTime() - Date.UTC(date.getUTCFullYear(), 0, 1)) / 86_400_000)
    const fields = [
      date.getUTCSeconds(),
      date.getUTCMinutes(),
      date.getUTCHours(),
      date.getUTCDate(),
      date.getUTCMonth(),
      date.getUTCFullYear() - 1900,
      date.getUTCDay(),
      day,
      0,
      0,
    ]
    for (const [i, field] of fields.entries()) this.#view.setInt32((at >>> 0) + 4 * i, field, true)
  }

  #timestamp(at: number): bigint {
    const [second, minute, hour, day, month, year] = [0, 1, 2, 3, 4, 5].map((i) =>
      this.#view.getInt32((at >>> 0) + 4 * i, true),
    )
    const time = BigInt(Math.floor(Date.UTC(year + 1900, month, day, hour, minute, second) / 1000))
    this.#calendar(time, at)
    return time
  }

  #grow(bytes: number): number {
    const wanted = bytes >>> 0
    const pages = Math.ceil((wanted - this.memory.buffer.byteLength) / 65_536)
    if (wanted <= this.maxMemory) {
      try {
        this.memory.grow(Math.max(0, pages))
        return 1
      } catch {
        // No address space left: the same as the limit.
      }
    }
    this.exhausted = true
    return 0
  }

  /** The import of that name. */
  // oxlint-disable-next-line typescript/no-explicit-any -- imports have all signatures there are.
  import(module: string, name: string): (...args: Array<any>) => unknown {
    const found = this.#imports[name]
    if (found !== undefined) return found
    if (name.startsWith("__syscall_")) return () => -errno.notPermitted
    if (module === "wasi_snapshot_preview1") return () => errno.notPermitted
    return () => {
      throw new Stop("denied", `the sandbox has no ${name}`)
    }
  }

  // oxlint-disable-next-line typescript/no-explicit-any -- imports have all signatures there are.
  readonly #imports: Readonly<Record<string, (...args: Array<any>) => unknown>> = {
    fd_read: (fd: number, iov: number, count: number, out: number) => {
      const n = this.#read(fd, iov, count)
      if (n < 0) return errno.badDescriptor
      this.#view.setUint32(out >>> 0, n, true)
      return 0
    },
    fd_write: (fd: number, iov: number, count: number, out: number) => {
      if (fd !== 1 && fd !== 2 && fd !== 4) return errno.badDescriptor
      this.#view.setUint32(out >>> 0, this.#write(fd, iov, count), true)
      return 0
    },
    fd_pread: (fd: number, iov: number, count: number, offset: bigint, out: number) => {
      const file = this.#files.get(fd)
      if (file === undefined) return errno.badDescriptor
      const { position } = file
      file.position = Number(offset)
      const n = this.#read(fd, iov, count)
      file.position = position
      this.#view.setUint32(out >>> 0, n, true)
      return 0
    },
    fd_seek: (fd: number, offset: bigint, whence: number, out: number) => {
      const file = this.#files.get(fd)
      if (file === undefined) return fd <= 4 ? errno.noSeek : errno.badDescriptor
      const position = Number(offset) + [0, file.position, file.bytes.length][whence]
      if (!(position >= 0)) return errno.invalid
      file.position = position
      this.#view.setBigInt64(out >>> 0, BigInt(position), true)
      return 0
    },
    fd_close: (fd: number) => (fd <= 4 || this.#files.delete(fd) ? 0 : errno.badDescriptor),
    fd_fdstat_get: (fd: number, at: number) => {
      if (fd > 4 && !this.#files.has(fd)) return errno.badDescriptor
      new Uint8Array(this.memory.buffer, at >>> 0, 24).fill(0)
      this.#view.setUint8(at >>> 0, fd > 4 ? 4 : 6)
      return 0
    },
    __syscall_openat: (_: number, path: number, flags: number) => {
      const name = this.#text(path)
      if (name !== libraryPath || (flags & 3) !== 0) return name === "/dev/stdin" ? 0 : -errno.notPermitted
      let fd = 5
      while (this.#files.has(fd)) fd++
      if (fd > 64) return -errno.notPermitted
      this.#files.set(fd, { bytes: this.#library, position: 0 })
      return fd
    },
    __syscall_stat64: (path: number, at: number) => this.#statPath(this.#text(path), at),
    __syscall_lstat64: (path: number, at: number) => this.#statPath(this.#text(path), at),
    __syscall_newfstatat: (_: number, path: number, at: number) => this.#statPath(this.#text(path), at),
    __syscall_fstat64: (fd: number, at: number) => {
      if (fd >= 0 && fd <= 4) return this.#stat(at, 0o010600, 0)
      return this.#files.has(fd) ? this.#stat(at, 0o100444, this.#library.length) : -errno.badDescriptor
    },
    __syscall_ioctl: () => -errno.notTerminal,
    __syscall_getcwd: (at: number, size: number) => {
      if (size < 2) return -errno.invalid
      new Uint8Array(this.memory.buffer).set([47, 0], at >>> 0)
      return 2
    },
    clock_time_get: (_id: number, _precision: bigint, at: number) => {
      const now = _id === 0 ? Date.now() : performance.now()
      this.#view.setBigUint64(at >>> 0, BigInt(Math.round(now * 1e6)), true)
      return 0
    },
    clock_res_get: (_: number, at: number) => {
      this.#view.setBigUint64(at >>> 0, 1000n, true)
      return 0
    },
    emscripten_get_now: () => performance.now(),
    emscripten_date_now: () => Date.now(),
    emscripten_get_heap_max: () => this.maxMemory,
    emscripten_resize_heap: (bytes: number) => this.#grow(bytes),
    random_get: (at: number, length: number) => {
      randomFillSync(new Uint8Array(this.memory.buffer, at >>> 0, length >>> 0))
      return 0
    },
    environ_sizes_get: (count: number, size: number) => {
      this.#view.setUint32(count >>> 0, 0, true)
      this.#view.setUint32(size >>> 0, 0, true)
      return 0
    },
    environ_get: () => 0,
    _gmtime_js: (seconds: bigint, at: number) => this.#calendar(seconds, at),
    _localtime_js: (seconds: bigint, at: number) => this.#calendar(seconds, at),
    _mktime_js: (at: number) => this.#timestamp(at),
    _timegm_js: (at: number) => this.#timestamp(at),
    _tzset_js: (zone: number, daylight: number, standardName: number, daylightName: number) => {
      this.#view.setInt32(zone >>> 0, 0, true)
      this.#view.setInt32(daylight >>> 0, 0, true)
      for (const at of [standardName, daylightName])
        new Uint8Array(this.memory.buffer).set(Buffer.from("UTC\0"), at >>> 0)
    },
    // Waiting spins until the time is over or the limit is.
    can_run_sync_js: () => 0,
    _Py_CheckEmscriptenSignals_Helper: () => 0,
    emscripten_runtime_keepalive_push: () => undefined,
    emscripten_runtime_keepalive_pop: () => undefined,
    _emscripten_runtime_keepalive_clear: () => undefined,
    __syscall_getuid32_js: () => 1000,
    __syscall_umask_js: () => 0o077,
    proc_exit: (code: number) => {
      throw new Stop("exit", `exit code ${code}`, code)
    },
    exit: (code: number) => {
      throw new Stop("exit", `exit code ${code}`, code)
    },
    _abort_js: () => {
      throw new Stop("denied", "the program aborted")
    },
  }
}
