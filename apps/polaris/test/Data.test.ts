/** A person's own rows and reward, from the command line. */
import { readdir, readFile } from "node:fs/promises"
import { join } from "node:path"
import { afterAll, expect, it } from "vitest"
import { makeFolder, makeModel } from "./files.ts"
import { refusal, resolve } from "./given.ts"
import { jsonLines, sizes, sums } from "./own.ts"
import { makeProgram } from "./program.ts"

const { end, out, polaris } = makeProgram()
const { folder, file } = makeFolder("own")
const model = await makeModel()
afterAll(end)

const json = async (name: string, what: string): Promise<Record<string, unknown>> =>
  JSON.parse(await readFile(join(out, name, what), "utf8")) as Record<string, unknown>

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
  expect(result.stdout).toMatch(/warning: 1 training problems are also held out/)
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
      /bad\.jsonl, row 21: there is no answer: .*; fix the row, or .*--bad-rows leave-out/,
    ],
    [
      ["--data", strange, "--task", "math"],
      /the task math cannot turn its first rows into problems \(answer: no column "problem"/,
    ],
    [
      ["--data", good, "--task", "math", "--format", "polars"],
      /there is no format of the task math "polars"; did you mean polaris\?/,
    ],
    [["--data", good, "--task", "math", "--verifier", throws], /throws\.ts: cannot be loaded \(no luck\)/],
    [["--data", good, "--verifier", empty], /empty\.ts: does not export a grader; export default a function/],
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
