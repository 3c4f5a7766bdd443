/** The command, here or in processes of its own, writing to a temporary folder. */
import { spawn } from "node:child_process"
import { createHash } from "node:crypto"
import { mkdtempSync } from "node:fs"
import { readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { StepReport } from "@lpo/trainer"
import { ConfigProvider, Effect, Runtime, Schema } from "effect"
import { vi } from "vitest"
import * as Program from "../src/Program.ts"

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

type Env = Readonly<Record<string, string>>

/** Runs a command line in a process of its own; `stop` sees the output so far and may name a signal to send. */
export const spawned = (
  args: ReadonlyArray<string>,
  stop: (stdout: string) => NodeJS.Signals | null = () => null,
  env: Env = {},
): Promise<Result> =>
  new Promise((resolve) => {
    const child = spawn(process.execPath, command(args), { env: { ...process.env, ...env } })
    let stdout = ""
    let stderr = ""
    let sent = false
    child.stdout.on("data", (chunk: Buffer) => {
      stdout += chunk.toString()
      const signal = sent ? null : stop(stdout)
      if (signal !== null) {
        sent = true
        child.kill(signal)
      }
    })
    child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()))
    child.on("close", (code, signal) => resolve({ code, signal, stdout, stderr }))
  })

/** The last step of 20 that the output speaks of. */
export const trainedIn = (stdout: string): number =>
  Number([...stdout.matchAll(/Training \(lpo-fwd\) (\d+)\/20/g)].at(-1)?.[1] ?? 0)

let isHere = false
/** Runs a command line in this process, which takes no second to start; one at a time, since both write to the same streams. */
export const here = async (args: ReadonlyArray<string>, env: Env = {}): Promise<Result> => {
  if (isHere) throw new Error("a command runs here already; use spawned")
  isHere = true
  const said = { stdout: "", stderr: "" }
  const spies = (["stdout", "stderr"] as const).map((name) =>
    vi.spyOn(process[name], "write").mockImplementation((text) => {
      said[name] += typeof text === "string" ? text : Buffer.from(text).toString()
      return true
    }),
  )
  try {
    const provider = ConfigProvider.layer(ConfigProvider.fromUnknown({ ...process.env, ...env }))
    const exit = await Effect.runPromiseExit(Effect.provide(Program.run(args), provider))
    const code = await new Promise<number>((resolve) => Runtime.defaultTeardown(exit, resolve))
    return { code, signal: null, ...said }
  } finally {
    for (const spy of spies) spy.mockRestore()
    isHere = false
  }
}

/** A folder for runs, and the command that writes to it; `end` removes it. */
export const makeProgram = () => {
  const out = mkdtempSync(join(tmpdir(), "lpo-polaris-"))
  /** A run of 20 small steps with a small evaluation, which is the same whatever the workers. */
  const sizes = ["--steps", "20", "--problems", "12", "--samples", "4", "--seed", "7", "--prompts", "12"]
  const short = [...sizes, "--workers", "0"]
  const train = (args: ReadonlyArray<string>): ReadonlyArray<string> => ["train", "--out", out, ...args]

  /** Runs `polaris train`: here, or in a process of its own where `stop` may name a signal to send. */
  const polaris = (
    args: ReadonlyArray<string>,
    stop?: (stdout: string) => NodeJS.Signals | null,
    env?: Env,
  ): Promise<Result> => (stop === undefined ? here(train(args), env) : spawned(train(args), stop, env))

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
        trainedIn(stdout) >= step ? "SIGKILL" : null,
      )
      if (result.signal === "SIGKILL") kills++
    }
    return { kills, last: await polaris([...short, "--name", name, "--resume"]) }
  }

  return { out, sizes, short, train, polaris, checksum, events, killAt, end: () => rm(out, { recursive: true }) }
}
