/** `npm run study -- --quick | --full`: trains every arm, judges every claim, and writes summary, report and results. */
import { execFileSync } from "node:child_process"
import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs"
import { availableParallelism } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { RegularFile } from "@lpo/rollout"
import { Schema } from "effect"
import * as Arguments from "../../../bench/shared/Arguments.ts"
import { axes } from "./Axes.ts"
import * as Page from "./Page.ts"
import * as Plan from "./Plan.ts"
import { Results } from "./Results.ts"
import * as Study from "./Study.ts"
import * as Summary from "./Summary.ts"

const root = fileURLToPath(new URL("../../..", import.meta.url))
const ratesFile = fileURLToPath(new URL("../rates.json", import.meta.url))

const options = Arguments.read("npm run study -- --quick | --full", {
  quick: Arguments.flag("four seeds and fewer problems, with the learning rates of rates.json"),
  full: Arguments.flag("five seeds; chooses learning rates again, and writes them to rates.json"),
  axis: Arguments.many(
    "only this one",
    axes.map(({ name }) => name),
  ),
  seeds: Arguments.whole("seeds 1 to this one", null),
  workers: Arguments.whole("processes in parallel, one core each", 2),
  minutes: Arguments.number("start no run after this many minutes; --resume continues", Number.POSITIVE_INFINITY),
  resume: Arguments.flag("continue with the existing records"),
  out: Arguments.text("folder of records and report", ""),
})
const stop = (line: string): never => {
  console.error(`study: ${line}`)
  process.exit(2)
}
if (options.quick === options.full) stop("give --quick or --full")
const usual = options.quick ? Plan.quick : Plan.full
const study: Plan.Study =
  options.seeds === null ? usual : { ...usual, seeds: Array.from({ length: options.seeds }, (_, i) => i + 1) }
const asked = options.axis.length === 0 ? axes : axes.filter(({ name }) => options.axis.includes(name))
const out = options.out === "" ? join(root, "runs", `study-${study.name}`) : options.out
const records = join(out, "records")
if (!options.resume && existsSync(records) && readdirSync(records).length > 0)
  stop(`${records} has records; give --resume to continue with them, or another --out`)
mkdirSync(records, { recursive: true })

const started = performance.now()
const minutes = (): number => (performance.now() - started) / 60_000
const { isWhole, seconds, ...found } = await Study.run({
  study,
  asked,
  all: axes,
  rates: options.full ? {} : (JSON.parse(readFileSync(ratesFile, "utf8")) as Plan.Rates),
  records,
  workers: options.workers,
  isOver: () => minutes() >= options.minutes,
  print: (line) => console.log(`${minutes().toFixed(1)} min  ${line}`),
})
const results: Results = {
  study,
  made: {
    command: [
      `npm run study -- --${study.name}`,
      ...options.axis.map((name) => `--axis ${name}`),
      ...(options.seeds === null ? [] : [`--seeds ${options.seeds}`]),
    ].join(" "),
    commit: execFileSync("git", ["rev-parse", "--short=12", "HEAD"], { cwd: root, encoding: "utf8" }).trim(),
    machine: `${availableParallelism()} cores, WASM, ${process.platform} ${process.arch}, Node ${process.versions.node}`,
    date: new Date().toISOString().slice(0, 10),
    seconds,
  },
  ...found,
}
if (options.full && isWhole && options.axis.length === 0)
  await RegularFile.write(ratesFile, `${JSON.stringify(results.rates, null, 2)}\n`)
const files = {
  "results.json": `${JSON.stringify(Schema.encodeSync(Results)(results), null, 2)}\n`,
  "summary.md": Summary.render(results),
  "report.html": Page.render(results),
}
for (const [name, text] of Object.entries(files))
  await RegularFile.write(join(out, name), text).catch((cause: Error) =>
    stop(
      `${join(out, name)} cannot be written (${cause.message}); free space, then --resume makes it from the records`,
    ),
  )
const verdicts = results.axes.flatMap(({ claims }) => claims.map(({ says, verdict }) => `${verdict}: ${says}`))
console.log([...verdicts, `${out}/summary.md, report.html and results.json`].join("\n"))
if (!isWhole) {
  console.log(`not all runs are done after ${minutes().toFixed(1)} minutes; --resume continues`)
  process.exit(3)
}
