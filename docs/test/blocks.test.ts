/** Every block of code on every page, in every README and in every doc comment stands alone: it compiles, and prints what it says. */
import { expect, it } from "vitest"
import * as Blocks from "./Blocks.ts"

const all = Blocks.pages.flatMap(Blocks.of).filter(Blocks.isCode)

it("compile under the settings of tsc --init", async () => {
  const included = Blocks.included()
  expect(included.length).toBeGreaterThan(50)
  expect(await Blocks.compile([...all.filter(({ language }) => language === "ts"), ...included])).toBe("")
})

it("a marker names something that a test machine lacks", () => {
  const needs = new Set(all.flatMap(({ needs }) => (needs === null ? [] : [needs])))
  expect([...needs].filter((name) => !["server", "gpu", "model", "browser"].includes(name))).toEqual([])
})

const running = Map.groupBy(
  all.filter(({ needs }) => needs === null),
  ({ page }) => page,
)

it.each([...running])("%s prints what it says", async (page, blocks) => {
  const printed = await Blocks.run(page, blocks)
  expect(blocks.map((block, i) => Blocks.refusal(block, printed[i])).filter((text) => text !== null)).toEqual([])
})

it("a result is compared to the digits that are shown", () => {
  expect(Blocks.fits("[ 0.12345678, -2 ]", "[0.123457, -2]")).toBe(true)
  expect(Blocks.fits("[ 0.12345678, -2 ]", "[0.123458, -2]")).toBe(false)
  expect(Blocks.fits("[ 0.12345678, -2.1 ]", "[0.123457, -2]")).toBe(false)
  expect(Blocks.fits("{ name: 'a; b' }", '{"name": "a; b"}')).toBe(true)
  expect(Blocks.fits("{ name: 'a' }", '{"name": "b"}')).toBe(false)
  expect(Blocks.fits("1.5", "1.5; a remark")).toBe(true)
  expect(Blocks.fits("1.23e-12", "1.2e-12")).toBe(true)
  expect(Blocks.fits("1.33e-12", "1.2e-12")).toBe(false)
})
