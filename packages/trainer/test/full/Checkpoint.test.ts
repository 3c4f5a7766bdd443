/** Damage of a checkpoint, byte by byte. */
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Checkpoint, Lpo, RunStore, TrainConfig, Trainer } from "@lpo/trainer"
import { Effect, Result } from "effect"
import { afterEach, beforeEach, expect, it } from "vitest"
import { makeEngine, problems } from "../tabular.ts"

let root = ""
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "lpo-checkpoint-"))
})
afterEach(() => rm(root, { recursive: true }))

it("every single byte of a checkpoint that changes is found out, by the name of its file", async () => {
  const config: TrainConfig.TrainConfig = {
    ...TrainConfig.defaults,
    seed: "1",
    steps: 4,
    promptsPerStep: 4,
    maxTokens: 2,
    checkpointEvery: 4,
    objective: Lpo.make({ divergence: "forward", tau: "std" }),
  }
  await Effect.runPromise(
    RunStore.open({ folder: join(root, "a"), config: {}, resume: false }).pipe(
      Effect.flatMap((run) => Trainer.train({ config, problems, run })),
      Effect.scoped,
      Effect.provide(makeEngine().layer),
    ),
  )
  const folder = join(root, "a", "checkpoints")
  const path = join(folder, "step-000004")
  const latest = () => Effect.runPromise(Effect.result(Checkpoint.latest(folder)))
  let flipped = 0
  for (const file of await readdir(path)) {
    const bytes = await readFile(join(path, file))
    for (let at = 0; at < bytes.length; at++) {
      bytes[at] ^= 1 << (at % 8)
      await writeFile(join(path, file), bytes)
      const found = await latest()
      if (!Result.isFailure(found) || !found.failure.message.includes(file)) expect.fail(`${file}, byte ${at}`)
      bytes[at] ^= 1 << (at % 8)
      flipped++
    }
    await writeFile(join(path, file), bytes)
  }
  expect(flipped).toBeGreaterThan(500)
  expect(Result.isSuccess(await latest())).toBe(true)
})
