/** A reward model on a real server: the contract, and what becomes of a server that does not keep to it. */
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { RewardModel, Verifier } from "@lpo/rollout"
import { Effect, Redacted } from "effect"
import { afterAll, beforeAll, expect, it } from "vitest"

interface Asked {
  readonly key: string | undefined
  readonly body: unknown
}
const asked: Array<Asked> = []
/** Answers from the front; the last one stays. */
let answers: ReadonlyArray<readonly [status: number, body: string]> = []
const server = createServer((request, response) => {
  const parts: Array<Buffer> = []
  request.on("data", (part: Buffer) => parts.push(part))
  request.on("end", () => {
    asked.push({ key: request.headers.authorization, body: JSON.parse(Buffer.concat(parts).toString()) })
    const [status, body] = answers[0]
    if (answers.length > 1) answers = answers.slice(1)
    response.writeHead(status, { "content-type": "application/json" }).end(body)
  })
})
let url = ""
beforeAll(async () => {
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/score`
})
afterAll(() => new Promise((done) => server.close(done)))

const problem = { id: "p", task: "reward-model", prompt: "Say hello.", answer: null }
const judge = (given: typeof answers, response = "Hello.", options: Partial<RewardModel.Options> = {}) => {
  answers = given
  asked.length = 0
  const verifier = Verifier.define(RewardModel.grader({ url, ...options }))
  return Effect.runPromise(verifier.verify(problem, { text: response, finish: "stop" }))
}

it("is asked with prompt and response, and its score is the reward", async () => {
  const verdict = await judge([[200, '{"score": 0.73, "model": "rm-1"}']], "Hello.", { key: Redacted.make("secret") })
  expect(asked).toEqual([{ key: "Bearer secret", body: { prompt: "Say hello.", response: "Hello." } }])
  expect(verdict).toMatchObject({ status: "ok", score: 0.73, correct: false })
  expect(await judge([[200, '{"score": -2.5, "correct": true}']])).toMatchObject({ score: -2.5, correct: true })
  expect(await judge([[200, '{"score": 1.5}']])).toMatchObject({ score: 1.5, correct: true })
})

it("is asked again when it is busy, and what it never answers is not a verdict", async () => {
  expect(
    await judge([
      [503, "{}"],
      [429, "{}"],
      [200, '{"score": 1}'],
    ]),
  ).toMatchObject({ status: "ok", score: 1 })
  expect(asked).toHaveLength(3)
  const down = await judge([[500, '{"error": "out of memory"}']], "x", { attempts: 2 })
  expect(down).toMatchObject({ status: "error", score: 0 })
  expect(down.reason).toMatch(/HTTP 500: out of memory/)
  expect(asked).toHaveLength(2)
})

it.each([
  [200, '{"score": NaN}'],
  [200, '{"score": "good"}'],
  [200, '{"reward": 1}'],
  [200, "fine"],
  [404, '{"error": "no such route"}'],
] as const)("an answer %i %s is an error that says what came, and is not asked for again", async (status, body) => {
  const verdict = await judge([[status, body]])
  expect(verdict.status).toBe("error")
  expect(verdict.reason).toMatch(/wrong shape|not JSON|no such route/)
  expect(asked).toHaveLength(1)
})
