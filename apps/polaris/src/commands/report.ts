/** `polaris report`: the report of a run that ended, was interrupted, or is still running. */
import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { RegularFile } from "@lpo/rollout"
import { Best, RunStore } from "@lpo/trainer"
import { Effect, Option } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import * as Base from "../Base.ts"
import * as Settings from "../Settings.ts"
import * as Summary from "../Summary.ts"
import { UsageError } from "../Usage.ts"
import type { Entry } from "./Entry.ts"

/** A file of a run; null if there is none. */
const textOf = (path: string) =>
  Effect.tryPromise({
    try: () =>
      readFile(path, "utf8").catch((cause: NodeJS.ErrnoException) => {
        if (cause.code === "ENOENT") return null
        throw cause
      }),
    catch: (cause) => new UsageError({ reason: `${path} cannot be read (${(cause as Error).message})` }),
  })

/** An evaluation of a run; null if it has not been made yet. */
export const evaluationOf = Effect.fn("report.evaluationOf")(function* (folder: string, file: string) {
  const path = join(folder, file)
  const text = yield* textOf(path)
  if (text === null) return null
  return yield* Base.read(text).pipe(Effect.mapError((reason) => new UsageError({ reason: `${path} ${reason}` })))
})

/** Reads the run's best.json; null if there is none. */
const bestOf = Effect.fn("report.bestOf")(function* (folder: string) {
  const text = yield* textOf(join(folder, Best.file))
  if (text === null) return null
  return yield* Best.read(text).pipe(Effect.mapError((reason) => new UsageError({ reason: `${folder}: ${reason}` })))
})

export const command: Entry = Command.make(
  "report",
  {
    run: Argument.Directory("run").pipe(Argument.withDescription("The run's folder, such as runs/latest")),
    out: Flag.File("out").pipe(
      Flag.withDescription("Where to write the page. Default report.html in the run's folder"),
      Flag.optional,
      Flag.map(Option.getOrNull),
    ),
  },
  Effect.fn(function* ({ out, run }) {
    const found = yield* RunStore.look(run)
    if (found === null)
      return yield* new UsageError({ reason: `there is no run in ${run}; give a run's folder, such as runs/latest` })
    const { about, completions, config, evaluations, events } = found
    const settings = yield* Settings.read(run, config)
    const base = yield* evaluationOf(run, Base.file)
    const trained = yield* evaluationOf(run, Base.trainedFile)
    const text = yield* Summary.page({
      settings,
      about,
      base,
      trained,
      warnings: base === null || trained === null ? [] : Summary.warnings(base.curve, trained.curve, events),
      events,
      evaluations,
      best: yield* bestOf(run),
      groups: completions,
      facts: {},
    })
    const path = out ?? join(run, "report.html")
    yield* Effect.tryPromise({
      try: () => RegularFile.write(path, text),
      catch: (cause) => new UsageError({ reason: `${path} cannot be written (${(cause as Error).message})` }),
    })
    process.stdout.write(`report  ${path}\n`)
  }),
).pipe(Command.withDescription("Write the report of a run, even one that was interrupted or is still running"))
