/**
 * `npm run checks -- objectives`: every objective trains `countdown-tiny` above its start, all on the same sampled groups a step and the
 * same settings, from several seeds. It prints the table of the docs. Runs that are already in `--out` are not repeated.
 */
import { spawnSync } from "node:child_process"
import { existsSync, mkdtempSync, readFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { Registry } from "@lpo/trainer"
import * as Arguments from "../../bench/shared/Arguments.ts"
import * as Report from "../shared/Report.ts"

const root = fileURLToPath(new URL("../..", import.meta.url))

const options = Arguments.read("npm run checks -- objectives", {
  objective: Arguments.many("only this one", Registry.names),
  seeds: Arguments.whole("seeds 1 to this one", 3),
  steps: Arguments.whole("training steps", 60),
  problems: Arguments.whole("held-out problems", 250),
  samples: Arguments.whole("samples of each", 16),
  workers: Arguments.whole("worker threads of a run", 0, 0),
  out: Arguments.text("folder of the runs; kept if given", ""),
})
const out = options.out === "" ? mkdtempSync(join(tmpdir(), "lpo-objectives-")) : options.out
const objectives = options.objective.length > 0 ? options.objective : Registry.names.filter((name) => name !== "lpo")

interface Estimate {
  readonly mean: number
  readonly low: number
  readonly high: number
}
interface Summary {
  readonly base: { readonly passAt: Readonly<Record<string, Estimate>> }
  readonly trained: { readonly passAt: Readonly<Record<string, Estimate>> }
}

/** The summary of a run, which is made if missing. Throws the run's output. */
const train = (objective: string, seed: number): Summary => {
  const name = `${objective.replaceAll("+", "p")}-${seed}`
  const file = join(out, name, "summary.json")
  if (!existsSync(file)) {
    const sizes = {
      steps: options.steps,
      problems: options.problems,
      samples: options.samples,
      workers: options.workers,
    }
    const { status, stderr } = spawnSync(
      process.execPath,
      [
        "--conditions=@lpo/source",
        "--disable-warning=ExperimentalWarning",
        "apps/polaris/src/main.ts",
        "train",
        `--out=${out}`,
        `--name=${name}`,
        `--objective=${objective}`,
        `--seed=${seed}`,
        ...Object.entries(sizes).map(([key, value]) => `--${key}=${value}`),
        ...(existsSync(join(out, name, "config.json")) ? ["--resume"] : []),
      ],
      { cwd: root, encoding: "utf8" },
    )
    if (status !== 0) throw new Error(`${name}: ${stderr.trim()}`)
  }
  return JSON.parse(readFileSync(file, "utf8")) as Summary
}

const report = Report.make("objectives")
const rows: Array<string> = []
for (const objective of objectives) {
  const runs = Array.from({ length: options.seeds }, (_, i) => train(objective, i + 1))
  const above = runs.filter(({ base, trained }) => trained.passAt["1"].low > base.passAt["1"].high).length
  const mean = (of: (run: Summary) => number): string =>
    (runs.reduce((sum, run) => sum + of(run), 0) / runs.length).toFixed(3)
  rows.push(
    `| \`${objective}\` | ${mean(({ base }) => base.passAt["1"].mean)} | ${runs
      .map(({ trained: { passAt } }) => passAt["1"].mean.toFixed(3))
      .join(", ")} | ${mean(({ trained }) => trained.passAt["1"].mean)} | ${mean(
      ({ trained }) => trained.passAt[String(options.samples)].mean,
    )} | ${above} of ${runs.length} |`,
  )
  report.add(
    `${objective} trains above its start from ${options.seeds} seeds`,
    above === runs.length,
    `${mean(({ base }) => base.passAt["1"].mean)} to ${mean(({ trained }) => trained.passAt["1"].mean)}`,
  )
}
console.log(
  [
    "",
    `| objective | pass@1 before | after, seed by seed | mean | pass@${options.samples} after | above, intervals apart |`,
    "| --- | --- | --- | --- | --- | --- |",
    ...rows,
  ].join("\n"),
)
report.end({ steps: options.steps, seeds: options.seeds })
