/** The interactive figure, in a real browser: what it draws is what `@lpo/simplex` computes, and every control moves it. */
import { Target } from "@lpo/simplex"
import type { Page } from "playwright-core"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import * as Site from "./Site.ts"

const site = Site.open()

describe.skipIf(Site.missing)("the figure", () => {
  let page: Page
  const errors: Array<string> = []
  beforeAll(async () => {
    page = await site.browser().newPage({ viewport: { width: 1000, height: 1400 } })
    page.on("pageerror", (error) => errors.push(error.message))
    page.on("console", (message) => message.type() === "error" && errors.push(message.text()))
  })
  afterAll(() => {
    expect(errors).toEqual([])
  })

  const open = async () => {
    await page.goto(site.url("guides/simplex/index.html"))
    await page.locator(".policy").waitFor()
  }
  /** The table: rewards, P, w* and c, three each. */
  const rows = () =>
    page
      .locator(".lpo-simplex-figure table tr")
      .evaluateAll((all) =>
        all.slice(1).map((row) => [...row.querySelectorAll("td")].slice(1).map((cell) => Number(cell.textContent))),
      )
  const column = async (i: number) => (await rows()).map((row) => row[i])
  const targetNow = () =>
    page.locator(".target").evaluate((e) => [Number(e.getAttribute("cx")), Number(e.getAttribute("cy"))])
  const setSlider = (label: string, value: number) =>
    page.getByLabel(label, { exact: true }).evaluate((input: HTMLInputElement, v) => {
      input.value = String(v)
      input.dispatchEvent(new Event("input", { bubbles: true }))
    }, value)

  it("shows w* of the rewards, of P and of tau", async () => {
    await open()
    const check = async (tau: number) => {
      const p = await column(1)
      const expected = Target.gibbs(await column(0), tau, p.map(Math.log))
      for (const [k, v] of (await column(2)).entries()) expect(v).toBeCloseTo(expected[k], 2)
    }
    await check(0.4)
    await setSlider("tau", 0)
    await check(1)
    await setSlider("reward 3", 0.9)
    expect((await column(0))[2]).toBe(0.9)
    await check(1)
  })

  it("ends the path on w* under every divergence, and the coefficients sum to zero", async () => {
    await open()
    const names = await page.locator(".lpo-simplex-figure select option").allTextContents()
    expect(names.length).toBeGreaterThanOrEqual(8)
    for (const name of names) {
      await page.getByLabel("divergence", { exact: true }).selectOption(name)
      const points = (await page.locator(".path").getAttribute("points")) ?? ""
      const stops = points.split(" ").map((pair) => pair.split(",").map(Number))
      expect(stops.length, name).toBeGreaterThan(5)
      const [x, y] = await targetNow()
      // Total variation has a kink at w*: the path ends beside it.
      const near = name === "total-variation" ? 20 : 3
      expect(Math.hypot((stops.at(-1)?.[0] ?? 0) - x, (stops.at(-1)?.[1] ?? 0) - y), name).toBeLessThan(near)
      expect(Math.abs((await column(3)).reduce((sum, c) => sum + c, 0)), name).toBeLessThan(0.003)
    }
  })

  it("follows the pointer: dragging P and a reward moves the target", async () => {
    await open()
    const drag = async (selector: string, dx: number, dy: number) => {
      const box = await page.locator(selector).first().boundingBox()
      const [x, y] = [(box?.x ?? 0) + (box?.width ?? 0) / 2, (box?.y ?? 0) + (box?.height ?? 0) / 2]
      await page.mouse.move(x, y)
      await page.mouse.down()
      await page.mouse.move(x + dx, y + dy, { steps: 5 })
      await page.mouse.up()
    }
    const start = await column(1)
    const before = await targetNow()
    await drag(".policy", -60, 0)
    expect((await column(1))[1]).toBeGreaterThan(start[1])
    expect(await targetNow()).not.toEqual(before)
    const wanted = (await column(2))[0]
    await drag(".handle", 0, 60)
    expect((await column(0))[0]).toBeLessThan(1)
    expect((await column(2))[0]).toBeLessThan(wanted)
  })

  it("works from the keyboard", async () => {
    await open()
    const before = await column(1)
    await page.locator(".policy").focus()
    for (let i = 0; i < 5; i++) await page.keyboard.press("ArrowUp")
    expect((await column(1))[0]).toBeGreaterThan(before[0])
    await page.getByLabel("tau", { exact: true }).focus()
    const target = await column(2)
    await page.keyboard.press("ArrowRight")
    await page.keyboard.press("ArrowRight")
    expect(await column(2)).not.toEqual(target)
  })
})
