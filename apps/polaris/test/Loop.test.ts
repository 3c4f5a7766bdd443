/** What the loop can do, all at once through the command line; `full` has each of them by itself. */
import { readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { afterAll, expect, it } from "vitest"
import { makeProgram } from "./program.ts"

const { end, events, out, polaris } = makeProgram()
afterAll(end)

it("trains at a temperature, near its start, on noisy labels and offline data, with importance sampling, and records it", async () => {
  const file = join(out, "offline.jsonl")
  const response = (score: number, ...tokens: ReadonlyArray<number>) => ({
    tokens,
    score,
    logprobs: tokens.map(() => -1),
  })
  await writeFile(file, JSON.stringify({ prompt: [1, 2], responses: [response(1, 1, 2), response(0, 3)] }))
  const importance = { kind: "truncated", level: "token", cap: 2 }
  const noise = { per: "group", falsePositive: 1, falseNegative: 1 }
  const settings = { "objective.options.importance": importance, "train.noise": noise, "train.anchor": "recompute" }
  const { code, stderr } = await polaris([
    ..."--steps 2 --prompts 4 --problems 2 --samples 1 --workers 0 --name all --objective grpo".split(" "),
    ..."--temperature 0.7 --kl reward=0.1".split(" "),
    "--offline",
    file,
    ...Object.entries(settings).flatMap(([path, value]) => ["--set", `${path}=${JSON.stringify(value)}`]),
  ])
  expect([code, stderr]).toEqual([0, ""])
  for (const { noise, offline, samplerKl } of await events("all")) {
    expect(offline).toBe(1)
    expect(noise?.tpr ?? 0).toBe(0)
    // Log-probs of one law on both sides.
    expect(samplerKl).toBeLessThan(1e-6)
  }
  const config: unknown = JSON.parse(await readFile(join(out, "all", "config.json"), "utf8"))
  expect(config).toMatchObject({
    objective: { options: { importance, kl: { in: "reward", estimator: "k1", beta: 0.1, on: "all" } } },
    offline: { path: file, ratio: 0.25 },
    train: { noise, sampling: { temperature: 0.7 } },
    evaluation: { temperature: 1 },
  })
})
