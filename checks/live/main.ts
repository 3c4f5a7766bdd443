/**
 * `npm run checks -- live`: the site's training page in a real headless browser, two minutes from each of three seeds. The pass rate of the
 * last ten steps must be above that of the first.
 */
import { execFileSync } from "node:child_process"
import { fileURLToPath } from "node:url"
import { chromium, type Page } from "playwright-core"
import * as Arguments from "../../bench/shared/Arguments.ts"
import * as Report from "../shared/Report.ts"
import { serve } from "../shared/Static.ts"

const options = Arguments.read("npm run checks -- live", {
  seconds: Arguments.number("seconds of training from each seed", 120, 10),
  seeds: Arguments.text("the seeds, comma-separated", "1,2,3"),
})

const report = Report.make("live")
execFileSync("npx", ["turbo", "run", "docs", "--output-logs=errors-only"], { stdio: "inherit" })
const server = await serve(fileURLToPath(new URL("../../docs/site", import.meta.url)))
const browser = await chromium.launch({
  executablePath: process.env["CHROMIUM"] ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu"],
})

/** The text of the first chart: "Pass rate over 70 steps. LPO, forward KL, τ = σ: 82 %, from 24 % at the start". */
const read = async (page: Page): Promise<{ readonly now: number; readonly start: number; readonly steps: number }> => {
  const label = (await page.locator(".chart svg").first().getAttribute("aria-label")) ?? ""
  const [, steps] = /over (\d+) steps/.exec(label) ?? []
  const [, now, start] = /: ([\d.]+) %, from ([\d.]+) % at the start/.exec(label) ?? []
  return { steps: Number(steps), now: Number(now), start: Number(start) }
}

const seen: Array<object> = []
try {
  for (const seed of options.seeds.split(",")) {
    const page = await browser.newPage()
    const errors: Array<string> = []
    page.on("pageerror", ({ message }) => errors.push(message))
    page.on("console", (m) => m.type() === "error" && errors.push(m.text()))
    await page.goto(`${server.url}guides/live.html#a=lpo,forward-kl,std&lr=0.0004&seed=${seed}`)
    const from = performance.now()
    await page.getByRole("button", { name: "Start", exact: true }).click()
    await page.waitForFunction(
      () => / at the start/.test(document.querySelector(".chart svg")?.getAttribute("aria-label") ?? ""),
      undefined,
      { timeout: 300_000 },
    )
    const first = (performance.now() - from) / 1000
    await page.waitForTimeout(Math.max(0, 1000 * options.seconds - (performance.now() - from)))
    const { now, start, steps } = await read(page)
    seen.push({ seed, start, now, steps, secondsToFirstPoint: Number(first.toFixed(1)) })
    report.add(
      `seed ${seed}: the pass rate rises in ${options.seconds} s`,
      now > start && errors.length === 0,
      `${start} % to ${now} % in ${steps} steps; first point after ${first.toFixed(1)} s ${errors.join("; ")}`,
    )
    await page.close()
  }
} finally {
  await browser.close()
  server.close()
}
report.end({ seen })
