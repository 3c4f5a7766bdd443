/**
 * `npm run checks -- scale`: one epoch over 53,291 rows of the shape of Polaris-53K (28 MB of text), K = 8: 426,328 completions through
 * dataset, sampler double, the strict verifier of mathematics, LPO and the logs, in one process that is killed and resumed twice. It
 * reports the memory, the speed of each stage, and whether every prompt was trained on exactly once.
 */
import { spawn } from "node:child_process"
import { mkdtempSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import * as Arguments from "../../bench/shared/Arguments.ts"
import * as Report from "../shared/Report.ts"
import { counted } from "./counted.ts"
import * as Rows from "./rows.ts"

const { out: given } = Arguments.read("npm run checks -- scale", {
  out: Arguments.text("folder of the run; kept if given", ""),
})
const out = given === "" ? mkdtempSync(join(tmpdir(), "lpo-scale-")) : given
const completionsPerStep = 161 * 8
const steps = Rows.length / 161
/** The stated bounds: memory in MiB, completions a second of any stage except verification. */
const [mostMemory, leastPace] = [1500, 5000]

interface Line {
  readonly step?: number
  readonly rss?: number
  readonly total?: number
  readonly seconds?: Readonly<Record<string, number>>
  readonly done?: boolean
  readonly checksum?: number
}
interface Life {
  /** Steps taken in it. */
  readonly taken: number
  readonly last: Line
  readonly end: Line | null
  /** After the first tenth of its steps, and at its end, MiB. */
  readonly memory: readonly [early: number, late: number]
}

/** A process of the run, killed after step `killAt`. */
const live = (folder: string, rows: string, resume: boolean, killAt: number): Promise<Life> =>
  new Promise((resolve, reject) => {
    const script = fileURLToPath(new URL("run.ts", import.meta.url))
    const child = spawn(
      process.execPath,
      ["--conditions=@lpo/source", "--disable-warning=ExperimentalWarning", script, folder, rows, String(resume)],
      { stdio: ["ignore", "pipe", "inherit"] },
    )
    const lines: Array<Line> = []
    let end: Line | null = null
    createInterface({ input: child.stdout }).on("line", (text) => {
      const line = JSON.parse(text) as Line
      if (line.done === true) end = line
      else lines.push(line)
      if (line.step === killAt) child.kill("SIGKILL")
    })
    child.on("close", (code, signal) => {
      const last = lines.at(-1)
      if (last === undefined || (signal !== "SIGKILL" && code !== 0)) return reject(new Error(`ended with ${code}`))
      const early = lines[Math.floor(lines.length / 10)]
      resolve({ taken: lines.length, last, end, memory: [early.rss ?? 0, last.rss ?? 0] })
    })
  })

const report = Report.make("scale")
try {
  const rows = join(out, "rows.jsonl")
  Rows.write(rows)
  report.add(
    "the rows are of Polaris's size",
    true,
    `${Rows.length} rows, ${(statSync(rows).size / 1e6).toFixed(1)} MB`,
  )
  const folder = join(out, "killed")
  const lives = [
    await live(folder, rows, false, 113),
    await live(folder, rows, true, 227),
    await live(folder, rows, true, Number.NaN),
  ]
  const peak = Math.max(...lives.map(({ memory }) => memory[1]))
  report.add(
    `memory stays under ${mostMemory} MiB`,
    peak < mostMemory,
    `peak ${peak.toFixed(0)} MiB; by process, after a tenth and at the end: ${lives.map(({ memory }) => memory.map((m) => m.toFixed(0)).join(" to ")).join(", ")}`,
  )
  const times = await counted(join(folder, "completions.jsonl"))
  const once = [...times.values()].filter((n) => n === 1).length
  report.add(
    "every prompt of the epoch is trained on exactly once, though the run was killed and resumed twice",
    once === Rows.length && times.size === Rows.length,
    `${once} of ${Rows.length} once, ${times.size - once} more than once`,
  )
  const taken = lives.reduce((sum, life) => sum + life.taken, 0)
  report.add("the run ends", lives[2].end?.done === true, `${steps} steps, ${taken - steps} of them taken again`)
  const stages = Object.keys(lives[0].last.seconds ?? {})
  const pace = (of: (line: Line) => number): number =>
    (taken * completionsPerStep) / lives.reduce((sum, { last }) => sum + of(last), 0)
  const table = stages.map((stage) => [stage, pace(({ seconds }) => seconds?.[stage] ?? 0)] as const)
  for (const [stage, each] of table)
    if (stage !== "verification")
      report.add(`${stage}: ${leastPace} completions a second or more`, each >= leastPace, Math.round(each).toString())
  console.log(
    [
      "",
      "| stage | completions a second |",
      "| --- | ---: |",
      ...table.map(([stage, each]) => `| ${stage} | ${Math.round(each).toLocaleString("en")} |`),
      `| the whole loop | ${Math.round(pace(({ total }) => total ?? 0)).toLocaleString("en")} |`,
    ].join("\n"),
  )
} finally {
  if (given === "") rmSync(out, { recursive: true })
}
report.end({ rows: Rows.length, completions: Rows.length * 8 })
