/** The training page in a real browser: it starts, its curves grow, a pause holds, and it goes on under another divergence. */
import { readFileSync } from "node:fs"
import { createRequire } from "node:module"
import type { Page } from "playwright-core"
import { expect, it } from "vitest"
import * as Site from "./Site.ts"

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8")
const site = Site.open()

/** The page, and what went wrong on it. */
const open = async (hash: string, size = { width: 1280, height: 1000 }) => {
  const page = await site.browser().newPage({ viewport: size })
  page.setDefaultTimeout(240_000)
  const errors: Array<string> = []
  page.on("console", (m) => m.type() === "error" && errors.push(m.text()))
  page.on("pageerror", (e) => errors.push(e.message))
  page.on("request", (r) => r.url().startsWith(site.url("")) || r.url().startsWith("data:") || errors.push(r.url()))
  await page.goto(site.url(`guides/live.html${hash}`))
  await button(page, "Start").waitFor()
  return { page, errors }
}

const button = (page: Page, name: string) => page.getByRole("button", { name, exact: true })
const curve = (page: Page) => page.locator(".chart svg").first()
const steps = async (page: Page): Promise<number> =>
  Number(/over (\d+) steps/.exec((await curve(page).getAttribute("aria-label")) ?? "")?.[1])
const atLeast = (page: Page, count: number) =>
  page.waitForFunction(
    (least) =>
      Number(
        /over (\d+) steps/.exec(document.querySelector(".chart svg")?.getAttribute("aria-label") ?? "")?.[1] ?? 0,
      ) >= least,
    count,
  )
const paused = (page: Page) => page.locator(".status", { hasText: /^Paused after \d/ }).waitFor()

it.skipIf(Site.missing)("trains, holds and goes on under another divergence", { timeout: 600_000 }, async () => {
  const { errors, page } = await open("#a=lpo,forward-kl,std&lr=0.0004&seed=7")
  // From the keyboard alone.
  await button(page, "Start").focus()
  await page.keyboard.press("Enter")
  await atLeast(page, 2)
  await button(page, "Pause").click()
  await paused(page)
  const held = await steps(page)
  expect(await page.locator(".status").innerText()).toMatch(
    new RegExp(`^Paused after ${held} steps, on WebAssembly with`),
  )
  const lane = page.getByRole("group", { name: "A", exact: true })
  await lane.getByLabel("Divergence").selectOption("reverse-kl")
  await lane.getByLabel("Temperature τ").selectOption("fixed")
  await lane.getByLabel("τ is").fill("0.5")
  await lane.getByLabel("τ is").press("Tab")
  expect(new URL(page.url()).hash).toBe("#a=lpo,reverse-kl,0.5&lr=0.0004&seed=7")
  expect(await steps(page)).toBe(held)
  await button(page, "Resume").click()
  await atLeast(page, held + 2)
  expect(await page.locator("circle.change").count()).toBeGreaterThan(0)
  // While it trains, too.
  await lane.getByLabel("Objective").selectOption("maxrl")
  await atLeast(page, (await steps(page)) + 2)
  const rows = page.locator(".explorer tbody tr")
  expect(await rows.count()).toBe(8)
  expect(await page.locator(".explorer .prompt").innerText()).toMatch(/^Step \d+: make \d+ from \d+, \d+, \d+$/)
  expect(errors).toEqual([])
  await page.close()
})

it.skipIf(Site.missing)(
  "two lanes begin alike: the first step of one seed is the same",
  { timeout: 600_000 },
  async () => {
    const { errors, page } = await open("#a=lpo,forward-kl,std&b=dr-grpo&lr=0.0004&seed=7", { width: 400, height: 900 })
    await button(page, "Start").click()
    const starts = page.locator(".chart").first().locator(".now span", { hasText: "from" })
    await page.waitForFunction(
      () => document.querySelectorAll(".chart .now")[0]?.textContent?.match(/from/g)?.length === 2,
    )
    await button(page, "Pause").click()
    await paused(page)
    const [a, b] = (await starts.allInnerTexts()).map((text) => /from (.+) at the start/.exec(text)?.[1])
    expect(a).toBe(b)
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(400)
    expect(errors).toEqual([])
    await page.close()
  },
)

it.skipIf(Site.missing).each(["light", "dark"] as const)(
  "is accessible, %s",
  { timeout: 120_000 },
  async (colorScheme) => {
    const { page } = await open("")
    await page.evaluate((dark) => document.documentElement.classList.toggle("dark", dark), colorScheme === "dark")
    await page.addScriptTag({ content: axe })
    const violations = await page.evaluate(async () => {
      const run = (
        globalThis as unknown as {
          axe: {
            run: (
              where: string,
            ) => Promise<{ violations: ReadonlyArray<{ id: string; nodes: ReadonlyArray<{ html: string }> }> }>
          }
        }
      ).axe
      return (await run.run(".lpo-live")).violations.map(({ id, nodes }) => `${id}: ${nodes[0].html}`)
    })
    expect(violations).toEqual([])
    await page.close()
  },
)
