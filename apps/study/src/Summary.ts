/** The study in Markdown: one table of claims that is read first, then the arms behind it, then how it was made. */
import type { Axis } from "./Axis.ts"
import type { Results } from "./Results.ts"
import type { Judged, Row } from "./Judge.ts"

const three = (x: number): string => x.toFixed(3)
const signed = (x: number): string => `${x < 0 ? "−" : "+"}${Math.abs(x).toFixed(3)}`
/** @category text */
export const probability = (p: number): string => (p < 0.001 ? "< 0.001" : p.toFixed(3))

/** An effect with its interval. @category text */
export const effect = ({ effect: { high, low, mean } }: Judged): string =>
  `${signed(mean)} [${signed(low)}, ${signed(high)}]`

const table = (head: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<string>>): string =>
  [head, head.map(() => "---"), ...rows]
    .map((row) => `| ${row.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`)
    .join("\n")

const from = { paper: "paper", theory: "theory", open: "open" } as const
const expected = { above: "> 0", below: "< 0", same: "0" } as const

const claims = (judged: ReadonlyArray<Judged>): string =>
  table(
    ["claim", "from", "expected", "effect, 95 % interval", "n", "Holm p", "verdict"],
    judged.map((one) => [
      one.says,
      from[one.by],
      one.expects === "same" ? `within ±${one.bound}` : expected[one.expects],
      effect(one),
      String(one.n),
      probability(one.holm),
      `**${one.verdict}**`,
    ]),
  )

/** The columns of an arm, and its cells. @category text */
export const armHead = [
  "preset",
  "arm",
  "learning rate",
  "seeds",
  "pass@1",
  "pass@4",
  "pass@16",
  "entropy",
  "collapsed",
]

/** @category text */
export const armCells = ({ arm, collapsed, learningRate, metrics, preset, seeds }: Row): ReadonlyArray<string> => [
  preset,
  arm,
  learningRate.toExponential(0),
  String(seeds),
  ...["pass@1", "pass@4", "pass@16", "entropy"].map(
    (name) => `${three(metrics[name].mean)} ± ${three(metrics[name].deviation)}`,
  ),
  String(collapsed),
]

const count = (all: ReadonlyArray<Judged>, verdict: Judged["verdict"]): number =>
  all.filter((one) => one.verdict === verdict).length

const axis = (
  name: string,
  { asks }: Pick<Axis, "asks">,
  judged: ReadonlyArray<Judged>,
  rows: ReadonlyArray<Row>,
): string => [`### ${name}`, "", asks, "", claims(judged), "", table(armHead, rows.map(armCells)), ""].join("\n")

const list = (numbers: ReadonlyArray<number>): string => numbers.join(", ")

/** The summary. @category constructors */
export const render = ({ axes, made, rates, runs, spread, study }: Results): string => {
  const all = axes.flatMap(({ claims: judged }) => judged)
  const ofPaper = all.filter(({ by }) => by === "paper")
  const { scale } = study
  const presets = new Set(axes.flatMap(({ rows }) => rows.map(({ preset }) => preset)))
  const seeds = Math.max(...axes.flatMap(({ rows }) => rows.map((row) => row.seeds)))
  const error = (metric: string): string => three(spread[metric] * Math.sqrt(2 / seeds))
  return `---
title: The study
---

# The study

The paper's claims on small tasks, in one command:

\`\`\`sh
${made.command}
\`\`\`

${runs.reported} runs from one warm start a task, on equal sampled tokens (${Object.entries(scale.tokens)
    .filter(([preset]) => presets.has(preset))
    .map(([preset, tokens]) => `${preset} ${tokens.toLocaleString("en")}`)
    .join(
      ", ",
    )}, about ${scale.steps} iterations of ${scale.prompts} prompts × 8 responses), each judged on ${scale.problems} held-out
problems × ${scale.samples} samples. Seeds ${list(study.seeds)} are paired: all arms of a seed see the same problems and draw from the same
random streams, and each seed has its own held-out problems. Learning rates (${study.rates.map((rate) => rate.toExponential(0)).join(" or ")}) were
chosen on ${study.tuningPreset} and ${study.tuningSeeds.length === 1 ? "seed" : "seeds"} ${list(study.tuningSeeds)}, for every method by the same rule, the highest mean of pass@1 and pass@16 over its arms:
${Object.entries(rates)
  .map(([method, rate]) => `${method} ${rate.toExponential(0)}`)
  .join(", ")}.

Of ${all.length} claims ${count(all, "holds")} hold, ${count(all, "does not hold")} do not, and ${count(all, "inconclusive at this scale")} are inconclusive at this scale; of the ${ofPaper.length} of the paper
${count(ofPaper, "holds")}, ${count(ofPaper, "does not hold")} and ${count(ofPaper, "inconclusive at this scale")}. A model of a few hundred thousand parameters on a one-line task is not the paper's setting: a claim that is
inconclusive here may still be decided there.

## The spread of identical settings

One seed of an arm differs from another of the same arm by a standard deviation of ${three(spread["pass@1"])} in pass@1, ${three(spread["pass@4"])} in pass@4 and
${three(spread["pass@16"])} in pass@16, pooled over all arms. Two arms of ${seeds} seeds that are the same but not paired differ by a
standard error of ${error("pass@1")}, ${error("pass@4")} and ${error("pass@16")}. Compare every difference below with that.

## How a verdict is reached

The effect of a claim is a difference of arms in one pair of task and seed; n counts the pairs. The interval is a bootstrap over
pairs; p is from Student's t test over the pairs, each a mean of ${(scale.problems * scale.samples).toLocaleString("en")} judged responses, after Holm's correction over the claims of
the axis. A difference is certain when p is under 0.05 and the interval excludes 0. A direction **holds** when its difference is certain; it **does not hold** when the other direction is certain, or when the 90 % interval is
within the bound (±0.02 in pass@k), so the difference is negligible. Sameness holds when the difference is shown to be within the bound. Everything else is **inconclusive at this
scale**. A run that collapses, ending below its warm start or unable to continue, counts with the score of its policy. \`from\` says whether the
paper makes the claim, its mathematics implies it, or it is an open question.

## The axes

${axes.map(({ asks, claims: judged, name, rows }) => axis(name, { asks }, judged, rows)).join("\n")}
± is the standard deviation of one seed.
${runs.missing.length === 0 ? "" : `\nNot run in this record: ${runs.missing.join(", ")}. \`${made.command} --resume\` makes them.\n`}
## How it was made

Commit ${made.commit}, ${made.machine}, ${made.date}; ${Math.round(made.seconds / 60)} minutes of processor time.
\`results.json\` next to this page has every effect by pair, every arm by seed, and the learning rates.
`
}
