/** `polaris compare` and `polaris report`: what is computed of runs on the disk, and what is refused. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Evaluator, type Metrics } from "@lpo/eval"
import { RunStore } from "@lpo/trainer"
import { Effect } from "effect"
import { afterAll, expect, it } from "vitest"
import * as Base from "../src/Base.ts"
import { resolve } from "./given.ts"
import { here } from "./program.ts"

const folder = await mkdtemp(join(tmpdir(), "lpo-compare-"))
afterAll(() => rm(folder, { recursive: true }))

/** What it prints, on both streams. */
const polaris = async (...args: ReadonlyArray<string>): Promise<string> => {
  const { stderr, stdout } = await here(args)
  return stdout + stderr
}

const judged = (problem: string, correct: ReadonlyArray<boolean>): Metrics.Judged => ({
  problem,
  samples: correct.map((right) => ({
    status: "ok",
    correct: right,
    score: right ? 1 : 0,
    key: null,
    length: 3,
    truncated: false,
    surprise: 1,
  })),
})
const asked = { problems: 6, samples: 2, temperature: 1, benchmarks: [] }
const evaluation = (problems: ReadonlyArray<Metrics.Judged>): string =>
  Base.write({ ...Evaluator.of(problems, "seed"), asked, seconds: 1 })
const ended = async (name: string, problems: ReadonlyArray<Metrics.Judged>): Promise<string> => {
  const path = join(folder, name)
  await mkdir(path, { recursive: true })
  await writeFile(join(path, Base.trainedFile), evaluation(problems))
  return path
}

it("pairs by problem, over the problems that all have, and corrects the p-values", async () => {
  const six = [0, 1, 2, 3, 4, 5]
  const a = await ended("a", [...six.map((i) => judged(`p${i}`, [false, false])), judged("only here", [true, true])])
  const b = await ended(
    "b",
    six.map((i) => judged(`p${i}`, [true, i > 2])),
  )
  const printed = await polaris("compare", a, b)
  expect(printed).toMatch(/6 problems in common, 1 of the base are not in all/)
  // By hand: 3 problems at 1/2 and 3 at 1, so +0.75 and +1; all six better is 2 of the 64 sign patterns.
  expect(printed).toMatch(/pass@1 +│ 0\.000 │ 0\.750 │ \+0\.750 \[.*│ 0\.0313 │ 0\.0625/)
  expect(printed).toMatch(/pass@2 +│ 0\.000 │ 1\.000 │ \+1\.000 \[.*│ 0\.0313 │ 0\.0625/)
  expect(await polaris("compare", a)).toMatch(/only .*a is given; give two or more run folders/)
  expect(await polaris("compare", a, join(folder, "none"))).toMatch(/there is no .*none; give runs/)
  const other = await ended("other", [judged("q", [true, true])])
  expect(await polaris("compare", a, other)).toMatch(/they share no problem/)
  await mkdir(join(folder, "begun"))
  expect(await polaris("compare", a, join(folder, "begun"))).toMatch(/trained\.json is missing, so the run has not/)
  const damaged = join(b, Base.trainedFile)
  await writeFile(damaged, (await readFile(damaged, "utf8")).replace('"correct":true', '"correct":false'))
  expect(await polaris("compare", a, b)).toMatch(/trained\.json is damaged: it does not match its own checksum/)
})

it("writes the report of a run that was interrupted", async () => {
  const path = join(folder, "interrupted")
  const settings = await resolve({ steps: 9 })
  await RunStore.open({ folder: path, config: { ...settings }, resume: false, about: { commit: "abc" } }).pipe(
    Effect.flatMap((store) => store.write(Base.file, evaluation([judged("p", [true, false])]))),
    Effect.scoped,
    Effect.runPromise,
  )
  expect(await polaris("report", path)).toMatch(/report {2}.*report\.html/)
  const page = await readFile(join(path, "report.html"), "utf8")
  expect(page).toContain("<dt>steps</dt><dd>0 of 9</dd>")
  expect(page).toContain("No steps have been taken yet.")
  expect(page).toContain("before: 0.5 at k 1, 1 at k 2")
  expect(await polaris("report", folder)).toMatch(/there is no run in/)
})

it("says which policy was the best, and why the run ended before its last step", async () => {
  const path = join(folder, "early")
  const best = { metric: "eval/pass_at_1", better: "higher" as const, patience: 1 }
  const asked = await resolve({ steps: 9, evaluateEvery: 2 })
  const settings = { ...asked, train: { ...asked.train, best } }
  const values = (step: number) => ({ step, values: { "eval/pass_at_1": step === 2 ? 0.75 : 0.5 } })
  await Effect.gen(function* () {
    const store = yield* RunStore.open({ folder: path, config: { ...settings }, resume: false })
    for (const step of [2, 4]) yield* store.appendEvaluation(values(step))
    for (const file of [Base.file, Base.trainedFile]) yield* store.write(file, evaluation([judged("p", [true, false])]))
    yield* store.write("best.json", JSON.stringify({ ...best, step: 2, value: 0.75 }))
  }).pipe(Effect.scoped, Effect.runPromise)
  await polaris("report", path)
  const page = await readFile(join(path, "report.html"), "utf8")
  expect(page).toContain("<dt>best policy</dt><dd>step 2, eval/pass_at_1 0.750</dd>")
  expect(page).toContain("<dt>ended</dt><dd>after step 0 of 9: no better since step 2</dd>")
  expect(page).toContain("pass@1: 0.75 at step 2, 0.5 at step 4")
  // Without a last evaluation the run has not come to its end.
  await rm(join(path, Base.trainedFile))
  await polaris("report", path)
  expect(await readFile(join(path, "report.html"), "utf8")).not.toContain("<dt>ended</dt>")
})
