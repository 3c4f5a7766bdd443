/** The site in a real browser; `npm run docs:check` runs this. */
import { describe, expect, it } from "vitest"
import * as Site from "./Site.ts"

const site = Site.open()

const pages = [
  "index",
  "guides/quickstart",
  "guides/theory",
  "guides/runs",
  "guides/results",
  "guides/simplex/index",
  "guides/simplex/divergences",
  "guides/verifiers/math",
  "reference/index",
  "reference/simplex/index",
  "reference/simplex/Projection",
]

describe.skipIf(Site.missing)("in Chromium", () => {
  it("opens: no error, no request to anywhere else, formulas set", { timeout: 120_000 }, async () => {
    const page = await site.browser().newPage({ viewport: { width: 1280, height: 1600 } })
    const errors: Array<string> = []
    const outside: Array<string> = []
    page.on("console", (m) => m.type() === "error" && errors.push(`${page.url()}: ${m.text()}`))
    page.on("pageerror", (e) => errors.push(`${page.url()}: ${e.message}`))
    page.on("requestfailed", (r) => errors.push(`${r.url()}: ${r.failure()?.errorText}`))
    page.on("request", (r) => {
      if (!r.url().startsWith(site.url("")) && !r.url().startsWith("data:")) outside.push(r.url())
    })
    for (const name of pages) {
      await page.goto(site.url(`${name}.html`), { waitUntil: "networkidle" })
      expect(await page.locator("h1").count(), name).toBe(1)
    }
    expect(errors).toEqual([])
    expect(outside).toEqual([])
    await page.goto(site.url("guides/theory.html"))
    expect(await page.locator(".katex-display .katex-html").count()).toBeGreaterThanOrEqual(6)
    // The formula has its fonts only when the style sheet was found.
    const family = await page
      .locator(".katex")
      .first()
      .evaluate((e) => getComputedStyle(e).fontFamily)
    expect(family).toContain("KaTeX")
    expect(await page.locator("main").innerText()).toContain("Advantage.std(rewards)")
    await page.close()
  })
})
