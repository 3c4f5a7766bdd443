/** A sampling temperature other than 1: log-probs and gradients of that very law on both sides, and nothing else is trained on. */
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Grpo, Lpo, RunStore, TrainConfig, Trainer } from "@lpo/trainer"
import { Effect } from "effect"
import { afterEach, beforeEach, expect, it } from "vitest"
import { makeEngine, problems } from "./tabular.ts"

let root = ""
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "lpo-tempered-"))
})
afterEach(() => rm(root, { recursive: true }))

const run = (name: string, over: Partial<TrainConfig.TrainConfig>, rate: number, engine = makeEngine()) =>
  Effect.gen(function* () {
    const open = yield* RunStore.open({ folder: join(root, name), config: {}, resume: false })
    yield* Trainer.train({
      config: {
        ...TrainConfig.defaults,
        seed: "1",
        steps: 8,
        promptsPerStep: 4,
        maxTokens: 2,
        epochs: 2,
        objective: Lpo.make({ divergence: "forward", tau: "std" }),
        ...over,
        optimizer: { ...TrainConfig.defaults.optimizer, learningRate: rate },
      },
      problems,
      run: open,
    })
    return { logits: [...engine.logits], events: yield* open.events }
  }).pipe(Effect.scoped, Effect.provide(engine.layer))

/**
 * softmax(z / T) is the policy with logits z' = z / T, and dz = rate * (gradient by z') / T, so z' moves as at temperature 1 with the
 * rate divided by T^2: the same draws, rewards and ratios at every step.
 */
it.each([
  ["lpo", Lpo.make({ divergence: "forward", tau: "std" })],
  ["grpo", Grpo.make()],
] as const)(
  "%s at temperature T is the same run as at 1 with logits z / T and the rate over T^2",
  async (_, objective) => {
    for (const temperature of [0.5, 2]) {
      const asked = { temperature, objective, anchor: "recompute" } as const
      const hot = await Effect.runPromise(run(`hot-${temperature}`, asked, 0.8 * temperature ** 2))
      const plain = await Effect.runPromise(run(`plain-${temperature}`, { objective, anchor: "recompute" }, 0.8))
      expect(plain.logits.some((z) => Math.abs(z) > 0.5)).toBe(true)
      for (const [i, z] of plain.logits.entries()) expect(hot.logits[i] / temperature).toBeCloseTo(z, 4)
      for (const [i, { passRate, samplerKl, targetKl }] of plain.events.entries()) {
        expect(hot.events[i].passRate).toBe(passRate)
        expect(hot.events[i].targetKl).toBeCloseTo(targetKl ?? NaN, 4)
        expect(hot.events[i].samplerKl).toBeCloseTo(samplerKl ?? NaN, 9)
      }
      await rm(join(root, `hot-${temperature}`), { recursive: true })
      await rm(join(root, `plain-${temperature}`), { recursive: true })
    }
  },
)

it("refuses a learner that does not temper before anything is sampled, and samples of which the log-probs are the policy's", async () => {
  let sampled = 0
  const deaf = makeEngine({ tempers: false, onSample: () => sampled++ })
  const before = await Effect.runPromise(Effect.flip(run("a", { temperature: 0.7 }, 1, deaf)))
  expect(before.message).toMatch(/temperature is 0\.7, but this learner gives .* only at 1.*; give 1, or/)
  expect(sampled).toBe(0)
  const raw = await Effect.runPromise(Effect.flip(run("b", { temperature: 0.7 }, 1, makeEngine({ rawOnly: true }))))
  expect(raw.message).toMatch(/sampled at temperature 0\.7, but its log-probs are of the policy at 1, .* biased/)
  for (const temperature of [0, -1, NaN, Infinity])
    expect((await Effect.runPromise(Effect.flip(run(`c${temperature}`, { temperature }, 1)))).message).toMatch(
      /temperature is .*; give a number above 0/,
    )
})
