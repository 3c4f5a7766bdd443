import { existsSync } from "node:fs"
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { createRequire } from "node:module"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { type Metrics, Report } from "@lpo/eval"
import { type Problem, Verdict } from "@lpo/rollout"
import { chromium } from "playwright-core"
import { expect, it } from "vitest"

const hostile = `</script><script>document.title = "owned"</script><img src=x onerror="document.title='owned'">`
const chat: Problem.Prompt = [
  { role: "system", content: hostile },
  {
    role: "user",
    content: [
      { type: "text", text: "What is this?" },
      // A PNG of one pixel.
      {
        type: "image",
        format: "png",
        data: Uint8Array.from(
          Buffer.from(
            "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
            "base64",
          ),
        ),
      },
    ],
  },
]
const estimate = (mean: number) => ({ mean, low: mean - 0.03, high: mean + 0.03, problems: 9, atLeast: mean })
const judged = (problem: string, correct: ReadonlyArray<boolean>): Metrics.Judged => ({
  problem,
  samples: correct.map((right) => ({
    status: "ok",
    correct: right,
    score: right ? 1 : 0,
    key: null,
    length: 3,
    truncated: false,
    surprise: 1,
  })),
})
const input: Report.ReportInput = {
  title: `Run ${hostile}`,
  facts: { objective: "lpo-fwd", [hostile]: hostile },
  config: { seed: hostile },
  events: Array.from({ length: 30 }, (_, i) => ({
    step: i + 1,
    reward: 0.2 + i / 60,
    passRate: i / 50,
    solvedRate: i / 35,
    entropy: 1 / (i + 1),
    gradNorm: i === 3 ? null : 1,
    responseLength: 7,
    targetKl: 0.3,
    zeroVariance: i,
    alarms:
      i === 9 || i === 10
        ? [{ metric: "gradNorm", value: i, bound: 1 }]
        : i === 11
          ? [{ metric: hostile, value: 0.001, bound: 0.01 }]
          : [],
  })),
  evaluations: [10, 20, 30].map((step) => ({
    step,
    values: { "eval/pass_at_1": step / 50, "eval/pass_at_4": step / 40, "eval/entropy": 1 },
  })),
  about: { command: [hostile] },
  warnings: [hostile],
  base: {
    curve: { "1": estimate(0.2), "2": estimate(0.4), "4": estimate(0.6), "8": estimate(0.8) },
    problems: [judged(hostile, [true, false]), judged("p2", [false, false])],
  },
  trained: {
    curve: { "1": estimate(0.6), "2": estimate(0.8), "4": estimate(0.9), "8": estimate(0.95) },
    problems: [judged(hostile, [true, true]), judged("p2", [false, true])],
  },
  groups: [1, 2].map((step) => ({
    step,
    problem: `p${step}`,
    prompt: step === 1 ? hostile : chat,
    outcome: "trained" as const,
    completions: [
      {
        text: hostile,
        length: 9,
        finish: "stop" as const,
        verdict: Verdict.judged({ correct: true, reason: hostile }),
        target: 0.7,
        policy: 0.5,
        coefficient: -0.2,
      },
      {
        text: "3 + 4",
        length: 3,
        finish: "length" as const,
        verdict: Verdict.judged({ correct: false, reason: "equals 7" }),
        target: 0.3,
        policy: 0.5,
        coefficient: 0.2,
      },
    ],
  })),
}

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
