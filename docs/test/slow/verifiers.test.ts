/** The command line and the Python blocks of the verifiers' guides, run as they stand. */
import { execFile, spawn } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { expect, it } from "vitest"
import * as Blocks from "../Blocks.ts"

const run = promisify(execFile)
const docs = fileURLToPath(new URL("../..", import.meta.url))
const guides = join(docs, "guides/verifiers")
const flags = ["--conditions=@lpo/source", "--disable-warning=ExperimentalWarning"]
const cli = [...flags, fileURLToPath(new URL("../../../packages/verifiers/src/cli/main.ts", import.meta.url))]

const blocks = (page: string, language: string): Array<{ readonly label: string; readonly code: string }> =>
  [...readFileSync(join(guides, page), "utf8").matchAll(/```(\w+) ?(\w*)\n([\s\S]*?)```/g)]
    .filter(([, found]) => found === language)
    .map(([, , label, code]) => ({ label, code }))

it("the table of attacks lists what the package publishes", () => {
  const file = fileURLToPath(new URL("../../../packages/verifiers/cases/attacks.json", import.meta.url))
  const names = (JSON.parse(readFileSync(file, "utf8")) as Array<{ readonly name: string }>).map(({ name }) => name)
  const rows = readFileSync(join(guides, "code.md"), "utf8")
    .split("## Attacks")[1]
    .matchAll(/^\| (.+?) \|/gm)
  expect([...rows].map(([, name]) => name.replaceAll("`", "")).slice(2)).toEqual(names)
})

it("grades the file of the command line's example", async () => {
  const folder = mkdtempSync(join(tmpdir(), "lpo-docs-"))
  try {
    const page = Blocks.of("docs/guides/verifiers/reward-server.md")
    for (const { code, file } of page) if (file !== null) writeFileSync(join(folder, file), code)
    const commands = page.filter(({ language }) => language === "sh").flatMap(({ code }) => code.trim().split("\n"))
    const graded = commands.filter((line) => /^npx lpo-verifiers (check|validate) /.test(line))
    expect(graded).toHaveLength(3)
    for (const line of graded) await run(process.execPath, [...cli, ...line.split(" ").slice(2)], { cwd: folder })
    const verdicts = readFileSync(join(folder, "verdicts.jsonl"), "utf8").trim().split("\n")
    expect(verdicts.map((line) => JSON.parse(line) as object)).toMatchObject([
      { id: "a", score: 1 },
      { id: "b", score: 1 },
    ])
  } finally {
    rmSync(folder, { recursive: true })
  }
})

const python = await run("python3", ["--version"]).then(
  () => true,
  () => false,
)

const checks = `
import os, sys
verify.__defaults__ = (os.environ["URL"], *verify.__defaults__[1:])
good, bad = "<answer>2 * 4</answer>", "<answer>2 + 4</answer>"
chat = [[{"role": "assistant", "content": good}], [{"role": "assistant", "content": bad}], [{"role": "assistant", "content": good}]]
print(countdown_reward([good, bad, good], nums=[[2, 4], [2, 4], "broken"], target=[8, 8, 8]))
print(countdown_reward(chat, nums=[[2, 4], [2, 4], "broken"], target=[8, 8, 8]))
print(compute_score("countdown", good, {"nums": [2, 4], "target": 8}))
try:
    compute_score("countdown", good, {})
except RuntimeError as error:
    print("does not decode" in str(error))
try:
    verify([], mode="loose")
except RuntimeError as error:
    print(error)
`

it.runIf(python)("the Python reward functions give the server's verdicts", async () => {
  const server = spawn(process.execPath, [...cli, "serve", "--port", "0"], { stdio: ["ignore", "pipe", "inherit"] })
  try {
    const url = await new Promise<string>((resolve, reject) => {
      server.once("exit", () => reject(new Error("the server ended")))
      server.stdout.on("data", (data) => {
        const found = /listening on (\S+)/.exec(String(data))?.[1]
        if (found !== undefined) resolve(found)
      })
    })
    const code = blocks("reward-server.md", "python").map((block) => block.code)
    expect(code).toHaveLength(3)
    const { stdout } = await run("python3", ["-c", [...code, checks].join("\n")], { env: { ...process.env, URL: url } })
    expect(stdout.trim().split("\n")).toEqual([
      "[1, 0.1, None]",
      "[1, 0.1, None]",
      "{'score': 1, 'acc': True, 'pred': '8'}",
      "True",
      'mode is "loose"; give "strict" or "reference:<grader>"',
    ])
  } finally {
    server.kill()
  }
})
