/** Records of runs that were never made, with a pass rate of choice. */
import { Seed } from "@lpo/rollout"
import type * as Record from "../src/Record.ts"

const evaluated = (rate: number, stream: string): Record.Evaluated => {
  const random = Seed.stream(stream)
  const samples = 16
  const correct = Array.from(
    { length: 64 },
    () => Array.from({ length: samples }, () => random.uniform() < rate).filter(Boolean).length,
  )
  return { correct, samples, entropy: 0.5, length: 7, distinct: 4 }
}

/** A run whose policy solves each problem with probability `rate`; seeds differ by a standard deviation of `noise`. */
export const run = (
  arm: string,
  seed: number,
  rate: number,
  noise = 0.01,
  more: Partial<Record.Run> = {},
): Record.Run => {
  const shift = noise * Seed.stream(`test/${arm}/${seed}`).normal()
  return {
    id: `${arm}-${seed}`,
    preset: "countdown-tiny",
    arm,
    seed,
    learningRate: 4e-4,
    ended: null,
    steps: Array.from({ length: 20 }, (_, i) => ({
      tokens: 100 * (i + 1),
      passRate: Math.min(rate, (rate * (i + 1)) / 10),
      entropy: 0.5,
      gradNorm: 1,
    })),
    before: evaluated(0.2, `test/before/${seed}`),
    after: evaluated(rate + shift, `test/after/${arm}/${seed}`),
    seconds: 1,
    ...more,
  }
}
