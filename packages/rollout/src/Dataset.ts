/**
 * Datasets as JSON lines of problems, and the order in which training walks through them.
 *
 * The order is a function of the seed and the place alone: epoch e is the problems shuffled by stream `<seed>/shuffle/<e>`, so a
 * resumed run needs no more than how many problems were drawn.
 */
import { readFile } from "node:fs/promises"
import { Effect, Schema } from "effect"
import { Problem } from "./Problem.ts"
import { DatasetError } from "./RolloutError.ts"
import * as Seed from "./Seed.ts"

const decodeProblem = Schema.decodeUnknownEffect(Problem, { errors: "all", onExcessProperty: "error" })

/**
 * Reads problems from a JSON-lines file. Fails with a `DatasetError` that names the row (from 1) and what is wrong
 * with it; ids must be unique.
 *
 * @category constructors
 */
export const fromJsonLines = Effect.fn("Dataset.fromJsonLines")(function* (path: string) {
  const fail = (row: number | null, reason: string) => new DatasetError({ source: path, row, reason })
  const text = yield* Effect.tryPromise({
    try: () => readFile(path, "utf8"),
    catch: (cause) => fail(null, `cannot be read (${(cause as Error).message}); give the path of a JSON-lines file`),
  })
  const seen = new Set<string>()
  const problems: Array<Problem> = []
  for (const [i, line] of text.split("\n").entries()) {
    if (line.trim() === "") continue
    const json = yield* Effect.try({
      try: (): unknown => JSON.parse(line),
      catch: (cause) => fail(i + 1, `is not JSON: ${(cause as Error).message}`),
    })
    const problem = yield* decodeProblem(json).pipe(Effect.mapError((error) => fail(i + 1, error.message)))
    if (seen.has(problem.id)) return yield* fail(i + 1, `id "${problem.id}" occurs twice; ids must be unique`)
    seen.add(problem.id)
    problems.push(problem)
  }
  if (problems.length === 0) return yield* fail(null, "holds no problem; give at least one row")
  return problems
})

/**
 * `size` problems, walking through epoch after epoch, from place `from` (counted over all epochs, from 0).
 *
 * @category combinators
 */
export const take = (
  problems: ReadonlyArray<Problem>,
  options: { readonly from: number; readonly size: number; readonly seed: string },
): Array<Problem> => {
  const { from, size, seed } = options
  const n = problems.length
  const out: Array<Problem> = []
  let epoch = -1
  let order: Array<Problem> = []
  for (let i = from; i < from + size; i++) {
    const e = Math.floor(i / n)
    if (e !== epoch) {
      epoch = e
      order = Seed.shuffle(problems, `${seed}/shuffle/${e}`)
    }
    out.push(order[i % n])
  }
  return out
}
