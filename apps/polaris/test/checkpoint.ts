/** A tiny checkpoint with something to learn from Countdown: in a folder, and on a double of the hub. */
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { Dataset } from "@lpo/rollout"
import { Backend, Checkpoint, Policy, Supervised } from "@lpo/transformer"
import { ConfigProvider, Effect } from "effect"
import * as HubDouble from "../../../packages/transformer/test/hubDouble.ts"
import * as Countdown from "./tiny.ts"

export const fixture = fileURLToPath(new URL("../../../packages/transformer/test/fixtures/qwen3", import.meta.url))

/** Runs in this environment, not in that of whoever runs the tests. */
export const run = <A, E>(effect: Effect.Effect<A, E>, env: Record<string, string> = {}): Promise<A> =>
  effect.pipe(Effect.provide(ConfigProvider.layer(ConfigProvider.fromUnknown(env))), Effect.runPromise)

/** A copy of the fixture with other options in its config.json. */
export const copyOf = async (options: Record<string, unknown>): Promise<string> => {
  const copy = await mkdtemp(join(tmpdir(), "lpo-checkpoint-"))
  await cp(fixture, copy, { recursive: true })
  const config = JSON.parse(await readFile(join(copy, "config.json"), "utf8")) as Record<string, unknown>
  await writeFile(join(copy, "config.json"), JSON.stringify({ ...config, ...options }))
  return copy
}

/** Teaches the fixture to answer the first problem of a run with seed 1 and one prompt a step, right or wrong. */
const teach = Effect.fn(function* (folder: string) {
  yield* Backend.start("wasm")
  const checkpoint = yield* Checkpoint.open(folder)
  const { config, tokenizer, values } = checkpoint
  if (tokenizer === null) return yield* Effect.die("the fixture has no tokenizer")
  const policy = yield* Policy.make(config, tokenizer, values, { workers: 0 })
  const all = yield* Effect.promise(() => Countdown.problems("train", "chat"))
  const [problem] = Dataset.take(all, { seed: "countdown-tiny/1", from: 1, size: 1 })
  const { nums } = problem.answer as { nums: ReadonlyArray<number> }
  if (typeof problem.prompt === "string") return yield* Effect.die("the fixture has a chat template")
  const prompt = yield* tokenizer.encodeChat(problem.prompt)
  // All with the right numbers, so that a reward is 0.1 or 1.
  const answers = ["+*", "*+", "++", "-+", "*-", "**"].flatMap(([a, b]) =>
    [nums, [...nums].reverse()].map(([x, y, z]) => `<answer>${x}${a}${y}${b}${z}</answer>`),
  )
  const pairs = yield* Effect.forEach(answers, (text) =>
    Effect.map(tokenizer.encodeBare(text), (completion) => ({ prompt, completion })),
  )
  const schedule = { steps: 120, learningRate: 2e-2, warmupSteps: 10, decayShare: 0.5, maxGradNorm: 1 }
  yield* Supervised.train(policy, { ...schedule, batch: () => pairs })
  yield* Checkpoint.save({ ...checkpoint, values: policy.values }, folder)
}, Effect.scoped)

/** The model's folder, a hub that has it as `tiny/qwen3`, and an empty cache. */
export const make = async () => {
  const folder = await copyOf({ max_position_embeddings: 512 })
  await run(teach(folder))
  for (const name of await readdir(folder)) if (/-of-|index|expected/.test(name)) await rm(join(folder, name))
  const files = new Map<string, Buffer>()
  for (const name of await readdir(folder)) files.set(name, await readFile(join(folder, name)))
  const hub = await HubDouble.start("tiny/qwen3", files)
  const cache = await mkdtemp(join(tmpdir(), "lpo-hub-"))
  return {
    folder,
    hub,
    online: { HF_ENDPOINT: hub.endpoint, HF_HUB_CACHE: cache },
    offline: { HF_HUB_CACHE: cache, HF_HUB_OFFLINE: "1" },
    end: async () => {
      await hub.close()
      await rm(folder, { recursive: true })
      await rm(cache, { recursive: true })
    },
  }
}

/** A run of 12 short steps, of one problem each. */
export const short =
  "--problems 2 --samples 2 --prompts 1 --k 8 --max-tokens 40 --steps 12 --learning-rate 1e-3 --workers 0".split(" ")
export const adapter = [...short, "--model", "tiny/qwen3@main", "--lora-rank", "2"]
