/**
 * `npm run checks -- kills`: runs with overlap, replay and a curriculum that are killed by SIGKILL at seeded instants (in sampling,
 * judging, weighing, stepping, the writing of logs and checkpoints, renames) and resumed, some of them killed again, end bit for
 * bit like an undisturbed one.
 */
import { spawn } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { Seed } from "@lpo/rollout"
import * as Arguments from "../../bench/shared/Arguments.ts"
import * as Report from "../shared/Report.ts"

const { runs, seed } = Arguments.read("npm run checks -- kills", {
  runs: Arguments.whole("runs to kill", 100),
  seed: Arguments.whole("the campaign", 1, 0),
})
const out = mkdtempSync(join(tmpdir(), "lpo-kills-"))
const path = (name: string): string => fileURLToPath(new URL(name, import.meta.url))

/** One process of a run; the signal that ended it, or null. Throws its output if it ended differently. */
const live = (name: string, env: Readonly<Record<string, string>>): Promise<string | null> =>
  new Promise((resolve, reject) => {
    const node = ["--conditions=@lpo/source", "--disable-warning=ExperimentalWarning"]
    const child = spawn(
      process.execPath,
      [...node, "--import", path("../attacks/hook.ts"), path("run.ts"), join(out, name)],
      { env: { ...process.env, ...env, LPO_ATTACK_FOLDER: out }, stdio: ["ignore", "ignore", "pipe"] },
    )
    let stderr = ""
    child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()))
    child.on("close", (code, signal) =>
      code === 0 || signal === "SIGKILL" ? resolve(signal) : reject(new Error(`${name}: ${stderr.slice(-800)}`)),
    )
  })

/** What must be the same: the weights, the groups, and the rows of events.jsonl but for their times. */
const outcome = (name: string): string => {
  const read = (file: string): string => readFileSync(join(out, name, file), "utf8")
  const events = read("events.jsonl").replaceAll(/"(?:seconds\w+|\w+PerSecond)":[^,}]+/g, "")
  return JSON.stringify([read("end.json"), read("completions.jsonl"), events])
}

const report = Report.make("kills")
const random = Seed.stream(`kills/${seed}`)
const moments = ["before", "during", "after"] as const
try {
  const count = join(out, "count")
  await live("whole", { LPO_ATTACK_COUNT: count })
  const expected = outcome("whole")
  const operations = Number(readFileSync(count, "utf8"))
  const rows = readFileSync(join(out, "whole", "events.jsonl"), "utf8")
  const used = ["replayed", "lag"].filter((key) => new RegExp(`"${key}":[1-9]`).test(rows))
  const taus = new Set(rows.match(/"tau":("std"|[\d.]+)/g))
  report.add(
    "the run samples ahead, replays and switches",
    used.length === 2 && taus.size === 2,
    `${operations} instants`,
  )
  let kills = 0
  const wrong: Array<string> = []
  for (let i = 0; i < runs; i++) {
    const name = `killed-${i}`
    for (let lives = 0; lives < 6; lives++) {
      // The first process is killed, unless it ends before; each later one with probability 1/2.
      const last = lives > 0 && random.uniform() < 0.5
      const at = last ? Number.POSITIVE_INFINITY : random.int(1, operations)
      const when = moments[random.int(0, 2)]
      const signal = await live(name, { LPO_ATTACK_AT: String(at), LPO_ATTACK_WHEN: when })
      if (signal === null) break
      kills++
      if (lives === 5) await live(name, {})
    }
    if (outcome(name) !== expected) wrong.push(name)
    rmSync(join(out, name), { recursive: true })
  }
  report.add(
    `${runs} runs, killed ${kills} times, end bit for bit like the undisturbed one`,
    wrong.length === 0 && kills >= runs / 2,
    wrong.join(" "),
  )
} finally {
  rmSync(out, { recursive: true })
}
report.end({ seed })
