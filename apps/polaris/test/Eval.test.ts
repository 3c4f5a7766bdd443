/** `polaris eval`: on a checkpoint, on stored responses, interrupted and gone on with, and what it refuses. */
import { mkdir, readFile, rm, truncate, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { expect, it } from "vitest"
import { makeFolder, makeModel } from "./files.ts"
import { here } from "./program.ts"

const { file, folder } = makeFolder("eval")
const model = await makeModel()

/** What it prints, on both streams. */
const evaluate = async (...args: ReadonlyArray<string>): Promise<string> => {
  const { stderr, stdout } = await here(["eval", "--out", folder, ...args])
  return stdout + stderr
}
const json = async (...path: ReadonlyArray<string>): Promise<unknown> =>
  JSON.parse(await readFile(join(folder, ...path), "utf8"))
const lines = async (...path: ReadonlyArray<string>): Promise<ReadonlyArray<string>> =>
  (await readFile(join(folder, ...path), "utf8")).trim().split("\n").sort()

const sums = Array.from({ length: 8 }, (_, i) => ({ problem: `What is ${i} + ${i}?`, answer: String(2 * i) }))

it("an evaluation cut off after some problems ends in the same samples and figures", async () => {
  const data = await file("sums.jsonl", sums)
  const three = ["--n", "3"]
  const rest = ["--data", data, "--task", "math", "--model", model, "--max-tokens", "6", "--workers", "0"]
  const args = [...rest, ...three]
  const whole = await evaluate(...args, "--name", "whole")
  expect(whole).toMatch(/data: 8 problems x 3 samples, .*sums\.jsonl, 8 rows, sha256 [0-9a-f]{64}/)
  expect(whole).toMatch(/pass@1 = avg@n/)
  await evaluate(...args, "--name", "cut")
  const path = join(folder, "cut", "data.samples.jsonl")
  await truncate(path, Math.floor((await readFile(path)).length / 2))
  await rm(join(folder, "cut", "summary.json"))
  const again = await evaluate(...args, "--name", "cut", "--resume")
  expect(again).toMatch(/data: \d of 8 problems are done already/)
  expect(await lines("cut", "data.samples.jsonl")).toEqual(await lines("whole", "data.samples.jsonl"))
  const { about: _a, ...first } = (await json("whole", "summary.json")) as Record<string, unknown>
  const { about: _b, ...second } = (await json("cut", "summary.json")) as Record<string, unknown>
  expect(second).toEqual(first)
  expect(await evaluate(...args, "--name", "cut")).toMatch(/exists already; resume it with --resume/)
  expect(await evaluate(...rest, "--n", "2", "--name", "cut", "--resume")).toMatch(/was started with other options/)
  expect(await evaluate(...args, "--name", "none", "--resume")).toMatch(/there is no evaluation in .*none/)
})

it("says of stored responses what is wrong with their file, and begins no evaluation without one", async () => {
  const data = await file("odd.jsonl", sums.slice(0, 2))
  const args = ["--data", data, "--task", "math", "--name"]
  const odd = async (name: string, ...rows: ReadonlyArray<unknown>): Promise<string> =>
    evaluate(...args, name, "--completions", await file(`${name}.jsonl`, rows))
  const empty = await odd("odd-empty", { problem: "1", responses: [] })
  expect(empty).toMatch(/2 of 2 problems have no response/)
  expect(empty).not.toMatch(/NaN/)
  const one = { problem: "1", responses: ["\\boxed{0}"] }
  expect(await odd("odd-twice", one, one)).toMatch(/odd-twice\.jsonl, row 2.*: is the second row for problem "1"/)
  expect(await odd("odd-text", { problem: "1", responses: "x" })).toMatch(
    /odd-text\.jsonl, row 1.*: is not a row of responses \(.*\); give \{"problem": ID, "responses": \[TEXT, \.\.\.\]\}/,
  )
  const none = [...args, "odd-none", "--completions", join(folder, "none.jsonl")]
  for (let i = 0; i < 2; i++) expect(await evaluate(...none)).toMatch(/there is no such file/)
})

it("judges stored responses as they stand, counts what has none, and reads its own samples again", async () => {
  const data = await file("again.jsonl", sums)
  const stored = await file("stored.jsonl", [
    { problem: "1", responses: ["\\boxed{0}", "\\boxed{1}", "nothing"] },
    { place: 3, responses: ["\\boxed{6}", "I say 6: \\boxed{\\frac{12}{2}}", "\\boxed{7}"] },
  ])
  const args = ["--data", data, "--task", "math"]
  const printed = await evaluate(...args, "--completions", stored, "--name", "stored")
  expect(printed).toMatch(/warning: data: 6 of 8 problems have no response/)
  const summary = (await json("stored", "summary.json")) as {
    readonly sets: ReadonlyArray<{
      readonly passAt: Readonly<Record<string, { readonly mean: number }>>
      readonly majorityAt: Readonly<Record<string, { readonly mean: number }>>
    }>
  }
  // One of three and two of three right; the vote elects 0 by its first key, and 6.
  expect(summary.sets[0].passAt["1"].mean).toBeCloseTo(0.5, 12)
  expect(summary.sets[0].passAt["3"].mean).toBe(1)
  expect(summary.sets[0].majorityAt["3"].mean).toBe(1)
  const own = join(folder, "stored", "data.samples.jsonl")
  await evaluate(...args, "--completions", own, "--name", "own")
  expect(await lines("own", "data.samples.jsonl")).toEqual(await lines("stored", "data.samples.jsonl"))
  const strange = await file("strange.jsonl", [{ problem: "99", responses: ["x"] }])
  expect(await evaluate(...args, "--completions", strange, "--name", "strange")).toMatch(
    /strange\.jsonl, row 1: has problem "99", which is not among the 8 problems/,
  )
})

it("a generated benchmark on a checkpoint, its first problems only", async () => {
  const sizes = ["--problems", "2", "--n", "2", "--max-tokens", "4", "--workers", "0"]
  const printed = await evaluate("--benchmark", "countdown-34", "--model", model, "--name", "countdown", ...sizes)
  expect(printed).toMatch(/countdown-34: 2 problems x 2 samples, generated by the recipe countdown-34/)
  expect(await lines("countdown", "countdown-34.samples.jsonl")).toHaveLength(2)
})

it("names what is asked for and cannot be", async () => {
  const data = await file("few.jsonl", sums)
  await mkdir(join(folder, "empty"), { recursive: true })
  const refusals: ReadonlyArray<readonly [ReadonlyArray<string>, RegExp]> = [
    [["--benchmark", "math500"], /nothing to evaluate is given; give one of --model, --endpoint, --run and --compl/],
    [["--benchmark", "math500", "--model", model, "--run", "x"], /--model and --run are given; give one of/],
    [["--completions", data], /no problems are given; give --benchmark, or --data with --task/],
    [["--completions", data, "--data", data], /nothing decides how its answers are judged; give --task or --verifier/],
    [["--completions", data, "--benchmark", "math50"], /there is no benchmark "math50"; did you mean math500\?/],
    [["--completions", data, "--benchmark", "amc83"], /amc83 is not on the hub; give a copy of its file with --data/],
    [["--completions", data, "--benchmark", "math500", "--data", data], /makes 8 problems, but math500 has 500/],
    [
      ["--completions", data, "--benchmark", "aime24,amc23", "--data", data],
      /a copy of one benchmark, and 2 are given/,
    ],
    [["--endpoint", "gpu:8000", "--benchmark", "math500", "--served-name", "m"], /--endpoint has "gpu:8000"/],
    [["--endpoint", "http://127.0.0.1:9", "--benchmark", "math500"], /give --served-name/],
    [["--run", join(folder, "empty")], /there is no run in .*empty/],
    [["--model", model, "--data", data, "--task", "math", "--n", "0"], /--n is 0; give a whole number from 1/],
  ]
  for (const [args, message] of refusals) expect(await evaluate(...args), args.join(" ")).toMatch(message)
})

it("refuses an option that would have no effect beside the others", async () => {
  const data = await file("stray.jsonl", sums)
  const stored = ["--completions", data, "--data", data, "--task", "math"]
  const strays: ReadonlyArray<readonly [ReadonlyArray<string>, RegExp]> = [
    [[...stored, "--n", "2"], /--n is given without --model, --endpoint or --run; give one of them, or leave it out/],
    [[...stored, "--temperature", "1"], /--temperature is given without --model, --endpoint or --run; give/],
    [[...stored, "--max-tokens", "8"], /--max-tokens is given without --model, --endpoint or --run; give/],
    [[...stored, "--workers", "1"], /--workers is given without --model or --run; give one of them/],
    [[...stored, "--style", "text"], /--style is given without --endpoint; give both, or leave it out/],
    [
      ["--model", model, "--benchmark", "math500", "--served-name", "m"],
      /--served-name is given without --endpoint; give both/,
    ],
    [
      ["--endpoint", "http://127.0.0.1:9", "--served-name", "m", "--backend", "cpu"],
      /--backend is given without --model or --run; give/,
    ],
    [
      ["--model", model, "--benchmark", "math500", "--data", data, "--task", "math"],
      /--task is given, but a benchmark has its own/,
    ],
    [
      ["--model", model, "--benchmark", "math500", "--data", data, "--verifier", "v.ts"],
      /--verifier is given, but a benchmark has/,
    ],
    [["--run", "x", "--format", "own"], /--format is given without --data; give both/],
  ]
  for (const [args, message] of strays) expect(await evaluate(...args), args.join(" ")).toMatch(message)
})

it("judges rows of your own by a verifier of your own, which the evaluation records", async () => {
  const data = await file("judged.jsonl", [{ prompt: "Say yes.", answer: "yes" }])
  const stored = await file("said.jsonl", [{ problem: "1", responses: ["yes", "no", "yes indeed", "maybe"] }])
  const verifier = join(folder, "says.ts")
  await writeFile(verifier, "export default (answer: unknown, said: string) => said.startsWith(String(answer))\n")
  const args = ["--data", data, "--completions", stored, "--verifier", verifier, "--name", "judged"]
  const printed = await evaluate(...args)
  // Stored responses are as many as there are, whatever a task's default says.
  expect(printed).toMatch(/data: 1 problem, .*judged by .*says\.ts, sha256 [0-9a-f]{64}/)
  const { sets } = (await json("judged", "summary.json")) as {
    readonly sets: ReadonlyArray<{ readonly passAt: Readonly<Record<string, { readonly mean: number }>> }>
  }
  expect(sets[0].passAt["1"].mean).toBe(0.5)
  await writeFile(verifier, "export default () => 1\n")
  expect(await evaluate(...args, "--resume")).toMatch(/was started with other options/)
  expect(await evaluate(...args.slice(0, 4), "--verifier", "nowhere.ts")).toMatch(/nowhere\.ts: there is no such file/)
})
