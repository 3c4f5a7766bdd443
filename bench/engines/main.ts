/**
 * `npm run bench -- engines`: the cost of the Tinker client itself: one LPO step (publish, sample, forward, backward, optimiser
 * step) against a server in its own process that computes nothing. JSON and protobuf bodies alternate.
 */
import { spawn } from "node:child_process"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import { Datum, ServerProfile, TinkerClient, type TrainingModel } from "@lpo/tinker"
import { Effect } from "effect"
import * as Arguments from "../shared/Arguments.ts"
import { grouped, median, rounded } from "../shared/Figures.ts"

const { quick, ...options } = Arguments.read("npm run bench -- engines", {
  prompts: Arguments.whole("of a step (256)", null),
  samples: Arguments.whole("responses per prompt", 8),
  tokens: Arguments.whole("of each response (1000)", null),
  rounds: Arguments.whole("of each encoding (3)", null),
  quick: Arguments.flag("one round of 8 prompts and 100 tokens"),
})
const prompts = options.prompts ?? (quick ? 8 : 256)
const { samples } = options
const tokens = options.tokens ?? (quick ? 100 : 1000)
const rounds = options.rounds ?? (quick ? 1 : 3)
const promptTokens = 100

const server = spawn(
  process.execPath,
  [
    ...process.execArgv,
    fileURLToPath(new URL("server.ts", import.meta.url)),
    ...[samples, tokens, promptTokens].map(String),
  ],
  { stdio: ["ignore", "pipe", "inherit"] },
)
const port = await new Promise<string>((resolve, reject) => {
  createInterface({ input: server.stdout }).once("line", resolve)
  server.once("exit", (code) => reject(new Error(`the server ended with code ${code}`)))
})
const baseUrl = `http://127.0.0.1:${port}`
const counters = async () => {
  const response = await fetch(`${baseUrl}/counters`)
  return (await response.json()) as { readonly requests: number; readonly received: number; readonly sent: number }
}

const prompt = Datum.text(Int32Array.from({ length: promptTokens }, (_, i) => i))
const adam = { learningRate: 1e-4, beta1: 0.9, beta2: 0.95, epsilon: 1e-12, weightDecay: 0, gradClipNorm: 0 }

/** One step; every response gets one weight, as LPO's do. */
const step = (client: TinkerClient.TinkerClient, model: TrainingModel.TrainingModel) =>
  Effect.gen(function* () {
    const session = yield* client.samplingSession(yield* Effect.flatten(model.saveWeightsForSampler()))
    const groups = yield* Effect.forEach(
      Array.from({ length: prompts }, (_, i) => i),
      (seed) =>
        Effect.flatten(
          session.sample({ prompt, samples, maxTokens: tokens, temperature: 1, topP: 1, topK: -1, seed, stop: [1] }),
        ),
      { concurrency: 64 },
    )
    const examples = groups.flatMap(({ sequences }) => sequences.map((s) => ({ prompt, completion: s.tokens })))
    const { outputs } = yield* Effect.flatten(
      model.forward({ datums: examples.map(Datum.scoring), lossFn: "cross_entropy" }),
    )
    const weighted = examples.map((example, k) => ({
      prompt,
      completion: example.completion,
      logprobs: Datum.completionLogprobs(example, outputs[k].logprobs.data),
      weights: new Float32Array(tokens).fill(Math.sin(k) / 7),
    }))
    const backward = yield* model.forwardBackward(Datum.weighted(weighted, client.profile))
    const update = yield* model.optimStep(adam)
    yield* backward
    yield* update
  })

const completionTokens = prompts * samples * tokens
const encodings = ["json", "protobuf"] as const
type Encoding = (typeof encodings)[number]

const measure = (encoding: Encoding) =>
  Effect.gen(function* () {
    const client = yield* TinkerClient.make({ baseUrl, profile: { ...ServerProfile.hosted, encoding } })
    const model = yield* client.createModel({ baseModel: "none", rank: 8, seed: 1 })
    const before = yield* Effect.promise(counters)
    const started = performance.now()
    const cpu = process.cpuUsage()
    yield* step(client, model)
    const { system, user } = process.cpuUsage(cpu)
    const seconds = (performance.now() - started) / 1000
    const after = yield* Effect.promise(counters)
    return {
      seconds,
      tokensPerSecond: completionTokens / seconds,
      cpuPerToken: (user + system) / completionTokens,
      requests: after.requests - before.requests,
      megabytes: (after.received + after.sent - before.received - before.sent) / 1e6,
    }
  }).pipe(Effect.scoped)

console.log(`${prompts} prompts x ${samples} responses x ${tokens} tokens = ${grouped(completionTokens)} tokens a step`)
type Result = Effect.Success<ReturnType<typeof measure>>
const results: Readonly<Record<Encoding, Array<Result>>> = { json: [], protobuf: [] }
try {
  for (let round = 0; round < rounds; round++)
    for (const encoding of encodings) results[encoding].push(await Effect.runPromise(measure(encoding)))
} finally {
  server.kill()
}
const of = (encoding: Encoding, field: keyof Result) => median(results[encoding].map((r) => r[field]))
for (const encoding of encodings) {
  console.log(
    `${encoding.padEnd(9)} ${of(encoding, "seconds").toFixed(2)} s a step   ${(of(encoding, "tokensPerSecond") / 1000).toFixed(0)}k tokens/s   ${of(encoding, "cpuPerToken").toFixed(2)} us of CPU per token   ${of(encoding, "requests")} requests, ${(of(encoding, "requests") / of(encoding, "seconds")).toFixed(0)}/s   ${of(encoding, "megabytes").toFixed(0)} MB`,
  )
}
const enough = 50_000
console.log(
  `needed: ${(enough / 1000).toFixed(0)}k tokens/s on one core; protobuf is ${(of("protobuf", "tokensPerSecond") / of("json", "tokensPerSecond")).toFixed(2)} times as fast as JSON`,
)
console.log(
  JSON.stringify({
    bench: "engines",
    tokensPerSecond: {
      json: rounded(of("json", "tokensPerSecond")),
      protobuf: rounded(of("protobuf", "tokensPerSecond")),
    },
    cpuMicrosecondsPerToken: rounded(of("protobuf", "cpuPerToken")),
  }),
)
