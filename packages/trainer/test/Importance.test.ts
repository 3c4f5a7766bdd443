/** Truncated and masked importance sampling: against finite differences of the loss, and against what they must come to. */
import { type Objective, Registry } from "@lpo/trainer"
import { Seed } from "@lpo/rollout"
import { expect, it } from "vitest"

const random = Seed.stream("importance")
const lengths = [3, 1, 4, 2]
const rows = (size: number) => lengths.map((n) => Float32Array.from({ length: n }, () => size * random.normal()))
const plus = (a: ReadonlyArray<Float32Array>, b: ReadonlyArray<Float32Array>) =>
  a.map((row, k) => row.map((v, t) => v + b[k][t]))

/** A group that was sampled by one policy, is anchored at another, and has moved on from there. */
const group = (): Objective.ObjectiveInput => {
  const behaviour = rows(0.2).map((row) => row.map((v) => v - 2))
  const anchor = plus(behaviour, rows(0.5))
  return {
    rewards: Float64Array.of(1, 0, 0.1, 1),
    behaviour,
    anchor,
    current: plus(anchor, rows(0.2)),
    onPolicy: false,
    batch: { rewardStd: 0.4, tokens: 10, groups: 1 },
  }
}

const cases = (["truncated", "masked"] as const).flatMap((kind) =>
  (["token", "sequence"] as const).map((level) => ({ kind, level, cap: 1.4 })),
)

/** What is left of the ratio of the anchor to the policy that sampled. */
const left = ({ anchor, behaviour }: Objective.ObjectiveInput, { cap, kind, level }: (typeof cases)[number]) =>
  anchor.map((row, k) =>
    Array.from(row, (v, t) => {
      const whole = row.reduce((sum, x, i) => sum + x - behaviour[k][i], 0)
      const ratio = Math.exp(level === "token" ? v - behaviour[k][t] : whole)
      if (kind === "truncated") return Math.min(ratio, cap)
      return ratio < 1 / cap || ratio > cap ? 0 : ratio
    }),
  )

it.each(cases)("the weights are minus the gradient of the corrected loss: %j", (importance) => {
  const objectives = {
    grpo: { name: "grpo", clip: { low: 0.2, high: 0.28 }, importance },
    rloo: { name: "rloo", importance },
  }
  let masked = 0
  for (let n = 0; n < 20; n++) {
    const input = group()
    const { anchor, rewards } = input
    const v = left(input, importance)
    masked += v.flat().filter((x) => x === 0).length
    const mean = rewards.reduce((a, b) => a + b) / rewards.length
    const std = Math.sqrt(rewards.reduce((sum, r) => sum + (r - mean) ** 2, 0) / rewards.length)
    const advantages = {
      grpo: rewards.map((r) => (r - mean) / std),
      rloo: rewards.map((r) => ((r - mean) * rewards.length) / (rewards.length - 1)),
    }
    for (const name of ["grpo", "rloo"] as const) {
      const { weights } = Registry.make(Registry.settings(objectives[name])).evaluate(input)
      /** Of one token; a constant times the surrogate of pi_theta to the anchor. */
      const loss = (k: number, t: number, x: number): number => {
        const a = advantages[name][k]
        const ratio = Math.exp(x - anchor[k][t])
        const clipped = Math.min(ratio * a, Math.min(Math.max(ratio, 0.8), 1.28) * a)
        return (-v[k][t] * (name === "grpo" ? clipped : ratio * a)) / rewards.length
      }
      for (const [k, row] of input.current.entries())
        for (const [t, x] of row.entries()) {
          const ratio = Math.exp(x - anchor[k][t])
          // At a kink there is no derivative.
          if (Math.abs(ratio - 0.8) < 1e-3 || Math.abs(ratio - 1.28) < 1e-3) continue
          const slope = (loss(k, t, x + 1e-4) - loss(k, t, x - 1e-4)) / 2e-4
          expect(weights[k][t]).toBeCloseTo(-slope, 5)
        }
    }
  }
  expect(masked > 0).toBe(importance.kind === "masked")
})

it.each(["grpo", "dr-grpo", "maxrl", "rloo", "dapo", "reinforce++", "gspo", "cispo"])(
  "%s is itself where the policy that sampled is the anchor, and P_theta stays that of the group",
  (name) => {
    const input = group()
    const fresh = { ...input, behaviour: input.anchor }
    for (const importance of cases) {
      const corrected = Registry.make(Registry.settings({ name, importance }))
      expect(corrected.evaluate(fresh)).toEqual(Registry.make(Registry.settings(name)).evaluate(fresh))
      const { policy } = corrected.evaluate(input)
      expect([...policy]).toEqual([...Registry.make(Registry.settings("lpo-fwd")).evaluate(input).policy])
    }
  },
)

it("is for policy gradients: a listwise objective carries its own ratios", () => {
  const importance = { kind: "truncated", level: "token", cap: 2 }
  expect(() => Registry.settings({ name: "lpo-fwd", importance })).toThrow(/importance is not known/)
  expect(() => Registry.settings({ name: "grpo", importance: { ...importance, cap: 0.5 } })).toThrow(/cap is 0\.5/)
})
