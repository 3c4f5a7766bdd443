/** What users ask, typed into the search of the site: the page that answers is among the first three results. */
import type { Page } from "playwright-core"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import * as Site from "./Site.ts"

const site = Site.open()

const questions: ReadonlyArray<readonly [question: string, answer: string]> = [
  ["resume a run", "guides/runs"],
  ["wandb", "guides/trackers"],
  ["tensorboard", "guides/trackers"],
  ["temperature", "guides/simplex/temperatures"],
  ["sampling temperature", "guides/objectives"],
  ["out of memory", "guides/troubleshooting"],
  ["all rewards equal", "guides/troubleshooting"],
  ["train on my own data", "guides/your-own-data"],
  ["dataset format", "guides/datasets"],
  ["vllm", "guides/rollouts"],
  ["lora", "guides/models"],
  ["huggingface model", "guides/models"],
  ["cuda gpu", "guides/gpu"],
  ["migrate from trl", "guides/from-trl-or-verl"],
  ["reverse kl", "guides/simplex/divergences"],
  ["confidence interval", "reference/eval/Interval"],
  ["pass@k", "reference/eval/PassAtK"],
  ["custom verifier", "guides/verifiers/write-your-own"],
  ["tool calls", "guides/turns"],
  ["reward server", "guides/verifiers/reward-server"],
  ["python sandbox", "guides/verifiers/code"],
  ["what does entropy mean", "guides/metrics"],
  ["grpo", "guides/from-trl-or-verl"],
  ["reproduce the paper", "guides/reproduce"],
  ["StepReport", "reference/trainer/StepReport"],
  ["effective sample size", "guides/metrics"],
]

describe.skipIf(Site.missing)("the search", () => {
  let page: Page
  beforeAll(async () => {
    page = await site.browser().newPage({ viewport: { width: 1280, height: 900 } })
    await page.goto(site.url("index.html"))
    await page.getByRole("button", { name: "Search" }).click()
    await page.locator(".VPLocalSearchBox input").waitFor()
  })
  afterAll(() => page.close())

  it.each(questions)("%s", async (question, answer) => {
    await page.locator(".VPLocalSearchBox input").fill(question)
    const links = page.locator(".VPLocalSearchBox .result")
    // Results of the question before are there until the new ones are.
    await expect
      .poll(
        async () => {
          const found = await links.evaluateAll((all) =>
            all.slice(0, 3).map((link) => (link as HTMLAnchorElement).href),
          )
          return found.map((href) => href.replace(/(index)?\.html.*$/, "").slice(site.url("").length))
        },
        { timeout: 10_000 },
      )
      .toContain(answer)
  })
})

describe.skipIf(Site.missing)("the dialog of the search", () => {
  const open = async (page: Page): Promise<void> => {
    await page.goto(site.url("index.html"))
    // Before the page runs, nothing answers a key.
    await page.waitForFunction(() => "__vue_app__" in (document.querySelector("#app") ?? {}))
  }

  it.each(["light", "dark"] as const)("axe finds no serious fault, %s", { timeout: 120_000 }, async (colorScheme) => {
    const context = await site.browser().newContext({ colorScheme, viewport: { width: 1280, height: 900 } })
    const page = await context.newPage()
    const faults: Array<string> = []
    const look = async (when: string): Promise<void> => {
      faults.push(...(await Site.faults(page)).map((fault) => `${when}: ${fault}`))
    }
    await open(page)
    for (const width of [1280, 400]) {
      await page.setViewportSize({ width, height: 900 })
      await page.getByRole("button", { name: "Search" }).click()
      const input = page.getByRole("dialog").getByRole("combobox")
      await input.fill("")
      await look(`open, ${width}`)
      await input.fill("temperature")
      await page.getByRole("option").first().waitFor()
      await look(`with results, ${width}`)
      await page.keyboard.press("ArrowDown")
      await look(`another one chosen, ${width}`)
      await input.fill("qqqqqqqq")
      await page.getByText("No results for").waitFor()
      await look(`without a result, ${width}`)
      await page.keyboard.press("Escape")
    }
    await context.close()
    expect(faults).toEqual([])
  })

  it("works from the keyboard", { timeout: 60_000 }, async () => {
    const page = await site.browser().newPage()
    await open(page)
    const chosen = () => page.getByRole("option", { selected: true })
    await page.keyboard.press("/")
    const input = page.getByRole("dialog", { name: "Search" }).getByRole("combobox", { name: "Search" })
    await input.waitFor()
    await expect
      .poll(() => page.evaluate(() => document.activeElement?.id), { timeout: 10_000 })
      .toBe("localsearch-input")
    await page.keyboard.type("temperature")
    await chosen().waitFor()
    const first = await chosen().getAttribute("id")
    await page.keyboard.press("ArrowDown")
    await expect.poll(() => chosen().getAttribute("id")).not.toBe(first)
    // What a screen reader follows is what is chosen, and there is one.
    expect(await input.getAttribute("aria-activedescendant")).toBe(await chosen().getAttribute("id"))
    expect(await chosen().count()).toBe(1)
    const href = await chosen().evaluate((link) => (link as HTMLAnchorElement).href)
    // Tab stays in the dialog.
    for (let i = 0; i < 6; i++) {
      await page.keyboard.press("Tab")
      expect(await page.evaluate(() => document.activeElement?.closest("[role=dialog]") !== null)).toBe(true)
    }
    await input.focus()
    await page.keyboard.press("Enter")
    await page.getByRole("dialog").waitFor({ state: "detached" })
    await expect.poll(() => page.url()).toBe(href)
    // Escape closes, and leaves the reader where they were.
    const button = page.getByRole("button", { name: "Search" })
    await button.focus()
    await page.keyboard.press("Enter")
    await input.waitFor()
    await page.keyboard.press("Escape")
    await page.getByRole("dialog").waitFor({ state: "detached" })
    await expect
      .poll(() => button.evaluate((element) => element === document.activeElement), { timeout: 10_000 })
      .toBe(true)
    await page.close()
  })
})
