/** What the paper proves, on the trajectories of whole runs. */
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Advantage, Guarantee, OffPolicy } from "@lpo/simplex"
import { Grpo, Lpo, type Objective, Registry, RunStore, TrainConfig, Trainer } from "@lpo/trainer"
import { Effect } from "effect"
import { afterEach, beforeEach, expect, it } from "vitest"
import { makeEngine, problems } from "./tabular.ts"

let root = ""
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "lpo-theorems-"))
})
afterEach(() => rm(root, { recursive: true }))

const run = (name: string, objective: Objective.Objective, over: Partial<TrainConfig.TrainConfig> = {}) => {
  const engine = makeEngine()
  const path: Array<ReadonlyArray<number>> = []
  return Effect.gen(function* () {
    const open = yield* RunStore.open({ folder: join(root, name), config: {}, resume: false })
    yield* Trainer.train({
      config: {
        ...TrainConfig.defaults,
        seed: "1",
        steps: 50,
        promptsPerStep: 4,
        maxTokens: 2,
        miniBatches: 1,
        checkpointEvery: 50,
        anchor: "sampled",
        groupsLogged: 0,
        ...over,
        objective,
        optimizer: { ...TrainConfig.defaults.optimizer, learningRate: 0.2 },
      },
      problems,
      run: open,
      onStep: () => Effect.sync(() => path.push([...engine.logits])),
    })
    return { path, events: yield* open.events }
  }).pipe(Effect.scoped, Effect.provide(engine.layer), Effect.runPromise)
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
    const reverse = await run("rev", Lpo.make({ divergence: "reverse", tau: "std", reduction }))
    const grpo = await run("grpo", Grpo.make({ clip: null, aggregation }))
    expect(reverse.path).toHaveLength(50)
    expect(Math.max(...(reverse.path.at(-1) ?? []))).toBeGreaterThan(0.5)
    expect(gap(reverse.path, grpo.path)).toBeLessThan(1e-4)
    const forward = await run("fwd", Lpo.make({ divergence: "forward", tau: "std", reduction }))
    expect(gap(forward.path, grpo.path)).toBeGreaterThan(0.01)
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
        const [mean, std] = [
          Advantage.mean(rewards),
          Math.sqrt(Advantage.mean(rewards.map((r) => (r - Advantage.mean(rewards)) ** 2))),
        ]
        const a = rewards.map((r) => (r - mean) / std)
        const ratios = OffPolicy.logRatios(current, behaviour, reduction).map(Math.exp)
        const delta = ratios.reduce((most, r) => Math.max(most, Math.abs(r - 1)), 0)
        const gaps = result.coefficients.map((c, k) => Math.abs(c + (ratios[k] * a[k]) / a.length))
        measured.push({ gap: Math.max(...gaps), bound: Guarantee.offPolicyGap({ advantages: a, delta }), delta })
        return result
      },
    }
    const inner = { epochs: 4, steps: 12 }
    const reverse = await run("rev", objective, inner)
    const grpo = await run("grpo", Grpo.make({ clip: null, aggregation }), inner)
    expect(gap(reverse.path, grpo.path)).toBeGreaterThan(1e-3)
    const moved = measured.filter(({ delta }) => delta > 1e-3 && delta < 1)
    expect(moved.length).toBeGreaterThan(20)
    for (const { bound, gap } of measured) expect(gap).toBeLessThanOrEqual(bound + 1e-6)
    expect(moved.some(({ bound }) => bound < 1)).toBe(true)
  },
)

it.each(["lpo-fwd", "lpo-rev", "lpo-js", "lpo-brier"] as const)(
  "%s: Theorem 2 is logged at every step, and never broken",
  async (name) => {
    const { events } = await run("t2", Registry.make(Registry.settings(name)), { epochs: 3, miniBatches: 2, steps: 20 })
    const logged = events.filter(({ targetKl }) => targetKl !== null)
    expect(logged.length).toBeGreaterThan(10)
    for (const { gain, gainBound, gainSlack } of logged) {
      expect(gainSlack).toBeGreaterThanOrEqual(0)
      expect((gain ?? NaN) - (gainBound ?? NaN)).toBeGreaterThanOrEqual((gainSlack ?? NaN) - 1e-9)
    }
    // The inner epochs have moved P towards the target.
    expect(logged.some(({ gain }) => (gain ?? 0) > 0)).toBe(true)
    const none = await run("none", Registry.make(Registry.settings("grpo")), { steps: 2 })
    for (const { gain, gainBound, gainSlack } of none.events)
      expect([gain, gainBound, gainSlack]).toEqual([null, null, null])
  },
)
