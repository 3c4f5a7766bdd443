/**
 * `npm run checks -- attacks`: a run under attack, from a seed: SIGKILLs at file operations, bits turned over in every file, files
 * that cannot grow. Nothing may be lost and nothing may pass in silence. It prints one table.
 */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Seed } from "@lpo/rollout"
import * as Arguments from "../../bench/shared/Arguments.ts"
import * as Report from "../shared/Report.ts"
import * as Flips from "./Flips.ts"
import * as Kills from "./Kills.ts"
import * as Program from "./Program.ts"

const { flips, kills, minutes, seed } = Arguments.read("npm run checks -- attacks", {
  seed: Arguments.whole("the campaign", 1, 0),
  kills: Arguments.whole("SIGKILLs", 200),
  flips: Arguments.whole("bits turned over", 2000),
  minutes: Arguments.number("longest time for the kills, in minutes", 120),
})
/** Largest file that may be written, in KB: each ends the run somewhere else. */
const limits = [1, 8, 64, 1400, 2700]

const report = Report.make("attacks")
const out = mkdtempSync(join(tmpdir(), "lpo-attacks-"))
const rows: Array<readonly [attack: string, tries: number, outcome: string]> = []
try {
  const killed = await Kills.attack(out, kills, Seed.stream(`attacks/${seed}/kills`), minutes)
  rows.push([
    "SIGKILL at a file operation, then a resume",
    killed.kills,
    `${killed.runs - killed.wrong.length} of ${killed.runs} runs end bit for bit as the one that nothing happened to`,
  ])
  report.add("runs that are killed end as if they were not", killed.wrong.length === 0, killed.wrong.join("; "))

  const fates = await Flips.attack(join(out, "whole"), flips, Seed.stream(`attacks/${seed}/flips`))
  for (const [file, { harmless, refused, silent }] of fates) {
    rows.push([
      `one bit of \`${file}\``,
      refused + harmless + silent,
      `${refused} refused, ${harmless} without consequence, ${silent} silent`,
    ])
    report.add(`no bit of ${file} changes a resume in silence`, silent === 0)
  }

  const expected = Program.outcome(join(out, "whole"))
  for (const fileLimit of limits) {
    const name = `limited-${fileLimit}`
    const first = await Program.train(out, name, { fileLimit })
    const isSaid = first.code === 0 || (first.code === 1 && /^polaris: .*(EFBIG|too large)/m.test(first.stderr))
    const isBegun = await Program.train(out, name, { resume: true })
    const last = isBegun.code === 0 ? isBegun : await Program.train(out, `${name}-anew`)
    const folder = join(out, isBegun.code === 0 ? name : `${name}-anew`)
    const isSame = last.code === 0 && Program.outcome(folder) === expected
    rows.push([
      `no file above ${fileLimit} KB, then room again`,
      1,
      `${isSaid ? "said" : "NOT SAID"}, ${isSame ? "ends bit for bit" : "ends OTHERWISE"}`,
    ])
    report.add(
      `a disk that takes no file above ${fileLimit} KB is said, and mended`,
      isSaid && isSame,
      isSaid ? "" : first.stderr.slice(0, 300),
    )
  }
} finally {
  rmSync(out, { recursive: true })
}
console.log(
  ["| attack | tries | outcome |", "| --- | ---: | --- |", ...rows.map((row) => `| ${row.join(" | ")} |`)].join("\n"),
)
report.end({ seed })
