/** The presets of the paper: its settings, read from its table and not from the files, and the plan of each. */
import { readFile, rm } from "node:fs/promises"
import { Effect } from "effect"
import { expect, it } from "vitest"
import * as Plan from "../src/Plan.ts"
import * as Preset from "../src/Preset.ts"
import * as Settings from "../src/Settings.ts"
import { copyOf } from "./checkpoint.ts"
import { nothing, resolve } from "./given.ts"
import { here } from "./program.ts"

const six = { aime24: 32, aime25: 32, amc23: 32, minerva: 4, olympiadbench: 1 }
/** Backbone, prompts per step, response tokens, held-out problems x samples, and the other sets. */
const paper = {
  countdown: ["Qwen/Qwen3-4B-Base", 128, 1024, 512, 64, { "countdown-4": 64 }],
  math: ["Qwen/Qwen3-1.7B-Base", 256, 4096, 500, 1, six],
  "math-8b": ["Qwen/Qwen3-8B-Base", 256, 4096, 500, 1, six],
  polaris: ["Qwen/Qwen3-14B-Base", 256, 4096, 500, 1, six],
  code: ["Qwen/Qwen3-1.7B-Base", 256, 4096, 1024, 8, {}],
  geometry3k: ["Qwen/Qwen2.5-VL-3B-Instruct", 128, 1024, 601, 16, {}],
} as const
/** Millions of parameters of the language model, as published. */
const parameters = { countdown: 4022, math: 1721, "math-8b": 8191, polaris: 14_768, code: 1721, geometry3k: 3086 }

const plan = async (given: Partial<Settings.Given>) => {
  const lines: Array<string> = []
  const settings = await resolve(await Effect.runPromise(Plan.placeheld({ ...nothing, ...given })))
  const shown = await Effect.runPromise(Effect.result(Plan.show(settings, (line) => void lines.push(line))))
  return { text: lines.join("\n"), why: shown._tag === "Failure" ? shown.failure.message : null }
}

it.each(Object.entries(paper))(
  "%s has the paper's settings",
  async (name, [source, prompts, tokens, problems, k, sets]) => {
    const settings = await resolve({ preset: name, server: "http://gpu:8000" })
    expect(settings.model).toMatchObject({ kind: "checkpoint", source })
    expect(settings.engine.name).toBe("tinker")
    expect(settings.train).toMatchObject({
      promptsPerStep: prompts,
      groupSize: 8,
      miniBatches: 2,
      epochs: 1,
      sampling: { temperature: 1, topP: 1, topK: 0, maxTokens: tokens },
      optimizer: { beta1: 0.9, beta2: 0.999, weightDecay: 0.1, decay: "constant", warmupSteps: 0 },
    })
    expect(settings.objective.options).toMatchObject({ clip: 0.2, kl: null })
    expect(settings.evaluation).toEqual({
      problems,
      samples: k,
      temperature: 0.6,
      benchmarks: Object.entries(sets).map(([set, samples]) => ({ name: set, samples, temperature: 0.6 })),
    })
    expect(settings.data?.train.source).toMatch(/^[\w-]+\/[\w-]+@main:train$/)
    // The paper trains all parameters; an adapter, which is what a Tinker server trains, takes a higher rate.
    const { train } = await Effect.runPromise(Preset.load(name))
    expect([train.learningRate, settings.train.optimizer.learningRate]).toEqual([1e-6, 1e-5])
  },
)

it.each(Object.entries(parameters))("plans %s without a network, a server or a file", async (name, millions) => {
  // The usual server shows no images.
  const { text, why } = await plan({ preset: name, profile: name === "geometry3k" ? "hosted" : null })
  expect(why).toBeNull()
  expect(text).toMatch(/^engine +tinker; it needs a server: give --server URL$/m)
  expect(text).toMatch(/^download +the tokenizer of Qwen.*the dataset .*@main:train/m)
  expect(text).toContain(`memory    on the server at least 2 bytes x ${millions.toLocaleString("en")} M parameters`)
  expect(text).toMatch(/^time .*60 TFLOP\/s of a GPU.*200 TFLOP\/s = [\d,]+ \+ [\d,]+ GPU hours/m)
})

it("does the sums of a plan", async () => {
  const { text } = await plan({ preset: "countdown", steps: 10, prompts: 4, groupSize: 2, problems: 3, samples: 2 })
  expect(text).toContain(
    "10 steps x 4 prompts x 2 responses = 80 responses, of at most 1,024 tokens: 81,920 tokens at most",
  )
  expect(text).toContain("2 x (held-out 3 x 2 + countdown-4 512 x 64) = 65,548 responses")
  // 4 x 36 layers x 8 heads x 128 bytes a position, for 256 + 1,024 of them.
  expect(text).toContain("147,456 bytes x 1,280 positions = 0.2 GiB")
})

it("refuses with advice what cannot fit", async () => {
  const here = await plan({ preset: "math", engine: "embedded" })
  expect(here.why).toMatch(
    /^this run cannot be trained: 1,720,574,976 parameters need .* GiB to train in full, and a WASM heap ends at 4 GiB/,
  )
  expect(here.why).toMatch(/or train on a server: --engine tinker --server URL$/)
  const adapter = await plan({ preset: "math", engine: "embedded", loraRank: 8 })
  expect(adapter.why).toMatch(/need .* GiB to train an adapter/)
  const images = await plan({ preset: "geometry3k", engine: "embedded" })
  expect(images.why).toMatch(/the engine embedded trains text models only.*--engine tinker/)
  const unseen = await plan({ preset: "geometry3k" })
  expect(unseen.why).toMatch(/the profile skyrl-jax does not show it to the model; .*--profile hosted or skyrl-fsdp$/)
  const long = await plan({ preset: "math", maxTokens: 40_000 })
  expect(long.why).toMatch(
    /leaves no room for a prompt in the model's 32,768 positions; give --max-tokens 32512 or less/,
  )
  const unknown = await plan({ data: "own/rows", task: "math", model: "own/model" })
  expect(unknown).toMatchObject({ why: null })
  expect(unknown.text).toMatch(/memory +unknown until the model's config\.json is downloaded/)
})

it("leaves out the preset's benchmarks where a person brings rows", async () => {
  const own = await resolve({ preset: "math", server: "http://a", data: "mine.jsonl" })
  expect(own.evaluation.benchmarks).toEqual([])
  expect(own.data?.evaluation).toBeNull()
  expect(own.task.name).toBe("math")
  const other = await resolve({ preset: "math", server: "http://a", evalData: "bench.jsonl" })
  expect(other.data?.train.source).toBe("DigitalLearningGmbH/MATH-lighteval@main:train")
  expect(other.evaluation.benchmarks).toEqual([])
})

const page = await readFile(new URL("../../../docs/guides/presets.md", import.meta.url), "utf8")

it.each(Object.keys(paper))("%s stands in the page on presets as it is", async (name) => {
  const preset = await Effect.runPromise(Preset.load(name))
  const cells = new RegExp(`^\\| \`${name}\` \\|(.*)\\|$`, "m").exec(page)?.[1] ?? ""
  // "the same" stands for the row above.
  const source = preset.data?.train.source.replace("@main:train", "") ?? ""
  expect(cells.includes(source) || cells.startsWith(" the same")).toBe(true)
  expect(cells).toContain(preset.model?.kind === "checkpoint" ? preset.model.source : "")
  expect(cells).toContain(` ${preset.train.promptsPerStep} | ${preset.train.maxTokens.toLocaleString("en")} |`)
  if (!cells.includes("| the same"))
    for (const { name: set, samples } of preset.evaluation.benchmarks ?? [])
      expect(cells).toContain(`\`${set}\` (${samples})`)
})

it("runs the dry runs of the page", async () => {
  const lines = page.split("\n").filter((line) => /^polaris train .*--dry-run$/.test(line))
  expect(lines).toHaveLength(4)
  const model = await copyOf({ max_position_embeddings: 512 })
  for (const line of lines) {
    const args = line.replace("./m", model).split(" ").slice(1)
    expect(await here(args), line).toMatchObject({ code: 0, stderr: "" })
  }
  await rm(model, { recursive: true })
})
