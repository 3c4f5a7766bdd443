/** The program of a process that runs Python: gets the image once, then a job after the other. Arguments: Pyodide's module and its standard library. */
import { readFileSync } from "node:fs"
import type { Limits, Outcome, Test } from "../Sandbox.ts"
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
      try {
        return { ...base, ...(JSON.parse(ended.text) as Pick<Outcome, "status">) }
      } catch {
        return { ...base, status: "raised", error: "the program broke the harness" }
      }
  }
}

const job = (source: string, test: Test): Buffer =>
  Buffer.from(JSON.stringify({ source, ...(test.kind === "call" && { call: { name: test.name, args: test.args } }) }))

const begin =
  (interpreter: Interpreter) =>
  ({ source }: Frames.Request): Serve.Runner => ({
    test: (test, limits) => {
      const channels = new Channels(limits.output)
      channels.stdin = Buffer.from(test.kind === "stdin" ? test.stdin : "")
      channels.job = job(source, test)
      const started = performance.now()
      const ended = interpreter.run(channels, limits.memory, 1000 * limits.seconds)
      const outcome = outcomeOf(ended, channels, limits, interpreter.host.exhausted)
      if (ended.type !== "answer") interpreter.restore()
      return { ...outcome, seconds: (performance.now() - started) / 1000 }
    },
    end: () => {
      interpreter.restore()
      return true
    },
  })

const [wasm, library] = process.argv.slice(2)
const info = Frames.read()
const image = Frames.read()
if (info !== null && image !== null) {
  const module = new WebAssembly.Module(readFileSync(wasm))
  const interpreter = new Interpreter(
    module,
    readFileSync(library),
    image,
    JSON.parse(info.toString("utf8")) as ImageInfo,
  )
  interpreter.restore()
  await Serve.serve(begin(interpreter))
}
