/** The page on metrics has a row for every key that a step and an evaluation log, and for no other. */
import { Metrics } from "@lpo/eval"
import { Health, StepReport } from "@lpo/trainer"
import { expect, it } from "vitest"
import * as Blocks from "./Blocks.ts"

const page = Blocks.read("docs/guides/metrics.md")
const [training, evaluation] = page.split("## Evaluations in the loop")
/** The keys of the tables of four columns: name, meaning, range, advice. */
const keys = (text: string): ReadonlyArray<string> =>
  [...text.matchAll(/^\| `([^`]+)` \|(?:[^|\n]|\\\|)+\|[^|\n]*\|[^|\n]*\|$/gm)].map(([, name]) => name)

it("of a step", () => {
  expect(keys(training).toSorted()).toEqual(Object.keys(StepReport.StepReport.fields).toSorted())
})

it("of an evaluation", () => {
  const names = Object.keys(Metrics.Summary.fields).map((name) => `eval/${name}`)
  expect(keys(evaluation).toSorted()).toEqual([...names, "eval/pass_at_K"].toSorted())
})

it("its bounds are those of the alarms", () => {
  const { explosion, maxLogRatio, maxMasked, maxSamplerKl, minEss } = Health.defaults
  expect(page).toContain(`below ${minEss}`)
  expect(page).toContain(`above ${maxLogRatio} raises an alarm`)
  expect(page).toContain(`above ${maxSamplerKl}`)
  expect(page).toContain(`a jump of ${explosion?.toLocaleString("en-US")} times stops the run`)
  expect(maxMasked).toBe(0.2)
})
