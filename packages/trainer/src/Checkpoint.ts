/**
 * Checkpoints: `checkpoints/step-000120/` with the learner's files, the trainer's state, and a manifest of checksums
 * written last. A folder without a manifest does not count; one whose checksums differ is refused by name.
 *
 * Random streams depend on the step, so besides the learner's files the state is the number of steps taken, and for a run that
 * samples ahead the waiting rollouts.
 *
 * @module
 */
import { createHash } from "node:crypto"
import { lstat, readdir, rename, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { RegularFile } from "@lpo/rollout"
import { Effect, Schema } from "effect"
import * as AppendLog from "./internal/appendLog.ts"
import * as Durable from "./internal/durable.ts"
import type { LearnerService } from "./Learner.ts"
import { CheckpointError, type RunError } from "./TrainerError.ts"

/** The manifest without its own checksum. */
const Contents = Schema.Struct({
  step: Schema.Int,
  /** The length of the run's logs at that time, by file. */
  logs: Schema.Record(Schema.String, AppendLog.Mark),
  /** SHA-256 by file. */
  files: Schema.Record(Schema.String, Schema.String),
})
const Manifest = Schema.Struct({ ...Contents.fields, sha256: Schema.String })
const decodeManifest = Schema.decodeUnknownEffect(Schema.fromJsonString(Manifest))

const seal = (contents: typeof Contents.Type): string =>
  createHash("sha256")
    .update(JSON.stringify([contents.step, contents.logs, contents.files]))
    .digest("hex")

/** The manifest as it is written. */
const textOf = ({ files, logs, step }: typeof Contents.Type): string => {
  const contents = { step, logs, files }
  return `${JSON.stringify({ ...contents, sha256: seal(contents) }, null, 2)}\n`
}

/** @category models */
export interface Checkpoint {
  /** Training steps taken before it was written. */
  readonly step: number
  readonly path: string
  /** The length of the run's logs at that time, by file. */
  readonly logs: Readonly<Record<string, AppendLog.Mark>>
}

const made = /^step-\d{6,}$/

const stepOf = (entry: string): number => Number(entry.slice("step-".length))
/** Names of checkpoints by their steps. */
const inOrder = (entries: ReadonlyArray<string>): Array<string> =>
  entries.filter((entry) => made.test(entry)).sort((a, b) => stepOf(a) - stepOf(b))

/** A value for what is missing; any other failure stays a failure. */
const absent =
  <A>(value: A, codes: ReadonlyArray<string> = ["ENOENT"]) =>
  (cause: NodeJS.ErrnoException): A => {
    if (codes.includes(cause.code ?? "")) return value
    throw cause
  }

/** Whether a complete checkpoint is there; a file of that name is not one. */
const isComplete = (path: string): Promise<boolean> =>
  lstat(join(path, "manifest.json")).then((found) => found.isFile(), absent(false, ["ENOENT", "ENOTDIR"]))

/** Renames what is at a path to the first free name after it; does nothing if there is nothing. */
const setAside = async (path: string): Promise<void> => {
  const isThere = (at: string): Promise<boolean> => lstat(at).then(() => true, absent(false))
  if (!(await isThere(path))) return
  let n = 1
  while (await isThere(`${path}.aside-${n}`)) n++
  await rename(path, `${path}.aside-${n}`)
}

/** The newest complete checkpoint's name, without checking its checksums; null if there is none. @category io */
export const newest = async (folder: string): Promise<string | null> => {
  const entries = await readdir(folder).catch(() => [])
  for (const entry of inOrder(entries).reverse())
    if (await isComplete(join(folder, entry)).catch(() => false)) return entry
  return null
}

/** The folder's name after so many steps. @category io */
export const name = (step: number): string => `step-${String(step).padStart(6, "0")}`

/** Writes a checkpoint of `learner` after `step` steps and removes all but the newest `keep` and the one of `best`. @category io */
export const write = Effect.fn("Checkpoint.write")(function* (options: {
  readonly folder: string
  readonly step: number
  readonly learner: LearnerService
  /** Files besides the learner's, by name. */
  readonly files?: Readonly<Record<string, string>>
  /** Flushes the run's logs and returns their lengths: rows are on the disk before the checkpoint that refers to them. */
  readonly logs: Effect.Effect<Checkpoint["logs"], RunError>
  readonly keep: number
  /** A step whose checkpoint stays whatever its age. */
  readonly best?: number | null
}) {
  const { folder, keep, learner, step } = options
  const path = join(folder, name(step))
  const temporary = join(folder, `.tmp-${name(step)}`)
  const io = <A>(run: () => Promise<A>) =>
    Effect.tryPromise({
      try: run,
      catch: (cause) =>
        new CheckpointError({
          path,
          reason: `cannot be written (${(cause as Error).message}); free space or change the permissions, then resume`,
        }),
    })
  yield* io(async () => {
    await rm(temporary, { recursive: true, force: true })
    await RegularFile.makeFolder(temporary)
  })
  yield* learner.save(temporary)
  const logs = yield* options.logs
  yield* io(async () => {
    for (const [file, text] of Object.entries(options.files ?? {})) await writeFile(join(temporary, file), text)
    const files: Record<string, string> = {}
    for (const file of (await readdir(temporary)).sort()) {
      await Durable.sync(join(temporary, file))
      files[file] = await Durable.sha256(join(temporary, file))
    }
    await Durable.writeAtomic(join(temporary, "manifest.json"), textOf({ step, logs, files }))
    // Something else with a checkpoint's name belongs to someone else: it is moved aside.
    if (await isComplete(path)) await rm(path, { recursive: true })
    else await setAside(path)
    await rename(temporary, path)
    await Durable.sync(folder)
    // Only checkpoints of this run, up to this step: other folders belong to someone else.
    const old: Array<string> = []
    for (const f of inOrder(await readdir(folder)))
      if (stepOf(f) <= step && (await isComplete(join(folder, f)))) old.push(f)
    for (const f of old.slice(0, Math.max(0, old.length - keep)))
      if (typeof options.best !== "number" || f !== name(options.best))
        await rm(join(folder, f), { recursive: true, force: true })
  })
  return { step, path, logs } satisfies Checkpoint
})

/** The newest complete checkpoint, its checksums verified; null when there is none. @category io */
export const latest = Effect.fn("Checkpoint.latest")(function* (folder: string) {
  const read = <A>(path: string, run: () => Promise<A>) =>
    Effect.tryPromise({
      try: run,
      catch: (cause) =>
        new CheckpointError({
          path,
          reason: `cannot be read (${(cause as Error).message}); check the path, your permissions and the disk, then resume`,
        }),
    })
  // Only a missing folder means that there is none: anything else would restart a run that has one.
  const entries = yield* read(folder, () => readdir(folder).catch(absent<Array<string>>([])))
  for (const entry of inOrder(entries).reverse()) {
    const path = join(folder, entry)
    const fail = (reason: string) =>
      new CheckpointError({ path, reason: `${reason}; remove that folder to resume from the checkpoint before it` })
    const text = yield* read(path, () => RegularFile.text(join(path, "manifest.json")))
    if (text === null) continue
    const manifest = yield* decodeManifest(text).pipe(
      Effect.mapError((e) => fail(`manifest.json does not decode: ${e.message}`)),
    )
    // Byte for byte, so no change passes.
    if (manifest.sha256 !== seal(manifest) || textOf(manifest) !== text || name(manifest.step) !== entry)
      return yield* fail("manifest.json is damaged: it does not match its own checksum and the folder's name")
    for (const [file, expected] of Object.entries(manifest.files)) {
      if (file.includes("/") || file.includes("..")) return yield* fail(`refers to a file outside itself: ${file}`)
      const actual = yield* read(join(path, file), () => Durable.sha256(join(path, file)).catch(absent("missing")))
      if (actual !== expected) return yield* fail(`${file} is damaged: SHA-256 ${actual}, expected ${expected}`)
    }
    return { step: manifest.step, path, logs: manifest.logs } satisfies Checkpoint
  }
  return null
})
