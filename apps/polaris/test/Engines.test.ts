/** The engines behind `--engine`, through the command itself: a Tinker server, and training here with rollouts on vLLM. */
import { readdir, readFile, rm } from "node:fs/promises"
import { join } from "node:path"
import type { StepReport } from "@lpo/trainer"
import { afterAll, expect, it } from "vitest"
import * as Vllm from "../../../packages/rollout/test/openai/vllm.ts"
import * as Tinker from "../../../packages/tinker/test/double.ts"
import * as Tiny from "./checkpoint.ts"
import { makeProgram } from "./program.ts"
import * as Rollouts from "./rollouts.ts"
import * as Words from "./words.ts"

const { end, events, out, polaris } = makeProgram()
afterAll(end)

const learned = (rows: ReadonlyArray<StepReport.StepReport>) => rows.filter(({ gradNorm }) => (gradNorm ?? 0) > 0)

it("trains on a Tinker server, goes on there, and refuses a server of another kind", async () => {
  const [double, model] = [await Tinker.make({ dialect: "skyrl" }), await Words.make()]
  try {
    const sizes = "--prompts 1 --k 8 --max-tokens 2 --problems 2 --samples 2 --learning-rate 0.05 --lora-rank 8".split(
      " ",
    )
    const args = ["--engine", "tinker", "--server", double.baseUrl, "--model", model, ...sizes]
    const wrong = await polaris([...args, "--steps", "3", "--name", "wrong", "--profile", "twinkle"])
    expect(wrong).toMatchObject({ code: 1 })
    expect(wrong.stderr).toMatch(/^polaris: profile twinkle, form B': .*choose the profile .*\(here: --profile\)\n$/)
    const keyless = await polaris([...args, "--steps", "3", "--name", "wrong", "--profile", "hosted"])
    expect(keyless.stderr).toMatch(/asks for a key; set TINKER_API_KEY in the environment/)
    expect(await readdir(out)).not.toContain("wrong")

    const first = await polaris([...args, "--steps", "3", "--name", "tinker"])
    expect(first.stderr).toBe("")
    expect(first.code).toBe(0)
    expect(first.stdout).toMatch(/on the Tinker server .* \(skyrl-jax\): an adapter of rank 8 trained/)
    expect(first.stdout).toMatch(/the trained adapter stays on the server/)
    const rows = await events("tinker")
    expect(rows).toHaveLength(3)
    expect(learned(rows).length).toBeGreaterThan(0)
    const recorded = JSON.parse(await readFile(join(out, "tinker", "config.json"), "utf8")) as Record<string, unknown>
    expect(recorded).toMatchObject({
      engine: { name: "tinker", options: { server: double.baseUrl, profile: "skyrl-jax", rank: 8 } },
      train: { anchor: "recompute", sampling: { stopStrings: [] }, optimizer: { maxGradNorm: null } },
    })
    const saved = await readFile(join(out, "tinker", "checkpoints", "step-000003", "tinker.json"), "utf8")
    expect(double.checkpoints.has((JSON.parse(saved) as { path: string }).path)).toBe(true)

    const resumed = await polaris(["--resume", "--name", "tinker", "--steps", "5"])
    expect(resumed.stderr).toBe("")
    expect(resumed.stdout).toMatch(/resuming after step 3 of 5/)
    expect(await events("tinker")).toHaveLength(5)
    // Nothing is left on the server but checkpoints.
    expect(double.models().size).toBe(0)
  } finally {
    await double.close()
    await rm(model, { recursive: true })
  }
})

it("learns here and samples on vLLM what it published last", async () => {
  const tiny = await Tiny.make()
  const server = await Rollouts.serve(tiny.folder)
  const odd = await Vllm.start()
  odd.faults.mode = "processed"
  try {
    const args = [
      ...Tiny.short,
      "--engine",
      "hybrid",
      "--model",
      tiny.folder,
      "--lora-rank",
      "2",
      "--served-name",
      "base",
    ]
    const refused = await polaris([...args, "--name", "refused", "--rollouts", odd.url])
    expect(refused.code).toBe(1)
    expect(refused.stderr).toMatch(/log-probs are processed .* start it with --logprobs-mode raw_logprobs/)
    expect(await readdir(out)).not.toContain("refused")

    const result = await polaris([...args, "--name", "hybrid", "--rollouts", server.url])
    expect(result.stderr).toBe("")
    expect(result.code).toBe(0)
    expect(result.stdout).toMatch(new RegExp(`rollouts on ${server.url}, where the model is base`))
    const rows = await events("hybrid")
    expect(rows).toHaveLength(12)
    expect(learned(rows).length).toBeGreaterThan(0)
    // The anchor is computed here: were the samples those of any other policy, it would differ.
    for (const row of rows) expect(row.anchorLogRatio).toBeLessThan(1e-3)
    expect(server.loaded).toHaveLength(13)
    expect(new Set(server.loaded).size).toBe(13)
    expect(await readdir(join(out, "hybrid"))).toContain("adapter")
  } finally {
    await server.close()
    await odd.close()
    await tiny.end()
  }
})
