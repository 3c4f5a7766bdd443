/** `polaris` in processes of its own: whole runs, runs that are killed in the middle, and what they leave behind. */
import { spawn } from "node:child_process"
import { createHash } from "node:crypto"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

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
