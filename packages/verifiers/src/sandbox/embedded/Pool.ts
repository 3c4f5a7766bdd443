/**
 * A pool of sandbox processes, kept warm: a job goes to the one that has been idle longest, and a process that dies or is killed is
 * replaced at once.
 *
 * Processes stop programs at their limits themselves. The pool trusts none of that: one that stays silent for longer than a test
 * may take is killed, and that test has timed out. One that dies otherwise loses nothing: the test it was at, and those after it,
 * run again elsewhere. Only a test that takes its process down twice is held to be the cause.
 */
import { type ChildProcess, spawn } from "node:child_process"
import type { Limits, Outcome } from "../Sandbox.ts"
import * as Frames from "./Frames.ts"
import type { Command } from "./Image.ts"

export interface Options {
  readonly command: Command
  /** Processes kept. */
  readonly size: number
  /** What a process is sent before anything else. */
  readonly preamble: () => Promise<ReadonlyArray<Buffer>>
  /** A process has started; by how much it multiplies limits on time. */
  readonly onReady?: (slowness: number) => void
  /** Milliseconds of silence beyond a test's limit after which a process is killed. */
  readonly graceMs: number
  /** A process did not start; what it was given may be at fault. */
  readonly onFailedStart?: () => void
}

/** One who waits for a job. */
export interface Asker {
  /** Takes each outcome as it comes. */
  readonly each: (outcome: Outcome, index: number) => void
  /** The job waits for a process from now on; the function that it returns says that it has one. */
  readonly wait: () => () => void
  readonly signal: AbortSignal
}

interface Item {
  readonly request: Frames.Request
  readonly asker: Asker
  readonly resolve: () => void
  readonly reject: (error: Error) => void
  /** Outcomes so far, and what they used up. */
  done: number
  seconds: number
  output: number
  /** Ends the wait. */
  turn: () => void
  /** Ends of processes since the last outcome, by those outside and by themselves. */
  kills: number
  crashes: number
}

interface Worker {
  readonly child: ChildProcess
  state: "starting" | "idle" | "busy" | "dead"
  item: Item | null
  timer: NodeJS.Timeout | null
  /** Whether the pool killed it for being silent. */
  silent: boolean
  readonly round: number
  /** By which it multiplies limits on time. */
  slowness: number
  /** What it said that no process says. */
  broken: string | null
  said: string
}

/** Longest reply: the output of a test, escaped. */
const maxFrame = 2 ** 28
/** Milliseconds that a process may take to start. */
const maxStart = 60_000
/** Ends by other hands that one test survives. */
const maxKills = 5
const maxCrashes = 2

/** @internal */
export class Pool {
  readonly #options: Options
  readonly #workers = new Set<Worker>()
  readonly #waiting: Array<Item> = []
  /** Rounds of starts that failed: processes that start together fail together. */
  #failedStarts = 0
  #round = 0
  #closed = false

  constructor(options: Options) {
    this.#options = options
  }

  /** Runs a job; an abort kills its process. Rejects when it could not be run. */
  run(request: Frames.Request, asker: Asker): Promise<void> {
    return new Promise((resolve, reject) => {
      const turn = asker.wait()
      const item: Item = {
        request,
        asker,
        resolve,
        reject: (error) => {
          item.turn()
          reject(error)
        },
        done: 0,
        seconds: 0,
        output: 0,
        turn,
        kills: 0,
        crashes: 0,
      }
      if (request.tests.length === 0) {
        turn()
        return resolve()
      }
      if (this.#closed) return item.reject(new Error("it is closed"))
      asker.signal.addEventListener("abort", () => this.#drop(item), { once: true })
      this.#waiting.push(item)
      this.#failedStarts = 0
      this.#fill()
      this.#dispatch()
    })
  }

  /** Process ids, for those who watch. */
  get pids(): ReadonlyArray<number> {
    return [...this.#workers].flatMap(({ child }) => (child.pid === undefined ? [] : [child.pid]))
  }

  /** Kills all processes and waits until they are gone. */
  async close(): Promise<void> {
    this.#closed = true
    for (const item of this.#waiting.splice(0)) item.reject(new Error("it was closed"))
    const gone = [...this.#workers].map(
      ({ child }) =>
        new Promise<void>((resolve) => {
          if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) resolve()
          else child.once("exit", () => resolve())
        }),
    )
    for (const worker of this.#workers) {
      worker.item?.reject(new Error("it was closed"))
      worker.item = null
      // What is not held does not keep the program alive until it is gone.
      this.#hold(worker, true)
      worker.child.kill("SIGKILL")
    }
    await Promise.all(gone)
  }

  #drop(item: Item): void {
    item.turn()
    const at = this.#waiting.indexOf(item)
    if (at >= 0) this.#waiting.splice(at, 1)
    for (const worker of this.#workers)
      if (worker.item === item) {
        worker.item = null
        worker.child.kill("SIGKILL")
      }
  }

  #fill(): void {
    while (!this.#closed && this.#workers.size < this.#options.size) this.#start()
  }

  #start(): void {
    const { args, file } = this.#options.command
    const child = spawn(file, args, { env: {}, cwd: "/", stdio: ["pipe", "pipe", "pipe"], windowsHide: true })
    const worker: Worker = {
      child,
      state: "starting",
      item: null,
      timer: null,
      silent: false,
      round: this.#round,
      slowness: 1,
      broken: null,
      said: "",
    }
    this.#workers.add(worker)
    this.#watch(worker, maxStart)
    child.stderr.on("data", (data: Buffer) => (worker.said = (worker.said + data.toString()).slice(-1000)))
    // A dead process is reported by its end.
    child.stdin.on("error", () => undefined)
    const decode = Frames.decoder((payload) => this.#hear(worker, payload), maxFrame)
    child.stdout.on("data", (chunk: Buffer) => {
      try {
        decode(chunk)
      } catch (cause) {
        worker.broken = (cause as Error).message
        child.kill("SIGKILL")
      }
    })
    let ended = false
    const end = (how: string, killed: boolean) => {
      if (ended) return
      ended = true
      this.#end(worker, how, killed)
    }
    child.once("error", (error) => end(error.message, false))
    child.once("close", (code, sign) =>
      end(worker.broken ?? sign ?? `exit code ${code}`, sign === "SIGKILL" && worker.broken === null),
    )
    this.#options.preamble().then(
      (preamble) => {
        for (const part of preamble) child.stdin.write(part)
      },
      (cause: Error) => {
        worker.said = cause.message
        child.kill("SIGKILL")
      },
    )
    // An idle pool does not keep a program from ending.
    this.#hold(worker, false)
  }

  #hold(worker: Worker, hold: boolean): void {
    const handles = [
      worker.child,
      worker.child.stdin,
      worker.child.stdout,
      worker.child.stderr,
    ] as unknown as ReadonlyArray<{
      ref?: () => void
      unref?: () => void
    }>
    for (const handle of handles)
      if (hold) handle.ref?.()
      else handle.unref?.()
  }

  #watch(worker: Worker, milliseconds: number | null): void {
    if (worker.timer !== null) clearTimeout(worker.timer)
    worker.timer = null
    if (milliseconds === null) return
    worker.timer = setTimeout(() => {
      worker.silent = true
      worker.child.kill("SIGKILL")
    }, milliseconds)
    if (worker.state === "starting") worker.timer.unref()
  }

  #dispatch(): void {
    for (const worker of this.#workers) {
      if (this.#waiting.length === 0) break
      if (worker.state !== "idle") continue
      const item = this.#waiting.shift()
      if (item === undefined) break
      this.#workers.delete(worker)
      this.#workers.add(worker)
      worker.state = "busy"
      worker.item = item
      this.#hold(worker, true)
      item.turn()
      const { limits, tests } = item.request
      const left: Limits = {
        ...limits,
        totalSeconds: Math.max(0, limits.totalSeconds - item.seconds),
        totalOutput: Math.max(0, limits.totalOutput - item.output),
      }
      const request: Frames.Request = { ...item.request, tests: tests.slice(item.done), limits: left }
      worker.child.stdin?.write(Frames.encode(Buffer.from(JSON.stringify(request))))
      this.#watch(worker, this.#silence(worker, limits))
    }
    // While something waits, the processes that start are what it waits for.
    for (const worker of this.#workers) if (worker.state === "starting") this.#hold(worker, this.#waiting.length > 0)
  }

  /** Milliseconds that a process may be silent. */
  #silence(worker: Worker, { seconds }: Limits): number {
    return 1000 * seconds * worker.slowness + this.#options.graceMs
  }

  #take(item: Item, outcome: Outcome, slowness: number): void {
    item.asker.each(outcome, item.done)
    item.done++
    item.seconds += outcome.seconds / slowness
    item.output += outcome.stdout.length + (outcome.value?.length ?? 0)
    item.kills = 0
    item.crashes = 0
  }

  #hear(worker: Worker, payload: Buffer): void {
    const message = Frames.readReply(payload)
    const { item } = worker
    switch (message.type) {
      case "ready":
        this.#failedStarts = 0
        worker.state = "idle"
        worker.slowness = message.slowness
        this.#options.onReady?.(message.slowness)
        this.#watch(worker, null)
        this.#hold(worker, false)
        return this.#dispatch()
      case "outcome":
        if (item === null) return
        if (item.done === item.request.tests.length) throw new RangeError("more outcomes than tests")
        this.#take(item, message.outcome, worker.slowness)
        return this.#watch(worker, this.#silence(worker, item.request.limits))
      case "done":
        if (item !== null && item.done < item.request.tests.length) throw new RangeError("fewer outcomes than tests")
        worker.state = "idle"
        worker.item = null
        this.#watch(worker, null)
        this.#hold(worker, false)
        item?.resolve()
        return this.#dispatch()
    }
  }

  #end(worker: Worker, how: string, killed: boolean): void {
    const { item, silent, state } = worker
    worker.state = "dead"
    worker.item = null
    this.#watch(worker, null)
    this.#workers.delete(worker)
    if (this.#closed) return
    const failed = state === "starting" && !(killed && worker.said === "" && !silent)
    if (failed && worker.round === this.#round) {
      this.#round++
      if (++this.#failedStarts >= 3) {
        const reason = `its process does not start: ${worker.said.trim() || how}`
        for (const waiting of this.#waiting.splice(0)) waiting.reject(new Error(reason))
        return
      }
      this.#options.onFailedStart?.()
    }
    if (item !== null) this.#rescue(item, how, killed, silent)
    this.#fill()
    this.#dispatch()
  }

  /** What becomes of the job of a process that is gone. */
  #rescue(item: Item, how: string, killed: boolean, silent: boolean): void {
    const { limits, tests } = item.request
    const give = (status: Outcome["status"], error: string, seconds: number) =>
      this.#take(item, { status, stdout: "", stderr: "", exitCode: 0, error, seconds }, 1)
    if (silent) give("timeout", `longer than ${limits.seconds} s`, limits.seconds)
    else if (killed) item.kills++
    else item.crashes++
    // Others kill at random. A process that dies over one test again and again dies of that test, of its memory most likely.
    if (item.kills >= maxKills) give("memory", `its process was killed ${maxKills} times on this test`, 0)
    if (item.crashes >= maxCrashes) give("crashed", `it takes the interpreter down: ${how}`, 0)
    if (item.done === tests.length) return item.resolve()
    item.turn = item.asker.wait()
    this.#waiting.unshift(item)
  }
}
