/** The file of samples: what a kill leaves, what damage is named, and that nothing is counted twice. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Evaluator, Samples } from "@lpo/eval"
import { Effect } from "effect"
import fc from "fast-check"
import { afterAll, expect, it } from "vitest"

const folder = await mkdtemp(join(tmpdir(), "lpo-samples-"))
afterAll(() => rm(folder, { recursive: true }))

const row = (place: number, correct: ReadonlyArray<boolean>): Samples.Row => ({
  place,
  problem: `p${place}`,
  samples: correct.map((right, k) => ({
    status: "ok",
    correct: right,
    score: right ? 1 : 0,
    key: right ? "7" : null,
    length: k + 1,
    truncated: false,
    surprise: 0.5,
    text: `a line\nand "another" ${k} 数`,
    ...(right ? { extracted: "7" } : { reason: "no answer" }),
  })),
})
const append = (path: string, rows: ReadonlyArray<Samples.Row>) =>
  Samples.open(path).pipe(
    Effect.flatMap((samples) =>
      Effect.as(
        Effect.forEach(rows, (one) => samples.append(one), { discard: true }),
        [...samples.done],
      ),
    ),
    Effect.scoped,
    Effect.runPromise,
  )
const read = (path: string) => Effect.runPromise(Samples.read(path))
const refusal = async (path: string) => (await Effect.runPromise(Effect.flip(Samples.read(path)))).message

it("goes on after a kill at any byte: whole rows are kept, the cut one is asked for again", async () => {
  const rows = [row(2, [true, false]), row(0, [false]), row(1, [true])]
  const whole = rows.map((one) => `${JSON.stringify(one)}\n`).join("")
  const bytes = Buffer.from(whole)
  const path = join(folder, "killed.jsonl")
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: bytes.length }), async (size) => {
      await writeFile(path, bytes.subarray(0, size))
      const kept = bytes.subarray(0, size).toString().split("\n").length - 1
      expect(await append(path, rows.slice(kept))).toEqual(rows.slice(0, kept).map(({ place }) => place))
      expect(await readFile(path, "utf8")).toBe(whole)
    }),
    { numRuns: 60 },
  )
})

it("gives the problems in their order, whatever order they finished in, and what an evaluation of them says", async () => {
  const path = join(folder, "order.jsonl")
  await append(path, [row(2, [true, true]), row(0, [false, false])])
  await append(path, [row(1, [true, false])])
  const judged = await read(path)
  expect(judged.map(({ problem }) => problem)).toEqual(["p0", "p1", "p2"])
  const { curve, summary } = Evaluator.of(judged, "seed")
  expect(curve["1"].mean).toBeCloseTo(0.5, 12)
  expect(curve["2"].mean).toBeCloseTo(2 / 3, 12)
  expect(summary).toMatchObject({ samples: 6, unjudged: 0, responseLength: 1.5 })
})

it("names the line that is damaged, and a problem that stands there twice", async () => {
  const path = join(folder, "damaged.jsonl")
  const lines = [row(0, [true]), row(1, [true])].map((one) => JSON.stringify(one))
  await writeFile(path, `${lines[0]}\n${lines[1].replace('"correct":true', '"correct":"yes"')}\n`)
  expect(await refusal(path)).toMatch(/damaged\.jsonl, row 2: is not a row of samples: .*"correct"/s)
  await writeFile(path, `${lines[0]}\n${lines[0]}\n`)
  expect(await refusal(path)).toMatch(/has problem p0 twice/)
  await writeFile(path, `${lines[0]}\n{"place": 1\n${lines[1]}\n`)
  const opened = await Samples.open(path).pipe(Effect.scoped, Effect.flip, Effect.runPromise)
  expect(opened.message).toMatch(/row 2.*is not JSON/)
})
