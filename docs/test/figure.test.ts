/** The interactive figure, in a real browser: what it draws is what `@lpo/simplex` computes, and every control moves it. */
import { existsSync } from "node:fs"
import { copyFile, mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"
import { Target } from "@lpo/simplex"
import fc from "fast-check"
import { type Browser, chromium, type Page } from "playwright-core"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { buildFigures } from "../figures/build.ts"
import { toDistribution, toPoint } from "../figures/simplex/geometry.ts"

const executable = process.env["CHROMIUM"] ?? "/usr/bin/chromium"
const missing = !existsSync(executable)
if (missing) console.warn(`SKIPPED the figure in a real browser: no ${executable}; install Debian's chromium`)

it("maps distributions to points of the triangle and back", () => {
  const weight = fc.double({ min: 0.01, max: 1, noNaN: true })
  fc.assert(
    fc.property(weight, weight, weight, (a, b, c) => {
      const p = [a, b, c].map((v) => v / (a + b + c))
      for (const [k, v] of toDistribution(toPoint(p), 0).entries()) expect(v).toBeCloseTo(p[k], 12)
    }),
  )
})

it("keeps a point dragged outside the triangle inside it", () => {
  const coordinate = fc.double({ min: -3, max: 3, noNaN: true })
  fc.assert(
    fc.property(coordinate, coordinate, (x, y) => {
      const p = toDistribution({ x, y })
      expect(p.every((v) => v > 0)).toBe(true)
      expect(p.reduce((sum, v) => sum + v, 0)).toBeCloseTo(1, 12)
    }),
  )
})

describe.skipIf(missing)("in Chromium", () => {
  let browser: Browser
  let page: Page
  let folder = ""
  const errors: Array<string> = []
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "lpo-figure-"))
    await buildFigures(folder)
    await copyFile(fileURLToPath(new URL("../site.css", import.meta.url)), join(folder, "site.css"))
    await writeFile(
      join(folder, "page.html"),
      '<!doctype html><meta charset="utf-8"><link rel="stylesheet" href="site.css"><div class="lpo-simplex-figure"></div><script src="simplex.js"></script>',
    )
    browser = await chromium.launch({ executablePath: executable, args: ["--no-sandbox", "--disable-gpu"] })
    page = await browser.newPage({ viewport: { width: 1000, height: 900 } })
    page.on("pageerror", (error) => errors.push(error.message))
    page.on("console", (message) => message.type() === "error" && errors.push(message.text()))
  })
  afterAll(async () => {
    await browser.close()
    await rm(folder, { recursive: true })
    expect(errors).toEqual([])
  })

  const open = () => page.goto(pathToFileURL(join(folder, "page.html")).href)
  /** The table: rewards, P, w* and c, three each. */
  const rows = () =>
    page
      .locator("table tr")
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
    const names = await page.locator("select option").allTextContents()
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
