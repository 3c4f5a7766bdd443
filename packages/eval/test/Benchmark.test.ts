/** Benchmarks: the records, published files in several shapes, and generated ones. */
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Benchmark } from "@lpo/eval"
import { Dataset, type Problem } from "@lpo/rollout"
import { Countdown, Mathematics } from "@lpo/verifiers"
import { Effect, Schema } from "effect"
import { afterAll, expect, it } from "vitest"

const folder = await mkdtemp(join(tmpdir(), "lpo-benchmark-"))
afterAll(() => rm(folder, { recursive: true }))

const load = (name: string, path: string, format: keyof ReturnType<typeof Mathematics.fromRow>) =>
  Dataset.open(path).pipe(
    Effect.flatMap((rows) => Benchmark.read(Benchmark.all[name], rows, Mathematics.fromRow()[format])),
    Effect.scoped,
  )

it("every record decodes, and says how the paper samples it", () => {
  const decode = Schema.decodeUnknownSync(Benchmark.Benchmark, { onExcessProperty: "error" })
  for (const [name, benchmark] of Object.entries(Benchmark.all)) expect(decode(benchmark).name).toBe(name)
  const samples = (name: string) => Benchmark.all[name].samples
  expect(["aime24", "aime25", "amc23", "minerva", "math500", "olympiadbench"].map(samples)).toEqual([
    32, 32, 32, 4, 1, 1,
  ])
  expect(["countdown-34", "countdown-4", "prime-code", "geometry3k"].map(samples)).toEqual([64, 64, 8, 16])
})

it("refuses a file with another number of problems, and names a row that makes none", async () => {
  const path = join(folder, "aime.jsonl")
  const rows = Array.from({ length: 29 }, (_, i) => JSON.stringify({ problem: `What is ${i}?`, answer: `0${i}` }))
  await writeFile(path, `${rows.join("\n")}\n`)
  const few = await Effect.runPromise(Effect.flip(load("aime24", path, "answer")))
  expect(few.message).toMatch(/makes 29 problems, but aime24 has 30; give the published file/)
  await writeFile(path, `${rows.join("\n")}\n${JSON.stringify({ problem: "?", answer: null })}\n`)
  const bad = await Effect.runPromise(Effect.flip(load("aime24", path, "answer")))
  expect(bad.message).toMatch(/row 30: .*no answer/)
  await writeFile(path, `${[...rows, JSON.stringify({ problem: "last", answer: 25 })].join("\n")}\n`)
  const all = await Effect.runPromise(load("aime24", path, "answer"))
  expect(all[7].answer).toBe("7")
  expect(all[29].answer).toBe("25")
})

it("generated ones are the same everywhere, held out from what is trained on, and their golds accept themselves", async () => {
  const make = (name: "countdown-34" | "countdown-4") =>
    Effect.gen(function* () {
      const task = yield* Countdown.task({ from: name })
      return { task, problems: yield* Benchmark.generate(Benchmark.all[name], task) }
    })
  const { problems, task } = await Effect.runPromise(make("countdown-34"))
  const again = await Effect.runPromise(make("countdown-34"))
  expect(problems).toHaveLength(512)
  expect(again.problems).toEqual(problems)
  const numbers = (all: ReadonlyArray<Problem.Problem>) =>
    all.map(({ answer }) => (answer as Countdown.Answer).nums.join(","))
  const trained = new Set(numbers(Countdown.generate({ side: "train", seed: "other", count: 300 })))
  expect(numbers(problems).filter((nums) => trained.has(nums))).toEqual([])
  const four = await Effect.runPromise(make("countdown-4"))
  expect(new Set(four.problems.map(({ answer }) => (answer as Countdown.Answer).nums.length))).toEqual(new Set([4]))
  for (const problem of problems.slice(0, 20)) expect(await Effect.runPromise(task.validate(problem))).toBeNull()
})

/** Where the published files lie. */
const real = process.env["LPO_BENCHMARKS"] ?? ""
const absent = real === ""
if (absent) console.warn("SKIPPED the published files of the benchmarks: LPO_BENCHMARKS names no folder")

it.skipIf(absent)("published files of several shapes make the same problems", async () => {
  const of = (name: string, file: string, format: Parameters<typeof load>[2]) =>
    Effect.runPromise(load(name, join(real, file), format))
  const counts = [
    await of("math500", "math500.deepscaler.json", "answer"),
    await of("aime24", "aime24.qwen.jsonl", "answer"),
    await of("amc83", "amc83.deepscaler.json", "answer"),
    await of("olympiadbench-675", "olympiadbench.qwen.jsonl", "olympiadbench"),
  ].map(({ length }) => length)
  expect(counts).toEqual([500, 30, 83, 675])
  const aime = await of("aime24", "aime24.qwen.jsonl", "answer")
  for (const { answer } of aime) expect(answer).toMatch(/^(?:0|[1-9]\d{0,2})$/)
  // Minerva: a list of accepted answers in one copy, a box in the other.
  const text = ({ prompt }: Problem.Problem): string =>
    JSON.stringify(prompt)
      .toLowerCase()
      .replaceAll(/[^a-z0-9]/g, "")
  const [lists, boxed] = [
    await of("minerva", "minerva.deepscaler.json", "answer"),
    await of("minerva", "minerva.qwen.jsonl", "solution"),
  ]
  expect(lists.map(text).sort()).toEqual(boxed.map(text).sort())
  // AMC 2023 is a part of AMC 2022 and 2023.
  const [forty, both] = [
    await of("amc23", "amc23.qwen.jsonl", "answer"),
    await of("amc83", "amc83.deepscaler.json", "answer"),
  ]
  const among = new Map(both.map((problem) => [text(problem), problem.answer]))
  for (const problem of forty) if (among.has(text(problem))) expect(among.get(text(problem))).toEqual(problem.answer)
})
