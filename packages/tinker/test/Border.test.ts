/** A server whose numbers are wrong: the completion is asked for again, its group goes on. */
import { Sampler } from "@lpo/rollout"
import { Effect, References, Stream } from "effect"
import { afterEach, expect, it } from "vitest"
import { Protobuf, Protocol, ServerProfile, Transport } from "../src/index.ts"
import * as Double from "./double.ts"
import * as Loop from "./loop.ts"
import * as Proto from "./proto.ts"

const doubles: Array<Double.Double> = []
afterEach(() => Promise.all(doubles.splice(0).map((double) => double.close())))
const profile = { ...ServerProfile.hosted, encoding: "json" as const }
const wanted = { groupSize: 3, maxTokens: 4, seed: "s" }

const sample = async (edit: (result: any) => string) => {
  const double = await Double.make({ dialect: "hosted", edit })
  doubles.push(double)
  const sampled = Effect.gen(function* () {
    const sampler = yield* Sampler.Sampler
    return yield* sampler.sample(Loop.problems.slice(0, 1), wanted).pipe(Stream.runCollect)
  })
  const result = await sampled.pipe(
    Effect.provide(Loop.server(double.baseUrl, profile)),
    Loop.fast,
    Effect.provideService(References.MinimumLogLevel, "None"),
    Effect.result,
    Effect.runPromise,
  )
  return { result, asked: double.requests.filter(({ path }) => path === "/asample").map(({ body }) => body) }
}
/** What a server without a fault gives, sampled once. */
let faultless: ReturnType<typeof sample> | null = null
const write = (body: unknown): string => JSON.stringify(body).replaceAll(/"literal:([^"]+)"/g, "$1")

it.each<[name: string, spoil: (sequence: any) => void]>([
  ["a log-prob of +5", (s) => (s.logprobs[0] = 5)],
  ["a log-prob of 1e39", (s) => (s.logprobs[0] = 1e39)],
  ["a log-prob of -1e39", (s) => (s.logprobs[0] = -1e39)],
  ["a log-prob of null", (s) => (s.logprobs[0] = null)],
  ["a NaN literal", (s) => (s.logprobs[0] = "literal:NaN")],
  ["an Infinity literal", (s) => (s.logprobs[0] = "literal:-Infinity")],
  ["no log-probs", (s) => delete s.logprobs],
  ["a log-prob too few", (s) => s.logprobs.pop()],
  ["a negative token", (s) => (s.tokens[0] = -1)],
  ["token 2^32 + 5", (s) => (s.tokens[0] = 2 ** 32 + 5)],
  ["half a token", (s) => (s.tokens[0] = 1.5)],
  ["no tokens", (s) => (s.tokens = s.logprobs = [])],
  [
    "more tokens than maxTokens",
    (s) => {
      s.tokens = [3, 3, 3, 3, 3]
      s.logprobs = [-1, -1, -1, -1, -1]
    },
  ],
  ["a stop_reason of its own", (s) => (s.stop_reason = "abort")],
])("asks again for the one completion with %s", async (_, spoil) => {
  const whole = await (faultless ??= sample(write))
  let left = 1
  const { asked, result } = await sample((body) => {
    if (body.sequences !== undefined && left-- > 0) spoil(body.sequences[1])
    return write(body)
  })
  expect(result).toEqual(whole.result)
  expect(asked.map((body) => body.num_samples)).toEqual([3, 1])
  expect(asked[1].sampling_params.seed).toBe(asked[0].sampling_params.seed + 1)
})

it("says so when a completion is lost every time", async () => {
  const { asked, result } = await sample((body) => {
    if (body.sequences !== undefined) body.sequences[0].logprobs[0] = 5
    return write(body)
  })
  expect(asked).toHaveLength(6)
  expect(result).toMatchObject({
    failure: {
      _tag: "SamplerError",
      retryable: true,
      reason: "completion 0 was lost 6 times: its log-prob 0 is 5, above 0",
    },
  })
})

it.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])(
  "refuses a pass whose tensors hold %d, in protobuf as in JSON",
  async (value) => {
    const output = { loss_fn_outputs: [{ logprobs: { dtype: "float32", data: [-1, value] } }], metrics: {} }
    const read = Protobuf.output(Proto.writeOutput(output))
    const json = JSON.parse(JSON.stringify(output).replace("null", "1e39"))
    for (const given of [read, json]) {
      const error = await Effect.runPromise(Effect.flip(Transport.decode("forward", Protocol.Output, given)))
      expect(error.path).toContain('["logprobs"]')
    }
  },
)
