/** The origin of a run: its command line, time, versions and machine. Recorded next to the settings, never compared. */
import { execFile } from "node:child_process"
import { readFile } from "node:fs/promises"
import { arch, availableParallelism, cpus, platform, totalmem } from "node:os"
import { dirname } from "node:path"
import { fileURLToPath } from "node:url"
import { Clock, Effect, Schema } from "effect"

const packages = ["simplex", "rollout", "verifiers", "trainer", "eval", "transformer", "tinker"]

const Manifest = Schema.fromJsonString(Schema.Struct({ version: Schema.String }))

/** The version in a package.json; null if it cannot be read. */
const versionOf = (path: string): Effect.Effect<string | null> =>
  Effect.tryPromise(() => readFile(path, "utf8")).pipe(
    Effect.flatMap(Schema.decodeUnknownEffect(Manifest)),
    Effect.map(({ version }) => version),
    Effect.orElseSucceed(() => null),
  )

/** The commit of the checkout that runs; null outside of one. */
const sourceCommit: Effect.Effect<string | null> = Effect.callback((resume) => {
  const cwd = dirname(fileURLToPath(import.meta.url))
  execFile("git", ["rev-parse", "HEAD"], { cwd }, (error, stdout) =>
    resume(Effect.succeed(error === null ? stdout.trim() : null)),
  )
})

/** This program's version. */
export const version = versionOf(fileURLToPath(new URL("../package.json", import.meta.url)))

/** `engine` is the engine's description of itself. */
export const make = Effect.fn("About.make")(function* (engine: Readonly<Record<string, unknown>>) {
  const versions = yield* Effect.forEach([...packages.map((name) => `@lpo/${name}`), "effect"], (name) =>
    Effect.map(
      versionOf(fileURLToPath(import.meta.resolve(`${name}/package.json`))),
      (found) => [name, found] as const,
    ),
  )
  return {
    command: process.argv.slice(2),
    date: new Date(yield* Clock.currentTimeMillis).toISOString(),
    commit: yield* sourceCommit,
    versions: { polaris: yield* version, node: process.versions.node, ...Object.fromEntries(versions) },
    host: {
      platform: platform(),
      arch: arch(),
      processor: cpus()[0]?.model.trim() ?? "unknown",
      cores: availableParallelism(),
      memoryGiB: Math.round(totalmem() / 2 ** 30),
    },
    engine,
  }
})
