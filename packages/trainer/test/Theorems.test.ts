/** What the paper proves, on whole trajectories: groups sampled, judged and learned from as the loop does, without a run on disk. */
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Group, Sampler, Verifier } from "@lpo/rollout"
import { Advantage, Guarantee, OffPolicy } from "@lpo/simplex"
import { Grpo, Lpo, type Objective, Registry, RunStore, Selection, TrainConfig, Trainer, Update } from "@lpo/trainer"
import { Effect, Stream } from "effect"
import { expect, it } from "vitest"
import { makeEngine, problems } from "./tabular.ts"

const config = (objective: Objective.Objective, over: Partial<TrainConfig.TrainConfig>): TrainConfig.TrainConfig => ({
  ...TrainConfig.defaults,
  seed: "1",
  steps: 50,
  promptsPerStep: 4,
  maxTokens: 2,
  miniBatches: 1,
  ...over,
  objective,
  optimizer: { ...TrainConfig.defaults.optimizer, learningRate: 0.2 },
})

/** The logits after every step. */
const trajectory = (objective: Objective.Objective, over: Partial<TrainConfig.TrainConfig> = {}) => {
  const engine = makeEngine()
  const settings = config(objective, over)
  return Effect.gen(function* () {
    const sampler = yield* Sampler.Sampler
    const verifier = yield* Verifier.Verifier
    const path: Array<ReadonlyArray<number>> = []
    for (let step = 0; step < settings.steps; step++) {
      const options = { groupSize: settings.groupSize, maxTokens: 2, seed: `1/sample/${step}` }
      const sampled = yield* Stream.runCollect(sampler.sample(problems.slice(0, 4), options))
      const scored = yield* Effect.forEach(sampled, (group) =>
        Effect.map(
          Effect.forEach(group.completions, (completion) => verifier.verify(group.problem, completion)),
          (verdicts): Group.ScoredGroup => ({ ...group, verdicts }),
        ),
      )
      const { kept } = Selection.select(scored, settings.objective)
      yield* Update.run(settings, yield* Update.anchored(kept, "sampled"), step)
      path.push([...engine.logits])
    }
    return path
  }).pipe(Effect.provide(engine.layer), Effect.runPromise)
}

const gap = (a: ReadonlyArray<ReadonlyArray<number>>, b: ReadonlyArray<ReadonlyArray<number>>): number =>
  a.reduce((most, row, i) => row.reduce((m, v, j) => Math.max(m, Math.abs(v - b[i][j])), most), 0)

const pairs = [
  ["sum", "token-sum"],
  ["mean", "sequence-mean"],
] as const

it.each(pairs)(
  "on policy, LPO-rev with tau = sigma and unclipped GRPO go the same way for 50 steps: %s",
  async (reduction, aggregation) => {
    const reverse = await trajectory(Lpo.make({ divergence: "reverse", tau: "std", reduction }))
    const grpo = await trajectory(Grpo.make({ clip: null, aggregation }))
    expect(reverse).toHaveLength(50)
    expect(Math.max(...(reverse.at(-1) ?? []))).toBeGreaterThan(0.5)
    expect(gap(reverse, grpo)).toBeLessThan(1e-4)
    const forward = await trajectory(Lpo.make({ divergence: "forward", tau: "std", reduction }))
    expect(gap(forward, grpo)).toBeGreaterThan(0.01)
  },
)

it.each(pairs)(
  "with inner epochs they part, and the gap of every coefficient stays under the bound: %s",
  async (reduction, aggregation) => {
    const plain = Lpo.make({ divergence: "reverse", tau: "std", reduction })
    const measured: Array<{ gap: number; bound: number; delta: number }> = []
    const objective: Objective.Objective = {
      ...plain,
      evaluate: (input) => {
        const result = plain.evaluate(input)
        const { behaviour, current, rewards } = input
        const mean = Advantage.mean(rewards)
        const std = Math.sqrt(Advantage.mean(rewards.map((r) => (r - mean) ** 2)))
        const a = rewards.map((r) => (r - mean) / std)
        const ratios = OffPolicy.logRatios(current, behaviour, reduction).map(Math.exp)
        const delta = ratios.reduce((most, r) => Math.max(most, Math.abs(r - 1)), 0)
        const gaps = result.coefficients.map((c, k) => Math.abs(c + (ratios[k] * a[k]) / a.length))
        measured.push({ gap: Math.max(...gaps), bound: Guarantee.offPolicyGap({ advantages: a, delta }), delta })
        return result
      },
    }
    const inner = { epochs: 4, steps: 12 }
    const reverse = await trajectory(objective, inner)
    const grpo = await trajectory(Grpo.make({ clip: null, aggregation }), inner)
    expect(gap(reverse, grpo)).toBeGreaterThan(1e-3)
    const moved = measured.filter(({ delta }) => delta > 1e-3 && delta < 1)
    expect(moved.length).toBeGreaterThan(20)
    for (const { bound, gap } of measured) expect(gap).toBeLessThanOrEqual(bound + 1e-6)
    expect(moved.some(({ bound }) => bound < 1)).toBe(true)
  },
)

it.each([
  ["lpo-fwd", true],
  ["lpo-rev", true],
  ["lpo-brier", true],
  ["grpo", false],
] as const)("%s: Theorem 2 is logged at every step, and never broken", async (name, bounded) => {
  const root = await mkdtemp(join(tmpdir(), "lpo-theorems-"))
  const objective = Registry.make(Registry.settings(name))
  const events = await Effect.gen(function* () {
    const run = yield* RunStore.open({ folder: join(root, "run"), config: {}, resume: false })
    const over = { epochs: 3, miniBatches: 2, steps: 5, checkpointEvery: 5, groupsLogged: 0 }
    yield* Trainer.train({ config: config(objective, over), problems, run })
    return yield* run.events
  }).pipe(Effect.scoped, Effect.provide(makeEngine().layer), Effect.runPromise)
  await rm(root, { recursive: true })
  const trained = events.filter(({ targetKl }) => targetKl !== null)
  expect(trained.length).toBeGreaterThan(2)
  for (const { gain, gainBound, gainSlack } of trained) {
    if (!bounded) {
      expect([gain, gainBound, gainSlack]).toEqual([null, null, null])
      continue
    }
    expect(gainSlack).toBeGreaterThanOrEqual(0)
    expect((gain ?? NaN) - (gainBound ?? NaN)).toBeGreaterThanOrEqual((gainSlack ?? NaN) - 1e-9)
  }
  // The inner epochs have moved P towards the target.
  if (bounded) expect(trained.some(({ gain }) => (gain ?? 0) > 0)).toBe(true)
})
