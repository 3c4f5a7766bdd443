/**
 * The preset `polaris` at its size, through the program with the live view on: one epoch over 53,291 rows, K = 8, on a double of a Tinker
 * server, killed and resumed twice. It reports the program's memory and speed, and whether every row was
 * trained on exactly once.
 */
import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import * as Words from "../../apps/polaris/test/words.ts"
import * as Double from "../../packages/tinker/test/double.ts"
import * as Rows from "../scale/rows.ts"
import type * as Report from "../shared/Report.ts"
import { counted } from "../scale/counted.ts"
import { inTerminal } from "./Program.ts"

/** 331 steps of 161 prompts are one epoch to the row. */
const [prompts, k] = [161, 8]
const steps = Rows.length / prompts
/** The text of the live view during training. */
const view = /Training \(lpo-fwd-paper\) [█░]+ \d+\/331 {2}\d+:\d\d left [\d:]+/
/** The bound on memory that is stated, MiB. */
const mostMemory = 1500

export const check = async (report: Report.Report, root: string): Promise<void> => {
  const folder = join(root, "polaris")
  mkdirSync(folder)
  const [rows, heldOut] = [join(folder, "rows.jsonl"), join(folder, "held-out.jsonl")]
  // The double knows eight tokens: an end, and six answers, one of which is right.
  Rows.write(rows, (random) => String(random.int(1, 6)))
  writeFileSync(
    heldOut,
    `${readFileSync(rows, "utf8").split("\n").slice(0, 64).join("\n").replaceAll("Problem ", "Held out ")}\n`,
  )
  const model = await Words.write(["[UNK]", "[EOS]", ...[1, 2, 3, 4, 5, 6].map((n) => `\\boxed{${n}}`)])
  const server = await Double.make({ dialect: "skyrl", forgets: true })
  const out = join(folder, "runs")
  const begin =
    `train polaris --data ${rows} --eval-data ${heldOut} --server ${server.baseUrl} --model ${model} --steps ${steps} ` +
    `--prompts ${prompts} --k ${k} --max-tokens 4 --problems 64 --samples 1 --learning-rate 1e-4 --set train.groupsLogged=${prompts} --out ${out} --name scale`
  const resume = `train --resume --out ${out} --name scale`
  try {
    const started = performance.now()
    const lives = []
    for (const [args, last] of [
      [begin, 113],
      [resume, 227],
      [resume, null],
    ] as const) {
      const isThere = (text: string) => last !== null && Number([...text.matchAll(/ (\d+)\/331 /g)].at(-1)?.[1]) >= last
      lives.push(await inTerminal(args.split(" "), isThere, view))
    }
    const seconds = (performance.now() - started) / 1000
    const end = lives[2]
    report.add(
      "polaris at its size: killed twice, it ends",
      lives.map(({ code }) => code).join() === "137,137,0",
      end.code === 0 ? lives.map(({ code }) => code).join(", ") : end.stdout.slice(-1500),
    )
    const most = Math.max(...lives.map(({ memory }) => memory))
    report.add(
      `polaris at its size: memory stays under ${mostMemory} MiB`,
      most < mostMemory,
      `${lives.map(({ memory }) => memory.toFixed(0)).join(", ")} MiB at most, life by life`,
    )
    const seen = lives.find((life) => life.seen !== "")?.seen ?? ""
    report.add(
      "polaris at its size: the live view shows the step and the time left",
      seen !== "",
      `${seen}; ${(statSync(rows).size / 1e6).toFixed(1)} MB of rows`,
    )
    const times = await counted(join(out, "scale", "completions.jsonl"))
    const once = [...times.values()].filter((n) => n === 1).length
    const events = readFileSync(join(out, "scale", "events.jsonl"), "utf8")
      .trim()
      .split("\n").length
    report.add(
      "polaris at its size: every row is trained on exactly once",
      once === Rows.length && times.size === Rows.length && events === steps,
      `${once} of ${Rows.length} rows once, ${times.size - once} more than once; ${events} steps`,
    )
    const pace = (Rows.length * k) / seconds
    report.add(
      "polaris at its size: its pace",
      true,
      `${Math.round(pace)} completions a second in ${Math.round(seconds)} s`,
    )
  } finally {
    await server.close()
  }
}
