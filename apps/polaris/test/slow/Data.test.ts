/** A run on a person's own rows and reward, from its first step to what comes of it. */
import { createHash } from "node:crypto"
import { readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { afterAll, expect, it } from "vitest"
import { makeFolder, makeModel } from "../files.ts"
import { jsonLines, sizes, sums } from "../own.ts"
import { here, makeProgram } from "../program.ts"

const { end, out, polaris } = makeProgram()
const { folder, file } = makeFolder("own-run")
const model = await makeModel()
afterAll(end)

const json = async (name: string, what: string): Promise<Record<string, unknown>> =>
  JSON.parse(await readFile(join(out, name, what), "utf8")) as Record<string, unknown>
const weights = (name: string) => readFile(join(out, name, "model", "model.safetensors"))

/** Rewards a response by its length, so that there is something to learn from noise. */
const reward = "export default (_answer, response) => Math.min(0.9, response.length / 100)\n"

it("trains two steps on rows of one's own, killed after one and resumed, to the same weights", async () => {
  const data = await file("sums.jsonl", jsonLines(sums))
  // As `npm init --yes` writes it, which calls a module's own syntax an error.
  await file("package.json", JSON.stringify({ type: "commonjs" }))
  const verifier = await file("reward.ts", `const cap: number = 0.9\n${reward.replace("0.9", "cap")}`)
  const args = ["--data", data, "--task", "math", "--verifier", verifier, "--model", model, ...sizes]
  const whole = await polaris([...args, "--name", "whole"])
  expect(whole.stderr).toBe("")
  expect(whole.code).toBe(0)
  expect(whole.stdout).toMatch(/18 problems to train on from .*sums\.jsonl \(answer\); 2 held out, chosen by hash/)
  const sha256 = createHash("sha256").update(jsonLines(sums)).digest("hex")
  const config = await json("whole", "config.json")
  expect(config).toMatchObject({
    preset: "own",
    task: { name: "math" },
    data: {
      train: { source: data, format: "answer", fingerprint: { rows: 20, sha256 } },
      evaluation: null,
      badRows: "fail",
    },
    verifier: {
      path: verifier,
      sha256: createHash("sha256")
        .update(await readFile(verifier))
        .digest("hex"),
    },
  })
  const groups = (await readFile(join(out, "whole", "completions.jsonl"), "utf8")).trim().split("\n")
  for (const line of groups) {
    const group = JSON.parse(line) as {
      prompt: Array<{ content: string }>
      completions: Array<{ text: string; verdict: { score: number } }>
    }
    expect(group.prompt[0].content).toMatch(/^What is \d+ \+ \d+\?\n\nReason step by step/)
    for (const { text, verdict } of group.completions) expect(verdict.score).toBe(Math.min(0.9, text.length / 100))
  }
  const killed = await polaris([...args, "--name", "killed"], (stdout) =>
    /Training \(lpo-fwd\) 1\/2/.test(stdout) ? "SIGINT" : null,
  )
  expect(killed.code).toBe(130)
  const resumed = await polaris(["--name", "killed", "--resume"])
  expect(resumed.stderr).toBe("")
  expect(resumed.stdout).toMatch(/resuming after step [12] of 2/)
  expect((await weights("killed")).equals(await weights("whole"))).toBe(true)
  // An evaluation of the run judges as the run did, or not at all.
  const evaluate = (name: string) =>
    here(["eval", "--run", join(out, "whole"), "--n", "2", "--out", folder, "--name", name])
  expect((await evaluate("judged")).stderr).toBe("")
  const summary = JSON.parse(await readFile(join(folder, "judged", "summary.json"), "utf8")) as unknown
  expect(JSON.stringify(summary)).toContain('"unjudged":0')
  const scored = (await readFile(join(folder, "judged", "held-out.samples.jsonl"), "utf8")).trim().split("\n")
  expect(scored).toHaveLength(2)
  const before = await readFile(verifier, "utf8")
  await writeFile(verifier, before.replace("100", "10"))
  expect((await evaluate("rejudged")).stderr).toMatch(/its verifier .*reward\.ts is not the one that judged the run/)
  await writeFile(verifier, before)
  // Other rows are another run.
  await file("sums.jsonl", jsonLines(sums.slice(1)))
  const other = await polaris(["--name", "killed", "--resume", "--steps", "3"])
  expect(other.code).toBe(1)
  expect(other.stderr).toMatch(/was started with data\.train\.fingerprint\.rows 20, but now it is 19/)
})
