/** A run is told to stop while something is in the way of its checkpoint: it ends, says so, and harms nothing that is not its own. */
import { execFileSync, spawn } from "node:child_process"
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs"
import { createServer } from "node:net"
import { join } from "node:path"
import { afterAll, expect, it } from "vitest"
import { command, makeProgram, trainedIn } from "../program.ts"

const { end, out, polaris, train } = makeProgram()
afterAll(end)

const brief = "--steps 20 --problems 2 --samples 1 --prompts 12 --seed 7 --workers 0".split(" ")

/** Something in the way: `folder` is the run's, `pid` its process. */
type Obstacle = (folder: string, pid: number) => void
const checkpoints = (folder: string) => join(folder, "checkpoints")
const elsewhere = (folder: string) => `${folder}-elsewhere`
const clear = (folder: string) => rmSync(checkpoints(folder), { recursive: true, force: true })

const obstacles: Readonly<Record<string, Obstacle>> = {
  "a file for the checkpoints": (folder) => {
    clear(folder)
    writeFileSync(checkpoints(folder), "yours")
  },
  "a link that leads nowhere": (folder) => {
    clear(folder)
    symlinkSync(join(folder, "nowhere"), checkpoints(folder))
  },
  "a pipe for the checkpoints": (folder) => {
    clear(folder)
    execFileSync("mkfifo", [checkpoints(folder)])
  },
  "a socket for the checkpoints": (folder) => {
    clear(folder)
    const server = createServer().listen(checkpoints(folder))
    server.unref()
  },
  "the run moved away": (folder) => renameSync(folder, elsewhere(folder)),
  "the run removed": (folder) => rmSync(folder, { recursive: true }),
  "a file for the run": (folder) => {
    rmSync(folder, { recursive: true })
    writeFileSync(folder, "yours")
  },
  "no room in a file": (_, pid) => execFileSync("prlimit", ["--pid", String(pid), "--fsize=100"]),
}
const namesOfSteps = Array.from({ length: 20 }, (_, i) => `step-${String(i + 1).padStart(6, "0")}`)
const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const

const stopped = (name: string, obstacle: Obstacle, signal: NodeJS.Signals, again = false) =>
  new Promise<{ code: number | null; stdout: string; stderr: string }>((resolve) => {
    const child = spawn(process.execPath, command(train(["--name", name, ...brief])))
    let [stdout, stderr, sent] = ["", "", false]
    child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()))
    child.stdout.on("data", (chunk: Buffer) => {
      stdout += chunk.toString()
      if (sent || trainedIn(stdout) < 3) return
      sent = true
      obstacle(join(out, name), child.pid ?? 0)
      child.kill(signal)
      if (again) child.kill(signal)
    })
    child.on("close", (code) => resolve({ code, stdout, stderr }))
  })

/** What a signal finds in the way, of every kind, and which signal it is. */
const variants = Object.entries(obstacles).map(
  ([what, obstacle], i) => [what, signals[i % signals.length], obstacle, `way-${i}`] as const,
)

it.each(variants)("%s, then %s: it ends, and says why the step is not saved", async (_, signal, obstacle, name) => {
  const { code, stderr, stdout } = await stopped(name, obstacle, signal)
  expect(code).toBe(130)
  expect(stderr).toMatch(/^polaris: step \d+ could not be saved: .*(?:checkpoint|logs).*\n$/)
  expect(stdout).toMatch(/^stopped; there is no checkpoint yet, so only the settings are saved\nresume with: /m)
})

it.each(signals)("%s twice at once, with a file in the way: one ending, one reason", async (signal) => {
  const { code, stderr } = await stopped(`twice-${signal}`, obstacles["a file for the checkpoints"], signal, true)
  expect(code).toBe(130)
  expect(stderr).toMatch(/^polaris: step \d+ could not be saved: .*checkpoints.*\n$/)
})

it("is not held up by folders of yours under the names of checkpoints, and leaves them as they are", async () => {
  const name = "named-alike"
  const folder = join(out, name, "checkpoints")
  const { code, stderr, stdout } = await stopped(
    name,
    () => {
      for (const entry of namesOfSteps) {
        if (existsSync(join(folder, entry))) continue
        mkdirSync(join(folder, entry))
        writeFileSync(join(folder, entry, "yours"), entry)
      }
    },
    "SIGINT",
  )
  expect({ code, stderr }).toEqual({ code: 130, stderr: "" })
  const saved = /^stopped; saved as .*\/(step-\d{6})$/m.exec(stdout)?.[1] ?? ""
  const entries = readdirSync(folder)
  expect(entries).toContain(saved)
  expect(existsSync(join(folder, saved, "manifest.json"))).toBe(true)
  const theirs = entries.filter((entry) => existsSync(join(folder, entry, "yours")))
  expect(theirs.map((entry) => readFileSync(join(folder, entry, "yours"), "utf8")).sort()).toEqual(
    namesOfSteps.filter((entry) => theirs.includes(entry) || theirs.includes(`${entry}.aside-1`)),
  )
  expect(theirs.length).toBeGreaterThanOrEqual(namesOfSteps.length - 2)
  const resumed = await polaris(["--resume", "--name", name])
  expect(resumed.code).toBe(0)
  expect(resumed.stdout).toMatch(new RegExp(`resuming after step ${Number(saved.slice(5))} of 20`))
})

it("is not led through a link in the checkpoints' place to write over what is there", async () => {
  const name = "linked"
  const [folder, theirs] = [join(out, name, "checkpoints"), join(out, "theirs")]
  const { code } = await stopped(
    name,
    () => {
      mkdirSync(theirs)
      writeFileSync(join(theirs, "step-000001"), "yours")
      mkdirSync(join(theirs, "step-000004"))
      writeFileSync(join(theirs, "step-000004", "yours"), "yours")
      clear(join(out, name))
      symlinkSync(theirs, folder)
    },
    "SIGHUP",
  )
  expect(code).toBe(130)
  expect(readFileSync(join(theirs, "step-000001"), "utf8")).toBe("yours")
  const kept = readdirSync(theirs).filter((entry) => existsSync(join(theirs, entry, "yours")))
  expect(kept).toHaveLength(1)
})
