/** The study as one page that opens from disk: the claims as a plot and a table, and the arms behind them. */
import * as Plot from "@observablehq/plot"
import { parseHTML } from "linkedom"
import type { Judged } from "./Judge.ts"
import type { Results } from "./Results.ts"
import * as Summary from "./Summary.ts"

const { document } = parseHTML("<!doctype html><html><body></body></html>")

const escape = (text: string): string =>
  text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;").replace(/"/g, "&quot;")

const colours = {
  holds: "var(--good)",
  "does not hold": "var(--bad)",
  "inconclusive at this scale": "var(--dim)",
} as const

/** The effects of an axis with their intervals, one line a claim; `words` is what it shows, for those who do not see it. */
const forest = (name: string, judged: ReadonlyArray<Judged>): string => {
  const rows = judged.map(({ effect: { high, low, mean }, says, verdict }, i) => ({
    claim: String(i + 1),
    says,
    low,
    mean,
    high,
    colour: colours[verdict],
  }))
  const plot = Plot.plot({
    width: 440,
    height: 40 + 22 * rows.length,
    marginLeft: 34,
    style: { background: "transparent", fontSize: "12px" },
    document,
    x: { grid: true, label: "effect" },
    y: { label: null, domain: rows.map(({ claim }) => claim) },
    marks: [
      Plot.ruleX([0], { stroke: "var(--dim)" }),
      Plot.ruleY(rows, { y: "claim", x1: "low", x2: "high", stroke: "colour", strokeWidth: 2 }),
      Plot.dot(rows, { x: "mean", y: "claim", fill: "colour", r: 4 }),
    ],
  })
  plot.setAttribute("role", "img")
  plot.setAttribute(
    "aria-label",
    `Effects of ${name}. ${judged.map((one, i) => `${i + 1}: ${Summary.effect(one)}`).join("; ")}`,
  )
  for (const part of plot.querySelectorAll("[aria-label]")) part.removeAttribute("aria-label")
  return `<figure><figcaption>Effects with 95 % intervals, by the number of the claim</figcaption>${plot.outerHTML}</figure>`
}

const table = (caption: string, head: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<string>>): string =>
  `<div class="scroll" tabindex="0" role="region" aria-label="${escape(caption)}"><table><caption>${escape(caption)}</caption><thead><tr>${head
    .map((text) => `<th scope="col">${escape(text)}</th>`)
    .join("")}</tr></thead><tbody>${rows
    .map(
      (row) =>
        `<tr>${row.map((text) => `<td${/^[+−<\d]/.test(text) ? ' class="n"' : ""}>${escape(text)}</td>`).join("")}</tr>`,
    )
    .join("")}</tbody></table></div>`

const style = `
:root { color-scheme: light dark; --fg: #1c2330; --dim: #5a6475; --bg: #fbfbfd; --card: #fff; --line: #d9dde5; --good: #0f7350; --bad: #b3322b; }
@media (prefers-color-scheme: dark) { :root { --fg: #e6e9ef; --dim: #a3adbe; --bg: #12151b; --card: #1a1f28; --line: #343c4a; --good: #4ac99a; --bad: #f59a94; } }
* { box-sizing: border-box; }
body { margin: 0; font: 15px/1.5 system-ui, sans-serif; color: var(--fg); background: var(--bg); }
header, main { max-width: 1080px; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.5rem; margin: 0 0 .8rem; } h2 { font-size: 1.1rem; margin: 0 0 .4rem; }
section { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 1rem; margin-bottom: 1rem; }
figure { margin: .6rem 0; max-width: 640px; } figcaption, caption { color: var(--dim); font-size: .85rem; text-align: left; }
figure svg { width: 100%; height: auto; color: var(--fg); overflow: visible; }
table { border-collapse: collapse; width: 100%; margin-top: .6rem; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .25rem .6rem; border-bottom: 1px solid var(--line); vertical-align: top; } th { color: var(--dim); font-weight: 500; font-size: .85rem; }
td.n { white-space: nowrap; } .scroll { overflow-x: auto; } summary { cursor: pointer; font-weight: 600; }
`

/** The page. @category constructors */
export const render = ({ axes, made, runs, spread, study }: Results): string => {
  const sections = axes.map(
    ({ asks, claims, name, rows }) =>
      `<section><h2>${escape(name)}</h2><p>${escape(asks)}</p>${forest(name, claims)}${table(
        `Claims of ${name}`,
        ["", "claim", "effect, 95 % interval", "n", "Holm p", "verdict"],
        claims.map((one, i) => [
          String(i + 1),
          one.says,
          Summary.effect(one),
          String(one.n),
          Summary.probability(one.holm),
          one.verdict,
        ]),
      )}<details><summary>Arms</summary>${table(
        `Arms of ${name}`,
        Summary.armHead,
        rows.map(Summary.armCells),
      )}</details></section>`,
  )
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>The study</title>
<style>${style}</style>
</head>
<body>
<header><h1>The study: ${escape(study.name)}</h1><p>${runs.reported} runs, seeds ${study.seeds.join(", ")}; <code>${escape(made.command)}</code>, commit ${escape(made.commit)}, ${escape(made.machine)}, ${escape(made.date)}.</p>
<p>Standard deviation of one seed of the same arm: pass@1 ${spread["pass@1"].toFixed(3)}, pass@4 ${spread["pass@4"].toFixed(3)}, pass@16 ${spread["pass@16"].toFixed(3)}.</p></header>
<main>
${sections.join("\n")}
</main>
</body>
</html>
`
}
