/**
 * One owner of a run: an exclusive lock that the kernel holds for as long as the process lives, whatever its pid namespace, and gives
 * back when it dies. Node has no `flock`, so the lock is that of an empty SQLite database, which is part of Node.
 */
import { readFile, stat } from "node:fs/promises"
import { hostname } from "node:os"
import { join } from "node:path"
import { RegularFile } from "@lpo/rollout"
import { Effect, type Scope } from "effect"
import { RunError } from "../TrainerError.ts"
import * as Durable from "./durable.ts"

const file = "lock"
const note = "owner.json"

/** Where Linux identifies this boot; other systems have no such file. */
const bootId = (): Promise<string | null> =>
  readFile("/proc/sys/kernel/random/boot_id", "utf8").then(
    (text) => text.trim(),
    () => null,
  )

/** The owner's note about itself; if it cannot be read, the lock is still reported. */
const ownerOf = (folder: string): Effect.Effect<string> =>
  Effect.promise(() => RegularFile.text(join(folder, note)).catch(() => "")).pipe(
    Effect.map((found) => {
      const text = found ?? ""
      const pid = /"pid": (\d+)/.exec(text)?.[1]
      const host = /"host": "([^"]+)"/.exec(text)?.[1]
      const since = /"since": "([^"]+)"/.exec(text)?.[1]
      return pid === undefined ? "another process" : `process ${pid} on ${host}, since ${since}`
    }),
  )

/** Holds the lock of a folder until the scope closes. Fails with a `RunError` that says who has it. */
export const hold = (folder: string): Effect.Effect<void, RunError, Scope.Scope> =>
  Effect.gen(function* () {
    const path = join(folder, file)
    const fail = (reason: string) => new RunError({ folder, reason })
    // Checked, not opened: closing a second handle would release the lock of a run that this process has open.
    const isOdd = yield* Effect.promise(() =>
      stat(path).then(
        (entry) => !entry.isFile(),
        () => false,
      ),
    )
    if (isOdd) return yield* fail(`cannot be locked: ${path} is not a regular file; remove it`)
    const { DatabaseSync } = yield* Effect.promise(() => import("node:sqlite"))
    const attempt = Effect.try({
      try: () => {
        const database = new DatabaseSync(path)
        try {
          database.exec("PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE")
          return database
        } catch (cause) {
          database.close()
          throw cause
        }
      },
      catch: (cause) => ({ cause: cause as Error & { readonly errcode?: number } }),
    })
    yield* Effect.acquireRelease(
      attempt.pipe(
        Effect.catch(({ cause }) =>
          // SQLITE_BUSY
          cause.errcode === 5
            ? Effect.flatMap(ownerOf(folder), (owner) =>
                Effect.fail(fail(`is in use by ${owner}; wait for it or stop it`)),
              )
            : Effect.fail(fail(`cannot be locked (${cause.message}); remove ${path} if it is not the lock of a run`)),
        ),
      ),
      (database) => Effect.sync(() => database.close()),
    )
    const boot = yield* Effect.promise(bootId)
    const owner = { pid: process.pid, host: hostname(), since: new Date().toISOString(), boot, command: process.argv }
    yield* Effect.tryPromise({
      try: () => Durable.writeAtomic(join(folder, note), `${JSON.stringify(owner, null, 2)}\n`),
      catch: (cause) =>
        fail(`cannot be written (${(cause as Error).message}); check your permissions and the disk, then run again`),
    })
  })
