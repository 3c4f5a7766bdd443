/** The command itself in processes of its own: what it writes, how it stops, how it goes on. */
import { rmSync, writeFileSync } from "node:fs"
import { chmod, readdir, readFile, readlink, writeFile } from "node:fs/promises"
import { spawn } from "node:child_process"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { join } from "node:path"
import { afterAll, expect, it } from "vitest"
import { command, makeProgram, spawned, trainedIn } from "./program.ts"

const { checksum, end, events, killAt, out, polaris, sizes, short, train } = makeProgram()
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

it("trains, and leaves the run, the summary and the report", async () => {
  const result = await polaris([...sizes, "--name", "whole"])
  expect(result.stderr).toBe("")
  expect(result.code).toBe(0)
  expect(result.stdout).toMatch(/pass@1/)
  expect(await readlink(join(out, "latest"))).toBe("whole")
  const files = await readdir(join(out, "whole"))
  for (const file of ["config.json", "events.jsonl", "completions.jsonl", "summary.json", "report.html", "checkpoints"])
    expect(files).toContain(file)
  const summary = JSON.parse(await readFile(join(out, "whole", "summary.json"), "utf8")) as Record<string, unknown>
  expect(summary).toMatchObject({
    preset: "countdown-tiny",
    objective: "lpo-fwd",
    seed: 7,
    steps: 20,
    problems: 12,
    samplesPerProblem: 4,
  })
  expect(summary["trained"]).toHaveProperty(["passAt", "1", "mean"])
  expect((await readFile(join(out, "whole", "events.jsonl"), "utf8")).trim().split("\n")).toHaveLength(20)
})

it("killed with SIGKILL and resumed, ends with the same weights", async () => {
  const { kills, last } = await killAt("killed", [12])
  expect(kills).toBe(1)
  expect(last.stderr).toBe("")
  expect(last.code).toBe(0)
  expect(await checksum("killed")).toBe(await checksum("whole"))
})

it("Ctrl-C leaves a checkpoint and exits 130; --resume goes on to the same weights", async () => {
  const stopped = await polaris([...short, "--name", "stopped"], (stdout) => (trainedIn(stdout) >= 3 ? "SIGINT" : null))
  expect(stopped.code).toBe(130)
  expect(stopped.stderr).toBe("")
  const step = stoppedAfter(stopped.stdout)
  expect(stopped.stdout).toMatch(/\ngo on with: .* --resume --out .* --name stopped/)
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
  expect(stderr).toBe("polaris: stopped at once; a resume goes on from the last checkpoint\n")
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

it.each(["..", ".", "...", "../x", "a/b", "/tmp/x", "latest", "", "a\\b", "-x y", "a\nb"])(
  "writes nothing for --name %j",
  async (name) => {
    const before = await readdir(out)
    const { code, stderr } = await polaris([...short, `--name=${name}`])
    expect(code).not.toBe(0)
    expect(stderr).toMatch(/--name is/)
    expect(await readdir(out)).toEqual(before)
  },
)

it("goes on with other steps and another evaluation, and names what may not change", async () => {
  const longer = await polaris(["--name", "whole", "--resume", "--steps", "21", "--problems", "5"])
  expect(longer.stderr).toBe("")
  expect(longer.stdout).toMatch(/resuming after step 20 of 21/)
  expect(longer.stdout).toMatch(/^5 held-out problems, 4 samples each/m)
  expect(await events("whole")).toHaveLength(21)
  const clash = await polaris(["--name", "whole", "--resume", "--learning-rate", "0.5"])
  expect(clash.code).toBe(1)
  expect(clash.stderr).toMatch(/was started with train\.optimizer\.learningRate 0\.0004, and now it is 0\.5/)
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
  expect(damaged.stderr).toMatch(/base\.json is damaged: .*remove it, and it is made again/s)
  // Decodes, and is not what was written.
  await writeFile(
    path,
    text.replace(/"mean":0\.(\d)/, (_, digit: string) => `"mean":0.${(Number(digit) + 1) % 10}`),
  )
  const changed = await polaris(["--name", "whole", "--resume"])
  expect(changed.stderr).toMatch(/base\.json is damaged: it does not agree with its own checksum/)
  await writeFile(path, text)
  const tiny = ["--steps", "1", "--prompts", "2", "--problems", "2", "--samples", "2", "--workers", "0"]
  const both = await Promise.all([spawned(train(tiny)), spawned(train(tiny))])
  expect(both.map(({ code }) => code)).toEqual([0, 0])
})

it("warns of a policy that collapsed", async () => {
  const ruinous = "--steps 3 --problems 20 --samples 4 --learning-rate 1 --prompts 16 --workers 0".split(" ")
  const result = await polaris([...ruinous, "--name", "collapsed"])
  expect(result.code).toBe(0)
  expect(result.stdout).toMatch(/^warning: the policy collapsed: no held-out problem is solved any more/m)
})

it("explains what it cannot do in one line, without a trace", async () => {
  await writeFile(join(out, "file"), "")
  const cases: ReadonlyArray<readonly [ReadonlyArray<string>, RegExp]> = [
    [["--tau", "cold"], /--tau is "cold"; give a positive number/],
    [["--k", "1"], /--k is 1, and lpo-fwd learns from groups of 2/],
    [["--objective", "ppo"], /--objective/],
    [[...short, "--name", "whole"], /exists already; go on with it by --resume/],
    [["--name", "whole", "--resume", "--seed", "8"], /was started with seed 7, and now it is 8/],
    [["--name", "nobody", "--resume"], /nothing to resume/],
    [["--name", "file"], /config\.json cannot be read \(ENOTDIR/],
    [["--objective", "grpo", "--tau", "1"], /grpo has no temperature to choose/],
    [["--seeds", "1"], /^polaris: there is no option --seeds; did you mean --seed\?\n/],
    [["--objective", "foo"], /^polaris: --objective is "foo"; choose one of: lpo-fwd, .*grpo/],
    [["--steps", "many"], /^polaris: --steps is "many"; give a (whole )?number\n/],
    [["--objective", "lpo-fdw"], /^polaris: --objective is "lpo-fdw"; did you mean lpo-fwd\?\n/],
  ]
  for (const [args, message] of cases) {
    const result = await polaris(args)
    expect(result.code, args.join(" ")).toBe(1)
    expect(result.stderr + result.stdout).toMatch(message)
    expect(result.stderr).not.toMatch(/\n\s+at /)
  }
})

it("refuses a damaged checkpoint by name and loses nothing", async () => {
  const path = join(out, "whole", "checkpoints", "step-000021", "model.safetensors")
  const bytes = await readFile(path)
  bytes[bytes.length - 1] ^= 1
  await chmod(path, 0o644)
  await writeFile(path, bytes)
  const result = await polaris(["--name", "whole", "--resume"])
  expect(result.code).toBe(1)
  expect(result.stderr).toMatch(/step-000021.*model\.safetensors is damaged/)
  expect(await readFile(join(out, "whole", "summary.json"), "utf8")).toContain("countdown-tiny")
})
