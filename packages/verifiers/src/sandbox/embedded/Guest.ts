/**
 * The JavaScript side: what a program finds in QuickJS beside the language. Enough of Node's ways to read standard input and to print
 * (`console`, `process`, `require("fs")`, `require("readline")`), all of it written in the guest's own JavaScript over four functions
 * of the host: `write(fd, text)`, `exit(code)`, `now()` and the text of standard input.
 */

/** Modules that a program may import or require. */
export const modules: Readonly<Record<string, ReadonlyArray<string>>> = {
  fs: ["readFileSync", "writeSync", "writeFileSync"],
  readline: ["createInterface"],
  process: ["argv", "env", "exit", "stdin", "stdout"],
}

/** The source of an importable module; null when there is none. */
export const moduleSource = (name: string): string | null => {
  const bare = name.replace(/^node:/, "")
  const names = Object.hasOwn(modules, bare) ? modules[bare] : null
  if (names === null) return null
  return `const it = require(${JSON.stringify(bare)})\nexport default it\n${names.map((n) => `export const ${n} = it.${n}`).join("\n")}`
}

/** Runs before the program. */
export const prelude = `
(() => {
  const { __write: write, __exit: exit, __now: now, __stdin: stdin } = globalThis
  for (const name of ["__write", "__exit", "__now", "__stdin"]) delete globalThis[name]
  const inspect = (v, depth, seen) => {
    if (typeof v === "string") return depth === 0 ? v : "'" + v.replaceAll("\\\\", "\\\\\\\\").replaceAll("'", "\\\\'").replaceAll("\\n", "\\\\n") + "'"
    if (typeof v === "bigint") return v + "n"
    if (Object.is(v, -0)) return "-0"
    if (typeof v === "function") return "[Function" + (v.name ? ": " + v.name : " (anonymous)") + "]"
    if (typeof v !== "object" || v === null) return String(v)
    if (v instanceof Error) return v.stack ? String(v) + "\\n" + v.stack : String(v)
    if (seen.includes(v)) return "[Circular *1]"
    if (depth > 3) return Array.isArray(v) ? "[Array]" : "[Object]"
    const inner = (x) => inspect(x, depth + 1, [...seen, v])
    const wrap = (open, list, close) => list.length === 0 ? open + close : open + " " + list.join(", ") + " " + close
    if (Array.isArray(v)) {
      const list = v.slice(0, 100).map(inner)
      if (v.length > 100) list.push("... " + (v.length - 100) + " more items")
      return wrap("[", list, "]")
    }
    if (v instanceof Map) return wrap("Map(" + v.size + ") {", [...v].map(([a, b]) => inner(a) + " => " + inner(b)), "}")
    if (v instanceof Set) return wrap("Set(" + v.size + ") {", [...v].map(inner), "}")
    if (v instanceof Date || v instanceof RegExp) return v instanceof Date ? v.toISOString() : String(v)
    const name = v.constructor && v.constructor !== Object ? v.constructor.name + " " : ""
    const key = (k) => /^[A-Za-z_$][\\w$]*$/.test(k) ? k : "'" + k + "'"
    return name + wrap("{", Object.keys(v).map((k) => key(k) + ": " + inner(v[k])), "}")
  }
  const format = (first, ...rest) => {
    if (typeof first === "string" && first.includes("%")) {
      first = first.replace(/%([sdifjoO%])/g, (whole, kind) => {
        if (kind === "%") return "%"
        if (rest.length === 0) return whole
        const v = rest.shift()
        if (kind === "d") return String(Number(v))
        if (kind === "i") return String(parseInt(v))
        if (kind === "f") return String(parseFloat(v))
        return kind === "j" ? JSON.stringify(v) : typeof v === "string" ? v : inspect(v, 1, [])
      })
    }
    return [first, ...rest].map((v) => inspect(v, 0, [])).join(" ")
  }
  const line = (fd) => (...args) => write(fd, (args.length === 0 ? "" : format(...args)) + "\\n")
  globalThis.console = { log: line(1), info: line(1), debug: line(1), error: line(2), warn: line(2), trace: line(2), table: line(1), assert: (ok, ...args) => { if (!ok) line(2)("Assertion failed", ...args) } }
  globalThis.print = (...args) => write(1, args.map(String).join(" ") + "\\n")
  const later = []
  let timers = 0
  let cancelled = new Set()
  const timer = (f, ms = 0, ...args) => { const id = ++timers; later.push({ id, at: now() + Math.max(0, +ms || 0), f, args }); return id }
  globalThis.setTimeout = timer
  globalThis.setImmediate = (f, ...args) => timer(f, 0, ...args)
  globalThis.setInterval = (f, ms = 0, ...args) => { const id = timer(function again() { f(...args); if (!cancelled.has(id)) later.push({ id, at: now() + Math.max(1, +ms || 0), f: again, args: [] }) }, ms); return id }
  globalThis.clearTimeout = globalThis.clearInterval = globalThis.clearImmediate = (id) => { cancelled.add(id) }
  globalThis.queueMicrotask = (f) => { Promise.resolve().then(f) }
  globalThis.performance = { now }
  globalThis.global = globalThis
  const listeners = () => {
    const map = new Map()
    const on = (name, f) => { if (!map.has(name)) map.set(name, []); map.get(name).push(f) }
    return { on, emit: (name, ...args) => { for (const f of map.get(name) ?? []) f(...args) }, has: (name) => map.has(name) }
  }
  const lines = () => { const all = stdin.split(/\\r?\\n/); if (all.at(-1) === "") all.pop(); return all }
  const input = listeners()
  let started = false
  const start = () => {
    if (started) return
    started = true
    timer(() => {
      if (stdin !== "") input.emit("data", stdin)
      if (input.has("readable")) input.emit("readable")
      input.emit("end")
      input.emit("close")
    })
  }
  let taken = false
  const standardInput = {
    fd: 0, isTTY: false,
    on(name, f) { input.on(name, f); start(); return this }, once(name, f) { return this.on(name, f) }, addListener(name, f) { return this.on(name, f) },
    setEncoding() { return this }, resume() { start(); return this }, pause() { return this }, unref() { return this },
    read() { if (taken || stdin === "") return null; taken = true; return stdin },
    async *[Symbol.asyncIterator]() { if (stdin !== "") yield stdin },
  }
  const output = (fd) => ({ fd, isTTY: false, write: (text) => (write(fd, String(text)), true), end: (text) => { if (text !== undefined) write(fd, String(text)) }, on() { return this }, once() { return this } })
  globalThis.process = {
    argv: ["node", "program"], env: {}, platform: "linux", exitCode: undefined, version: "v24.0.0", versions: { node: "24.0.0" },
    stdin: standardInput, stdout: output(1), stderr: output(2), cwd: () => "/", on() { return this }, once() { return this }, emitWarning() {},
    exit: (code) => { exit(code ?? globalThis.process.exitCode ?? 0); throw new Error("exit") },
    hrtime: Object.assign(() => [Math.floor(now() / 1000), Math.floor((now() % 1000) * 1e6)], { bigint: () => BigInt(Math.round(now() * 1e6)) }),
    memoryUsage: () => ({ rss: 0, heapTotal: 0, heapUsed: 0, external: 0, arrayBuffers: 0 }), nextTick: (f, ...args) => { Promise.resolve().then(() => f(...args)) },
  }
  const refuse = (what) => { const e = new Error("EPERM: operation not permitted, " + what); e.code = "EPERM"; throw e }
  const fs = {
    readFileSync: (path) => path === 0 || path === "/dev/stdin" ? stdin : refuse("open '" + path + "'"),
    writeSync: (fd, text) => fd === 1 || fd === 2 ? (write(fd, String(text)), String(text).length) : refuse("write"),
    writeFileSync: (path, text) => path === 1 || path === "/dev/stdout" ? write(1, String(text)) : refuse("open '" + path + "'"),
  }
  const readline = {
    createInterface: () => {
      const events = listeners()
      const pending = []
      let all = null
      let closed = false
      const pump = () => {
        all ??= lines()
        timer(function step() {
          if (closed) return
          if (pending.length > 0) { if (all.length > 0) { pending.shift()(all.shift()); timer(step) } return }
          if (!events.has("line") && !events.has("close")) return
          while (all.length > 0 && !closed && pending.length === 0) events.emit("line", all.shift())
          if (all.length === 0 && !closed) { closed = true; events.emit("close") }
        })
      }
      return {
        on(name, f) { events.on(name, f); pump(); return this }, once(name, f) { return this.on(name, f) },
        question(prompt, options, f) { write(1, String(prompt)); pending.push(f ?? options); pump() },
        close() { if (!closed) { closed = true; events.emit("close") } }, prompt() {}, setPrompt() {}, pause() { return this }, resume() { return this },
        async *[Symbol.asyncIterator]() { yield* lines() },
      }
    },
  }
  const known = { fs, readline, process: globalThis.process }
  globalThis.module = { exports: {} }
  globalThis.exports = globalThis.module.exports
  globalThis.require = (name) => {
    const bare = String(name).replace(/^node:/, "")
    if (!Object.hasOwn(known, bare)) throw new Error("Cannot find module '" + name + "'")
    return known[bare]
  }
  const encode = (v, depth) => {
    if (depth > 200) throw new RangeError("the value is nested more than 200 deep")
    if (v === undefined) return null
    if (v === null || typeof v === "boolean" || typeof v === "string") return v
    if (typeof v === "number") return { f: Object.is(v, -0) ? "0" : String(v) }
    if (typeof v === "bigint") return { i: (v < 0n ? "-" : "") + "0x" + (v < 0n ? -v : v).toString(16) }
    const inner = (x) => encode(x, depth + 1)
    if (Array.isArray(v) || ArrayBuffer.isView(v)) return Array.from(v, inner)
    if (v instanceof Map) return { d: [...v].map(([a, b]) => [inner(a), inner(b)]) }
    if (v instanceof Set) return { s: [...v].map(inner) }
    if (typeof v === "object") return { d: Object.entries(v).map(([a, b]) => [a, inner(b)]) }
    return { o: String(v) }
  }
  const stringify = JSON.stringify
  const parse = JSON.parse
  let returned
  return {
    // The next timer that is due at or before \`at\`, run; how long until the next one, or -1 when there is none.
    step: () => {
      later.sort((a, b) => a.at - b.at || a.id - b.id)
      const next = later.shift()
      if (next === undefined) return -1
      if (next.at > now()) { later.unshift(next); return next.at - now() }
      if (!cancelled.has(next.id)) next.f(...next.args)
      return 0
    },
    exitCode: () => globalThis.process.exitCode ?? 0,
    call: (f, args) => { Promise.resolve(f(...args.map((a) => parse(a)))).then((v) => { returned = stringify(encode(v, 0)) }) },
    returned: () => returned,
  }
})()
`
