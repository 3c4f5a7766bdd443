/**
 * The report of a run: one HTML file that opens offline, with pass@k before and after, learning curves, rewards, lengths, the pass
 * rate of every problem, and a browser of sampled groups (rewards, w*, P, c). Plots are SVG and have a text for readers who cannot
 * see them; data travels as JSON and enters the page as text only.
 *
 * @module
 */
import * as LoggedGroup from "@lpo/rollout/LoggedGroup"
import { Schema } from "effect"
import { average, type Judged } from "./Metrics.ts"
import type { Curve, Point } from "./PassAtK.ts"
import { embed, escape, facts, table } from "./report/Html.ts"
import { client, style } from "./report/Page.ts"
import * as Plots from "./report/Plots.ts"

/** One side of a comparison. @category models */
export interface Side {
  readonly curve: Curve
  readonly problems: ReadonlyArray<Judged>
}

/** @category models */
export interface ReportInput {
  readonly title: string
  /** Shown as a table of facts. */
  readonly facts: Readonly<Record<string, string>>
  readonly config: Readonly<Record<string, unknown>>
  /** Versions, host, command: the origin of the run. */
  readonly about: unknown
  /** What went wrong although the run continued, a line each. */
  readonly warnings: ReadonlyArray<string>
  /** Rows of events.jsonl. */
  readonly events: ReadonlyArray<{ readonly step: number }>
  /** Rows of evaluations.jsonl: the measurements during training. Default none. */
  readonly evaluations?: ReadonlyArray<{ readonly step: number; readonly values: Readonly<Record<string, number>> }>
  /** The policy before training; null if it was not evaluated. */
  readonly base: Side | null
  /** The trained policy; null for a run that has not ended. */
  readonly trained: Side | null
  readonly groups: ReadonlyArray<LoggedGroup.LoggedGroup>
}

const encodeGroup = Schema.encodeSync(LoggedGroup.LoggedGroup)

const three = (x: number): string => x.toFixed(3)
const estimate = ({ high, low, mean }: Point): string => `${three(mean)} [${three(low)}, ${three(high)}]`

/** pass@k of both sides, as a plot and a table. */
const passAtK = ({ base, trained }: ReportInput): string => {
  const series = (label: string, colour: Plots.Colour, side: Side | null): ReadonlyArray<Plots.Series> =>
    side === null
      ? []
      : [
          {
            label,
            colour,
            points: Object.entries(side.curve).map(([k, { high, low, mean }]) => ({
              x: Number(k),
              y: mean,
              low,
              high,
            })),
          },
        ]
  const shown = [...series("before", "a", base), ...series("after", "b", trained)]
  if (shown.length === 0) return `<p class="hint">The policy has not been evaluated yet.</p>`
  const ks = [...new Set(shown.flatMap(({ points }) => points.map(({ x }) => x)))].sort((a, b) => a - b)
  const rows = ks.map((k) => {
    const [before, after] = [base?.curve[String(k)], trained?.curve[String(k)]]
    const change = before === undefined || after === undefined ? null : after.mean - before.mean
    return [
      `pass@${k}`,
      before === undefined ? "–" : estimate(before),
      after === undefined ? "–" : estimate(after),
      change === null ? "–" : `${change >= 0 ? "+" : ""}${three(change)}`,
    ]
  })
  return `<p class="hint">Unbiased estimates; bands and brackets are 95 % bootstrap intervals over problems.</p><div class="plots">${Plots.lines(
    { title: "pass@k by k", x: "k", series: shown, log: true, range: [0, 1] },
  )}${problems(base, trained)}</div><div id="passk-table">${table("pass@k", ["k", "before", "after", "change"], rows)}</div>`
}

/** The share of right responses of each problem that was judged on both sides. */
const problems = (base: Side | null, trained: Side | null): string => {
  const points = problemRows(base, trained).flatMap(({ after, before }) =>
    typeof before === "number" && typeof after === "number" ? [{ before, after }] : [],
  )
  return points.length === 0 ? "" : Plots.pairs({ title: "Share of correct responses, problem by problem", points })
}

const problemRows = (base: Side | null, trained: Side | null) => {
  const shares = (side: Side | null) =>
    new Map((side?.problems ?? []).map((one) => [one.problem, average([one])[0] ?? null] as const))
  const [before, after] = [shares(base), shares(trained)]
  return [...new Set([...before.keys(), ...after.keys()])].map((problem) => ({
    problem,
    before: before.get(problem) ?? null,
    after: after.get(problem) ?? null,
  }))
}

/** pass@k of the evaluations during training, the smallest and the largest k. */
const loop = ({ evaluations = [] }: ReportInput): string => {
  const names = Object.keys(evaluations[0]?.values ?? {}).filter((name) => name.startsWith("eval/pass_at_"))
  const shown = [...new Set([names[0], names.at(-1)])].filter((name) => name !== undefined)
  if (shown.length === 0) return ""
  return Plots.lines({
    title: "Held-out problems during training",
    x: "step",
    series: shown.map((name, i) => ({
      label: name.replace("eval/pass_at_", "pass@"),
      colour: i === 0 ? "b" : "a",
      points: evaluations.flatMap(({ step, values }) => (name in values ? [{ x: step, y: values[name] }] : [])),
    })),
  })
}

interface Alarm {
  readonly metric: string
  readonly value: number
  readonly bound: number
}

/** The alarms of all steps, by the metric that raised them. */
const alarms = ({ events }: ReportInput): string => {
  const raised = events.flatMap((event) =>
    ((event as { readonly alarms?: ReadonlyArray<Alarm> }).alarms ?? []).map(({ bound, metric, value }) => ({
      step: event.step,
      metric,
      value,
      bound,
    })),
  )
  if (raised.length === 0) return ""
  const rows = [...new Set(raised.map(({ metric }) => metric))].map((metric) => {
    const mine = raised.filter((alarm) => alarm.metric === metric)
    const beyond = ({ bound, value }: Alarm): number => Math.abs(value - bound)
    const worst = mine.reduce((a, b) => (beyond(b) > beyond(a) ? b : a))
    const side = worst.value > worst.bound ? "above" : "below"
    return [
      metric,
      String(mine.length),
      String(mine[0].step),
      String(mine.at(-1)?.step),
      `${three(worst.value)} at ${worst.step}, ${side} ${three(worst.bound)}`,
    ]
  })
  return table("Alarms", ["number", "steps", "first", "last", "furthest"], rows)
}

/** The curves to draw if a run has them: a title, and the fields of a step's report. */
const curves: ReadonlyArray<readonly [title: string, ...names: ReadonlyArray<string>]> = [
  ["Reward", "reward"],
  ["Pass rate of the training batch", "passRate", "solvedRate"],
  ["Entropy (nats per token)", "entropy"],
  ["Gradient norm before clipping", "gradNorm"],
  ["Response length (tokens)", "responseLength"],
  ["Share of responses cut at the token limit", "truncated"],
  ["KL(w* || P) (nats)", "targetKl"],
  ["KL(sampler || learner) (nats per token)", "samplerKl"],
  ["Effective sample size of P (share of K)", "ess"],
  ["Groups without a signal", "zeroVariance"],
  ["Responses without a verdict", "masked"],
]

const learning = ({ events }: ReportInput): string =>
  curves
    .map(([title, ...names]) => {
      const series = names.flatMap((label, i): ReadonlyArray<Plots.Series> => {
        const points = events.flatMap((event): ReadonlyArray<Plots.Point> => {
          const y = (event as Readonly<Record<string, unknown>>)[label]
          return typeof y === "number" && Number.isFinite(y) ? [{ x: event.step, y }] : []
        })
        return points.length === 0 ? [] : [{ label, colour: i === 0 ? "b" : "a", points }]
      })
      return series.length === 0 ? "" : Plots.lines({ title, x: "step", series })
    })
    .join("")

/** Rewards and lengths of the logged responses, of the first and the last quarter of the steps. */
const distributions = ({ groups }: ReportInput): string => {
  const steps = groups.map(({ step }) => step)
  const [first, last] = [steps.reduce((a, b) => Math.min(a, b), Infinity), steps.reduce((a, b) => Math.max(a, b), 0)]
  if (groups.length === 0) return ""
  const early = first + (last - first) / 4
  const late = last - (last - first) / 4
  const of = (from: number, to: number) =>
    groups.filter(({ step }) => step >= from && step <= to).flatMap(({ completions }) => completions)
  const sides = [
    { label: `to step ${Math.floor(early)}`, colour: "a" as const, all: of(first, early) },
    ...(last > first ? [{ label: `from step ${Math.ceil(late)}`, colour: "b" as const, all: of(late, last) }] : []),
  ]
  const draw = (title: string, x: string, value: (one: LoggedGroup.LoggedCompletion) => number | null): string =>
    Plots.histogram({
      title,
      x,
      groups: sides.map(({ all, colour, label }) => ({
        label,
        colour,
        values: all.flatMap((one) => value(one) ?? []),
      })),
    })
  return (
    draw("Rewards of logged responses", "reward", ({ verdict }) => (verdict.status === "ok" ? verdict.score : null)) +
    draw("Lengths of logged responses", "tokens", ({ length }) => length)
  )
}

/** The page as one string. @category constructors */
export const render = (input: ReportInput): string => {
  const { about, base, config, events, groups, title, trained, warnings } = input
  const shared = { events, problems: problemRows(base, trained), groups: groups.map((group) => encodeGroup(group)) }
  const drawn = loop(input) + learning(input) + distributions(input)
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>${escape(title)}</title>
<style>${style}</style>
</head>
<body>
<header><h1>${escape(title)}</h1>${facts(input.facts)}${warnings.map((line) => `<p class="warning">${escape(line)}</p>`).join("")}</header>
<main>
<section><h2>pass@k on held-out problems</h2>${passAtK(input)}</section>
<section><h2>Training</h2>${drawn === "" ? `<p class="hint">No steps have been taken yet.</p>` : `<div class="plots" id="curves">${drawn}</div>`}${alarms(input)}</section>
<section><h2>Sampled groups</h2><p class="hint">w* is the target of the update, P is the policy's distribution over the group, and c is the coefficient of grad log π in the loss (negative: the response becomes more likely).</p>
<nav aria-label="Groups"><button id="previous" type="button">← previous</button> <span id="where" aria-live="polite"></span> <button id="next" type="button">next →</button> <label>go to step <input id="step" type="number" min="1"></label></nav>
<div id="group"></div></section>
<section><h2>Data</h2><p><button id="events-csv" type="button">Steps as CSV</button> <button id="problems-csv" type="button">Problems as CSV</button></p>
<details><summary>Configuration</summary><pre id="config">${escape(JSON.stringify(config, null, 2))}</pre></details>
<details><summary>Versions, machine and command</summary><pre id="about">${escape(JSON.stringify(about ?? null, null, 2))}</pre></details></section>
</main>
<script type="application/json" id="data">${embed(shared)}</script>
<script>${client}</script>
</body>
</html>
`
}
