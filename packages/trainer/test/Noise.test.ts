/** Noise on labels: how many flip, which of them flip together, and what is measured of it. */
import { type Group, SamplingParams, Verdict } from "@lpo/rollout"
import { Noise } from "@lpo/trainer"
import { expect, it } from "vitest"

const k = 8
const completion = {
  tokens: Int32Array.of(1),
  text: "x",
  logprobs: Float32Array.of(-1),
  finish: "stop" as const,
  policyVersion: 1,
  logprobsOf: "raw" as const,
  sampling: SamplingParams.make({ maxTokens: 1 }),
}
const verdicts = Array.from({ length: k }, (_, i) => Verdict.judged({ correct: i < k / 2, score: i < k / 2 ? 1 : 0.1 }))
const group = (id: string, place: number): Group.ScoredGroup => ({
  problem: { id, task: "t", prompt: "", answer: null },
  place,
  promptTokens: Int32Array.of(0),
  completions: Array.from({ length: k }, () => completion),
  verdicts,
})

/** 50 problems over 12 steps. */
const noisy = (options: Noise.Options) =>
  Array.from({ length: 600 }, (_, i) => {
    const step = Math.floor(i / 50)
    return { step, ...Noise.apply(options, group(`p${i % 50}`, i % 50), "seed", step) }
  })
const flipped = ({ verdicts: after }: Pick<Group.ScoredGroup, "verdicts">) =>
  after.map((v, i) => v.correct !== i < k / 2)

it.each(["independent", "prompt", "group"] as const)("flips as many as it says, %s, and measures them", (per) => {
  const options = { per, falsePositive: 0.15, falseNegative: 0.3 }
  const groups = noisy(options)
  const { fpr, j, tpr } = Noise.measure(groups)
  // As many draws as there are things that share none.
  const draws = { independent: 2400, group: 600, prompt: 50 }[per]
  const within = (p: number) => 4 * Math.sqrt((p * (1 - p)) / draws)
  expect(Math.abs((fpr ?? NaN) - 0.15)).toBeLessThan(within(0.15))
  expect(Math.abs((tpr ?? NaN) - 0.7)).toBeLessThan(within(0.7))
  expect(j).toBe((tpr ?? NaN) - (fpr ?? NaN))
  expect(Noise.informedness(options)).toBeCloseTo(0.55, 12)
  // By hand, from what is known to be right.
  const all = groups.flatMap(flipped)
  expect(1 - (tpr ?? NaN)).toBeCloseTo(all.filter((f, i) => f && i % k < k / 2).length / (all.length / 2), 12)
  expect(fpr).toBeCloseTo(all.filter((f, i) => f && i % k >= k / 2).length / (all.length / 2), 12)
})

it("verdicts that share a draw flip together, and others do not", () => {
  const options = { falsePositive: 0.4, falseNegative: 0.4 }
  const together = (per: Noise.Options["per"]) =>
    noisy({ per, ...options }).every((one) => new Set(flipped(one)).size === 1)
  expect([together("independent"), together("group"), together("prompt")]).toEqual([false, true, true])
  const steady = (per: Noise.Options["per"]) => {
    const byProblem = new Map<string, Set<string>>()
    for (const one of noisy({ per, ...options }))
      byProblem.set(one.problem.id, (byProblem.get(one.problem.id) ?? new Set()).add(flipped(one).join()))
    return [...byProblem.values()].every(({ size }) => size === 1)
  }
  expect([steady("group"), steady("prompt")]).toEqual([false, true])
})

it("a flipped verdict has the reward of what it says; what was not judged stays so; the same seed gives the same noise", () => {
  const all = { per: "independent" as const, falsePositive: 1, falseNegative: 1 }
  const { verdicts: after } = Noise.apply(all, group("p", 0), "seed", 0)
  expect(after.map(({ correct, score }) => [correct, score])).toEqual(
    verdicts.map(({ correct }) => [!correct, correct ? 0 : 1]),
  )
  expect(Noise.measure([{ verdicts: after }])).toEqual({ tpr: 0, fpr: 1, j: -1 })
  const silent = { ...group("p", 0), verdicts: [Verdict.unreached("timeout", "slow")] }
  expect(Noise.apply(all, silent, "seed", 0).verdicts).toEqual(silent.verdicts)
  expect(Noise.measure([silent])).toEqual({ tpr: null, fpr: null, j: null })
  const half = { ...all, falsePositive: 0.5, falseNegative: 0.5 }
  expect(noisy(half)).toEqual(noisy(half))
  expect(Noise.apply(half, group("p", 0), "other", 3)).not.toEqual(Noise.apply(half, group("p", 0), "seed", 3))
})
