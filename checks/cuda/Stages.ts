/**
 * Stages one after the other, each with its own limit. One that fails or takes too long does not stop the next, and what is
 * known is on disk after each, so nothing is lost if the machine is taken away.
 */
import { spawn } from "node:child_process"
import { createWriteStream, mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { finished } from "node:stream/promises"

/** Figures of a stage: JSON. */
export type Figures = Readonly<Record<string, unknown>>

export interface Stage {
  readonly name: string
  /** What it does, in words. */
  readonly title: string
  readonly limitSeconds: number
  /** Its figures; throws why there are none. */
  readonly run: (around: Around) => Promise<Figures>
}

/** What a stage is given. */
export interface Around {
  /** Aborted when the stage's time is over. */
  readonly signal: AbortSignal
  /** When the stage began, `performance.now()`, and what it may take. */
  readonly began: number
  readonly limitSeconds: number
  /** A folder for its log and files. */
  readonly folder: string
  /** Figures that are known before its end; they are kept when the stage fails later. */
  readonly note: (figures: Figures) => void
}

/** A stage that is impossible here, which is not a failure. */
export class Skipped extends Error {}

export interface Result {
  readonly name: string
  readonly title: string
  readonly status: "ok" | "failed" | "skipped"
  readonly seconds: number
  /** Why not; empty when it is ok. */
  readonly reason: string
  readonly figures: Figures
}

const seconds = (from: number): number => Math.round(performance.now() - from) / 1000

const once = async (stage: Stage, folder: string): Promise<Result> => {
  const { limitSeconds, name, run, title } = stage
  const own = join(folder, name)
  mkdirSync(own, { recursive: true })
  const began = performance.now()
  const over = new AbortController()
  let figures: Figures = {}
  const note = (more: Figures) => void (figures = { ...figures, ...more })
  const timer = setTimeout(() => over.abort(new Error(`it took more than its ${limitSeconds} s`)), limitSeconds * 1000)
  const ended = (status: Result["status"], reason: string): Result => ({
    name,
    title,
    status,
    seconds: seconds(began),
    reason,
    figures,
  })
  // What does not listen to the signal is left behind.
  const late = new Promise<never>((_, reject) =>
    over.signal.addEventListener("abort", () => reject(over.signal.reason as Error)),
  )
  try {
    note(await Promise.race([late, run({ signal: over.signal, began, limitSeconds, folder: own, note })]))
    return ended("ok", "")
  } catch (cause) {
    const { message } = over.signal.aborted ? (over.signal.reason as Error) : (cause as Error)
    return ended(cause instanceof Skipped ? "skipped" : "failed", message)
  } finally {
    clearTimeout(timer)
  }
}

/** Runs all after those that have results; `onResult` is called after each with all results so far. */
export const all = async (
  stages: ReadonlyArray<Stage>,
  folder: string,
  earlier: ReadonlyArray<Result>,
  onResult: (results: ReadonlyArray<Result>) => void,
): Promise<ReadonlyArray<Result>> => {
  const results = [...earlier]
  for (const stage of stages) {
    console.log(`\n== ${stage.name}: ${stage.title} (at most ${stage.limitSeconds} s)`)
    const result = await once(stage, folder)
    const { reason, seconds, status } = result
    results.push(result)
    const said = { ok: "ok", failed: "FAILED", skipped: "SKIPPED" }[status]
    console.log(`== ${stage.name}: ${said} in ${seconds.toFixed(1)} s${reason === "" ? "" : `: ${reason}`}`)
    onResult(results)
  }
  return results
}

export interface Command {
  readonly program: string
  readonly args: ReadonlyArray<string>
  readonly env: NodeJS.ProcessEnv
  /** The file that takes what it says; the screen has it too. */
  readonly log: string
  readonly signal: AbortSignal
  readonly cwd?: string
}

/** What ends the programs that are under way. */
const running = new Set<() => void>()

/** Ends every program that is under way, with what it started. */
export const endAll = (): void => {
  for (const kill of running) kill()
}

/** Runs a program to its end, with the processes it starts; gives its last lines, or throws them. */
export const command = async ({ args, cwd, env, log, program, signal }: Command): Promise<ReadonlyArray<string>> => {
  const file = createWriteStream(log, { flags: "a" })
  let said = ""
  // A group of its own, which ends as a whole.
  const child = spawn(program, args, { cwd, env, detached: true, stdio: ["ignore", "pipe", "pipe"] })
  const kill = () => {
    if (child.pid === undefined) return
    try {
      process.kill(-child.pid, "SIGKILL")
    } catch {
      // It has ended already.
    }
  }
  signal.addEventListener("abort", kill)
  running.add(kill)
  try {
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (data: Buffer) => {
        said = (said + String(data)).slice(-16_000)
        file.write(data)
        process.stdout.write(data)
      })
    const code = await new Promise<number | string>((resolve, reject) =>
      child.on("error", reject).on("close", (status, cause) => resolve(status ?? cause ?? 1)),
    )
    signal.throwIfAborted()
    const lines = said.trim().split("\n")
    if (code !== 0) throw new Error(`${program} ended with ${code}: ${lines.slice(-8).join("\n")}`)
    return lines
  } finally {
    signal.removeEventListener("abort", kill)
    running.delete(kill)
    kill()
    file.end()
    await finished(file)
  }
}

/** The last line of a program, which is JSON. */
export const lastLine = (lines: ReadonlyArray<string>): Figures => JSON.parse(lines.at(-1) ?? "") as Figures

/** Writes JSON that people read too. */
export const writeJson = (path: string, value: unknown): void =>
  writeFileSync(path, `${JSON.stringify(value, null, 2)}\n`)
