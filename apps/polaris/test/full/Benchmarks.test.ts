/** A run that names benchmarks: evaluated before and after, kept response by response, and gone on with after a kill. */
import { readdir, readFile } from "node:fs/promises"
import { join } from "node:path"
import { afterAll, expect, it } from "vitest"
import * as Tiny from "../checkpoint.ts"
import { makeProgram } from "../program.ts"

const { end, out, polaris } = makeProgram()
afterAll(end)

it("evaluates them before and after, and does not sample again what a killed run had", async () => {
  const model = await Tiny.copyOf({ max_position_embeddings: 512 })
  const sets = 'evaluation.benchmarks=[{"name":"countdown-4","samples":2,"temperature":0.6}]'
  const args = `countdown-tiny --model ${model} --set ${sets} --steps 1 --prompts 1 --k 2 --problems 2 --samples 2 --max-tokens 2 --workers 0`
  const begin = [...args.split(" "), "--name", "sets"]
  const killed = await polaris(begin, (stdout) =>
    /Evaluating countdown-4, base model [1-9]\d\d/.test(stdout) ? "SIGKILL" : null,
  )
  expect(killed.signal).toBe("SIGKILL")
  const done = await polaris(["--name", "sets", "--resume", "--workers", "0"])
  expect(done.stderr).toBe("")
  expect(done.stdout).toMatch(/^countdown-4: [1-9]\d* of 512 problems are done already$/m)
  expect(done.stdout).toMatch(/countdown-4 \(512 x 2\) .* 0\.\d{3} \[/)
  expect(done.stdout).toMatch(/mean of the 2 /)
  const folders = (await readdir(join(out, "sets", "benchmarks"))).sort()
  expect(folders.map((name) => name.replace(/-[^-]*$/, ""))).toEqual(["step-000000", "step-000001"])
  for (const folder of folders) {
    const text = await readFile(join(out, "sets", "benchmarks", folder, "countdown-4.samples.jsonl"), "utf8")
    const rows = text
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { readonly problem: string })
    expect(new Set(rows.map(({ problem }) => problem)).size).toBe(512)
  }
  const summary = JSON.parse(await readFile(join(out, "sets", "summary.json"), "utf8")) as Record<string, unknown>
  expect(summary["benchmarks"]).toMatchObject([
    { name: "countdown-4", trained: { problems: 512, samplesPerProblem: 2 } },
  ])
})
