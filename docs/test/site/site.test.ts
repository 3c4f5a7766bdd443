/** The site as `npm run docs` built it, opened from disk in a real browser; `npm run docs:check` runs this. */
import { existsSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"
import { chromium } from "playwright-core"
import { expect, it } from "vitest"

const executable = process.env["CHROMIUM"] ?? "/usr/bin/chromium"
const missing = !existsSync(executable)
if (missing) console.warn(`SKIPPED the site in a real browser: no ${executable}; install Debian's chromium`)

const pages = [
  "index",
  "documents/Quickstart",
  "documents/Theory",
  "documents/A_run_on_disk",
  "documents/Results",
  "documents/The_simplex",
  "documents/The_simplex.Divergences",
  "documents/Verifiers.Mathematics",
  "functions/_lpo_simplex.Projection.coefficients",
]

it.skipIf(missing)(
  "opens offline in Chromium: no error, no request that leaves the folder, formulas set",
  { timeout: 120_000 },
  async () => {
    const out = fileURLToPath(new URL("../../site", import.meta.url))
    expect(existsSync(join(out, "index.html")), "npm run docs builds the site first").toBe(true)
    const browser = await chromium.launch({ executablePath: executable, args: ["--no-sandbox", "--disable-gpu"] })
    try {
      const page = await browser.newPage({ viewport: { width: 1280, height: 1600 } })
      const errors: Array<string> = []
      const outside: Array<string> = []
      page.on("console", (m) => m.type() === "error" && errors.push(`${page.url()}: ${m.text()}`))
      page.on("pageerror", (e) => errors.push(`${page.url()}: ${e.message}`))
      page.on("requestfailed", (r) => errors.push(`${r.url()}: ${r.failure()?.errorText}`))
      page.on("request", (r) => {
        if (!r.url().startsWith(pathToFileURL(out).href) && !r.url().startsWith("data:")) outside.push(r.url())
      })
      for (const name of pages) {
        await page.goto(pathToFileURL(join(out, `${name}.html`)).href)
        expect(await page.locator("h1").count(), name).toBeGreaterThan(0)
        if (process.env["SCREENSHOT"] !== undefined)
          await page.screenshot({
            path: `${process.env["SCREENSHOT"]}-${name.split(/[/.]/).at(-1)}.png`,
            fullPage: true,
          })
      }
      expect(errors).toEqual([])
      expect(outside).toEqual([])
      await page.goto(pathToFileURL(join(out, "documents/Theory.html")).href)
      expect(await page.locator(".katex-display .katex-html").count()).toBeGreaterThanOrEqual(6)
      // The formula has its fonts only when the style sheet was found.
      expect(
        await page
          .locator(".katex")
          .first()
          .evaluate((e) => getComputedStyle(e).fontFamily),
      ).toContain("KaTeX")
      expect(await page.locator("body").innerText()).toContain("Advantage.std(rewards)")
    } finally {
      await browser.close()
    }
  },
)
