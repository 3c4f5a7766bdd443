/** What the loop can do, through the command line: each a short run. */
import { readFile, writeFile } from "node:fs/promises"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { join } from "node:path"
import { afterAll, expect, it } from "vitest"
import { here, makeProgram } from "../program.ts"

const { checksum, end, events, out, polaris } = makeProgram()
afterAll(end)

/** As small as a run can be that learns. */
const tiny = ["--problems", "2", "--samples", "1", "--seed", "3", "--workers", "0"]
const sizes = (steps: number, prompts: number) => [...tiny, "--steps", String(steps), "--prompts", String(prompts)]

const run = async (name: string, args: ReadonlyArray<string>, steps = 3, prompts = 8) => {
  const { code, stderr } = await polaris([...sizes(steps, prompts), "--name", name, ...args])
  expect(stderr).toBe("")
  expect(code).toBe(0)
  return events(name)
}
const config = async (name: string) => JSON.parse(await readFile(join(out, name, "config.json"), "utf8"))

it("trains at a temperature of its own, with the log-probs of that law on both sides", async () => {
  const cold = await run("cold", ["--temperature", "0.5", "--set", "train.anchor=recompute"])
  const hot = await run("hot", ["--temperature", "1.5", "--set", "train.anchor=recompute"])
  // What the sampler recorded is what the learner computes: with log-probs of another law they would differ by tenths of nats.
  for (const { anchorLogRatio, samplerKl } of [...cold, ...hot]) {
    expect(samplerKl).toBeLessThan(1e-6)
    expect(anchorLogRatio).toBeLessThan(1e-3)
  }
  expect(cold[0].entropy).toBeLessThan(hot[0].entropy / 1.5)
  const { evaluation, train } = await config("cold")
  expect([train.sampling.temperature, evaluation.temperature]).toEqual([0.5, 1])
})

it("stays near the policy that it began with: no pull while it is that policy, one afterwards", async () => {
  const whole = ["--set", "train.miniBatches=1"]
  const free = await run("free", whole)
  const near = await run("near", ["--kl", "reward=0.5", ...whole])
  expect((await config("near")).objective.options.kl).toMatchObject({ in: "reward", estimator: "k1", beta: 0.5 })
  // What the two computations of one log-prob differ by is not a signal, in groups of equal rewards least of all.
  const ratio = (step: number) => (near[step].gradNorm ?? NaN) / (free[step].gradNorm ?? NaN)
  expect(ratio(0)).toBeCloseTo(1, 5)
  expect(Math.abs(ratio(2) - 1)).toBeGreaterThan(1e-3)
})

it("K = 1: each response against what its prompt was known to earn; K = 1,024: a group of as many", async () => {
  const single = await run("single", ["--k", "1", "--objective", "lpo-single", "--set", "train.checkpointEvery=1"])
  for (const { gradNorm, zeroVariance } of single) {
    expect(gradNorm).toBeGreaterThan(0)
    expect(zeroVariance).toBe(0)
  }
  const state = await readFile(join(out, "single", "checkpoints", "step-000003", "state.json"), "utf8")
  // A baseline for every prompt that was seen.
  expect(Object.keys((JSON.parse(state) as { baselines: object }).baselines).length).toBeGreaterThan(8)
  const [large] = await run("large", ["--k", "1024"], 1, 1)
  expect(large.responseTokens).toBeGreaterThan(1024)
  expect(large.gradNorm).toBeGreaterThan(0)
})

it("is judged by a reward model over HTTP", async () => {
  let asked = 0
  const server = createServer((request, response) => {
    const parts: Array<Buffer> = []
    request.on("data", (part: Buffer) => parts.push(part))
    request.on("end", () => {
      asked++
      const { response: text } = JSON.parse(Buffer.concat(parts).toString()) as { response: string }
      response.end(JSON.stringify({ score: text.length / 10 }))
    })
  })
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done))
  const { port } = server.address() as AddressInfo
  const short = await run("model", ["--verifier", `http://127.0.0.1:${port}/score`], 1)
  server.close()
  expect(asked).toBe(8 * 8 + 2 * 2)
  expect(short[0].reward).toBeGreaterThan(0)
  expect((await config("model")).verifier).toEqual({ path: `http://127.0.0.1:${port}/score`, sha256: null })
})

it("puts noise on the labels of training, and says what is left of the signal", async () => {
  const noise = { per: "independent", falsePositive: 1, falseNegative: 1 }
  const turned = await run("turned", ["--set", `train.noise=${JSON.stringify(noise)}`])
  const plain = await run("plain", [])
  expect(turned[0].noise).toEqual({ tpr: 0, fpr: 1, j: -1 })
  expect(turned[0].passRate).toBeCloseTo(1 - plain[0].passRate, 12)
  expect(plain[0]).not.toHaveProperty("noise")
})

it("mixes offline data with its own, a stated share of the prompts, and refuses a bad line", async () => {
  const file = join(out, "offline.jsonl")
  const responses = [
    { tokens: [1, 2, 3], score: 1 },
    { tokens: [3, 2], score: 0 },
  ]
  await writeFile(file, `${JSON.stringify({ prompt: [1, 2], responses })}\n`)
  const mixed = await run("mixed", ["--offline", file, "--offline-ratio", "0.5"])
  for (const { offline } of mixed) expect(offline).toBe(4)
  expect((await config("mixed")).offline).toMatchObject({ path: file, ratio: 0.5 })
  await writeFile(file, '{"prompt": [1]}\n')
  const { code, stderr } = await polaris([...sizes(1, 8), "--name", "bad", "--offline", file])
  expect(code).toBe(1)
  expect(stderr).toMatch(/offline\.jsonl, row 1: .*responses/)
})

it("proves that the sampler follows the learner, and goes on as if it had not", async () => {
  const { code, stderr, stdout } = await here(["probe", "--seed", "3", "--workers", "0"])
  expect([code, stderr]).toEqual([0, ""])
  expect(stdout).toMatch(/the sampler follows the learner: three steps on the reward "(longer|shorter)" moved the mean/)
  await run("proved", ["--probe"], 1)
  await run("unproved", [], 1)
  expect(await checksum("proved")).toBe(await checksum("unproved"))
})
