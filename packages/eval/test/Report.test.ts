import { existsSync } from "node:fs"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { Report } from "@lpo/eval"
import { type Problem, Verdict } from "@lpo/rollout"
import { Effect } from "effect"
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
  })),
  base: { "1": estimate(0.2), "2": estimate(0.4), "4": estimate(0.6), "8": estimate(0.8) },
  trained: { "1": estimate(0.6), "2": estimate(0.8), "4": estimate(0.9), "8": estimate(0.95) },
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
      await writeFile(path, await Effect.runPromise(Report.render(input)))
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
      expect(await page.locator("canvas").count()).toBe(8)
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
      if (process.env["SCREENSHOT"] !== undefined)
        await page.screenshot({ path: process.env["SCREENSHOT"], fullPage: true })
    } finally {
      await browser.close()
      await rm(folder, { recursive: true })
    }
  },
)
