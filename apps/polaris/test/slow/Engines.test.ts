/** The engines behind `--engine`, through the command itself: a Tinker server, and training here with rollouts on vLLM. */
import { readdir, readFile, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { Sampler } from "@lpo/rollout"
import type { StepReport } from "@lpo/trainer"
import { Effect, Stream } from "effect"
import { afterAll, expect, it } from "vitest"
import * as Vllm from "../../../../packages/rollout/test/openai/vllm.ts"
import * as Tinker from "../../../../packages/tinker/test/double.ts"
import * as Resolve from "../../src/Resolve.ts"
import * as Settings from "../../src/Settings.ts"
import * as View from "../../src/View.ts"
import * as Tiny from "../checkpoint.ts"
import { nothing } from "../given.ts"
import { makeProgram } from "../program.ts"
import * as Rollouts from "../rollouts.ts"
import * as Countdown from "../tiny.ts"
import * as Words from "../words.ts"

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
    expect(keyless.stderr).toMatch(/requires a key; set TINKER_API_KEY in the environment/)
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
      train: { anchor: "recompute", sampling: { stopStrings: ["</answer>"] }, optimizer: { maxGradNorm: null } },
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

it("renders chats with the variables of --template in every engine", async () => {
  const model = await Tiny.copyOf({ max_position_embeddings: 512 })
  const server = await Rollouts.serve(model)
  const [double, words] = [await Tinker.make({ dialect: "skyrl" }), await Words.make()]
  const source =
    "{% if thinking is not true or strftime_now('%Y') != '1999' %}{{ raise_exception('without variables') }}{% endif %}" +
    "{{ messages[0].content }}"
  for (const folder of [model, words]) await writeFile(join(folder, "chat_template.jinja"), source)
  const { domain, preset } = await Countdown.open()
  const sample = (more: Partial<Settings.Given>) =>
    Effect.gen(function* () {
      const settings = yield* Resolve.settings({ ...nothing, workers: 0, loraRank: 2, ...more }, null)
      const { layer } = yield* Settings.engineOf(settings).open(settings.engine.options, {
        seed: "template",
        number: 1,
        preset,
        model: settings.model,
        groupSize: 2,
        maxTokens: 2,
        temperature: 1,
        reference: false,
        evaluationSamples: 2,
        domain: { ...domain, longest: null },
        flags: { ...nothing, workers: 0 },
        folder: join(out, "template"),
        view: View.make(),
      })
      const problem = { id: "1", task: "t", prompt: [{ role: "user" as const, content: "1 2" }], answer: null }
      const groups = Effect.flatMap(Sampler.Sampler, ({ sample: draw }) =>
        Stream.runCollect(draw([problem], { groupSize: 2, maxTokens: 2, seed: "s" })),
      )
      return yield* Effect.provide(groups, layer)
    }).pipe(
      Effect.scoped,
      Effect.match({ onFailure: ({ message }) => message, onSuccess: (groups) => groups.length }),
      Tiny.run,
    )
  try {
    const engines: ReadonlyArray<Partial<Settings.Given>> = [
      { engine: "embedded", model },
      { engine: "hybrid", model, rollouts: server.url, servedName: "base" },
      { engine: "tinker", model: words, server: double.baseUrl, workers: null },
    ]
    for (const engine of engines) {
      expect(await sample(engine), engine.engine ?? "").toMatch(/without variables/)
      expect(await sample({ ...engine, template: { thinking: true, date: "1999-05-06" } }), engine.engine ?? "").toBe(1)
    }
  } finally {
    await server.close()
    await double.close()
    await rm(words, { recursive: true })
    await rm(model, { recursive: true })
  }
})
