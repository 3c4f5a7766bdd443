/** One owner of a run, whoever asks and however: and what is not a run, or no longer what its checkpoint speaks of, is refused. */
import { spawn, spawnSync } from "node:child_process"
import { createHash } from "node:crypto"
import { mkdir, mkdtemp, readFile, rename, rm, symlink, truncate, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Checkpoint, Learner, RunStore } from "@lpo/trainer"
import { Effect } from "effect"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { makeEngine } from "./tabular.ts"

let root = ""
let folder = ""
const open = (resume = true, at = folder) => RunStore.open({ folder: at, config: { task: "digits" }, resume })
const refusal = async (at = folder, resume = true): Promise<string> =>
  (await Effect.runPromise(Effect.flip(Effect.scoped(open(resume, at))))).message
const opens = (): Promise<unknown> => Effect.runPromise(Effect.scoped(open()))

/** Rows that a checkpoint speaks of; what they say is of no matter here. */
const logs = { "events.jsonl": "{}\n{}\n{}\n", "completions.jsonl": "[1]\n[2]\n" } as const

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "lpo-owners-"))
  folder = join(root, "a")
  await Effect.runPromise(
    Effect.gen(function* () {
      const run = yield* open(false)
      const learner = yield* Learner.Learner
      const marks: Record<string, { bytes: number; sha256: string }> = {}
      for (const [log, text] of Object.entries(logs)) {
        yield* Effect.promise(() => writeFile(join(folder, log), text))
        marks[log] = { bytes: text.length, sha256: createHash("sha256").update(text).digest("hex") }
      }
      yield* Checkpoint.write({ folder: run.checkpoints, step: 3, learner, logs: Effect.succeed(marks), keep: 1 })
    }).pipe(Effect.scoped, Effect.provide(makeEngine().layer)),
  )
})
afterEach(() => rm(root, { recursive: true }))

/** A process that opens the run, says how that went, and keeps it until it is killed. */
const code = `
import { RunStore } from "@lpo/trainer"
import { Effect } from "effect"
const open = RunStore.open({ folder: process.argv[1], config: { task: "digits" }, resume: true })
setInterval(() => {}, 1000) // Effect.never alone keeps no process.
const say = (text) => Effect.sync(() => console.log(text))
await Effect.runPromise(Effect.scoped(open.pipe(
  Effect.andThen(say("mine")), Effect.andThen(Effect.never), Effect.catch(({ message }) => say(message)))))`
const program = ["--conditions=@lpo/source", "--no-warnings", "--input-type=module", "-e", code]
const other = (command: ReadonlyArray<string> = []) =>
  new Promise<{ readonly said: string; readonly kill: (signal: NodeJS.Signals) => Promise<void> }>((resolve) => {
    const [first, ...rest] = [...command, process.execPath, ...program, folder]
    const child = spawn(first, rest, { cwd: import.meta.dirname, stdio: ["ignore", "pipe", "ignore"], detached: true })
    const ended = new Promise<void>((done) => child.once("close", () => done()))
    const kill = (signal: NodeJS.Signals): Promise<void> => {
      process.kill(-(child.pid ?? 0), signal)
      return signal === "SIGKILL" ? ended : Promise.resolve()
    }
    child.stdout.once("data", (said: Buffer) => resolve({ said: said.toString().trim(), kill }))
  })

it("a process that has the run keeps it, whatever is done to what it says of itself", async () => {
  const owner = await other()
  expect(owner.said).toBe("mine")
  try {
    expect(await refusal()).toMatch(/is in use by process \d+ on .*, since .*; wait for it or stop it/)
    await symlink(folder, join(root, "by a link"))
    expect(await refusal(join(root, "by a link"))).toMatch(/is in use by process/)
    const note = join(folder, "owner.json")
    for (const text of [
      "",
      "{",
      '{"pid": 1}',
      '{"pid": "x", "host": 3}',
      "\u0000".repeat(100),
      `{"pid": ${process.pid}, "host": "here"}`,
    ]) {
      await writeFile(note, text)
      expect(await refusal()).toMatch(/is in use by /)
    }
    await rm(note)
    expect(await refusal()).toMatch(/is in use by another process; wait/)
    await owner.kill("SIGSTOP")
    expect(await refusal()).toMatch(/is in use by /)
  } finally {
    await owner.kill("SIGKILL")
  }
  await opens()
})

it("what a dead or foreign owner left behind keeps nobody out", async () => {
  for (const pid of [1, process.pid, process.ppid, 2 ** 22, -1]) {
    await writeFile(
      join(folder, "owner.json"),
      JSON.stringify({ pid, host: "elsewhere", since: "2020", boot: "x" }, null, 2),
    )
    await opens()
  }
  await writeFile(join(folder, "lock"), "no lock of ours")
  expect(await refusal()).toMatch(/cannot be locked \(.*\); remove .*lock if it is not the lock of a run/)
})

it("of four that come at once one gets it, and the others say who has it", async () => {
  const all = await Promise.all(Array.from({ length: 4 }, () => other()))
  try {
    expect(all.filter(({ said }) => said === "mine")).toHaveLength(1)
    for (const { said } of all) if (said !== "mine") expect(said).toMatch(/is in use by /)
  } finally {
    for (const { kill } of all) await kill("SIGKILL")
  }
})

const namespace = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]
const hasNamespaces = spawnSync(namespace[0], [...namespace.slice(1), "true"]).status === 0
it.runIf(hasNamespaces)("another pid namespace is another owner", async () => {
  const owner = await other(namespace)
  expect(owner.said).toBe("mine")
  expect(await refusal()).toMatch(/is in use by process \d+/)
  await owner.kill("SIGKILL")
})

describe("a folder without its config.json is not a run, and no other run takes its place", () => {
  it.each<[string, () => Promise<unknown>]>([
    ["as it is", () => Promise.resolve()],
    ["with its checkpoints alone", () => Promise.all(Object.keys(logs).map((log) => rm(join(folder, log))))],
    ["with its logs alone", () => rm(join(folder, "checkpoints"), { recursive: true })],
    ["with a model", () => mkdir(join(folder, "model"))],
    ["with base.json", () => writeFile(join(folder, "base.json"), "{}")],
    ["with a report", () => writeFile(join(folder, "report.html"), "")],
    ["with a hidden file", () => writeFile(join(folder, ".hidden"), "")],
    ["with a link", () => symlink("/nowhere", join(folder, "link"))],
    ["with its config.json under another name", () => writeFile(join(folder, "config.json.bak"), "{}")],
    ["with a file whose name begins like ours", () => writeFile(join(folder, "locker"), "")],
  ])("%s", async (_, change) => {
    await rm(join(folder, "config.json"))
    await change()
    expect(await refusal(folder, false)).toMatch(/is not empty and has no config\.json/)
    expect(await refusal(folder, true)).toMatch(/does not exist, so there is nothing to resume/)
  })

  it.each([
    "",
    "{",
    "null",
    "[]",
    "{}",
    '{"task":"digits"}',
    '{"task":"digits","sha256":""}',
    "\u0000",
    '{"__proto__":{"task":"digits"}}',
    "1e999",
  ])("nor does %j pass for one", async (text) => {
    await writeFile(join(folder, "config.json"), text)
    for (const resume of [true, false])
      expect(await refusal(folder, resume)).toMatch(/config\.json (does not decode|was changed)|exists already/)
  })
})

describe("a log that is not what the checkpoint speaks of is refused", () => {
  const [events, completions] = Object.keys(logs)
  const path = (log: string): string => join(folder, log)
  const edit = (log: string, change: (text: string) => string) => async () =>
    writeFile(path(log), change(await readFile(path(log), "utf8")))
  it.each<[string, () => Promise<unknown>]>([
    ["lost", () => rm(path(events))],
    ["empty", () => truncate(path(events), 0)],
    ["a byte short", () => truncate(path(events), logs["events.jsonl"].length - 1)],
    ["without its last row", edit(events, (text) => text.slice(0, 6))],
    ["without its first row", edit(events, (text) => text.slice(3))],
    ["with a row twice", edit(completions, (text) => text.slice(0, 4) + text)],
    ["with rows that changed places", edit(completions, (text) => text.slice(4) + text.slice(0, 4))],
    ["with another digit", edit(completions, (text) => text.replace("2", "3"))],
    ["with a blank more", edit(completions, (text) => text.replace("[", "[ "))],
    ["with other ends of lines", edit(completions, (text) => text.replaceAll("\n", "\r\n"))],
    ["with zeros, as a disk without power leaves them", edit(completions, (text) => text.replaceAll(/./g, "\u0000"))],
    ["that is the other one's", () => rename(path(completions), path(events))],
  ])("%s", async (_, change) => {
    await change()
    expect(await refusal()).toMatch(/(events|completions)\.jsonl/)
  })

  it("and what comes after the checkpoint is taken again", async () => {
    await edit(events, (text) => `${text}{}\n{"cut`)()
    await opens()
    expect(await readFile(path(events), "utf8")).toBe(logs["events.jsonl"])
  })
})
