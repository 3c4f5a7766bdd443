/** A pipe, a folder or a device in the place of any file of a run: the resume is refused, names it, and nothing waits. */
import { execFileSync } from "node:child_process"
import { mkdir, mkdtemp, readdir, readFile, rename, rm, symlink, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { basename, join } from "node:path"
import { Checkpoint, Learner, RunStore } from "@lpo/trainer"
import { Effect } from "effect"
import { afterEach, beforeEach, expect, it } from "vitest"
import { makeEngine } from "./tabular.ts"

let root = ""
let folder = ""
const open = (resume: boolean) => RunStore.open({ folder, config: { task: "digits" }, resume })
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "lpo-pipes-"))
  folder = join(root, "a")
  await Effect.runPromise(
    Effect.gen(function* () {
      const run = yield* open(false)
      const learner = yield* Learner.Learner
      yield* Checkpoint.write({
        folder: run.checkpoints,
        step: 1,
        learner,
        files: { "state.json": "{}" },
        logs: run.logs,
        keep: 1,
      })
    }).pipe(Effect.scoped, Effect.provide(makeEngine().layer)),
  )
})
afterEach(() => rm(root, { recursive: true }))

it.runIf(process.platform === "linux").each<[string, (path: string) => unknown]>([
  ["a pipe", (path) => execFileSync("mkfifo", [path])],
  ["a folder", (path) => mkdir(path)],
  ["a device", (path) => symlink("/dev/zero", path)],
])("refuses %s", async (_, put) => {
  const files = (await readdir(folder, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
  expect(files.map((file) => basename(file))).toEqual(
    expect.arrayContaining(["config.json", "events.jsonl", "completions.jsonl", "lock", "manifest.json", "state.json"]),
  )
  for (const path of files) {
    await rename(path, `${path}.aside`)
    await put(path)
    const outcome = await Effect.runPromise(Effect.scoped(open(true)).pipe(Effect.result))
    // Who owned the run before is of no consequence, and is written anew.
    if (basename(path) === "owner.json")
      expect(outcome._tag === "Failure" ? outcome.failure.message : "").toMatch(/^$|EISDIR/)
    else {
      expect(outcome._tag, path).toBe("Failure")
      if (outcome._tag === "Failure") expect(outcome.failure.message).toContain(basename(path))
    }
    await rm(path, { recursive: true })
    await rename(`${path}.aside`, path)
  }
  await Effect.runPromise(Effect.scoped(open(true)))
})

it.each(["events.jsonl", "completions.jsonl"])("a link for %s leads to no other file", async (log) => {
  const mine = join(root, "mine.txt")
  await writeFile(mine, "precious")
  await rename(join(folder, log), join(folder, "aside"))
  await symlink(mine, join(folder, log))
  const error = await Effect.runPromise(Effect.flip(Effect.scoped(open(true))))
  expect(error.message).toMatch(/is a link; give a regular file/)
  expect(await readFile(mine, "utf8")).toBe("precious")
})
