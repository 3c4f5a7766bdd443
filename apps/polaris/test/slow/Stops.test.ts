/** The command in processes of its own: how it is stopped, goes on and ends. */
import { rmSync, writeFileSync } from "node:fs"
import { readdir, readFile, writeFile } from "node:fs/promises"
import { spawn } from "node:child_process"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { join } from "node:path"
import { afterAll, beforeAll, expect, it } from "vitest"
import { command, makeProgram, spawned, trainedIn } from "../program.ts"

const { checksum, end, events, out, polaris, sizes, short, train } = makeProgram()
beforeAll(
  async () => expect(await polaris([...sizes, "--name", "whole"])).toMatchObject({ code: 0, stderr: "" }),
  180_000,
)
afterAll(end)

/** A run that is stopped and looked at no further: next to no evaluation. */
const brief = "--steps 20 --problems 2 --samples 1 --prompts 12 --seed 7 --workers 0".split(" ")

/** The step that a run which was stopped in its third step says that it saved: not before that, and not its last. */
const stoppedAfter = (stdout: string): number => {
  const step = Number(/^stopped; saved as .*\/checkpoints\/step-(\d{6})$/m.exec(stdout)?.[1])
  expect(step).toBeGreaterThanOrEqual(3)
  expect(step).toBeLessThan(20)
  return step
}

it("Ctrl-C leaves a checkpoint and exits 130; --resume goes on to the same weights", async () => {
  const stopped = await polaris([...short, "--name", "stopped"], (stdout) => (trainedIn(stdout) >= 3 ? "SIGINT" : null))
  expect(stopped.code).toBe(130)
  expect(stopped.stderr).toBe("")
  const step = stoppedAfter(stopped.stdout)
  expect(stopped.stdout).toMatch(/\nresume with: .* --resume --out .* --name stopped/)
  expect(await readdir(join(out, "stopped", "checkpoints"))).toContain(`step-${String(step).padStart(6, "0")}`)
  const resumed = await polaris(["--resume"])
  expect(resumed.stdout).toMatch(new RegExp(`resuming after step ${step} of 20`))
  expect(resumed.code).toBe(0)
  expect(await checksum("stopped")).toBe(await checksum("whole"))
  // The time before counts.
  const read = async (file: string): Promise<unknown> => JSON.parse(await readFile(join(out, "stopped", file), "utf8"))
  const [base, summary] = [await read("base.json"), await read("summary.json")] as Array<{ seconds: number }>
  const rows = await events("stopped")
  const loop = rows.reduce((sum, e) => sum + e.secondsLearning + e.secondsLearnerIdle, 0)
  expect(summary.seconds).toBeGreaterThan(base.seconds + loop)
})

it.each(["SIGHUP", "SIGTERM"] as const)("%s leaves a checkpoint as Ctrl-C does", async (signal) => {
  const name = `on-${signal}`
  const { code, stderr, stdout } = await polaris([...brief, "--name", name], (seen) =>
    trainedIn(seen) >= 3 ? signal : null,
  )
  expect({ code, stderr }).toEqual({ code: 130, stderr: "" })
  stoppedAfter(stdout)
})

it("a second Ctrl-C ends at once what the first one waits for", async () => {
  // A tracker that never answers holds the end of the run up.
  const server = createServer(() => {})
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const tracker = `--tracker=mlflow=http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const child = spawn(process.execPath, command(["train", "--out", out, "--name", "twice", ...brief, tracker]))
  let [stdout, stderr] = ["", ""]
  let again: NodeJS.Timeout | null = null
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()))
  child.stdout.on("data", (chunk: Buffer) => {
    stdout += chunk.toString()
    if (again !== null || trainedIn(stdout) < 3) return
    child.kill("SIGINT")
    again = setInterval(() => child.kill("SIGINT"), 400)
  })
  const code = await new Promise((resolve) => child.on("close", resolve))
  if (again !== null) clearInterval(again)
  server.close().closeAllConnections()
  expect(code).toBe(130)
  expect(stderr).toBe("polaris: stopped at once; --resume continues from the last checkpoint\n")
})

it("says so when Ctrl-C cannot save the step", async () => {
  const checkpoints = join(out, "unsaved", "checkpoints")
  const { code, stderr } = await polaris([...brief, "--name", "unsaved"], (seen) => {
    if (trainedIn(seen) < 3) return null
    rmSync(checkpoints, { recursive: true, force: true })
    writeFileSync(checkpoints, "in the way")
    return "SIGINT"
  })
  expect(code).toBe(130)
  expect(stderr).toMatch(/^polaris: step \d+ could not be saved: .*checkpoints/)
})

it("ends quietly when nobody reads any more, and can go on", async () => {
  const child = spawn(process.execPath, command(train(["--name", "pipe", ...brief])))
  let stderr = ""
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()))
  child.stdout.once("data", () => child.stdout.destroy())
  const code = await new Promise((resolve) => child.on("close", resolve))
  expect(code).toBe(130)
  expect(stderr).toBe("")
})

it("names a damaged record, and makes two runs that begin together", async () => {
  const path = join(out, "whole", "base.json")
  const text = await readFile(path, "utf8")
  await writeFile(path, '{"curve":3}')
  const damaged = await polaris(["--name", "whole", "--resume"])
  expect(damaged).toMatchObject({ code: 1 })
  expect(damaged.stderr).toMatch(/base\.json is damaged: .*remove it, and the evaluation is repeated/s)
  // Decodes, and is not what was written.
  await writeFile(
    path,
    text.replace(/"mean":0\.(\d)/, (_, digit: string) => `"mean":0.${(Number(digit) + 1) % 10}`),
  )
  const changed = await polaris(["--name", "whole", "--resume"])
  expect(changed.stderr).toMatch(/base\.json is damaged: it does not match its own checksum/)
  await writeFile(path, text)
  const tiny = ["--steps", "1", "--prompts", "2", "--problems", "2", "--samples", "2", "--workers", "0"]
  const both = await Promise.all([spawned(train(tiny)), spawned(train(tiny))])
  expect(both.map(({ code }) => code)).toEqual([0, 0])
})

it("warns of a policy that collapsed", async () => {
  const ruinous = "--steps 3 --problems 20 --samples 4 --learning-rate 1 --prompts 16 --workers 0".split(" ")
  const result = await polaris([...ruinous, "--name", "collapsed"])
  expect(result.code).toBe(0)
  expect(result.stdout).toMatch(/^warning: the policy collapsed: it no longer solves any held-out problem/m)
})
