/** The guide to the objectives: its table and its settings are those of the registry. */
import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { Paper, Registry } from "@lpo/trainer"
import { expect, it } from "vitest"

const guide = readFileSync(fileURLToPath(new URL("../guides/objectives.md", import.meta.url)), "utf8")

it("the table is the registry's", () => {
  const rows = Registry.table().map(
    ({ defaults, name, summary, weight }) =>
      `| \`${name}\` | ${summary} | \`${weight}\` | \`${JSON.stringify(defaults)}\` |`,
  )
  expect(guide.split("\n").filter((line) => /^\| `.*\{.*\} *` \|$/.test(line))).toEqual(rows)
})

it("every JSON block is a configuration that decodes", () => {
  const blocks = [...guide.matchAll(/```json\n([\s\S]*?)```/g)].map(([, text]) => text)
  expect(blocks.length).toBeGreaterThan(5)
  for (const block of blocks) expect(() => Registry.make(Registry.settings(JSON.parse(block)))).not.toThrow()
})

it("every name of the paper's settings is told", () => {
  for (const name of Object.keys(Paper.objectives)) expect(guide).toContain(`\`${name}\``)
})
