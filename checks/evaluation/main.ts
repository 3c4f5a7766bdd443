/**
 * `npm run checks -- evaluation --data FILE`: `polaris eval` on MATH500 against a real vLLM on the CPU, with a tiny random Qwen3. An
 * evaluation that is killed twice and resumed has the responses, verdicts and figures of an uninterrupted one. Log-probs may differ
 * in their last digits: the server batches differently after a kill. FILE is MATH500 in any of its published shapes; without it the
 * set comes from the hub.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Arguments from "../../bench/shared/Arguments.ts"
import { polaris } from "../domains/Program.ts"
import * as Rows from "../domains/Rows.ts"
import * as Report from "../shared/Report.ts"
import { freePort } from "../shared/Server.ts"
import * as Vllm from "../vllm/server.ts"

const { data } = Arguments.read("npm run checks -- evaluation", {
  data: Arguments.text("a file with MATH500; without it, the hub's", null),
})
const report = Report.make("evaluation")
const root = mkdtempSync(join(tmpdir(), "lpo-evaluation-"))

interface Row {
  readonly place: number
  readonly samples: ReadonlyArray<{ readonly surprise: number }>
}

/** The rows of an evaluation, in the order of the problems. */
const rows = (name: string): ReadonlyArray<Row> =>
  readFileSync(join(root, "evals", name, "math500.samples.jsonl"), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Row)
    .sort((a, b) => a.place - b.place)

/** A row without what comes of log-probs alone. */
const withoutSurprise = (row: Row): string =>
  JSON.stringify(row, (key, value: unknown) => (key === "surprise" ? undefined : value))

/** What `summary.json` says of the set, but for the entropy, which comes of log-probs. */
const figures = (name: string): string => {
  const { sets } = JSON.parse(readFileSync(join(root, "evals", name, "summary.json"), "utf8")) as {
    readonly sets: unknown
  }
  return JSON.stringify(sets, (key, value: unknown) => (key === "entropy" ? undefined : value))
}

const main = async (python: string): Promise<void> => {
  const model = join(root, "model")
  Rows.tinyServed(python, model)
  mkdirSync(join(root, "server"))
  const port = await freePort()
  const server = await Vllm.start({ folder: join(root, "server"), model, port, python, longest: Rows.positions })
  const asked = [
    ..."eval --benchmark math500 --n 2 --max-tokens 16 --served-name base".split(" "),
    "--endpoint",
    server.url,
    "--out",
    join(root, "evals"),
    ...(data === null ? [] : ["--data", data]),
  ]
  try {
    const from = performance.now()
    const whole = await polaris([...asked, "--name", "whole"])
    const seconds = ((performance.now() - from) / 1000).toFixed(0)
    report.add(
      "500 problems x 2 responses are sampled and judged",
      whole.code === 0 && rows("whole").length === 500,
      whole.code === 0 ? `${seconds} s` : whole.stderr,
    )
    const first = await polaris([...asked, "--name", "killed"], /math500 (9\d|1\d\d)\/500/)
    const had = rows("killed").length
    const second = await polaris([...asked, "--name", "killed", "--resume"], /math500 3\d\d\/500/)
    report.add(
      "it is killed twice",
      first.signal === "SIGKILL" && second.signal === "SIGKILL" && had > 0 && had < 500,
      `after ${had} and ${rows("killed").length} problems ${second.stderr}`,
    )
    const last = await polaris([...asked, "--name", "killed", "--resume"])
    report.add("it resumes and ends", last.code === 0, last.stderr)
    const [a, b] = [rows("whole"), rows("killed")]
    const differ = a.flatMap((row, i) => (withoutSurprise(row) === withoutSurprise(b[i]) ? [] : [i]))
    report.add(
      "every response and verdict equals that of the uninterrupted evaluation",
      a.length === b.length && differ.length === 0,
      `${a.length - differ.length} of ${b.length}`,
    )
    if (differ.length > 0) console.log([a, b].map((all) => JSON.stringify(all[differ[0]])).join("\n"))
    const gaps = a.flatMap(({ samples }, i) =>
      samples.map(({ surprise }, k) => Math.abs(surprise - (b[i]?.samples[k]?.surprise ?? Number.NaN))),
    )
    const most = Math.max(...gaps)
    report.add("mean log-probs are the same within 1e-3 nats", most < 1e-3, most.toExponential(1))
    report.add("every figure of summary.json but the entropy is the same", figures("whole") === figures("killed"))
  } finally {
    await server.kill()
  }
}

try {
  const python = Report.unlessSkipped("evaluation", ["polaris eval against vLLM, killed and resumed"], Vllm.prepare)
  if (python !== null) {
    await main(python)
    report.end()
  }
} finally {
  rmSync(root, { recursive: true, force: true })
}
