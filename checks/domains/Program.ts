/** `polaris` in its own processes: whole runs, runs killed in the middle, and what they leave behind. */
import { spawn } from "node:child_process"
import { createHash } from "node:crypto"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { stripVTControlCharacters } from "node:util"

const main = fileURLToPath(new URL("../../apps/polaris/src/main.ts", import.meta.url))

export interface Ended {
  readonly code: number | null
  readonly signal: string | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs a command line; it is killed with SIGKILL when its output matches `killAt`. */
export const polaris = (args: ReadonlyArray<string>, killAt: RegExp | null = null): Promise<Ended> =>
  new Promise((resolve) => {
    const child = spawn(process.execPath, ["--conditions=@lpo/source", main, ...args])
    let [stdout, stderr] = ["", ""]
    child.stdout.on("data", (chunk: Buffer) => {
      stdout += chunk.toString()
      if (killAt?.test(stdout) === true) child.kill("SIGKILL")
    })
    child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()))
    child.on("close", (code, signal) => resolve({ code, signal, stdout, stderr }))
  })

/** Between looks at the memory that a process takes, milliseconds. */
const look = 500

/** The most memory that a process took so far, MiB; 0 once it is gone. */
const peak = (pid: number): number => {
  try {
    return Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) / 1024
  } catch {
    return 0
  }
}

/** Runs a command line in a terminal, where the view is live (Linux); killed with SIGKILL when `isThere` says so of its output. */
export const inTerminal = (
  args: ReadonlyArray<string>,
  isThere: (stdout: string) => boolean,
  /** A text that it may show meanwhile; the last one is kept. */
  shows: RegExp,
): Promise<{
  readonly code: number | null
  readonly stdout: string
  readonly memory: number
  readonly seen: string
}> =>
  new Promise((resolve, reject) => {
    const words = [process.execPath, "--conditions=@lpo/source", main, ...args].map((word) => `'${word}'`)
    // A terminal of `script` has no size of its own here.
    const command = `stty columns 120 rows 40; exec ${words.join(" ")}`
    const child = spawn("script", ["--quiet", "--return", "--command", command, "/dev/null"], {
      stdio: ["ignore", "pipe", "inherit"],
    })
    let [stdout, seen, memory, pid] = ["", "", 0, 0]
    const timer = setInterval(() => {
      if (pid === 0) pid = Number(readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, "utf8").trim())
      if (pid > 0) memory = Math.max(memory, peak(pid))
    }, look)
    child.stdout.on("data", (chunk: Buffer) => {
      // The end of it: a live view is drawn again and again.
      stdout = (stdout + stripVTControlCharacters(chunk.toString())).slice(-20_000)
      seen = shows.exec(stdout.slice(-2000))?.[0] ?? seen
      if (pid <= 0 || !isThere(stdout)) return
      process.kill(pid, "SIGKILL")
      pid = -1
    })
    child.on("error", reject)
    child.on("close", (code) => {
      clearInterval(timer)
      resolve({ code, stdout, memory, seen })
    })
  })

/** What a run wrote. */
export const record = (out: string, name: string) => {
  const at = (file: string): string => join(out, name, file)
  const lines = readFileSync(at("events.jsonl"), "utf8").trim().split("\n")
  const summary = JSON.parse(readFileSync(at("summary.json"), "utf8")) as {
    readonly problems: number
    readonly base: { readonly samples: number }
    readonly trained: { readonly samples: number }
  }
  return {
    steps: lines.length,
    rewards: lines.map((line) => (JSON.parse(line) as { readonly reward: number }).reward),
    ...summary,
  }
}

/** SHA-256 of a file of a run. */
export const sha256 = (out: string, name: string, file: string): string =>
  createHash("sha256")
    .update(readFileSync(join(out, name, file)))
    .digest("hex")
