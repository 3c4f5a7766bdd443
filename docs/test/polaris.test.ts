/** The page on the Polaris run does its sums as `--dry-run` does them. */
import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { Effect } from "effect"
import { expect, it } from "vitest"
import * as Plan from "../../apps/polaris/src/Plan.ts"
import { nothing, resolve } from "../../apps/polaris/test/given.ts"

const page = readFileSync(fileURLToPath(new URL("../guides/polaris.md", import.meta.url)), "utf8").replaceAll("\n", " ")

const plan = async (preset = "polaris"): Promise<string> => {
  const lines: Array<string> = []
  const settings = await resolve(
    await Effect.runPromise(
      Plan.placeheld({ ...nothing, preset, profile: preset === "geometry3k" ? "skyrl-fsdp" : null }),
    ),
  )
  await Effect.runPromise(Plan.show(settings, (line) => void lines.push(line)))
  return lines.join("\n")
}

const [, parameters] = /(\d+,\d+) M parameters/.exec(page) ?? []
const P = Number(parameters?.replace(",", "")) * 1e6

it("has the figures of the dry run", async () => {
  const text = await plan()
  const facts = [
    /training +(.*at most [\d,]+ tokens)/,
    /(2 bytes x [\d,]+ M parameters)/,
    /(16 x \d+ M)/,
    /= ([\d.]+ GiB), and/,
    /and ([\d,]+ bytes) x/,
    /positions = ([\d.]+ GiB) of keys/,
    /= ([\d,]+ \+ [\d,]+ GPU hours)/,
    /\) = ([\d,]+ responses), at temperature/,
  ].map((pattern) => pattern.exec(text)?.[1])
  for (const fact of facts) expect(page, text).toContain(fact)
})

it("adds up", () => {
  const rows = [
    ...page.matchAll(
      /\| ([\d,]+) tokens[^|]*\| [\d.]+ M \| ([\d,]+) \(at ([\d,]+) tokens\/s\) \| ([\d,]+) \| ([\d.]+) \| (\d+) \| (\d+) \| ([\d,]+) to ([\d,]+) \|/g,
    ),
  ]
  expect(rows).toHaveLength(3)
  for (const row of rows) {
    const [length, sampling, rate, learning, client, hours, onEight, least, most] = row
      .slice(1)
      .map((text) => Number(text.replaceAll(",", "")))
    const tokens = 2048 * length
    expect(sampling).toBe(Math.round(tokens / rate))
    expect(Math.abs(learning - (8 * P * tokens) / 2e14)).toBeLessThan(5)
    expect(client).toBeCloseTo((1.7 * tokens) / 2_048_000 + 2048 / 3487, 0)
    expect(hours).toBe(Math.round(((sampling + learning) * 200) / 3600))
    expect(onEight).toBe(Math.round(hours / 8))
    expect(Math.abs(least - 2 * hours)).toBeLessThan(10)
    expect(Math.abs(most - 5 * hours)).toBeLessThan(10)
  }
})

it.each(["countdown", "math", "geometry3k", "code", "polaris"])(
  "the recipe of %s has the hours of its dry run",
  async (preset) => {
    const recipes = readFileSync(fileURLToPath(new URL("../guides/recipes.md", import.meta.url)), "utf8")
    const hours = /= ([\d,]+ \+ [\d,]+ GPU hours)/.exec(await plan(preset))?.[1]
    expect(hours).toBeDefined()
    expect(recipes).toContain(`at most ${hours}`)
  },
)
