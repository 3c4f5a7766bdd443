/** The command in processes of its own, writing to a temporary folder. */
import { spawn } from "node:child_process"
import { createHash } from "node:crypto"
import { mkdtempSync } from "node:fs"
import { readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { StepReport } from "@lpo/trainer"
import { Schema } from "effect"

const main = fileURLToPath(new URL("../src/main.ts", import.meta.url))

/** The arguments of Node for a command line of the program. */
export const command = (args: ReadonlyArray<string>): ReadonlyArray<string> => [
  "--conditions=@lpo/source",
  main,
  ...args,
]

interface Result {
  readonly code: number | null
  readonly signal: string | null
  readonly stdout: string
  readonly stderr: string
}

const decodeEvents = Schema.decodeUnknownSync(Schema.Array(StepReport.StepReport))

/** A folder for runs, and the command that writes to it; `end` removes it. */
export const makeProgram = () => {
  const out = mkdtempSync(join(tmpdir(), "lpo-polaris-"))
  /** A run of 14 steps with a small evaluation. */
  const short = ["--steps", "14", "--problems", "12", "--samples", "4", "--seed", "7"]

  /** Runs `polaris train`; `stop` sees the output so far and may name a signal to send. */
  const polaris = (
    args: ReadonlyArray<string>,
    stop?: (stdout: string) => NodeJS.Signals | null,
    env: Readonly<Record<string, string>> = {},
  ): Promise<Result> =>
    new Promise((resolve) => {
      const child = spawn(process.execPath, command(["train", "--out", out, ...args]), {
        env: { ...process.env, ...env },
      })
      let stdout = ""
      let stderr = ""
      let sent = false
      child.stdout.on("data", (chunk: Buffer) => {
        stdout += chunk.toString()
        const signal = sent ? null : (stop?.(stdout) ?? null)
        if (signal !== null) {
          sent = true
          child.kill(signal)
        }
      })
      child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()))
      child.on("close", (code, signal) => resolve({ code, signal, stdout, stderr }))
    })

  const checksum = async (name: string): Promise<string> =>
    createHash("sha256")
      .update(await readFile(join(out, name, "model", "model.safetensors")))
      .digest("hex")

  /** The rows of events.jsonl. */
  const events = async (name: string) => {
    const text = await readFile(join(out, name, "events.jsonl"), "utf8")
    return decodeEvents(
      text
        .split("\n")
        .slice(0, -1)
        .map((line): unknown => JSON.parse(line)),
    )
  }

  /** Kills the run at each of these steps, goes on every time, and lets it end; how often the kill came in time. */
  const killAt = async (name: string, steps: ReadonlyArray<number>) => {
    let kills = 0
    for (const [i, step] of steps.entries()) {
      const result = await polaris([...short, "--name", name, ...(i > 0 ? ["--resume"] : [])], (stdout) =>
        new RegExp(`Training \\(lpo-fwd\\) ${step}/14`).test(stdout) ? "SIGKILL" : null,
      )
      if (result.signal === "SIGKILL") kills++
    }
    return { kills, last: await polaris([...short, "--name", name, "--resume"]) }
  }

  return { out, short, polaris, checksum, events, killAt, end: () => rm(out, { recursive: true }) }
}
