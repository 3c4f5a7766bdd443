/** What pages list is what the code has. */
import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { StepReport } from "@lpo/trainer"
import { expect, it } from "vitest"

it("runs: every field of a step's report is explained", () => {
  const page = readFileSync(fileURLToPath(new URL("../guides/runs.md", import.meta.url)), "utf8")
  const explained = new Set([...page.matchAll(/^\| (`.*?) \|/gm)].flatMap(([, cell]) => cell.match(/\w+/g)))
  expect(Object.keys(StepReport.StepReport.fields).filter((name) => !explained.has(name))).toEqual([])
})
