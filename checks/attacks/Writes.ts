/**
 * Every command that writes a file, with its output on a full disk, in a read-only folder, and with its printed lines on a full
 * disk. Each must end with one line that says so, and leave nothing under the name of its output.
 */
import { mkdirSync, readdirSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import * as Disk from "./Disk.ts"
import * as Program from "./Program.ts"

const verifiers = fileURLToPath(new URL("../../packages/verifiers/src/cli/main.ts", import.meta.url))

export interface Result {
  readonly command: string
  readonly place: "full" | "read-only" | "output"
  /** What was wrong; null if it ended as it should. */
  readonly fault: string | null
}

/** What is written by each command into a folder, where it is begun with `make`'s words; `rows` is a file, `run` a run. */
const commands = (rows: string, run: string) =>
  ({
    "data generate": (to: string) => ["data", "generate", "--count", "3000", "--out", join(to, "rows.jsonl")],
    "data filter": (to: string) => ["data", "filter", rows, "--out", join(to, "rows.jsonl")],
    report: (to: string) => ["report", run, "--out", join(to, "report.html")],
    eval: (to: string) => ["eval", "--run", run, "--problems", "2", "--n", "100", "--out", to, "--name", "evaluation"],
    train: (to: string) => Program.trainArgs(to, "run"),
  }) as const

/** A failure that names the path, on one line of ours, with the kernel's reason. */
const said = /^(?:polaris|lpo-verifiers): .*(?:ENOSPC|EROFS|EACCES|no space|read-only)/m
/** What may be there after a full disk: samples, a run that can be resumed, and the link to it. */
const isHarmless = (name: string): boolean => /^(?:evaluation|run|latest)$/.test(name)

const faultOf = ({ code, signal, stderr }: Program.Ended, left: ReadonlyArray<string>): string | null => {
  if (code !== 1) return `it ends with ${code ?? signal}: ${stderr.slice(0, 200)}`
  if (!said.test(stderr) || /\n\s+at /.test(stderr)) return `it says ${JSON.stringify(stderr.slice(0, 300))}`
  const kept = left.filter((name) => !isHarmless(name))
  return kept.length > 0 ? `it leaves ${kept.join(", ")}` : null
}

/** In `out`, where the run `run` has ended. */
export const attack = async (out: string, run: string): Promise<ReadonlyArray<Result>> => {
  const results: Array<Result> = []
  const rows = join(out, "rows.jsonl")
  const made = await Program.end(
    ...Program.words(["data", "generate", "--count", "3000", "--out", rows]),
    Program.cached(out),
  )
  if (made.code !== 0) throw new Error(`rows cannot be generated: ${made.stderr}`)
  const every = Object.entries(commands(rows, run))
  for (const [command, args] of every) {
    const name = command.replace(" ", "-")
    const [full, kept, frozen] = ["full", "kept", "frozen"].map((place) => join(out, `${place}-${name}`))
    const words = Program.polaris(args(full))
    const ended = await Disk.within(full, 24, kept, words, Program.cached(out))
    results.push({ command, place: "full", fault: faultOf(ended, readdirSync(kept)) })
    mkdirSync(frozen)
    const bind = ["--bind", "/", "/", "--dev-bind", "/dev", "/dev", "--ro-bind", frozen, frozen]
    const refused = await Program.end("bwrap", [...bind, ...Program.polaris(args(frozen))], Program.cached(out))
    results.push({ command, place: "read-only", fault: faultOf(refused, readdirSync(frozen)) })
  }
  for (const [command, words] of [
    ["data show", Program.polaris(["data", "show", rows, "--task", "countdown"])],
    ["--help", Program.polaris(["--help"])],
    [
      "lpo-verifiers --help",
      [process.execPath, "--conditions=@lpo/source", "--disable-warning=ExperimentalWarning", verifiers, "--help"],
    ],
  ] as const) {
    const ended = await Program.end("sh", ["-c", '"$@" > /dev/full', "sh", ...words], Program.cached(out))
    results.push({ command, place: "output", fault: faultOf(ended, []) })
  }
  return results
}
