/** `polaris data`, on files that are made here. */
import { createHash } from "node:crypto"
import { readdir, readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { RunStore } from "@lpo/trainer"
import { Effect } from "effect"
import { expect, it } from "vitest"
import { fixture } from "./checkpoint.ts"
import { makeFolder } from "./files.ts"
import { resolve } from "./given.ts"
import { here } from "./program.ts"

const { file, folder } = makeFolder("data")
const rowsFile = (name: string): string =>
  fileURLToPath(new URL(`../../../packages/rollout/test/fixtures/rows/${name}`, import.meta.url))

const data = (...args: ReadonlyArray<string>) => here(["data", ...args])
const lines = async (path: string): Promise<Array<unknown>> =>
  (await readFile(path, "utf8"))
    .trim()
    .split("\n")
    .map((line): unknown => JSON.parse(line))

it("validate finds every kind of fault, with its row", async () => {
  const path = await file("faulty.jsonl", [
    { problem: "What is 1 + 1?", answer: "2" },
    { problem: "What is 1 - 1?", answer: "0" },
    { problem: "What  is 1 + 1?", answer: "2" },
    { problem: "What is 1 + 1?", answer: "3" },
    { problem: "What is nothing?", answer: "" },
    { problem: "", answer: "4" },
    { problem: "What is odd?", answer: "3:5:" },
    { problem: `What is ${"1 + ".repeat(300)} 1?`, answer: "301" },
  ])
  const result = await data("validate", path, "--task", "math", "--longest", "1000")
  expect(result.code).toBe(1)
  expect(result.stdout).toMatch(/8 rows \(json-lines\), read as answer of the task math: 6 problems/)
  expect(result.stdout).toMatch(/^duplicates: 1\n {2}row 3 asks the same as row 1$/m)
  expect(result.stdout).toMatch(/^duplicates with another answer: 1\n {2}row 4 says "3", row 1 says "2"$/m)
  expect(result.stdout).toMatch(/^rows without an answer: 1\n.*faulty\.jsonl, row 5: /m)
  expect(result.stdout).toMatch(/^rows that cannot be turned into problems: 1\n.*row 6: /m)
  expect(result.stdout).toMatch(/^answers that their own verifier refuses: 1\n {2}row 7: /m)
  expect(result.stdout).toMatch(/^prompts that are too long: 1\n {2}row 8: 1\d\d\d characters$/m)
  expect(result.stderr).toMatch(/6 findings/)
  const clean = await data(
    "validate",
    await file("clean.jsonl", [{ problem: "What is 1 + 1?", answer: "2" }]),
    "--task",
    "math",
  )
  expect(clean).toMatchObject({ code: 0, stderr: "" })
  expect(clean.stdout).toMatch(/nothing to report/)
})

it("overlap finds the same questions under other columns, marks and spaces", async () => {
  const train = await file("train.jsonl", [
    { problem: "Find $x$ if $x+1 = 2$.", answer: "1" },
    { prompt: [{ role: "user", content: "How many?" }], reward_model: { ground_truth: "3" } },
    { problem: "Another.", answer: null },
  ])
  const test = await file("test.jsonl", [
    { Question: "find x  if x + 1 = 2", Answer: 1 },
    { question: "How many", answer: "3" },
    { question: "Who?", answer: "4" },
  ])
  const { code, stdout } = await data("overlap", train, test)
  expect(code).toBe(0)
  expect(stdout).toMatch(
    /test\.jsonl: 2 of 3 questions are in .*train\.jsonl \(3\)\n {2}row 1 is row 1\n {2}row 2 is row 2\n$/,
  )
})

it("filter keeps rows by difficulty, without those of benchmarks, as they stand", async () => {
  const rows = [
    { problem: "A?", answer: "1", difficulty: "0/8" },
    { problem: "B?", answer: "2", difficulty: "3/8" },
    { problem: "C?", answer: "3", difficulty: "8/8" },
    { problem: "D?", answer: "4", difficulty: "5/8" },
    { problem: "E?", answer: "5" },
  ]
  const [all, bench, out] = [
    await file("all.jsonl", rows),
    await file("bench.jsonl", [{ question: "d" }]),
    join(folder, "sifted.jsonl"),
  ]
  const result = await data(
    "filter",
    all,
    "--min-pass",
    "0.125",
    "--max-pass",
    "0.875",
    "--without",
    bench,
    "--out",
    out,
  )
  expect(result).toMatchObject({ code: 0, stderr: "" })
  expect(result.stdout).toMatch(/1 of 5 rows; 1 too hard, 1 too easy, 1 in .*bench\.jsonl, 1 without a pass rate/)
  expect(await lines(out)).toEqual([rows[1]])
  expect((await data("filter", all, "--out", out)).stderr).toMatch(/--out .* exists already/)
  expect((await data("filter", all, "--min-pass", "2", "--out", `${out}2`)).stderr).toMatch(
    /--min-pass is 2 .*give shares/,
  )
  // Bytes and 64-bit integers of Parquet come back as what the readers read.
  const images = join(folder, "images.jsonl")
  await data("filter", rowsFile("geometry3k.parquet"), "--out", images)
  const shown = await data("show", images, "--task", "geometry3k", "--row", "2")
  expect(shown.stdout).toMatch(/\[image: png, \d+ bytes\]\nFind x of figure 1\./)
  expect(shown.stdout).toMatch(/--- answer\n"2 \\\\sqrt \{ 2 \}"/)
})

it("filter takes pass rates from a run on these rows, and from no other", async () => {
  const all = await file("tried.jsonl", [{ i: 1 }, { i: 2 }, { i: 3 }])
  const sha256 = createHash("sha256")
    .update(await readFile(all))
    .digest("hex")
  /** A run's folder, as it is made before the first step. */
  const begun = (name: string, config: RunStore.Config): Promise<string> => {
    const at = join(folder, name)
    return Effect.runPromise(RunStore.open({ folder: at, config, resume: false }).pipe(Effect.as(at), Effect.scoped))
  }
  const { data: read, ...settings } = await resolve({ data: all, task: "math", model: "a/b" })
  const train = { ...read?.train, fingerprint: { rows: 3, sha256 } }
  const run = await begun("run-tried", { ...settings, data: { ...read, train } })
  const completion = (correct: boolean) => ({
    text: "x",
    length: 1,
    finish: "stop",
    verdict: { status: "ok", score: Number(correct), correct, key: null },
  })
  const group = (problem: string, right: number) => ({
    step: 1,
    problem,
    prompt: "x",
    outcome: "trained",
    completions: [0, 1, 2, 3].map((k) => completion(k < right)),
  })
  await writeFile(
    join(run, "completions.jsonl"),
    [group("1", 4), group("2", 1)].map((g) => JSON.stringify(g)).join("\n"),
  )
  const out = join(folder, "tried-kept.jsonl")
  const result = await data("filter", all, "--run", run, "--max-pass", "0.9", "--out", out)
  expect(result.stderr).toBe("")
  expect(await lines(out)).toEqual([{ i: 2 }, { i: 3 }])
  const refused = async (on: string, from: string): Promise<string> =>
    (await data("filter", on, "--run", from, "--out", join(folder, "never-tried.jsonl"))).stderr
  const others = await file("others.jsonl", [{ i: 4 }, { i: 5 }, { i: 6 }])
  expect(await refused(others, run)).toMatch(
    /--run .*: it was trained on other rows, \S*tried\.jsonl with sha256 [0-9a-f]{64}/,
  )
  expect(await refused(all, await begun("run-generated", await resolve({})))).toMatch(/it made its own problems/)
  expect(await refused(all, folder)).toMatch(/there is no run in .*; give a run's folder/)
})

it("generate draws the figures of a tiny preset, and says what it cannot draw", async () => {
  const out = join(folder, "figures.jsonl")
  await data("generate", "geometry-tiny", "--images", "--count", "6", "--side", "held-out", "--out", out)
  const valid = await data("validate", out, "--task", "geometry3k")
  expect(valid).toMatchObject({ code: 0, stderr: "" })
  expect((await data("show", out, "--task", "geometry3k")).stdout).toMatch(/\[image: png, \d+ bytes\]\nFind /)
  const refused = async (...args: ReadonlyArray<string>) => (await data("generate", ...args, "--out", out)).stderr
  expect(await refused("math-tiny", "--images")).toMatch(/math-tiny has no images; choose geometry-tiny/)
  expect(await refused("own")).toMatch(/own does not generate problems; choose countdown-tiny/)
  expect(await refused("math-tiny", "--recipe", "countdown-4")).toMatch(/--recipe is given with the preset math-tiny/)
  expect(await refused()).toMatch(/--count is missing/)
})

it("generate writes rows that the task reads, the same ones for a seed, and show gives a row as the model sees it", async () => {
  const [one, two] = [join(folder, "one.jsonl"), join(folder, "two.jsonl")]
  for (const out of [one, two]) await data("generate", "--count", "20", "--seed", "5", "--out", out)
  expect(await lines(one)).toHaveLength(20)
  expect(await readFile(one, "utf8")).toBe(await readFile(two, "utf8"))
  const valid = await data("validate", one, "--task", "countdown")
  expect(valid).toMatchObject({ code: 0, stderr: "" })
  const shown = await data("show", one, "--task", "countdown", "--model", fixture)
  expect(shown.stdout).toMatch(/read as countdown-tasks\n--- prompt, \d+ tokens\n[\s\S]*Make \d+ from the numbers/)
  expect(shown.stdout).toMatch(/--- fit: the row's own answer is accepted/)
  const parquet = await data("validate", rowsFile("verl.parquet"), "--task", "math")
  const own = await file("own.jsonl", [{ prompt: "Say yes.", answer: "yes" }])
  expect((await data("show", own, "--task", "own")).stdout).toMatch(
    /--- answer\n"yes"\n--- not judged here: a verifier/,
  )
  expect(parquet.stdout).toMatch(/3 rows \(parquet\), read as verl of the task math: 3 problems/)
})

it("what cannot be written to its end leaves nothing under its name", async () => {
  const path = join(folder, "cut.jsonl")
  await writeFile(path, `{"problem":"A?","answer":"1"}\n{"problem":"B?"`)
  const out = join(folder, "never.jsonl")
  const cut = await data("filter", path, "--out", out)
  expect(cut.code).toBe(1)
  expect(cut.stderr).toMatch(/^polaris: .*cut\.jsonl/)
  const nowhere = await data("generate", "--count", "3", "--out", join(path, "rows.jsonl"))
  expect(nowhere.stderr).toMatch(/^polaris: --out .*rows\.jsonl"; part of the path is a file, not a folder/)
  const taken = await data("generate", "--count", "3", "--out", path)
  expect(taken.stderr).toMatch(/exists already; choose another name, or remove it/)
  expect((await readdir(folder)).filter((name) => /^never|\.tmp-/.test(name))).toEqual([])
})
