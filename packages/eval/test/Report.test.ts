/** The report as text; in a real browser: `slow/Report.test.ts`. */
import { Report } from "@lpo/eval"
import { expect, it } from "vitest"
import { hostile, input } from "./reportInput.ts"

it("no text of a run becomes markup, and nothing is fetched", () => {
  const page = Report.render(input)
  expect(page).not.toContain(hostile)
  expect(page).not.toContain("<img src=x")
  expect(page).not.toMatch(/(?:src|href)="https?:/)
  expect(page.match(/<svg[^>]* role="img"/g)).toHaveLength(12)
})
