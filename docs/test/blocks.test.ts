/** Blocks of code that readers meet first compile, and print what they say; `slow/blocks.test.ts` takes every one that there is. */
import { expect, it } from "vitest"
import * as Blocks from "./Blocks.ts"

const first = ["README.md", "docs/guides/quickstart.md", "packages/simplex/README.md"].map(
  (page) => [page, Blocks.of(page).filter((block) => Blocks.isCode(block) && block.needs === null)] as const,
)

it("compile under the settings of tsc --init", async () => {
  const blocks = first.flatMap(([, blocks]) => blocks).filter(({ language }) => language === "ts")
  expect(blocks.length).toBeGreaterThan(0)
  expect(await Blocks.compile(blocks)).toBe("")
})

it.each(first)("%s prints what it says", async (page, blocks) => {
  const printed = await Blocks.run(page, blocks)
  expect(blocks.map((block, i) => Blocks.refusal(block, printed[i])).filter((text) => text !== null)).toEqual([])
})

it("a marker names something that a test machine lacks", () => {
  const needs = new Set(
    Blocks.pages
      .flatMap(Blocks.of)
      .filter(Blocks.isCode)
      .flatMap(({ needs }) => (needs === null ? [] : [needs])),
  )
  expect([...needs].filter((name) => !["server", "gpu", "model", "browser"].includes(name))).toEqual([])
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
