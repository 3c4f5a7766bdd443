import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Schema } from "effect"
import { afterAll, expect, it } from "vitest"
import { type Axis, bound, difference } from "../src/Axis.ts"
import * as Page from "../src/Page.ts"
import type * as Plan from "../src/Plan.ts"
import * as Record from "../src/Record.ts"
import { Results } from "../src/Results.ts"
import * as Study from "../src/Study.ts"
import * as Summary from "../src/Summary.ts"

const folder = mkdtempSync(join(tmpdir(), "lpo-study-test-"))
afterAll(() => rmSync(folder, { recursive: true }))

/** Two steps of four responses, judged on two problems. */
const study: Plan.Study = {
  name: "test",
  scale: { prompts: 2, tokens: { "countdown-tiny": 100 }, steps: 2, problems: 2, samples: 16 },
  seeds: [1, 2],
  tuningPreset: "countdown-tiny",
  tuningSeeds: [101],
  rates: [1e-3],
}
const axis: Axis = {
  name: "tiny",
  asks: "Is <noise> worse?",
  presets: ["countdown-tiny"],
  arms: [
    { name: "clean", objective: "lpo-fwd", method: "lpo", tunes: true },
    {
      name: "noisy",
      objective: "lpo-fwd",
      method: "lpo",
      distortion: { kind: "noise", truePositive: 0.7, falsePositive: 0.3 },
    },
  ],
  claims: [
    {
      says: "noise costs pass@1",
      by: "theory",
      metric: "pass@1",
      contrast: difference("noisy", "clean"),
      expects: "below",
      bound,
    },
  ],
}
const run = (records: string, isOver: () => boolean = () => false) =>
  Study.run({ study, asked: [axis], all: [axis], rates: { lpo: 1e-3 }, records, workers: 0, isOver, print: () => {} })
const contents = (records: string) =>
  readdirSync(records)
    .sort()
    .map((file) => {
      const { seconds: _, ...record } = JSON.parse(readFileSync(join(records, file), "utf8")) as Record.Run
      return record
    })

it("a tiny study runs to its report; one that stops half way goes on to the same records and makes none again", async () => {
  const whole = join(folder, "whole")
  const { isWhole, seconds, ...found } = await run(whole)
  expect(isWhole).toBe(true)
  expect(found.runs).toEqual({ reported: 4, tuning: 0, missing: [] })
  expect(found.axes[0].claims[0]).toMatchObject({ n: 2, verdict: "inconclusive at this scale" })
  for (const record of contents(whole)) {
    expect(record.ended).toBeNull()
    // It ends with the step that passes its tokens.
    const { tokens } = record.steps.at(-1) ?? { tokens: 0 }
    expect(tokens).toBeGreaterThanOrEqual(100)
    expect(record.steps.at(-2)?.tokens ?? 0).toBeLessThan(100)
  }

  const results: Results = {
    study,
    made: { command: "npm run study -- --test", commit: "abc", machine: "2 cores", date: "2026-11-28", seconds },
    ...found,
  }
  const summary = Summary.render(results)
  expect(summary).toContain("| noise costs pass@1 | theory | < 0 |")
  expect(summary).toContain("**inconclusive at this scale**")
  const page = Page.render(results)
  expect(page).toContain("Is &lt;noise&gt; worse?")
  expect(page).not.toMatch(/<script|src=|href="http/)
  expect(Schema.decodeUnknownSync(Results)(JSON.parse(JSON.stringify(results)))).toEqual(results)

  const cut = join(folder, "cut")
  let begun = 0
  const first = await run(cut, () => begun++ >= 2)
  expect(first.isWhole).toBe(false)
  const kept = readdirSync(cut)
  expect(kept.length).toBe(1)
  const marked = { ...JSON.parse(readFileSync(join(cut, kept[0]), "utf8")), seconds: 12_345 }
  writeFileSync(join(cut, kept[0]), JSON.stringify(marked))
  const second = await run(cut)
  expect(second.isWhole).toBe(true)
  expect(second.seconds).toBeGreaterThan(12_345)
  expect(contents(cut)).toEqual(contents(whole))
}, 60_000)

it("a damaged record is refused by its name", async () => {
  const records = join(folder, "whole")
  const [file] = readdirSync(records)
  writeFileSync(join(records, file), "{")
  await expect(run(records)).rejects.toThrow(new RegExp(`${file} is damaged: .*remove it`))
})
