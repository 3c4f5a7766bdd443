/** The program of a process that runs Python: gets the image and how slow it is once, then a job after the other. Arguments: Pyodide's module and its standard library. */
import { readFileSync } from "node:fs"
import type { Limits, Outcome, Test } from "../Sandbox.ts"
import * as Answer from "./Answer.ts"
import * as Frames from "./Frames.ts"
import { Channels } from "./Host.ts"
import { type Ended, type ImageInfo, Interpreter } from "./Interpreter.ts"
import * as Serve from "./Serve.ts"

const outcomeOf = (ended: Ended, channels: Channels, limits: Limits, exhausted: boolean): Omit<Outcome, "seconds"> => {
  const base = {
    stdout: Buffer.concat(channels.stdout).toString("utf8"),
    stderr: channels.stderr.toString("utf8"),
    exitCode: 0,
  }
  switch (ended.type) {
    case "timeout":
      return { ...base, status: "timeout", error: `longer than ${limits.seconds} s` }
    case "trap": {
      if (exhausted) return { ...base, status: "memory", error: `more than ${limits.memory} bytes of memory` }
      const deep = ended.message.includes("call stack")
      return { ...base, status: "raised", error: deep ? "RecursionError: nested too deeply" : ended.message }
    }
    case "stop": {
      const { code, message, why } = ended.stop
      if (why === "exit") return { ...base, status: "done", exitCode: code & 255 }
      if (why === "denied") return { ...base, status: "raised", error: `PermissionError: ${message}` }
      return { ...base, status: why, error: message }
    }
    case "answer":
      return { ...base, ...Answer.read(ended.text) }
  }
}

const job = (source: string, test: Test): Buffer =>
  Buffer.from(
    JSON.stringify({
      source,
      ...(test.kind === "call" && { call: { name: test.name, args: test.args, encoded: test.encoded === true } }),
    }),
  )

const runTest = (interpreter: Interpreter, source: string, test: Test, limits: Limits): Outcome => {
  const channels = new Channels(limits.output)
  channels.stdin = Buffer.from(test.kind === "stdin" ? test.stdin : "")
  channels.job = job(source, test)
  const started = performance.now()
  const ended = interpreter.run(channels, limits.memory, 1000 * limits.seconds)
  const seconds = (performance.now() - started) / 1000
  return { ...outcomeOf(ended, channels, limits, interpreter.host.exhausted), seconds }
}

const trial: Limits = { seconds: 30, totalSeconds: 30, memory: 2 ** 28, output: 2 ** 12, totalOutput: 2 ** 12 }

/** Runs a program that must print 42; a process that cannot does not serve. */
const prove = (interpreter: Interpreter): void => {
  const test: Test = { kind: "stdin", stdin: "6 7\n" }
  const { error, status, stdout } = runTest(interpreter, "a, b = map(int, input().split())\nprint(a * b)", test, trial)
  interpreter.restore()
  if (status !== "done" || stdout !== "42\n")
    throw new Error(`the interpreter fails its self-test: ${error ?? JSON.stringify(stdout)}`)
}

/** Seconds that CPython takes for one step of `loop`, on the machine that limits are meant for. */
const nominal = 50e-9
const steps = 400_000
const loop = `n = 0\nfor i in range(${steps}):\n    n += i & 3`
const maxSlowness = 4

/** How many times longer than a nominal CPython this one takes for a plain loop: at least 1, at most 4; the best of some tries. */
const slowness = (interpreter: Interpreter): number => {
  let best = Infinity
  for (let round = 0; round < 4; round++) {
    best = Math.min(best, runTest(interpreter, loop, { kind: "stdin", stdin: "" }, trial).seconds)
    interpreter.restore()
  }
  return Math.min(maxSlowness, Math.max(1, best / (steps * nominal)))
}

const begin =
  (interpreter: Interpreter) =>
  ({ source }: Frames.Request): Serve.Runner => ({
    test: (test, limits) => runTest(interpreter, source, test, limits),
    restore: () => {
      interpreter.restore()
      return true
    },
  })

const [wasm, library] = process.argv.slice(2)
const info = Frames.read()
const image = Frames.read()
const known = Frames.read()
if (info !== null && image !== null && known !== null) {
  const module = new WebAssembly.Module(readFileSync(wasm))
  const interpreter = new Interpreter(
    module,
    readFileSync(library),
    image,
    JSON.parse(info.toString("utf8")) as ImageInfo,
  )
  interpreter.restore()
  prove(interpreter)
  await Serve.serve(begin(interpreter), known.length > 0 ? Number(known.toString("utf8")) : slowness(interpreter))
}
