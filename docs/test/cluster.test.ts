/** The programs of "Train on a cluster", run against the protocol double of @lpo/tinker. */
import { expect, it } from "vitest"
import * as Double from "../../packages/tinker/test/double.ts"
import * as Blocks from "./Blocks.ts"

const page = "docs/guides/cluster.md"
const [train, , client] = Blocks.of(page).filter(Blocks.isCode)

/** A task whose reward is the share of threes, and tokens that are whole numbers. */
const stub = `
  const tokenizer = {
    stops: [1],
    encode: (text: string) => Effect.succeed(Int32Array.from(text.split(" "), Number)),
    decode: (tokens: Int32Array) => tokens.join(" "),
  }`
const judge = `Layer.succeed(Verifier.Verifier, {
  verify: (_: unknown, { text }: { readonly text: string }) => {
    const score = text.split(" ").filter((token) => token === "3").length / text.split(" ").length
    return Effect.succeed({ status: "ok" as const, score, correct: score === 1, key: text })
  },
})`

it("the layers train, and go on where they stopped", async () => {
  const double = await Double.make({ dialect: "skyrl" })
  try {
    const same = {
      "http://gpu:8000": double.baseUrl,
      "Qwen/Qwen3-0.6B": "bigram",
      "{ Countdown }": "{ Verifier }",
      "Countdown.generate(draw, { from })":
        '["2 3", "4"].map((prompt, i) => ({ id: `p${i}`, task: "threes", prompt, answer: "3" }))',
      "Countdown.layer()": judge,
      "maxTokens: 256": "maxTokens: 4",
      "learningRate: 1e-4": "learningRate: 0.05",
    }
    const load = /\n  const tokenizer = [\s\S]*?(?=\n {2}const policy)/.exec(train.code)?.[0] ?? ""
    const short = { ...train, code: train.code.replace("steps: 30", "steps: 10") }
    const [first, second] = await Blocks.run(page, [short, train], { ...same, [load]: stub })
    const rewardsOf = (printed: ReadonlyArray<string>) =>
      printed.flatMap((line) => (/^\d+ [\d.]+$/.test(line) ? Number(line.split(" ")[1]) : []))
    const rewards = rewardsOf(second)
    expect(rewards).toHaveLength(30)
    expect(rewardsOf(first)).toEqual(rewards.slice(0, 10))
    const mean = (from: number, to: number) => rewards.slice(from, to).reduce((sum, r) => sum + r, 0) / (to - from)
    expect(mean(25, 30)).toBeGreaterThan(mean(0, 5) + 0.2)
  } finally {
    await double.close()
  }
})

it("a step by hand makes its tokens more likely", async () => {
  const double = await Double.make({ dialect: "hosted" })
  try {
    const replace = { "http://gpu:8000": double.baseUrl, "Qwen/Qwen3-0.6B": "bigram" }
    const [[before, after, checkpoint]] = await Blocks.run(page, [client], replace)
    const logprobs = (line: string) => line.match(/-?\d+\.\d+/g)?.map(Number) ?? []
    expect(logprobs(before)).toHaveLength(2)
    for (const [t, logprob] of logprobs(after).entries()) expect(logprob).toBeGreaterThan(logprobs(before)[t])
    expect(double.checkpoints.has(checkpoint)).toBe(true)
  } finally {
    await double.close()
  }
})
