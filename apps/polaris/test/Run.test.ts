/** The command itself in processes of its own: what it writes, how it stops, how it goes on. */
import { spawn } from "node:child_process"
import { createHash } from "node:crypto"
import { chmod, mkdtemp, readdir, readFile, readlink, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { afterAll, beforeAll, expect, it } from "vitest"

const main = fileURLToPath(new URL("../src/main.ts", import.meta.url))
let out = ""
beforeAll(async () => {
  out = await mkdtemp(join(tmpdir(), "lpo-polaris-"))
})
afterAll(() => rm(out, { recursive: true }))

interface Result {
  readonly code: number | null
  readonly signal: string | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs `polaris train`; `stop` sees the output so far and may name a signal to send. */
const polaris = (args: ReadonlyArray<string>, stop?: (stdout: string) => NodeJS.Signals | null): Promise<Result> =>
  new Promise((resolve) => {
    const child = spawn(process.execPath, [
      "--conditions=@lpo/source",
      main,
      "train",
      "countdown-tiny",
      "--out",
      out,
      ...args,
    ])
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

const short = ["--steps", "14", "--problems", "12", "--samples", "4", "--seed", "7"]
const checksum = async (name: string): Promise<string> =>
  createHash("sha256")
    .update(await readFile(join(out, name, "model", "model.safetensors")))
    .digest("hex")

it("trains, and leaves the run, the summary and the report", async () => {
  const result = await polaris([...short, "--name", "whole"])
  expect(result.stderr).toBe("")
  expect(result.code).toBe(0)
  expect(result.stdout).toMatch(/pass@1/)
  expect(await readlink(join(out, "latest"))).toBe("whole")
  const files = await readdir(join(out, "whole"))
  for (const file of ["config.json", "events.jsonl", "completions.jsonl", "summary.json", "report.html", "checkpoints"])
    expect(files).toContain(file)
  expect(files).not.toContain("lock")
  const summary = JSON.parse(await readFile(join(out, "whole", "summary.json"), "utf8")) as Record<string, unknown>
  expect(summary).toMatchObject({
    preset: "countdown-tiny",
    objective: "lpo-fwd",
    seed: 7,
    steps: 14,
    problems: 12,
    samplesPerProblem: 4,
  })
  expect(summary["trained"]).toHaveProperty(["passAt", "1", "mean"])
  expect((await readFile(join(out, "whole", "events.jsonl"), "utf8")).trim().split("\n")).toHaveLength(14)
})

it("killed with SIGKILL five times and resumed, ends with the same weights", async () => {
  let kills = 0
  let resume = false
  // Each life gets a few more steps than the one before had; checkpoints come every ten steps, so most work is redone.
  const lives = [2, 9, 12, 13, 14]
  for (const step of lives) {
    const result = await polaris([...short, "--name", "killed", ...(resume ? ["--resume"] : [])], (stdout) =>
      new RegExp(`Training \\(lpo-fwd\\) ${step}/14`).test(stdout) ? "SIGKILL" : null,
    )
    if (result.signal === "SIGKILL") kills++
    resume = true
  }
  expect(kills).toBe(5)
  const last = await polaris([...short, "--name", "killed", "--resume"])
  expect(last.stderr).toBe("")
  expect(last.code).toBe(0)
  expect(await checksum("killed")).toBe(await checksum("whole"))
})

it("Ctrl-C leaves a checkpoint and exits 130; --resume goes on to the same weights", async () => {
  const stopped = await polaris([...short, "--name", "stopped"], (stdout) =>
    /Training \(lpo-fwd\) 4\/14/.test(stdout) ? "SIGINT" : null,
  )
  expect(stopped.code).toBe(130)
  expect(stopped.stderr).toBe("")
  const checkpoints = await readdir(join(out, "stopped", "checkpoints"))
  expect(checkpoints.some((c) => /^step-00000[4-6]$/.test(c))).toBe(true)
  const resumed = await polaris([...short, "--resume"])
  expect(resumed.stdout).toMatch(/resuming after step [4-6] of 14/)
  expect(resumed.code).toBe(0)
  expect(await checksum("stopped")).toBe(await checksum("whole"))
})

it("explains what it cannot do in one line, without a trace", async () => {
  await writeFile(join(out, "file"), "")
  const cases: ReadonlyArray<readonly [ReadonlyArray<string>, RegExp]> = [
    [["--tau", "cold"], /--tau is "cold"; give a positive number/],
    [["--k", "1"], /--k is 1; give a whole number from 2/],
    [["--objective", "ppo"], /--objective/],
    [[...short, "--name", "whole"], /exists already; give --resume/],
    [["--name", "whole", "--resume", "--seed", "8"], /another configuration/],
    [["--name", "nobody", "--resume"], /nothing to resume/],
    [["--name", "file"], /cannot read config\.json \(ENOTDIR/],
  ]
  for (const [args, message] of cases) {
    const result = await polaris(args)
    expect(result.code, args.join(" ")).toBe(1)
    expect(result.stderr + result.stdout).toMatch(message)
    expect(result.stderr).not.toMatch(/\n\s+at /)
  }
})

it("refuses a damaged checkpoint by name and loses nothing", async () => {
  const path = join(out, "whole", "checkpoints", "step-000014", "model.safetensors")
  const bytes = await readFile(path)
  bytes[bytes.length - 1] ^= 1
  await chmod(path, 0o644)
  await writeFile(path, bytes)
  const result = await polaris([...short, "--name", "whole", "--resume"])
  expect(result.code).toBe(1)
  expect(result.stderr).toMatch(/step-000014.*model\.safetensors is damaged/)
  expect(await readFile(join(out, "whole", "summary.json"), "utf8")).toContain("countdown-tiny")
})
