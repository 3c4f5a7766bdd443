/** A task of several turns on a model that is a checkpoint: the small model of a preset, served by vLLM's routes. */
import { mkdtemp, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { HfTokenizer, ModelFiles } from "@lpo/transformer"
import { Effect } from "effect"
import { afterAll, expect, it } from "vitest"
import * as Preset from "../src/Preset.ts"
import { open, readsOf } from "../src/tasks/index.ts"
import * as WarmStart from "../src/WarmStart.ts"
import { makeProgram } from "./program.ts"
import * as Rollouts from "./rollouts.ts"

const { end, events, out, polaris } = makeProgram()
const folder = await mkdtemp(join(tmpdir(), "lpo-exported-"))
afterAll(async () => {
  await end()
  await rm(folder, { recursive: true })
})

/** The shipped warm start as a checkpoint. */
const { domain, tokenizer } = await Effect.gen(function* () {
  const { model, name, task } = yield* Preset.load("countdown-tool-tiny")
  const domain = yield* open(task.name, task.parameters)
  if (model?.kind !== "warm-start" || domain.tiny === null) throw new Error("the preset has a model of its own")
  const config = yield* WarmStart.modelConfig(model, domain.tiny)
  const { tokenizer } = domain.tiny
  const values = yield* ModelFiles.readModel(config, WarmStart.shipped(name))
  yield* WarmStart.saveCheckpoint({ config, tokenizer, values }, folder)
  return { domain, tokenizer }
}).pipe(Effect.runPromise)

it("a small model's checkpoint has its words as a tokenizer, by which it is known", async () => {
  const read = await Effect.runPromise(HfTokenizer.load(folder))
  expect(read.stops).toEqual(tokenizer.stops)
  expect(read.vocabSize).toBe(tokenizer.vocabSize)
  for (const text of ["1 12 3 -> 17 :", "(1+12)*3", "-> / :", " 7\n* 8 "]) {
    const tokens = await Effect.runPromise(tokenizer.encode(text))
    expect([...(await Effect.runPromise(read.encode(text)))]).toEqual([...tokens])
    expect(read.decode(tokens)).toBe(tokenizer.decode(tokens))
  }
  expect(readsOf(read, domain)).toBe("words")
  const other = await Effect.runPromise(
    open("math", { recipe: "tiny" }).pipe(Effect.orElseSucceed(() => ({ tiny: null }))),
  )
  expect(readsOf(read, other)).toBe("text")
})

it("plays its turns here and on vLLM's routes, with the policy that was published last", async () => {
  const server = await Rollouts.serve(folder)
  try {
    const sizes =
      "--steps 2 --prompts 4 --k 4 --max-tokens 10 --problems 4 --samples 2 --learning-rate 1e-3 --lora-rank 4"
    const args = ["countdown-tool-tiny", ...sizes.split(" "), "--workers", "0", "--model", folder]
    const hybrid = "--engine hybrid --served-name base --rollouts".split(" ")
    const here = await polaris([...args, "--name", "here"])
    expect(here.stderr).toBe("")
    const there = await polaris([...args, ...hybrid, server.url, "--name", "there"])
    expect(there.stderr).toBe("")
    for (const name of ["here", "there"]) {
      const rows = await events(name)
      expect(rows).toHaveLength(2)
      for (const { anchorLogRatio, episodes } of rows) {
        expect(episodes).toMatchObject({ turns: 2, forked: 0 })
        expect(anchorLogRatio).toBeLessThan(1e-3)
      }
      const logged = (await readFile(join(out, name, "completions.jsonl"), "utf8")).split("\n")
      expect(logged[0]).toMatch(/"episode":\{"turns":2,"forked":0,"stop":"(terminated|length)"\}/)
    }
    // An adapter a step, and the one that it begins with.
    expect(server.loaded).toHaveLength(3)
  } finally {
    await server.close()
  }
})
