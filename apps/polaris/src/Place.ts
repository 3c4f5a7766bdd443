/** Where a run is: its folder, the link `latest`, and the command that resumes it. */
import { randomBytes } from "node:crypto"
import { realpath, rename, rm, symlink } from "node:fs/promises"
import { basename, dirname, join, relative } from "node:path"
import { Checkpoint, TrainerError } from "@lpo/trainer"
import { Clock, Effect } from "effect"
import { UsageError } from "./Usage.ts"

/** The time to the second, and four letters that tell apart runs started in the same second. */
const stamp = Effect.map(Clock.currentTimeMillis, (millis) => {
  const time = new Date(millis).toISOString().slice(0, 19).replace(/[-:]/g, "").replace("T", "-")
  return `${time}-${randomBytes(2).toString("hex")}`
})

/** The folder itself where `folder` is a link such as `runs/latest`. */
const real = (folder: string): Effect.Effect<string> =>
  Effect.promise(() =>
    realpath(folder).then(
      (path) => relative(process.cwd(), path) || path,
      () => folder,
    ),
  )

/** The folder that the command line names: an old run's with `resume`, else a new one's, whose name starts with `what`. */
export const folderOf = Effect.fn("Place.folderOf")(function* (options: {
  readonly out: string
  readonly name: string | null
  readonly resume: boolean
  readonly what: string
}) {
  const { name, out, resume, what } = options
  if (name !== null && (name === "latest" || !/^[\w.-]+$/.test(name) || /^\.+$/.test(name))) {
    return yield* new UsageError({
      reason: `--name is "${name}"; use letters, digits, ".", "_" and "-", and not "latest"`,
    })
  }
  return yield* real(join(out, name ?? (resume ? "latest" : `${what}-${yield* stamp}`)))
})

/** Points `<runs>/latest` at the run, by an atomic rename. */
export const pointLatest = (folder: string) =>
  Effect.tryPromise({
    try: async () => {
      const link = join(dirname(folder), "latest")
      const temporary = `${link}.tmp-${process.pid}`
      await rm(temporary, { force: true })
      await symlink(basename(folder), temporary)
      await rename(temporary, link)
    },
    catch: (cause) =>
      new TrainerError.RunError({ folder, reason: `the link latest cannot be set (${(cause as Error).message})` }),
  })

/** How the program was started: by an npm script, or by its name. */
const called: Readonly<Record<string, string>> = { start: "npm start --", polaris: "npm run polaris -- train" }

/** What an interrupted run has saved, and the command that resumes it. */
export const stopped = (folder: string): Effect.Effect<string> =>
  Effect.map(
    Effect.promise(() => Checkpoint.newest(join(folder, "checkpoints"))),
    (name) => {
      const saved =
        name === null
          ? "there is no checkpoint yet, so only the settings are saved"
          : `saved as ${join(folder, "checkpoints", name)}`
      const out = dirname(folder) === "runs" ? "" : ` --out ${dirname(folder)}`
      const command = called[process.env["npm_lifecycle_event"] ?? ""] ?? "polaris train"
      return `stopped; ${saved}\nresume with: ${command} --resume${out} --name ${basename(folder)}`
    },
  )
