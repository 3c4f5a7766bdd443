/**
 * One sandbox at work: a process of bubblewrap with the supervisor in it, which runs the tests of one program one after the other, each in
 * a fork of its own.
 *
 * Status and processor time come from the kernel by way of the supervisor, which reads nothing of what a program writes. Until the mark
 * comes a failure is ours; after it everything is the program's doing, whatever it writes, and whoever ends it.
 */
import { type ChildProcess, spawn } from "node:child_process"
import type { Writable } from "node:stream"
import type { Limits, Outcome, Test } from "../Sandbox.ts"
import * as Answer from "../embedded/Answer.ts"
import type * as Cgroup from "./Cgroup.ts"
import * as Supervisor from "./Supervisor.ts"

/** What is the same for every sandbox of this machine: the command line, and what makes control groups. */
export interface Machine {
  readonly file: string
  readonly args: ReadonlyArray<string>
  readonly groups: Cgroup.Groups | null
}

/** What became of a try: an outcome; the sandbox ended under the test from outside; or the program was never started, and why. */
export type Tried =
  | { readonly type: "outcome"; readonly outcome: Outcome }
  | { readonly type: "lost" }
  | { readonly type: "unstarted"; readonly reason: string }

export interface Box {
  /** Whether it has run no test yet. */
  readonly fresh: () => boolean
  /** Whether another test can run in it. */
  readonly usable: () => boolean
  /** Runs one test; an abort kills the sandbox. */
  readonly run: (source: string, test: Test, limits: Limits, signal: AbortSignal) => Promise<Tried>
  /** Ends it. */
  readonly end: () => void
}

/** One test as it goes on. */
interface Trial {
  readonly data: (channel: number, bytes: Buffer) => void
  /** What the kernel says of the child; null when the sandbox is gone. */
  readonly ended: (how: { readonly status: number; readonly seconds: number } | null) => void
}

const maxError = 4096
/** Milliseconds that the interpreter may take to start. */
const maxStart = 60_000

/** Keeps what a channel says, up to a limit. */
const keeper = (limit: number, onOver: () => void) => {
  const chunks: Array<Buffer> = []
  let size = 0
  return {
    add: (chunk: Buffer): void => {
      size += chunk.length
      if (size <= limit) chunks.push(chunk)
      else onOver()
    },
    text: () => Buffer.concat(chunks).toString("utf8"),
  }
}

/** Takes frames apart as they come: `each` gets the parts of those with data, `ended` those of channel 0. */
const reader = (each: (channel: number, part: Buffer) => void, ended: (payload: Buffer) => void) => {
  let held: Buffer = Buffer.alloc(0)
  let [channel, left] = [0, 0]
  return (chunk: Buffer): void => {
    held = held.length === 0 ? chunk : Buffer.concat([held, chunk])
    for (;;) {
      if (left === 0) {
        if (held.length < Supervisor.frameBytes) return
        channel = held[0]
        left = held.readUInt32LE(1)
        held = held.subarray(Supervisor.frameBytes)
      }
      if (channel === 0 ? held.length < left : held.length === 0) return
      const part = held.subarray(0, left)
      held = held.subarray(part.length)
      left -= part.length
      if (channel === 0) ended(part)
      else each(channel, part)
    }
  }
}

const request = (source: string, test: Test, limits: Limits): ReadonlyArray<Buffer> => {
  const call = test.kind === "call" && { call: { name: test.name, args: test.args, encoded: test.encoded === true } }
  const job = Buffer.from(JSON.stringify({ source, ...call }))
  const stdin = Buffer.from(test.kind === "stdin" ? test.stdin : "")
  const header = Buffer.alloc(Supervisor.headerBytes)
  header.writeBigUInt64LE(BigInt(limits.memory), 0)
  // Processor time is a second limit, for what the clock of a busy machine would let through.
  header.writeUInt32LE(processorSeconds(limits), 8)
  header.writeUInt32LE(job.length, 12)
  header.writeBigUInt64LE(BigInt(stdin.length), 16)
  return [header, job, stdin]
}

const processorSeconds = ({ seconds }: Limits): number => Math.ceil(seconds) + 1

const [killed, outOfTime] = [9, 24]

/** Starts a sandbox. Throws when there is no control group for it. */
export const start = ({ args, file, groups }: Machine, memory: number): Box => {
  const group = groups?.make(memory) ?? null
  const join = group === null ? "" : `echo 0 > '${group.procs}' && `
  const child: ChildProcess = spawn("/bin/sh", ["-c", `${join}exec "$0" "$@"`, file, ...args], {
    env: {},
    cwd: "/",
    stdio: ["pipe", "pipe", "pipe"],
  })
  const [stdin, stdout, stderr] = [child.stdin as Writable, child.stdout, child.stderr]
  let trial: Trial | null = null
  let tests = 0
  let usable = true
  let said = ""
  const read = reader(
    (channel, part) => trial?.data(channel, part),
    (payload) =>
      trial?.ended({ status: payload.readUInt32LE(0), seconds: payload.readUInt32LE(Supervisor.statusBytes) / 1000 }),
  )
  const kill = (): void => {
    usable = false
    child.kill("SIGKILL")
  }
  // A child that ends early leaves its input unread.
  stdin.on("error", () => undefined)
  stdout?.on("data", read)
  stderr?.on("data", (chunk: Buffer) => (said = (said + chunk.toString()).slice(-maxError)))
  child.once("error", (error) => {
    said = error.message
    usable = false
    group?.remove()
    trial?.ended(null)
  })
  child.once("close", (code, signal) => {
    usable = false
    said = said.trim() || signal || `exit code ${code}`
    group?.remove()
    trial?.ended(null)
  })
  return {
    fresh: () => tests === 0,
    usable: () => usable,
    end: () => {
      usable = false
      stdin.end()
    },
    run: (source, test, limits, abort) =>
      new Promise((resolve) => {
        tests++
        let started = performance.now()
        let stopped: "timeout" | "output" | null = null
        const stop = (why: "timeout" | "output") => {
          stopped ??= why
          kill()
        }
        let timer = setTimeout(() => stop("timeout"), maxStart)
        const printed = keeper(limits.output, () => stop("output"))
        const answered = keeper(limits.output, () => stop("output"))
        let complained: Buffer = Buffer.alloc(0)
        let up = false
        const outcome = (how: Parameters<Trial["ended"]>[0]): Tried => {
          const stderr = complained.toString("utf8")
          if (!up) return { type: "unstarted", reason: stderr.trim() || said || "it says nothing" }
          const seconds = (performance.now() - started) / 1000
          const base = { stdout: printed.text(), stderr, exitCode: 0, seconds }
          const given = (rest: Pick<Outcome, "status"> & Partial<Outcome>): Tried => ({
            type: "outcome",
            outcome: { ...base, ...rest },
          })
          if (group?.exhausted() === true)
            return given({ status: "memory", error: `more than ${limits.memory} bytes of memory` })
          if (stopped === "timeout") return given({ status: "timeout", error: `longer than ${limits.seconds} s` })
          if (stopped === "output")
            return given({ status: "output", error: `more than ${limits.output} bytes of output` })
          if (how === null) return { type: "lost" }
          const answer = answered.text().slice(Supervisor.mark.length)
          if (answer !== "") return given(Answer.read(answer))
          const signal = how.status & 127
          if (signal === outOfTime || (signal === killed && how.seconds >= processorSeconds(limits)))
            return given({ status: "timeout", error: "out of processor time" })
          if (signal !== 0) return given({ status: "crashed", error: `ended by signal ${signal}` })
          return given({ status: "done", exitCode: (how.status >> 8) & 255 })
        }
        const aborted = () => {
          clearTimeout(timer)
          trial = null
          kill()
        }
        abort.addEventListener("abort", aborted, { once: true })
        trial = {
          data: (channel, bytes) => {
            if (channel === 1) printed.add(bytes)
            else if (channel === 2) complained = Buffer.concat([complained, bytes]).subarray(-maxError)
            else {
              answered.add(bytes)
              if (up) return
              // The clock of a test starts when the interpreter is up: how long that takes is the machine's doing.
              up = true
              clearTimeout(timer)
              started = performance.now()
              timer = setTimeout(() => stop("timeout"), 1000 * limits.seconds)
            }
          },
          ended: (how) => {
            clearTimeout(timer)
            abort.removeEventListener("abort", aborted)
            trial = null
            const tried = outcome(how)
            if (group?.exhausted() === true) kill()
            resolve(tried)
          },
        }
        if (!usable) return trial.ended(null)
        for (const part of request(source, test, limits)) stdin.write(part)
      }),
  }
}
