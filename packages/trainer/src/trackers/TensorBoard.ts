/**
 * Curves as TensorBoard reads them: event files in a folder, `events.out.tfevents.*`. W&B, which has no maintained JavaScript
 * client, imports the same files with its own tool.
 *
 * On a resume, points after the checkpoint are dropped with their steps: the rest is written to a
 * new file, which starts with a restart mark, so an open TensorBoard follows.
 *
 * @module
 */
import { open, readdir, readFile, rm } from "node:fs/promises"
import { hostname } from "node:os"
import { join } from "node:path"
import { RegularFile } from "@lpo/rollout"
import { Clock, Effect } from "effect"
import * as Durable from "../internal/durable.ts"
import * as Events from "../internal/tfevents.ts"
import { type Opened, type Point, type Tracker, TrackerError } from "./Tracker.ts"

/** @category models */
export interface Options {
  /** Parent folder of the files, which go into a folder with the run's name. Default: `tensorboard/` in the run's own folder. */
  readonly folder?: string
}

const made = /^events\.out\.tfevents\.\d+\./

/** The points in the files of a folder, by step and first tag: a later file repeats them all. */
const standing = async (folder: string, names: ReadonlyArray<string>, step: number) => {
  const rows = new Map<string, Events.Read>()
  for (const name of names)
    for (const row of Events.read(await readFile(join(folder, name))))
      if (row.step <= step) rows.set(`${row.step} ${row.tags[0]}`, row)
  return [...rows.values()]
}

/** @category constructors */
export const make = (options: Options = {}): Tracker => {
  const tracker = "tensorboard"
  return {
    name: tracker,
    open: Effect.fn("TensorBoard.open")(function* (run) {
      const folder = options.folder === undefined ? join(run.folder, "tensorboard") : join(options.folder, run.name)
      const io = <A>(what: string, body: () => Promise<A>) =>
        Effect.tryPromise({
          try: body,
          catch: (cause) =>
            new TrackerError({ tracker, reason: `${what} ${folder}: ${(cause as Error).message}`, transient: true }),
        })
      const now = yield* Clock.currentTimeMillis
      const last = new Map<string, number>()
      const path = yield* io("cannot create event files in", async () => {
        await RegularFile.makeFolder(folder)
        const names = (await readdir(folder)).filter((name) => made.test(name)).sort()
        const rows = await standing(folder, names, run.step)
        for (const { step, tags } of rows) for (const tag of tags) last.set(tag, Math.max(step, last.get(tag) ?? -1))
        // Its name sorts after the earlier files, the order in which TensorBoard reads them.
        const seconds = Math.max(Math.floor(now / 1000), ...names.map((name) => Number(name.split(".")[3]) + 1))
        const file = join(folder, `events.out.tfevents.${seconds}.${hostname()}`)
        const config = `\`\`\`json\n${JSON.stringify(run.config, null, 2)}\n\`\`\``
        const head = [Events.version(now), Events.restart(now), Events.note(now, "config", config)]
        await Durable.writeAtomic(file, Buffer.concat([...head, ...rows.map(({ bytes }) => bytes)]))
        for (const name of names) await rm(join(folder, name), { force: true })
        return file
      })
      /** Valid bytes: a write that failed halfway is cut off before the next. */
      let size = yield* io("cannot read", async () => (await readFile(path)).length)
      const send = (points: ReadonlyArray<Point>) =>
        io("cannot append to the event file in", async () => {
          const data = Buffer.concat(points.map(({ step, time, values }) => Events.scalars(time, step, values)))
          const handle = await open(path, "r+")
          try {
            await handle.truncate(size)
            await handle.write(data, 0, data.length, size)
          } finally {
            await handle.close()
          }
          size += data.length
          for (const { step, values } of points) for (const tag of Object.keys(values)) last.set(tag, step)
        })
      return { state: null, last: (name) => last.get(name) ?? -1, send, close: () => Effect.void } satisfies Opened
    }),
  }
}
