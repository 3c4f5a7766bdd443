/** The command itself in processes of its own: what it writes, how it stops, how it goes on. */
import { chmod, readdir, readFile, readlink, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { afterAll, expect, it } from "vitest"
import { makeProgram } from "./program.ts"

const { checksum, end, killAt, out, polaris, short } = makeProgram()
afterAll(end)

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

it("killed with SIGKILL and resumed, ends with the same weights", async () => {
  const { kills, last } = await killAt("killed", [12])
  expect(kills).toBe(1)
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
    [[...short, "--name", "whole"], /exists already; resume it/],
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
