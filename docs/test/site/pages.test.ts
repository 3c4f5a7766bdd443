/** Every guide, and a page of each other kind, in a real browser: they fit the window, weigh little, and can be used by everybody. */
import type { Page } from "playwright-core"
import { describe, expect, it } from "vitest"
import { topics } from "../../.vitepress/guides.ts"
import * as Site from "./Site.ts"

const site = Site.open()

const guides = topics.flatMap(({ guides }) => guides).map((guide) => `guides/${guide}`)
const others = [
  "index",
  "404",
  "reference/index",
  "reference/simplex/index",
  "reference/simplex/Target",
  "reference/trainer/Lpo",
  "reference/trainer/TrainConfig",
  "reference/transformer/ModelConfig",
  "reference/verifiers/Code/index",
]
const kinds = [
  "index",
  "guides/quickstart",
  "guides/theory",
  "guides/simplex/index",
  "reference/index",
  "reference/trainer/Lpo",
]

/** The training page brings an engine with it. */
const heavy: ReadonlySet<string> = new Set(["guides/live"])

const open = async (page: Page, name: string): Promise<void> => {
  await page.goto(site.url(`${name}.html`), { waitUntil: "networkidle" })
}

describe.skipIf(Site.missing)("in Chromium", () => {
  it(
    "no page scrolls sideways at 400 or 1280 or weighs more than 500 kB, no error, no request to anywhere else",
    { timeout: 300_000 },
    async () => {
      const page = await site.browser().newPage()
      const faults: Array<string> = []
      page.on("console", (m) => m.type() === "error" && faults.push(`${page.url()}: ${m.text()}`))
      page.on("pageerror", (e) => faults.push(`${page.url()}: ${e.message}`))
      page.on("request", (r) => {
        if (!r.url().startsWith(site.url("")) && !/^(data|blob):/.test(r.url()))
          faults.push(`${page.url()}: asks ${r.url()}`)
      })
      // Every page is weighed as if it were the first that somebody opens.
      const session = await page.context().newCDPSession(page)
      await session.send("Network.enable")
      await session.send("Network.setCacheDisabled", { cacheDisabled: true })
      let bytes = 0
      session.on("Network.loadingFinished", ({ encodedDataLength }) => {
        bytes += encodedDataLength
      })
      for (const name of [...guides, ...others]) {
        bytes = 0
        await open(page, name)
        if (bytes > 500_000 && !heavy.has(name)) faults.push(`${name}: ${Math.round(bytes / 1000)} kB`)
        for (const width of [400, 1280]) {
          await page.setViewportSize({ width, height: 900 })
          const scrolls = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)
          if (scrolls > 0) faults.push(`${name} is ${scrolls} px too wide at ${width}`)
        }
      }
      await page.close()
      expect(faults).toEqual([])
    },
  )

  it("the button that copies covers no code", { timeout: 120_000 }, async () => {
    const page = await site.browser().newPage()
    const covered: Array<string> = []
    for (const name of ["index", "guides/quickstart", "guides/simplex/targets", "reference/simplex/Target"])
      for (const width of [400, 1280]) {
        await page.setViewportSize({ width, height: 900 })
        await open(page, name)
        const found = await page.evaluate(() =>
          [...document.querySelectorAll("div[class*='language-']")].flatMap((block) => {
            const button = block.querySelector("button.copy")?.getBoundingClientRect()
            if (button === undefined) return []
            return [...block.querySelectorAll(".line > *")].flatMap((word) =>
              [...word.getClientRects()].some(
                (r) => r.right > button.left && r.left < button.right && r.bottom > button.top && r.top < button.bottom,
              )
                ? [word.textContent]
                : [],
            )
          }),
        )
        covered.push(...found.map((text) => `${name} at ${width}: ${text}`))
      }
    await page.close()
    expect(covered).toEqual([])
  })

  it.each(["light", "dark"] as const)("axe finds no serious fault, %s", { timeout: 180_000 }, async (colorScheme) => {
    const context = await site.browser().newContext({ colorScheme, viewport: { width: 1280, height: 900 } })
    const page = await context.newPage()
    const faults: Array<string> = []
    for (const name of kinds) {
      await open(page, name)
      expect(await page.evaluate(() => document.documentElement.classList.contains("dark"))).toBe(
        colorScheme === "dark",
      )
      faults.push(...(await Site.faults(page)).map((fault) => `${name}: ${fault}`))
    }
    await context.close()
    expect(faults).toEqual([])
  })

  it("formulas are set, with their fonts", async () => {
    const page = await site.browser().newPage()
    await open(page, "guides/theory")
    expect(await page.locator(".katex-display .katex-html").count()).toBeGreaterThanOrEqual(6)
    // A formula has its fonts only when the style sheet was found.
    const first = page.locator(".katex").first()
    expect(await first.evaluate((e) => getComputedStyle(e).fontFamily)).toContain("KaTeX")
    expect(await page.locator("main").innerText()).toContain("Advantage.std(rewards)")
    await page.close()
  })
})
