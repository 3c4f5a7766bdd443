/**
 * `npm run checks -- attacks`: the campaign, from a seed. A run under SIGKILLs at file operations, with bits turned over in every
 * file, on full disks; the reward server under a thousand clients, not all of them honest, while its workers are killed;
 * programs that need or return much. Nothing may be lost and nothing may pass silently. It prints one table; `--part` runs a part.
 */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Seed } from "@lpo/rollout"
import * as Arguments from "../../bench/shared/Arguments.ts"
import * as Report from "../shared/Report.ts"
import * as Disk from "./Disk.ts"
import * as Flips from "./Flips.ts"
import * as Kills from "./Kills.ts"
import * as Program from "./Program.ts"
import * as Programs from "./Programs.ts"
import * as Server from "./Server.ts"
import * as Writes from "./Writes.ts"

const parts = ["kills", "flips", "disk", "server", "programs"] as const
const { clients, flips, items, kills, minutes, part, seed } = Arguments.read("npm run checks -- attacks", {
  seed: Arguments.whole("the campaign", 1, 0),
  part: Arguments.many("the parts to run; default all", parts),
  kills: Arguments.whole("SIGKILLs", 200),
  flips: Arguments.whole("bits flipped", 2000),
  items: Arguments.whole("items for the reward server", 90_000),
  clients: Arguments.whole("clients of the reward server", 1000),
  minutes: Arguments.number("time limit for the kills, and for the clients, in minutes", 120),
})

const report = Report.make("attacks")
const out = mkdtempSync(join(tmpdir(), "lpo-attacks-"))
const rows: Array<readonly [attack: string, tries: number, outcome: string]> = []
const whole = join(out, "whole")
const places = {
  full: "written to a full disk",
  "read-only": "written to a folder that is read-only",
  output: "printed to a full disk",
} as const
const ms = (times: Readonly<Record<string, number>>): string =>
  Object.entries(times)
    .map(([name, time]) => `${name} ${time.toFixed(0)}`)
    .join(", ")

const attacks: Readonly<Record<(typeof parts)[number], () => Promise<void>>> = {
  kills: async () => {
    const killed = await Kills.attack(out, kills, Seed.stream(`attacks/${seed}/kills`), minutes)
    const right = killed.runs - killed.wrong.length
    rows.push([
      "SIGKILL at a file operation, then a resume",
      killed.kills,
      `${right} of ${killed.runs} runs end bit for bit like the undisturbed one`,
    ])
    report.add("killed runs end like the undisturbed one", killed.wrong.length === 0, killed.wrong.join("; "))
    report.add(`there were ${kills} kills`, killed.kills >= kills, `${killed.kills} in ${minutes} minutes`)
  },
  flips: async () => {
    const fates = await Flips.attack(whole, flips, Seed.stream(`attacks/${seed}/flips`))
    for (const [file, { harmless, refused, silent }] of fates) {
      const tries = refused + harmless + silent
      rows.push([
        `one bit of \`${file}\``,
        tries,
        `${refused} refused, ${harmless} without consequence, ${silent} silent`,
      ])
      report.add(`no bit of ${file} changes a resume silently`, silent === 0)
    }
  },
  disk: async () => {
    const refusal = await Disk.refusal(out)
    report.add("a full disk can be made here", refusal === null, refusal ?? "")
    if (refusal !== null) return void rows.push(["full disks", 0, `bubblewrap cannot make them here: ${refusal}`])
    for (const { isSaid, isSame, size, stderr } of await Disk.attack(out, Program.outcome(whole))) {
      const outcome = `${isSaid ? "reported" : "NOT REPORTED"}, ${isSame ? "then ends bit for bit" : "then ends DIFFERENTLY"}`
      rows.push([`a run on a disk of ${size} KiB, then room again`, 1, outcome])
      report.add(
        `a disk of ${size} KiB is reported, and the run recovers`,
        isSaid && isSame,
        isSaid ? "" : stderr.slice(0, 300),
      )
    }
    const results = await Writes.attack(out, whole)
    for (const place of ["full", "read-only", "output"] as const) {
      const tried = results.filter((result) => result.place === place)
      const failed = tried.filter(({ fault }) => fault !== null)
      rows.push([
        `${tried.map(({ command }) => `\`${command}\``).join(", ")}: ${places[place]}`,
        tried.length,
        failed.length === 0 ? "each says so and leaves nothing that looks whole" : `${failed.length} do NOT say so`,
      ])
      for (const { command, fault } of tried) report.add(`${command}, ${places[place]}`, fault === null, fault ?? "")
    }
  },
  server: async () => {
    const got = await Server.attack(`attacks/${seed}/server`, items, clients, minutes)
    const { again, refused, right, seconds, serverMiB, unjudged, workersMiB, wrong } = got
    rows.push(
      ["items at the reward server", items, `${right} judged correctly, ${unjudged} reported as not judged`],
      ["requests that are malformed, slow, huge or abandoned", refused, "each answered as it should be"],
      ["its workers killed at random", got.kills, `all ${clients} clients got an answer; ${again} retries`],
      [
        "its memory",
        1,
        `${serverMiB.toFixed(0)} MiB at most, its workers ${workersMiB.toFixed(0)} together, ${seconds.toFixed(0)} s`,
      ],
    )
    report.add(
      "every item gets its verdict",
      right + unjudged === items && wrong.length === 0,
      wrong.slice(0, 5).join("; "),
    )
    report.add("hardly any item goes unjudged", unjudged <= items / 1000, String(unjudged))
    report.add("the server stays below 1 GiB", serverMiB < 1024, `${serverMiB.toFixed(0)} MiB`)
  },
  programs: async () => {
    for (const { alone, beside, layer, passed, refusal, seconds } of await Programs.attack()) {
      if (passed === null) {
        rows.push([`programs on the ${layer} layer`, 0, `it does not start here: ${refusal}`])
        continue
      }
      rows.push(
        [`tests of 400 MB each on the ${layer} layer`, 20, `${passed} pass, in ${seconds.toFixed(1)} s`],
        [
          `tests that return \`1<<16000000\` on the ${layer} layer`,
          10,
          `longest verdicts of others, ms: ${ms(beside)} (alone ${ms(alone)})`,
        ],
      )
      report.add(`20 tests of 400 MB pass on the ${layer} layer`, passed === 20 && refusal === "", refusal)
      for (const [task, time] of Object.entries(beside)) {
        const delay = time - (alone[task] ?? 0)
        report.add(`${task} is not held up beside ${layer} programs`, delay <= 100, `${delay.toFixed(0)} ms`)
      }
    }
  },
}

try {
  const asked = parts.filter((name) => part.length === 0 || part.includes(name))
  // Flips and the disk are compared with the undisturbed run, which the kills make at their start.
  if (!asked.includes("kills") && (asked.includes("flips") || asked.includes("disk"))) {
    const { code, stderr } = await Program.train(out, "whole")
    if (code !== 0) throw new Error(`the undisturbed run ends with ${code}: ${stderr}`)
  }
  for (const name of asked) {
    const from = performance.now()
    await attacks[name]()
    console.log(`${name}: ${((performance.now() - from) / 60_000).toFixed(1)} minutes`)
  }
} finally {
  rmSync(out, { recursive: true })
}
console.log(
  ["| attack | tries | outcome |", "| --- | ---: | --- |", ...rows.map((row) => `| ${row.join(" | ")} |`)].join("\n"),
)
report.end({ seed })
