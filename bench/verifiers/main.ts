/**
 * `npm run bench -- verifiers`: verdicts per second next to others: Math-Verify on the same answers, and a fresh Python process
 * per test for code. The sides alternate, so a busy machine slows both. A peer that is not available leaves its ratio null.
 */
import { spawnSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { Countdown, Tasks, Verifier, VerifierError } from "@lpo/verifiers"
import { Effect } from "effect"
import * as Arguments from "../shared/Arguments.ts"
import { rounded, sum } from "../shared/Figures.ts"
import * as Python from "../shared/Python.ts"

const { quick, ...options } = Arguments.read("npm run bench -- verifiers", {
  rounds: Arguments.whole("timed rounds (5)", null),
  tests: Arguments.whole("of a program in a round (40)", null),
  quick: Arguments.flag("one round of 4 tests"),
})
const rounds = options.rounds ?? (quick ? 1 : 5)
const testsPerRound = options.tests ?? (quick ? 4 : 40)

/** An answer, the gold, and whether a person calls it right. */
type Answer = readonly [given: string, gold: string, right: boolean]

/** Whether the answer was called right, null where the verifier failed, and the seconds that took. */
type Judged = readonly [right: boolean | null, seconds: number]

const read = (path: string): unknown => JSON.parse(readFileSync(new URL(path, import.meta.url), "utf8"))

/** Math-Verify, or null with a message about why it is not available. */
const startPeer = async () => {
  try {
    const python = Python.prepare({ name: "math-verify", requirements: new URL("requirements.txt", import.meta.url) })
    return await Python.start(python, new URL("math_verify_worker.py", import.meta.url))
  } catch (cause) {
    console.log(`SKIPPED Math-Verify: ${(cause as Error).message}`)
    return null
  }
}

const verifierOf = (tasks: Tasks.Registry, name: string, mode: Verifier.Mode = "strict") => {
  const grader = Tasks.grader(tasks, name, mode)
  return grader instanceof VerifierError.VerifierError ? null : Verifier.define(grader)
}

const percentile = (xs: ReadonlyArray<number>, p: number) =>
  xs.toSorted((a, b) => a - b)[Math.min(xs.length - 1, Math.floor(p * xs.length))]
const show = (label: string, times: ReadonlyArray<number>, right: number, total: number) =>
  console.log(
    `${label.padEnd(14)} ${(times.length / sum(times)).toFixed(0).padStart(8)} verdicts/s   p50 ${(1e3 * percentile(times, 0.5)).toFixed(3)} ms   p99 ${(1e3 * percentile(times, 0.99)).toFixed(3)} ms   right on ${right} of ${total}`,
  )

const corpus = read("math.json") as ReadonlyArray<Answer>
/** The rows of the reference tables with the verdict that a person gave them. */
const tables = (
  read("../../packages/verifiers/cases/math-strict.json") as ReadonlyArray<{
    readonly gold: string
    readonly prediction: string
    readonly strict: boolean
  }>
).map(({ gold, prediction, strict }): Answer => [prediction, gold, strict])

/** One answer at a time. */
const judgeMath = async (verifier: Verifier.VerifierService, answers: ReadonlyArray<Answer> = corpus) => {
  const out: Array<Judged> = []
  for (const [i, [given, gold]] of answers.entries()) {
    const problem = { id: String(i), task: "math", prompt: "", answer: gold }
    const started = performance.now()
    const { correct } = await Effect.runPromise(verifier.verify(problem, { text: `\\boxed{${given}}`, finish: "stop" }))
    out.push([correct, (performance.now() - started) / 1e3])
  }
  return out
}

const math = async (tasks: Tasks.Registry) => {
  const verifier = verifierOf(tasks, "math")
  const reference = verifierOf(tasks, "math", "reference:math-verify")
  const peer = await startPeer()
  const ours: Array<Judged> = []
  const likeTheirs: Array<Judged> = []
  const theirs: Array<Judged> = []
  const ask = async (answers: ReadonlyArray<Answer>) =>
    (await peer?.ask<ReadonlyArray<Judged>>({ cmd: "judge", pairs: answers.map(([given, gold]) => [given, gold]) })) ??
    []
  const score = (list: ReadonlyArray<Judged>) =>
    list.filter(([right], i) => right === corpus[i % corpus.length][2]).length / rounds
  try {
    // One round of each warms up.
    for (let round = -1; round < rounds; round++) {
      const a = verifier === null ? [] : await judgeMath(verifier)
      const b = await ask(corpus)
      const c = reference === null ? [] : await judgeMath(reference)
      if (round >= 0) {
        ours.push(...a)
        theirs.push(...b)
        likeTheirs.push(...c)
      }
    }
    const right = (list: ReadonlyArray<Judged>) => list.filter(([found], i) => found === tables[i][2]).length
    const [a, b] = [
      verifier === null ? null : await judgeMath(verifier, tables),
      peer === null ? null : await ask(tables),
    ]
    const said = [...(a === null ? [] : [`strict ${right(a)}`]), ...(b === null ? [] : [`Math-Verify ${right(b)}`])]
    console.log(`right on the tables, of ${tables.length}: ${said.join(", ")}`)
  } finally {
    peer?.stop()
  }
  const seconds = (list: ReadonlyArray<Judged>) => list.map(([, s]) => s)
  if (ours.length > 0) show("math, strict", seconds(ours), score(ours), corpus.length)
  if (likeTheirs.length > 0) show("math, as M-V", seconds(likeTheirs), score(likeTheirs), corpus.length)
  if (theirs.length > 0) show("Math-Verify", seconds(theirs), score(theirs), corpus.length)
  const perSecond = ours.length === 0 ? null : ours.length / sum(seconds(ours))
  return {
    perSecond,
    p99: ours.length === 0 ? null : 1e3 * percentile(seconds(ours), 0.99),
    ratio: perSecond === null || theirs.length === 0 ? null : perSecond / (theirs.length / sum(seconds(theirs))),
  }
}

const program = "n = int(input())\nprint(sum(int(x) for x in input().split()[:n]))\n"
const testCases = Array.from({ length: testsPerRound }, (_, i) => {
  const numbers = Array.from({ length: 5 }, (_, k) => (i + 1) * (k + 3))
  return { input: `5\n${numbers.join(" ")}\n`, output: `${sum(numbers)}\n` }
})

const code = async (tasks: Tasks.Registry) => {
  const verifier = verifierOf(tasks, "code")
  // The interpreter itself: `python3` may be a shim that takes longer to start than Python.
  const found = spawnSync("python3", ["-c", "import sys; print(sys.executable)"], { encoding: "utf8" })
  const python = found.status === 0 ? found.stdout.trim() : null
  const answer = JSON.stringify({ inputs: testCases.map((t) => t.input), outputs: testCases.map((t) => t.output) })
  const problem = { id: "sum", task: "code", prompt: "", answer }
  let ours = 0
  let theirs = 0
  for (let round = -1; round < rounds; round++) {
    let started = performance.now()
    if (verifier !== null) {
      const text = `\`\`\`python\n${program}\`\`\``
      const verdict = await Effect.runPromise(verifier.verify(problem, { text, finish: "stop" }))
      if (!verdict.correct) throw new Error(`the code verifier says ${JSON.stringify(verdict)}`)
      if (round >= 0) ours += (performance.now() - started) / 1e3
    }
    if (python === null) continue
    started = performance.now()
    for (const { input, output } of testCases) {
      const run = spawnSync(python, ["-c", program], { input, encoding: "utf8" })
      if (run.stdout !== output) throw new Error(`python3 says ${run.stdout}${run.stderr}`)
    }
    if (round >= 0) theirs += (performance.now() - started) / 1e3
  }
  const n = rounds * testsPerRound
  if (ours > 0) console.log(`code, strict   ${(n / ours).toFixed(0).padStart(8)} tests/s`)
  if (theirs > 0) console.log(`python process ${(n / theirs).toFixed(0).padStart(8)} tests/s`)
  return { perSecond: ours > 0 ? n / ours : null, ratio: ours > 0 && theirs > 0 ? theirs / ours : null }
}

/** No peer: shown for its own sake. */
const countdown = () => {
  const problems = Countdown.problems({ recipe: "countdown-34", count: 10_000, side: "train", seed: "bench" })
  const texts = problems.map((p) => `<answer>${Countdown.solutions(p.nums, p.target, 1)[0]}</answer>`)
  const started = performance.now()
  const right = problems.filter((problem, i) => Countdown.grade(problem, texts[i]).correct).length
  const seconds = (performance.now() - started) / 1e3
  console.log(
    `countdown      ${(problems.length / seconds).toFixed(0).padStart(8)} verdicts/s   right on ${right} of ${problems.length}`,
  )
}

await Effect.runPromise(
  Effect.scoped(
    Effect.gen(function* () {
      const tasks = yield* Tasks.standard
      countdown()
      const m = yield* Effect.promise(() => math(tasks))
      const c = yield* Effect.promise(() => code(tasks))
      console.log(
        JSON.stringify({
          bench: "verifiers",
          mathPerSecond: rounded(m.perSecond),
          mathP99Ms: rounded(m.p99),
          codeTestsPerSecond: rounded(c.perSecond),
          ratios: { math_vs_math_verify: rounded(m.ratio), code_vs_process: rounded(c.ratio) },
        }),
      )
    }),
  ),
)
