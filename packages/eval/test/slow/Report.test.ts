/** The report in a real browser. */
import { existsSync } from "node:fs"
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { createRequire } from "node:module"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { Report } from "@lpo/eval"
import { chromium } from "playwright-core"
import { expect, it } from "vitest"
import { hostile, input } from "../reportInput.ts"

const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8")
const executable = process.env["CHROMIUM"] ?? "/usr/bin/chromium"
const missing = !existsSync(executable)
if (missing) console.warn(`SKIPPED the report in a real browser: no ${executable}; install Debian's chromium`)

it.skipIf(missing)(
  "opens offline in Chromium: no error, no request, no injection, and the browser of groups works",
  async () => {
    const folder = await mkdtemp(join(tmpdir(), "lpo-report-"))
    const browser = await chromium.launch({
      executablePath: executable,
      args: [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
      ],
    })
    try {
      const path = join(folder, "report.html")
      await writeFile(path, Report.render(input))
      const page = await browser.newPage({ viewport: { width: 1100, height: 1500 } })
      const errors: Array<string> = []
      const requests: Array<string> = []
      page.on("console", (m) => m.type() === "error" && errors.push(m.text()))
      page.on("pageerror", (e) => errors.push(e.message))
      page.on("request", (r) => requests.push(r.url()))
      await page.goto(pathToFileURL(path).href)
      expect(errors).toEqual([])
      expect(requests.filter((url) => !url.startsWith("file:") && !url.startsWith("data:"))).toEqual([])
      expect(requests.filter((url) => url.startsWith("file:"))).toHaveLength(1)
      expect(await page.title()).toContain("</script>")
      expect(await page.locator("#curves svg[role=img]").count()).toBe(10)
      const told = await page.locator("svg[role=img]").evaluateAll((all) => all.map((svg) => svg.ariaLabel))
      expect(told[0]).toContain("before: 0.2 at k 1, 0.8 at k 8")
      expect(told[1]).toContain("2 problems: 2 are solved more often than before, 0 less often")
      expect(told[2]).toContain("pass@1: 0.2 at step 10, 0.6 at step 30")
      expect(told[2]).toContain("pass@4: 0.25 at step 10")
      expect(told[3]).toContain("reward: 0.2 at step 1")
      const alarms = page.getByRole("region", { name: "Alarms" }).locator("tbody tr")
      expect(await alarms.allTextContents()).toEqual([
        "gradNorm2101110.000 at 11, above 1.000",
        `${hostile}112120.001 at 12, below 0.010`,
      ])
      expect(await page.locator("#passk-table tr").count()).toBe(5)
      expect(await page.locator("#where").textContent()).toContain("step 2")
      expect(await page.locator("#group").textContent()).toContain(`user: What is this?`)
      expect(
        await page
          .locator("#group img")
          .evaluate((image) => (image as unknown as { naturalWidth: number }).naturalWidth),
      ).toBe(1)
      expect(await page.locator("#group").textContent()).not.toContain("[object Object]")
      await page.locator("#next").click()
      expect(await page.locator("#where").textContent()).toContain("step 1")
      expect(await page.locator("#group code").nth(1).textContent()).toBe(hostile)
      const [saved] = await Promise.all([page.waitForEvent("download"), page.locator("#problems-csv").click()])
      const csv = await readFile(await saved.path(), "utf8")
      // Quoted as CSV has it, and a formula of a spreadsheet is none.
      expect(csv).toBe(`problem,before,after\n"${hostile.replaceAll('"', '""')}",0.5,1\np2,0,0.5\n`)
      const [svg] = await Promise.all([page.waitForEvent("download"), page.locator("button.svg").first().click()])
      expect(svg.suggestedFilename()).toBe("pass@k by k.svg")
      for (const colorScheme of ["light", "dark"] as const)
        for (const width of [400, 1280]) {
          await page.emulateMedia({ colorScheme })
          await page.setViewportSize({ width, height: 900 })
          expect(await page.evaluate("document.documentElement.scrollWidth"), `${width} px`).toBeLessThanOrEqual(width)
          // Colours differ by scheme, the layout by width: two of the four say it all.
          if ((width === 400) !== (colorScheme === "dark")) continue
          await page.evaluate(axe)
          const found = await page.evaluate<{
            readonly violations: ReadonlyArray<{ readonly id: string; readonly impact: string }>
          }>("axe.run()")
          const serious = found.violations.filter(({ impact }) => impact === "serious" || impact === "critical")
          expect(serious.map(({ id }) => id)).toEqual([])
          if (process.env["SCREENSHOT"] !== undefined)
            await page.screenshot({
              path: `${process.env["SCREENSHOT"]}-${colorScheme}-${width}.png`,
              fullPage: true,
            })
        }
    } finally {
      await browser.close()
      await rm(folder, { recursive: true })
    }
  },
)
