/**
 * The report of a run: one HTML file that opens offline, with learning curves, pass@k before and after, and a browser of
 * sampled groups (rewards, w*, P, c). Everything is inlined; data travels as JSON and enters the page as text only.
 */
import { readFile } from "node:fs/promises"
import { createRequire } from "node:module"
import { LoggedGroup } from "@lpo/rollout"
import { Effect, Schema } from "effect"
import type { Curve } from "./PassAtK.ts"
import { client, style } from "./internal/reportPage.ts"

/** @category models */
export interface ReportInput {
  readonly title: string
  /** Shown as a table of facts. */
  readonly facts: Readonly<Record<string, string>>
  readonly config: Readonly<Record<string, unknown>>
  /** Rows of events.jsonl. */
  readonly events: ReadonlyArray<{ readonly step: number }>
  readonly base: Curve
  readonly trained: Curve
  readonly groups: ReadonlyArray<LoggedGroup.LoggedGroup>
}

const encodeGroup = Schema.encodeSync(LoggedGroup.LoggedGroup)
const require = createRequire(import.meta.url)
const escape = (text: string): string =>
  text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;").replace(/"/g, "&quot;")

/** JSON that cannot end the script element it stands in. */
const embed = (value: unknown): string => JSON.stringify(value).replace(/</g, String.raw`\u003c`)

/** The page as one string. @category constructors */
export const render = Effect.fn("Report.render")(function* (input: ReportInput) {
  const folder = require.resolve("uplot").replace(/uPlot\.[^/\\]*$/, "")
  const [script, css] = yield* Effect.promise(() =>
    Promise.all([readFile(`${folder}uPlot.iife.min.js`, "utf8"), readFile(`${folder}uPlot.min.css`, "utf8")]),
  )
  const facts = Object.entries(input.facts)
    .map(([name, value]) => `<div><dt>${escape(name)}</dt><dd>${escape(value)}</dd></div>`)
    .join("")
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>${escape(input.title)}</title>
<style>${css}${style}</style>
</head>
<body>
<header><h1>${escape(input.title)}</h1><dl class="facts">${facts}</dl></header>
<main>
<section><h2>pass@k on held-out problems</h2><p class="hint">Dots are unbiased estimates; bands are 95 % bootstrap intervals over problems.</p><div id="passk" class="plots"></div><table id="passk-table"></table></section>
<section><h2>Learning curves</h2><div id="curves" class="plots"></div></section>
<section><h2>Sampled groups</h2><p class="hint">The target w* is what the update aims at, P is the policy's listwise distribution, c = the coefficient of grad log π in the loss (negative: made likelier).</p>
<nav><button id="previous" type="button">← previous</button> <span id="where"></span> <button id="next" type="button">next →</button></nav>
<div id="group"></div></section>
<section><h2>Configuration</h2><pre id="config"></pre></section>
</main>
<script type="application/json" id="data">${embed({ ...input, groups: input.groups.map((group) => encodeGroup(group)) })}</script>
<script>${script}</script>
<script>${client}</script>
</body>
</html>
`
})
