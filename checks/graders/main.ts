/**
 * `node --conditions @lpo/source checks/graders/main.ts [mode ...]`: the reference modes beside the graders that they copy, which are installed from the
 * Python index on first use. Prints for each mode how many verdicts differ and writes them to `differences.json`.
 *
 * Options: `--scale 0.1` for a tenth of the inputs, `--seed x` for others, `--data FOLDER` for the published benchmarks.
 */
import { spawnSync } from "node:child_process"
import { writeFileSync } from "node:fs"
import { availableParallelism } from "node:os"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"
import { Mathematics, Task } from "@lpo/verifiers"
import * as Inputs from "./inputs.ts"

const here = fileURLToPath(new URL(".", import.meta.url))
const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    scale: { type: "string", default: "1" },
    seed: { type: "string", default: "1" },
    data: { type: "string", default: `${here}../../../../shared/data` },
    kind: { type: "string" },
    venv: { type: "string", default: `${here}.venv` },
    older: { type: "string", default: `${here}.venv/verl-0.3` },
  },
})
const scale = Number(values.scale)
const { data, seed } = values
const size = (count: number): number => Math.max(1, Math.round(count * scale))

const golds = Inputs.publishedGolds(`${data}/benchmarks`)
if (golds.length === 0) console.log(`SKIPPED: no published golds in ${data}/benchmarks; only made-up ones are used`)
const short = golds.filter((gold) => gold.length <= 120)
const own = ["1", "\\frac{1}{2}", "x^2+2x+1", "\\sqrt{2}", "(1,2)", "3\\pi", "\\text{Evelyn}", "1,2,3", "x=5", "50\\%"]
const known = short.length === 0 ? own : short

const all: ReadonlyArray<Inputs.Input> = [
  ...Inputs.cases(`${data}/verifier-cases.jsonl`),
  ...Inputs.rewritten(known, size(4000), seed),
  ...Inputs.sweep(Math.max(1, Math.round(6 * scale)), seed),
  ...Inputs.adversarial(size(1500), seed),
  ...Inputs.responses(known, size(1500), seed),
].filter((input) => values.kind === undefined || input.kind === values.kind)

const graders = Mathematics.graders()
const references = Task.modes(graders).flatMap((mode) => (mode === "strict" ? [] : [mode.slice("reference:".length)]))
const modes = positionals.length > 0 ? positionals : references

/** The response in which a grader looks for this answer. */
const response = (mode: string, { answer, response: whole }: Inputs.Input): string => {
  if (whole !== undefined) return mode === "polaris" && !whole.includes("</think>") ? `</think>${whole}` : whole
  if (mode === "math_dapo") return `Answer: ${answer}`
  return `${mode === "polaris" ? "<think>t</think> " : ""}\\boxed{${answer}}`
}

const jobs = modes.flatMap((mode) => all.map((input) => ({ mode, input, text: response(mode, input) })))
const asked = spawnSync(
  `${values.venv}/bin/python`,
  [`${here}peers.py`, values.older, String(Math.min(2, availableParallelism()))],
  {
    input: JSON.stringify(jobs.map(({ input, mode, text }) => [mode, text, input.gold])),
    maxBuffer: 2 ** 30,
    stdio: ["pipe", "pipe", "inherit"],
    encoding: "utf8",
  },
)
const theirs = JSON.parse(asked.stdout) as ReadonlyArray<number | null>

const differences: Array<unknown> = []
const table = new Map<string, Map<string, [number, number, number]>>()
for (const [i, { input, mode, text }] of jobs.entries()) {
  const graded = graders[`reference:${mode}` as "reference:math_dapo"].grade(input.gold, text)
  const kinds = table.get(mode) ?? new Map<string, [number, number, number]>()
  table.set(mode, kinds)
  const counts = kinds.get(input.kind) ?? [0, 0, 0]
  kinds.set(input.kind, counts)
  counts[0]++
  // A grader that raises or hangs counts as wrong where a training run catches it.
  const their = theirs[i] ?? 0
  if (theirs[i] === null) counts[2]++
  if (graded.correct === their > 0) continue
  counts[1]++
  differences.push({
    mode,
    kind: input.kind,
    answer: input.answer ?? input.response,
    gold: input.gold,
    theirs: theirs[i],
    ours: Number(graded.correct),
    extracted: graded.extracted,
  })
}
for (const [mode, kinds] of table) {
  const total = [...kinds.values()].reduce(([a, b, c], [x, y, z]) => [a + x, b + y, c + z], [0, 0, 0])
  const each = [...kinds].map(([kind, [n, d, r]]) => `${kind} ${d}/${n}${r > 0 ? ` (${r} raised)` : ""}`).join(", ")
  console.log(`${mode}: ${total[1]} of ${total[0]} differ; ${each}`)
}
writeFileSync(`${here}differences.json`, JSON.stringify(differences, null, 1))
