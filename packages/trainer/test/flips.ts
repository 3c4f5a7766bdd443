/** A run whose files have one changed bit each: every `stride`-th byte in the quick test, every byte in the full one. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Lpo, RunStore, TrainConfig, Trainer } from "@lpo/trainer"
import { Seed } from "@lpo/rollout"
import { Effect } from "effect"
import { expect } from "vitest"
import { makeEngine, problems } from "./tabular.ts"

const config: TrainConfig.TrainConfig = {
  ...TrainConfig.defaults,
  seed: "1",
  steps: 3,
  promptsPerStep: 4,
  maxTokens: 2,
  checkpointEvery: 3,
  objective: Lpo.make({ divergence: "forward", tau: "std" }),
}

const run = (folder: string, resume: boolean) =>
  Effect.gen(function* () {
    const open = yield* RunStore.open({ folder, config: { task: "digits" }, resume })
    yield* Trainer.train({ config, problems, run: open })
  }).pipe(Effect.scoped, Effect.provide(makeEngine().layer))

/** Every change of a manifest or a configuration is found out, and nothing is adopted that is not a run. */
export const areFound = async (stride: number): Promise<void> => {
  const root = await mkdtemp(join(tmpdir(), "lpo-flips-"))
  const folder = join(root, "a")
  const refusal = async (resume: boolean) => (await Effect.runPromise(Effect.flip(run(folder, resume)))).message
  try {
    await Effect.runPromise(run(folder, false))
    for (const file of ["config.json", join("checkpoints", "step-000003", "manifest.json")]) {
      const path = join(folder, file)
      const bytes = await readFile(path)
      const random = Seed.stream(`flips/${file}`)
      for (let i = random.int(0, stride - 1); i < bytes.length; i += stride) {
        const changed = Buffer.from(bytes)
        changed[i] ^= 1 << random.int(0, 7)
        await writeFile(path, changed)
        expect(await refusal(true)).toMatch(/config\.json|manifest\.json|is damaged|missing/)
      }
      await writeFile(path, bytes)
    }
    // Without its configuration the folder is not a run, and no other may take its place.
    await rm(join(folder, "config.json"))
    expect(await refusal(false)).toMatch(/is not empty and has no config\.json/)
  } finally {
    await rm(root, { recursive: true })
  }
}
