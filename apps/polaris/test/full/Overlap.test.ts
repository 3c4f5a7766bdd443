/**
 * `polaris data` on the published files: `LPO_BENCHMARKS` names their folder (math-train.deepscaler.json, math500.deepscaler.json,
 * amc83.deepscaler.json, amc23.qwen.jsonl, aime24.qwen.jsonl; aime.deepscaler.json, the problems of 1983-2023, and the 12,000 rows
 * math12k.json with math-test.json where one has them).
 */
import { existsSync } from "node:fs"
import { join } from "node:path"
import { expect, it } from "vitest"
import { here } from "../program.ts"

const folder = process.env["LPO_BENCHMARKS"] ?? ""
const file = (name: string): string => join(folder, name)

/** Runs where the files are, and says loudly that it does not elsewhere. */
const withFiles = (files: ReadonlyArray<string>, name: string, run: () => Promise<void>): void => {
  const missing = files.find((one) => folder === "" || !existsSync(file(one)))
  if (missing !== undefined) console.warn(`SKIPPED: ${name}: no ${missing} in LPO_BENCHMARKS`)
  it.skipIf(missing !== undefined)(name, run)
}
const overlap = async (train: string, bench: string): Promise<string | undefined> => {
  const { code, stderr, stdout } = await here(["data", "overlap", file(train), file(bench)])
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
  return /: (\d+ of \d+) questions are in /.exec(stdout)?.[1]
}

withFiles(["amc83.deepscaler.json", "amc23.qwen.jsonl"], "the 40 of AMC 2023 are among the 83", async () => {
  expect(await overlap("amc83.deepscaler.json", "amc23.qwen.jsonl")).toBe("40 of 40")
})
withFiles(
  ["math-train.deepscaler.json", "math500.deepscaler.json", "aime24.qwen.jsonl"],
  "MATH's training half touches neither MATH500 nor AIME 2024, and four of its rows have no answer",
  async () => {
    expect(await overlap("math-train.deepscaler.json", "math500.deepscaler.json")).toBe("0 of 500")
    expect(await overlap("math-train.deepscaler.json", "aime24.qwen.jsonl")).toBe("0 of 30")
    const { stdout } = await here(["data", "validate", file("math-train.deepscaler.json"), "--task", "math"])
    expect(stdout).toMatch(/: 7474 rows .* 7470 problems$/m)
    expect(stdout).toMatch(/^rows without an answer: 4$/m)
  },
)
withFiles(["aime.deepscaler.json", "math500.deepscaler.json"], "AIME 1983-2023 has six of MATH500", async () => {
  expect(await overlap("aime.deepscaler.json", "math500.deepscaler.json")).toBe("6 of 500")
})
withFiles(["math12k.json", "math-test.json"], "the split of 12,000 has 4,500 of the official test", async () => {
  expect(await overlap("math12k.json", "math-test.json")).toBe("4500 of 5000")
})
