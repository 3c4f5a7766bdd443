/** The pages on data, followed: their files are written, and their commands run on a tiny model. */
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { afterAll, beforeAll, expect, it } from "vitest"
import { here } from "../../apps/polaris/test/program.ts"

const root = fileURLToPath(new URL("../..", import.meta.url))
const page = (name: string): Promise<string> => readFile(join(root, "docs/guides", name), "utf8")
const folder = await mkdtemp(join(tmpdir(), "lpo-docs-data-"))
afterAll(() => rm(folder, { recursive: true }))

const blocks = (text: string, language: string): ReadonlyArray<string> =>
  [...text.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, "gm"))].map(([, code]) => code)
const commands = (text: string): ReadonlyArray<string> => blocks(text, "sh").flatMap((code) => code.trim().split("\n"))

/** A command of a page, in the folder with its files. */
const polaris = async (line: string, more: ReadonlyArray<string> = []) => {
  const before = process.cwd()
  process.chdir(folder)
  try {
    return await here([...line.split(" ").slice(1), ...more])
  } finally {
    process.chdir(before)
  }
}

beforeAll(async () => {
  const text = await page("your-own-data.md")
  const model = join(folder, "m")
  await cp(join(root, "packages/transformer/test/fixtures/qwen3"), model, { recursive: true })
  const config = JSON.parse(await readFile(join(model, "config.json"), "utf8")) as Record<string, unknown>
  await writeFile(join(model, "config.json"), JSON.stringify({ ...config, max_position_embeddings: 512 }))
  // Rows are marked as JSON too: the site's highlighter knows no JSON lines.
  const [rows, options] = blocks(text, "json")
  await writeFile(join(folder, "mine.jsonl"), rows)
  await writeFile(join(folder, "judge.ts"), blocks(text, "ts")[0])
  await writeFile(join(folder, "run.json"), options)
})

it("your own data: every command of the page works", async () => {
  // What the first ten minutes ask for is followed by `npm run checks -- stranger`, with the model that they name.
  const all = commands(await page("your-own-data.md")).filter((line) => line.startsWith("polaris "))
  expect(all).toHaveLength(5)
  const short = "--steps 1 --prompts 2 --k 2 --max-tokens 4 --samples 1 --workers 0".split(" ")
  for (const line of all) {
    const isRun = line.startsWith("polaris train") && !line.includes("--dry-run")
    const { code, stderr, stdout } = await polaris(line, isRun ? short : [])
    expect(stderr, line).toBe("")
    expect(code).toBe(0)
    if (isRun) expect(stdout).toMatch(/3 problems to train on from .*mine\.jsonl .*; 1 held out, chosen by hash/)
  }
})

it("datasets: the commands of the page work", async () => {
  const row = (problem: string, answer: string, difficulty: string) =>
    `${JSON.stringify({ problem, answer, difficulty })}\n`
  const train = row("One?", "1", "1/8") + row("Two?", "2", "8/8") + row("Three?", "3", "4/8") + row("None?", "", "4/8")
  await writeFile(join(folder, "train.jsonl"), train)
  await writeFile(join(folder, "bench.jsonl"), row("three", "3", "4/8"))
  for (const line of commands(await page("datasets.md")))
    expect(await polaris(line), line).toMatchObject({ code: 0, stderr: "" })
  expect((await readFile(join(folder, "kept.jsonl"), "utf8")).trim().split("\n")).toHaveLength(2)
})
