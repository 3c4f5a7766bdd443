/** Problems that come from a dataset: what config.json records of it, and its two sides, to train on and held out. */
import { createHash } from "node:crypto"
import { resolve as absolute } from "node:path"
import { Dataset, type Problem, RolloutError } from "@lpo/rollout"
import type { Task } from "@lpo/verifiers"
import { Effect, Schema, Stream } from "effect"
import { normal } from "./data/Question.ts"
import { ofRows, tasks } from "./tasks/index.ts"
import { find, stray, UsageError } from "./Usage.ts"
import type { View } from "./View.ts"

/** The part of a dataset that is used; all of it if nothing is set. */
const Part = Schema.Struct({
  /** First and last row, both included, from 1. */
  rows: Schema.optionalKey(Schema.Tuple([Schema.Int, Schema.Int])),
  /** The values that columns must have. */
  where: Schema.optionalKey(Schema.Record(Schema.String, Schema.String)),
})
type Part = typeof Part.Type

/** A dataset in a preset. */
export const Named = Schema.Struct({
  /** A file, or `name[@revision][:[config/]split]` on the hub. */
  source: Schema.String,
  format: Schema.String,
  /** Of the download. */
  megabytes: Schema.optionalKey(Schema.Finite),
  ...Part.fields,
})
export interface Named extends Schema.Schema.Type<typeof Named> {}

const Source = Schema.Struct({
  /** A file, or `name[@revision][:[config/]split]` on the hub; the revision is a commit once the dataset was opened. */
  source: Schema.String,
  /** The task's reader of its rows; null until the dataset was opened. */
  format: Schema.NullOr(Schema.String),
  /** Null until the dataset was opened. */
  fingerprint: Schema.NullOr(Dataset.Fingerprint),
  ...Part.fields,
})
type Source = typeof Source.Type

export const Data = Schema.Struct({
  train: Source,
  /** Null: a share of the training rows is held out, by a hash of what they ask. */
  evaluation: Schema.NullOr(Source),
  heldOutShare: Schema.Finite,
  badRows: Schema.Literals(["fail", "leave-out"]),
})
export interface Data extends Schema.Schema.Type<typeof Data> {}

/** A module that judges, and its hash when the run started. */
export const Verifier = Schema.Struct({ path: Schema.String, sha256: Schema.NullOr(Schema.String) })
export interface Verifier extends Schema.Schema.Type<typeof Verifier> {}

/** The options on data; null for those not given. */
export interface Given {
  readonly data: string | null
  readonly evalData: string | null
  readonly task: string | null
  readonly format: string | null
  readonly badRows: "fail" | "leave-out" | null
  readonly verifier: string | null
}

interface Base {
  readonly task: { readonly name: string; readonly parameters: Readonly<Record<string, unknown>> }
  readonly data: Data | null
  readonly verifier: Verifier | null
}

/** Share of the rows that is held out if no file of held-out problems is given. */
const heldOutShare = 0.1

/** A run may be resumed from another folder. */
/** A verifier as it was given: a URL, or the path of a module. */
export const verifierPath = (given: string): string => (/^https?:/.test(given) ? given : absolute(given))

const named = (source: string): string => (Dataset.isFile(source) ? absolute(source) : source)

const sourceOf = (base: Source | null, source: string | null, format: string | null): Source | null =>
  source !== null
    ? { source: named(source), format, fingerprint: null }
    : base !== null && format !== null
      ? { ...base, format }
      : base

const ofPreset = ({ format, rows, source, where }: Named): Source => ({
  source,
  format,
  fingerprint: null,
  ...(rows === undefined ? {} : { rows }),
  ...(where === undefined ? {} : { where }),
})

/** The data of a preset. */
export const preset = (train: Named, evaluation: Named | null, badRows: Data["badRows"]): Data => ({
  train: ofPreset(train),
  evaluation: evaluation === null ? null : ofPreset(evaluation),
  heldOutShare,
  badRows,
})

/** Task, data and verifier of a run with what the command line changes. */
export const resolve = Effect.fn("Data.resolve")(function* (base: Base, given: Given) {
  const train = sourceOf(base.data?.train ?? null, given.data, given.format)
  const needs = { evalData: ["data"], task: ["data"], format: ["data"], badRows: ["data"] } as const
  const alone = stray({ ...given, data: train }, needs)
  if (alone !== null) return yield* alone
  if (given.task !== null) yield* find("task", given.task, tasks)
  const task = given.task === null || given.task === base.task.name ? base.task : { name: given.task, parameters: {} }
  const verifier = given.verifier === null ? base.verifier : { path: verifierPath(given.verifier), sha256: null }
  if (task.name === "own" && verifier === null)
    return yield* new UsageError({
      reason:
        train === null
          ? "the preset own has no problems; give --data and --task"
          : `it is not known how to judge the answers; give --task ${ofRows.join("|")}, or --verifier with a module of yours`,
    })
  const data: Data | null =
    train === null
      ? null
      : {
          train,
          evaluation: sourceOf(base.data?.evaluation ?? null, given.evalData, null),
          heldOutShare: base.data?.heldOutShare ?? heldOutShare,
          badRows: given.badRows ?? base.data?.badRows ?? "fail",
        }
  return { task, data, verifier }
})

/** How many rows a reader is tried on. */
const tried = 50

/** The reader that takes most of the first rows, the first of several; fails with what each says about the first row. */
const detect = Effect.fn("Data.detect")(function* (rows: Dataset.Rows, { fromRow, name }: Task.AnyTask) {
  const first = yield* rows.stream.pipe(Stream.take(tried), Stream.runCollect)
  const values = first.flatMap(({ value }) => (value._tag === "Success" ? [value.success] : []))
  const all = Object.entries(fromRow).map(([format, read]) => ({
    format,
    taken: values.filter((value) => read(value, "1")._tag === "Success").length,
  }))
  const best = all.toSorted((a, b) => b.taken - a.taken)[0]
  if (best !== undefined && best.taken > 0) return best.format
  const says = Object.entries(fromRow).map(([format, read]) => {
    const result = read(values[0], "1")
    return `${format}: ${result._tag === "Failure" ? result.failure.reason : "reads it"}`
  })
  return yield* new UsageError({
    reason: `${rows.source}: the task ${name} cannot turn its first rows into problems${values.length === 0 ? "" : ` (${says.join("; ")})`}`,
  })
})

/** A dataset that is open, with its reader. */
export interface Opened {
  readonly rows: Dataset.Rows
  readonly settings: Source
}

/** Opens a dataset and finds its reader; the rows stay available until the scope closes. */
export const open = Effect.fn("Data.open")(function* (given: Source, task: Task.AnyTask, view: View) {
  const { source } = given
  const rows = yield* Dataset.open(source, {
    onProgress: ({ file, received, size }) =>
      view.progress({
        title: `Downloading ${source}`,
        done: received,
        total: size,
        format: (bytes) => `${(bytes / 1e6).toFixed(1)} MB`,
        detail: [file],
      }),
  })
  view.done()
  const format = given.format ?? (yield* detect(rows, task))
  yield* find(`format of the task ${task.name}`, format, task.fromRow)
  // The commit takes the place of the revision; configuration and split stay.
  const pinned = Dataset.isFile(source) ? source : `${rows.source}${/:.*$/.exec(source)?.[0] ?? ""}`
  const opened: Opened = { rows, settings: { ...given, source: pinned, format, fingerprint: rows.fingerprint } }
  return opened
})

/** 48 bits of a hash: equal problems are on the same side, whichever rows they come from. */
export const hashOf = (problem: Problem.Problem): number =>
  createHash("sha256").update(normal(problem.prompt)).digest().readUIntBE(0, 6)

/** The problems of all rows. */
export const problems = Effect.fn("Data.problems")(function* ({ rows, settings }: Opened, task: Task.AnyTask) {
  const made = yield* Dataset.fromRows(rows, task.fromRow[settings.format ?? ""])
  return yield* made.at(Array.from({ length: made.length }, (_, place) => place))
})

/** Whether a row belongs to the part; one that cannot be read may, so it gets reported. */
const wantedOf =
  ({ rows, where = {} }: Part) =>
  (row: unknown, index: number): boolean =>
    (rows === undefined || (index + 1 >= rows[0] && index < rows[1])) &&
    (row === undefined ||
      Object.entries(where).every(
        ([column, value]) =>
          typeof row === "object" && row !== null && (row as Record<string, unknown>)[column] === value,
      ))

/** The two sides of a run's problems. */
export interface Sides {
  readonly training: Dataset.FromRows
  readonly heldOut: Dataset.FromRows
  /** Training problems that are also held out. */
  readonly shared: number
}

/** The sides of a dataset: two files, or one whose rows are split by hash. */
export const sides = Effect.fn("Data.sides")(function* (
  data: Data,
  task: Task.AnyTask,
  train: Opened,
  evaluation: Opened | null,
) {
  const { badRows } = data
  const reader = ({ settings }: Opened): Dataset.Read => task.fromRow[settings.format ?? ""]
  const hashes = (opened: Opened) =>
    Effect.gen(function* () {
      const found = new Set<number>()
      const all = yield* Dataset.fromRows(opened.rows, reader(opened), {
        badRows,
        wanted: wantedOf(opened.settings),
        only: (problem) => {
          found.add(hashOf(problem))
          return true
        },
      })
      return { all, found }
    })
  if (evaluation !== null) {
    const { all: heldOut, found } = yield* hashes(evaluation)
    let shared = 0
    const training = yield* Dataset.fromRows(train.rows, reader(train), {
      badRows,
      wanted: wantedOf(train.settings),
      only: (problem) => {
        if (found.has(hashOf(problem))) shared++
        return true
      },
    })
    return { training, heldOut, shared } satisfies Sides
  }
  const { found } = yield* hashes(train)
  if (found.size < 2)
    return yield* new RolloutError.DatasetError({
      source: train.rows.source,
      row: null,
      line: null,
      column: null,
      reason: "has only one problem, so none can be held out; give more, or --eval-data",
    })
  const sorted = [...found].sort((a, b) => a - b)
  const last = sorted[Math.min(found.size - 2, Math.max(0, Math.ceil(data.heldOutShare * found.size) - 1))]
  const side = (isHeldOut: boolean) =>
    Dataset.fromRows(train.rows, reader(train), {
      badRows,
      wanted: wantedOf(train.settings),
      only: (problem) => hashOf(problem) <= last === isHeldOut,
    })
  return { training: yield* side(false), heldOut: yield* side(true), shared: 0 } satisfies Sides
})
