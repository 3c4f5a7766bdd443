/** Every block of code on every page, in every README and in every doc comment stands alone: it compiles, and prints what it says. */
import { expect, it } from "vitest"
import * as Blocks from "../Blocks.ts"

const all = Blocks.pages.flatMap(Blocks.of).filter(Blocks.isCode)

it("compile under the settings of tsc --init", async () => {
  const included = Blocks.included()
  expect(included.length).toBeGreaterThan(50)
  expect(await Blocks.compile([...all.filter(({ language }) => language === "ts"), ...included])).toBe("")
})

const running = Map.groupBy(
  all.filter(({ needs }) => needs === null),
  ({ page }) => page,
)

it.each([...running])("%s prints what it says", async (page, blocks) => {
  const printed = await Blocks.run(page, blocks)
  expect(blocks.map((block, i) => Blocks.refusal(block, printed[i])).filter((text) => text !== null)).toEqual([])
})
