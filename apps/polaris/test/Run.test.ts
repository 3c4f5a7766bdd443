/** The command itself: what it writes, how it goes on, what it refuses. How it is stopped: `slow/Stops.test.ts`. */
import { chmod, readdir, readFile, readlink, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { afterAll, expect, it } from "vitest"
import { makeProgram } from "./program.ts"

const { checksum, end, events, killAt, out, polaris, sizes, short } = makeProgram()
afterAll(end)

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
  expect(clash.stderr).toMatch(/was started with train\.optimizer\.learningRate 0\.0004, but now it is 0\.5/)
})

it("explains what it cannot do in one line, without a trace", async () => {
  await writeFile(join(out, "file"), "")
  const cases: ReadonlyArray<readonly [ReadonlyArray<string>, RegExp]> = [
    [["--tau", "cold"], /--tau is "cold"; give a positive number/],
    [["--k", "1"], /--k is 1, but lpo-fwd needs groups of 2/],
    [["--objective", "ppo"], /--objective/],
    [[...short, "--name", "whole"], /exists already; resume it with --resume/],
    [["--name", "whole", "--resume", "--seed", "8"], /was started with seed 7, but now it is 8/],
    [["--name", "nobody", "--resume"], /nothing to resume/],
    [["--name", "file"], /config\.json cannot be read \(ENOTDIR/],
    [["--objective", "grpo", "--tau", "1"], /grpo has no temperature/],
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
