/** A person's own rows and reward, from the command line. */
import { createHash } from "node:crypto"
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, expect, it } from "vitest"
import { copyOf } from "./checkpoint.ts"
import { refusal, resolve } from "./given.ts"
import { here, makeProgram } from "./program.ts"

const { end, out, polaris } = makeProgram()
const folder = await mkdtemp(join(tmpdir(), "lpo-own-"))
let model = ""
beforeAll(async () => {
  model = await copyOf({ max_position_embeddings: 512 })
})
afterAll(async () => {
  await rm(folder, { recursive: true })
  await rm(model, { recursive: true })
  await end()
})

const file = async (name: string, text: string): Promise<string> => {
  const path = join(folder, name)
  await writeFile(path, text)
  return path
}
const sums = Array.from({ length: 20 }, (_, i) => ({ problem: `What is ${i} + ${i}?`, answer: String(2 * i) }))
const jsonLines = (rows: ReadonlyArray<unknown>): string => rows.map((row) => `${JSON.stringify(row)}\n`).join("")
const sizes = "--samples 2 --prompts 2 --k 4 --max-tokens 8 --steps 2 --learning-rate 1e-2 --workers 0".split(" ")

const json = async (name: string, what: string): Promise<Record<string, unknown>> =>
  JSON.parse(await readFile(join(out, name, what), "utf8")) as Record<string, unknown>
const weights = (name: string) => readFile(join(out, name, "model", "model.safetensors"))

/** Rewards a response by its length, so that there is something to learn from noise. */
const reward = "export default (_answer, response) => Math.min(0.9, response.length / 100)\n"

it("trains two steps on rows of one's own, killed after one and resumed, to the same weights", async () => {
  const data = await file("sums.jsonl", jsonLines(sums))
  // As `npm init --yes` writes it, which calls a module's own syntax an error.
  await file("package.json", JSON.stringify({ type: "commonjs" }))
  const verifier = await file("reward.ts", `const cap: number = 0.9\n${reward.replace("0.9", "cap")}`)
  const args = ["--data", data, "--task", "math", "--verifier", verifier, "--model", model, ...sizes]
  const whole = await polaris([...args, "--name", "whole"])
  expect(whole.stderr).toBe("")
  expect(whole.code).toBe(0)
  expect(whole.stdout).toMatch(/18 problems to train on from .*sums\.jsonl \(answer\); 2 held out, chosen by hash/)
  const sha256 = createHash("sha256").update(jsonLines(sums)).digest("hex")
  const config = await json("whole", "config.json")
  expect(config).toMatchObject({
    preset: "own",
    task: { name: "math" },
    data: {
      train: { source: data, format: "answer", fingerprint: { rows: 20, sha256 } },
      evaluation: null,
      badRows: "fail",
    },
    verifier: {
      path: verifier,
      sha256: createHash("sha256")
        .update(await readFile(verifier))
        .digest("hex"),
    },
  })
  const groups = (await readFile(join(out, "whole", "completions.jsonl"), "utf8")).trim().split("\n")
  for (const line of groups) {
    const group = JSON.parse(line) as {
      prompt: Array<{ content: string }>
      completions: Array<{ text: string; verdict: { score: number } }>
    }
    expect(group.prompt[0].content).toMatch(/^What is \d+ \+ \d+\?\n\nReason step by step/)
    for (const { text, verdict } of group.completions) expect(verdict.score).toBe(Math.min(0.9, text.length / 100))
  }
  const killed = await polaris([...args, "--name", "killed"], (stdout) =>
    /Training \(lpo-fwd\) 1\/2/.test(stdout) ? "SIGINT" : null,
  )
  expect(killed.code).toBe(130)
  const resumed = await polaris(["--name", "killed", "--resume"])
  expect(resumed.stderr).toBe("")
  expect(resumed.stdout).toMatch(/resuming after step [12] of 2/)
  expect((await weights("killed")).equals(await weights("whole"))).toBe(true)
  // An evaluation of the run judges as the run did, or not at all.
  const evaluate = (name: string) =>
    here(["eval", "--run", join(out, "whole"), "--n", "2", "--out", folder, "--name", name])
  expect((await evaluate("judged")).stderr).toBe("")
  const summary = JSON.parse(await readFile(join(folder, "judged", "summary.json"), "utf8")) as unknown
  expect(JSON.stringify(summary)).toContain('"unjudged":0')
  const scored = (await readFile(join(folder, "judged", "held-out.samples.jsonl"), "utf8")).trim().split("\n")
  expect(scored).toHaveLength(2)
  const before = await readFile(verifier, "utf8")
  await writeFile(verifier, before.replace("100", "10"))
  expect((await evaluate("rejudged")).stderr).toMatch(
    /its verifier .*reward\.ts is not the one that the run was judged by/,
  )
  await writeFile(verifier, before)
  // Other rows are another run.
  await file("sums.jsonl", jsonLines(sums.slice(1)))
  const other = await polaris(["--name", "killed", "--resume", "--steps", "3"])
  expect(other.code).toBe(1)
  expect(other.stderr).toMatch(/was started with data\.train\.fingerprint\.rows 20, and now it is 19/)
})

it("judges by the task on other held-out rows, and warns of those that are trained on too", async () => {
  const data = await file("train.json", JSON.stringify(sums))
  const held = await file(
    "held.jsonl",
    jsonLines([
      { question: "what is 3+3", Answer: 6 },
      { question: "What is 50 + 50?", Answer: 100 },
    ]),
  )
  const result = await polaris([
    "--data",
    data,
    "--eval-data",
    held,
    "--task",
    "math",
    "--model",
    model,
    ...sizes,
    "--name",
    "held",
  ])
  expect(result.stderr).toBe("")
  expect(result.stdout).toMatch(/20 problems to train on .*; 2 held out from .*held\.jsonl \(answer\)/)
  expect(result.stdout).toMatch(/warning: 1 training problems are among the held-out ones/)
  expect((await json("held", "summary.json"))["problems"]).toBe(2)
})

it("says in one line what is wrong with rows, readers and verifiers, and leaves no run behind", async () => {
  const good = await file("good.jsonl", jsonLines(sums))
  const bad = await file("bad.jsonl", `${jsonLines(sums)}{"problem": "What?", "answer": null}\n`)
  const strange = await file("strange.jsonl", jsonLines([{ x: 1 }, { x: 2 }]))
  const throws = await file("throws.ts", "throw new Error('no luck')\n")
  const empty = await file("empty.ts", "export const a = 1\n")
  const given = ["--model", model, ...sizes, "--name", "nothing"]
  const cases: ReadonlyArray<readonly [ReadonlyArray<string>, RegExp]> = [
    [
      ["--data", bad, "--task", "math"],
      /bad\.jsonl, row 21: there is no answer: .*; mend the row, or .*--bad-rows leave-out/,
    ],
    [
      ["--data", strange, "--task", "math"],
      /the task math makes no problem of its first rows \(answer: no column "problem"/,
    ],
    [
      ["--data", good, "--task", "math", "--format", "polars"],
      /there is no format of the task math "polars"; did you mean polaris\?/,
    ],
    [["--data", good, "--task", "math", "--verifier", throws], /throws\.ts: cannot be loaded \(no luck\)/],
    [["--data", good, "--verifier", empty], /empty\.ts: exports no grader; export default a function/],
    [["--data", join(folder, "none.jsonl"), "--task", "math"], /none\.jsonl: there is no such file/],
    [["--data", good, "--task", "math", "--problems", "3"], /--problems is 3, and 2 are held out/],
  ]
  for (const [args, message] of cases) {
    const result = await polaris([...args, ...given])
    expect(result.code, args.join(" ")).toBe(1)
    expect(result.stderr).toMatch(message)
    expect(result.stderr.trim()).not.toMatch(/\n/)
  }
  expect(await readdir(out)).not.toContain("nothing")
})

it("resolves data, task and verifier for every engine, and refuses what does not go together", async () => {
  const data = { data: "own/rows@v1:test", task: "math", model: "a/b" }
  const wanted = {
    preset: "own",
    task: { name: "math", parameters: {} },
    verifier: null,
    data: {
      train: { source: "own/rows@v1:test", format: null, fingerprint: null },
      evaluation: null,
      heldOutShare: 0.1,
      badRows: "fail",
    },
  }
  expect(await resolve(data)).toMatchObject({ ...wanted, engine: { name: "embedded" } })
  expect(await resolve({ ...data, engine: "tinker", server: "http://a" })).toMatchObject({
    ...wanted,
    engine: { name: "tinker" },
  })
  expect(await resolve({ ...data, engine: "hybrid", loraRank: 2, rollouts: "http://a" })).toMatchObject({
    ...wanted,
    engine: { name: "hybrid" },
  })
  expect(await refusal({ data: "own/rows", model: "a/b" })).toMatch(
    /give --task countdown\|math\|code\|geometry3k, or --verifier/,
  )
  expect(await refusal({ data: "own/rows", task: "math" })).toMatch(/there is no model to train; give --model/)
  expect(await refusal({ data: "own/rows", task: "maths", model: "a/b" })).toMatch(
    /there is no task "maths"; did you mean math\?/,
  )
  expect(await refusal({ preset: "countdown-tiny", data: "own/rows" })).toMatch(
    /knows only its own problems; give --model/,
  )
  expect(await refusal({ task: "math" })).toMatch(/--task is given without --data/)
})
