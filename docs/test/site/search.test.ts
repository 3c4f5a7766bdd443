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
