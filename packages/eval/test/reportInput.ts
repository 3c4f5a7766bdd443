/** A run whose every text is an attack on the page that shows it. */
import type { Metrics, Report } from "@lpo/eval"
import { type Problem, Verdict } from "@lpo/rollout"

export const hostile = `</script><script>document.title = "owned"</script><img src=x onerror="document.title='owned'">`
const chat: Problem.Prompt = [
  { role: "system", content: hostile },
  {
    role: "user",
    content: [
      { type: "text", text: "What is this?" },
      // A PNG of one pixel.
      {
        type: "image",
        format: "png",
        data: Uint8Array.from(
          Buffer.from(
            "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
            "base64",
          ),
        ),
      },
    ],
  },
]
const estimate = (mean: number) => ({ mean, low: mean - 0.03, high: mean + 0.03, problems: 9, atLeast: mean })
const judged = (problem: string, correct: ReadonlyArray<boolean>): Metrics.Judged => ({
  problem,
  samples: correct.map((right) => ({
    status: "ok",
    correct: right,
    score: right ? 1 : 0,
    key: null,
    length: 3,
    truncated: false,
    surprise: 1,
  })),
})
export const input: Report.ReportInput = {
  title: `Run ${hostile}`,
  facts: { objective: "lpo-fwd", [hostile]: hostile },
  config: { seed: hostile },
  events: Array.from({ length: 30 }, (_, i) => ({
    step: i + 1,
    reward: 0.2 + i / 60,
    passRate: i / 50,
    solvedRate: i / 35,
    entropy: 1 / (i + 1),
    gradNorm: i === 3 ? null : 1,
    responseLength: 7,
    targetKl: 0.3,
    zeroVariance: i,
    alarms:
      i === 9 || i === 10
        ? [{ metric: "gradNorm", value: i, bound: 1 }]
        : i === 11
          ? [{ metric: hostile, value: 0.001, bound: 0.01 }]
          : [],
  })),
  evaluations: [10, 20, 30].map((step) => ({
    step,
    values: { "eval/pass_at_1": step / 50, "eval/pass_at_4": step / 40, "eval/entropy": 1 },
  })),
  about: { command: [hostile] },
  warnings: [hostile],
  base: {
    curve: { "1": estimate(0.2), "2": estimate(0.4), "4": estimate(0.6), "8": estimate(0.8) },
    problems: [judged(hostile, [true, false]), judged("p2", [false, false])],
  },
  trained: {
    curve: { "1": estimate(0.6), "2": estimate(0.8), "4": estimate(0.9), "8": estimate(0.95) },
    problems: [judged(hostile, [true, true]), judged("p2", [false, true])],
  },
  groups: [1, 2].map((step) => ({
    step,
    problem: `p${step}`,
    prompt: step === 1 ? hostile : chat,
    outcome: "trained" as const,
    completions: [
      {
        text: hostile,
        length: 9,
        finish: "stop" as const,
        verdict: Verdict.judged({ correct: true, reason: hostile }),
        target: 0.7,
        policy: 0.5,
        coefficient: -0.2,
      },
      {
        text: "3 + 4",
        length: 3,
        finish: "length" as const,
        verdict: Verdict.judged({ correct: false, reason: "equals 7" }),
        target: 0.3,
        policy: 0.5,
        coefficient: 0.2,
      },
    ],
  })),
}
