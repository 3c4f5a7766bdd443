/**
 * `npm run checks -- graders`: the reference modes next to the graders that they copy, which are installed on first use. Prints for
 * each mode how many verdicts differ, and writes them to `differences.json`.
 */
import { spawnSync } from "node:child_process"
import { existsSync, writeFileSync } from "node:fs"
import { availableParallelism } from "node:os"
import { fileURLToPath } from "node:url"
import type { Verdict } from "@lpo/rollout"
import { Code, Countdown, EmbeddedSandbox, Mathematics, Task } from "@lpo/verifiers"
import { Effect, Exit, Scope } from "effect"
import * as Arguments from "../../bench/shared/Arguments.ts"
import * as Python from "../../bench/shared/Python.ts"
import * as CodeInputs from "./code.ts"
import * as CountdownInputs from "./countdown.ts"
import * as Inputs from "./inputs.ts"

const here = fileURLToPath(new URL(".", import.meta.url))
const graders = { ...Mathematics.graders() }
const countdown = Countdown.graders()
const names = (all: Task.Graders<never>): ReadonlyArray<string> =>
  Task.modes(all as never).flatMap((mode) => (mode === "strict" ? [] : [mode.slice("reference:".length)]))
const countdownModes = names(countdown as never)
const everyMode = [...names(graders as never), ...countdownModes, "prime_code"]

const options = Arguments.read("npm run checks -- graders", {
  mode: Arguments.many("only this one", everyMode),
  scale: Arguments.number("share of the inputs", 1),
  seed: Arguments.text("seed of the inputs", "1"),
  kind: Arguments.text("only inputs of this kind, such as cases or rewritten", null),
  data: Arguments.text("a folder with benchmarks/ and verifier-cases.jsonl; without it, only made-up golds", null),
})
const { data, kind, scale, seed } = options
const modes = options.mode.length > 0 ? options.mode : everyMode
const python = Python.prepare({
  name: "graders",
  requirements: new URL("requirements.txt", import.meta.url),
  versions: [11, 11],
  // Alone, because its dependencies are a training framework.
  alone: "verl==0.9.1",
})
const older = fileURLToPath(new URL("../../.python/graders-verl-0.3", import.meta.url))
const install = (...packages: ReadonlyArray<string>): void => {
  const { status } = spawnSync(python, ["-m", "pip", "install", "--quiet", "--no-deps", ...packages], {
    stdio: "inherit",
  })
  if (status !== 0) throw new Error(`pip could not install ${packages.at(-1)} (exit code ${status})`)
}
if (!existsSync(older)) {
  install("reasoning-gym==0.1.25")
  install("--target", older, "verl==0.3.0.post1")
}
const size = (count: number): number => Math.max(1, Math.round(count * scale))

const golds = data === null ? [] : Inputs.publishedGolds(`${data}/benchmarks`)
if (golds.length === 0)
  console.log("SKIPPED published golds: give --data with a folder that has benchmarks/; using made-up ones")
const short = golds.filter((gold) => gold.length <= 120)
const own = ["1", "\\frac{1}{2}", "x^2+2x+1", "\\sqrt{2}", "(1,2)", "3\\pi", "\\text{Evelyn}", "1,2,3", "x=5", "50\\%"]
const known = short.length === 0 ? own : short

const all: ReadonlyArray<Inputs.Input> = [
  ...(data === null ? [] : Inputs.cases(`${data}/verifier-cases.jsonl`)),
  ...Inputs.rewritten(known, size(4000), seed),
  ...Inputs.sweep(Math.max(1, Math.round(6 * scale)), seed),
  ...Inputs.adversarial(size(1500), seed),
  ...Inputs.responses(known, size(1500), seed),
  ...Inputs.notation(size(1500), seed),
].filter((input) => kind === null || input.kind === kind)

interface Job {
  readonly mode: string
  readonly kind: string
  readonly shown: string
  readonly text: string
  readonly gold: unknown
  /** Our verdict. */
  readonly ours: () => Verdict.Verdict | Promise<Verdict.Verdict>
}

/** The response in which a grader looks for this answer. */
const response = (mode: string, { answer, response: whole }: Inputs.Input): string => {
  if (whole !== undefined) return mode === "polaris" && !whole.includes("</think>") ? `</think>${whole}` : whole
  if (mode === "math_dapo") return `Answer: ${answer}`
  return `${mode === "polaris" ? "<think>t</think> " : ""}\\boxed{${answer}}`
}

const jobsOf = (mode: string): ReadonlyArray<Job> => {
  if (countdownModes.includes(mode)) {
    const { grade } = countdown[`reference:${mode}` as "reference:lab"]
    return CountdownInputs.inputs(size(6000), seed).map(({ gold, kind, response: text }) => {
      const whole = mode === "tinyzero" ? `Assistant:${text}` : text
      return { mode, kind, shown: text, text: whole, gold, ours: () => grade(gold, text) }
    })
  }
  if (mode === "prime_code")
    return CodeInputs.inputs.map(({ gold, kind, response: text }) => ({
      mode,
      kind,
      shown: text,
      text,
      gold,
      ours: () => Effect.runPromise(Code.PrimeCode.judge(sandbox, gold, text)),
    }))
  const { grade } = graders[`reference:${mode}` as "reference:math_dapo"]
  return all.map((input) => {
    const text = response(mode, input)
    const shown = input.answer ?? input.response ?? ""
    return { mode, kind: input.kind, shown, text, gold: input.gold, ours: () => grade(input.gold, text) }
  })
}

const scope = Scope.makeUnsafe()
const sandbox = await Effect.runPromise(
  Effect.provideService(EmbeddedSandbox.make({ processes: 1 }), Scope.Scope, scope),
)
const jobs = modes.flatMap(jobsOf)
const asked = spawnSync(python, [`${here}peers.py`, older, String(Math.min(2, availableParallelism()))], {
  input: JSON.stringify(jobs.map(({ gold, mode, text }) => [mode, text, gold])),
  maxBuffer: 2 ** 30,
  stdio: ["pipe", "pipe", "inherit"],
  encoding: "utf8",
})
const theirs = JSON.parse(asked.stdout) as ReadonlyArray<number | null>

const differences: Array<unknown> = []
const table = new Map<string, Map<string, [number, number, number]>>()
for (const [i, { gold, kind, mode, ours, shown }] of jobs.entries()) {
  const kinds = table.get(mode) ?? new Map<string, [number, number, number]>()
  table.set(mode, kinds)
  const counts = kinds.get(kind) ?? [0, 0, 0]
  kinds.set(kind, counts)
  counts[0]++
  // A grader that raises or hangs counts as wrong where a training run catches it.
  const their = theirs[i] ?? 0
  if (theirs[i] === null) counts[2]++
  const { correct, extracted, score } = await ours()
  if (countdownModes.includes(mode) || mode === "prime_code" ? Math.abs(score - their) < 1e-9 : correct === their > 0)
    continue
  counts[1]++
  differences.push({ mode, kind, answer: shown, gold, theirs: theirs[i], ours: score, extracted })
}
for (const [mode, kinds] of table) {
  const total = [...kinds.values()].reduce(([a, b, c], [x, y, z]) => [a + x, b + y, c + z], [0, 0, 0])
  const each = [...kinds].map(([kind, [n, d, r]]) => `${kind} ${d}/${n}${r > 0 ? ` (${r} raised)` : ""}`).join(", ")
  console.log(`${mode}: ${total[1]} of ${total[0]} differ; ${each}`)
}
writeFileSync(`${here}differences.json`, JSON.stringify(differences, null, 1))
await Effect.runPromise(Scope.close(scope, Exit.void))
