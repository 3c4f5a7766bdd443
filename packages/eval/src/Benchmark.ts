/**
 * Benchmarks: fixed sets of held-out problems for reports. Each is a record, not code: where its rows are, how many problems
 * they make, and the number of samples and the temperature with which the paper evaluates it.
 *
 * Two sets with one name in the field have two names here (`amc23` and `amc83`, `olympiadbench` and `olympiadbench-675`).
 *
 * @module
 */
import { Dataset, type Problem, RolloutError } from "@lpo/rollout"
import type { Task } from "@lpo/verifiers"
import { Effect, Schema } from "effect"
import { benchmarks } from "./internal/benchmarks.ts"

/** @category models */
export const Benchmark = Schema.Struct({
  name: Schema.String,
  /** A one-line description. */
  about: Schema.String,
  /** The task that reads its rows and judges its answers. */
  task: Schema.Literals(["math", "code", "countdown", "geometry3k"]),
  /** `name[@revision][:[config/]split]` on the hub; null if there is no published set, or the task generates it. */
  source: Schema.NullOr(Schema.String),
  /** The recipe that generates the problems. */
  recipe: Schema.optionalKey(Schema.Literals(["countdown-34", "countdown-4"])),
  /** How many problems it has. Another number is another benchmark. */
  problems: Schema.Int,
  /** Rows of the same file that belong to another domain. */
  otherRows: Schema.optionalKey(Schema.Int),
  /** n, samples per problem, as in the paper. */
  samples: Schema.Int,
  temperature: Schema.Finite,
  /** Longest response, in tokens. */
  maxTokens: Schema.Int,
  /** Null: the publisher does not state one. */
  licence: Schema.NullOr(Schema.String),
})
/** @category models */
export interface Benchmark extends Schema.Schema.Type<typeof Benchmark> {}

/** All of them, by name. @category benchmarks */
export const all: Readonly<Record<string, Benchmark>> = Object.fromEntries(
  benchmarks.map((benchmark): [string, Benchmark] => [benchmark.name, benchmark]),
)

/** The draw of a generated benchmark: the same problems on every machine. */
const seed = "benchmark"

const fault = (source: string, reason: string) =>
  new RolloutError.DatasetError({ source, row: null, line: null, column: null, reason })

/** The problems of a benchmark that its task generates. Fails for a benchmark of published rows. @category problems */
export const generate = Effect.fn("Benchmark.generate")(function* (benchmark: Benchmark, task: Task.AnyTask) {
  const { name, problems } = benchmark
  if (task.generate === undefined)
    return yield* fault(name, "is a set of published rows; give its file, or download it from the hub")
  return task.generate({ side: "held-out", seed, count: problems })
})

/**
 * The problems of a benchmark from its rows, in any of the published shapes: `read` is one of `task.fromRow`. Fails
 * with a `DatasetError` for a row that cannot be turned into a problem, and if the number of problems is wrong: a set with another
 * number of problems would be another benchmark under the same name.
 *
 * @category problems
 */
export const read = Effect.fn("Benchmark.read")(function* (
  benchmark: Benchmark,
  rows: Dataset.Rows,
  reader: Dataset.Read,
) {
  const { name, otherRows = 0, problems } = benchmark
  const made = yield* Dataset.fromRows(rows, reader, { badRows: otherRows > 0 ? "leave-out" : "fail" })
  const [first] = made.leftOut
  if (made.length !== problems)
    return yield* fault(
      rows.source,
      `makes ${made.length} problems, but ${name} has ${problems}; give the published file` +
        (first === undefined || made.leftOut.length === otherRows
          ? ""
          : ` (the first row that failed: ${first.message})`),
    )
  const all: ReadonlyArray<Problem.Problem> = yield* made.at(Array.from({ length: made.length }, (_, place) => place))
  return all
})
