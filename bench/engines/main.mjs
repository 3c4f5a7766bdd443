// What the Tinker client itself costs: one LPO step (publish, sample, forward, backward, optimiser step) of 256 prompts x 8
// responses x 1,000 tokens, against a server in its own process that computes nothing. JSON and protobuf bodies take turns.
// `--prompts N`, `--samples K`, `--tokens T`, `--rounds R` (default 256, 8, 1000, 3).
import { spawn } from "node:child_process"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"
import { Datum, ServerProfile, TinkerClient } from "@lpo/tinker"
import { Effect } from "effect"

const text = { type: "string" }
const { values } = parseArgs({ options: { prompts: text, samples: text, tokens: text, rounds: text } })
const prompts = Number(values.prompts ?? 256)
const samples = Number(values.samples ?? 8)
const tokens = Number(values.tokens ?? 1000)
const rounds = Number(values.rounds ?? 3)
const promptTokens = 100

const server = spawn(
  process.execPath,
  [fileURLToPath(new URL("server.mjs", import.meta.url)), ...[samples, tokens, promptTokens].map(String)],
  { stdio: ["ignore", "pipe", "inherit"] },
)
const port = await new Promise((resolve, reject) => {
  createInterface({ input: server.stdout }).once("line", resolve)
  server.once("exit", (code) => reject(new Error(`the server ended with code ${code}`)))
})
const baseUrl = `http://127.0.0.1:${port}`
const counters = () => fetch(`${baseUrl}/counters`).then((r) => r.json())

const prompt = Datum.text(Int32Array.from({ length: promptTokens }, (_, i) => i))
const adam = { learningRate: 1e-4, beta1: 0.9, beta2: 0.95, epsilon: 1e-12, weightDecay: 0, gradClipNorm: 0 }

/** One step; every response gets one weight, as LPO's do. */
const step = (client, model) =>
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

const median = (xs) => xs.toSorted((a, b) => a - b)[Math.floor(xs.length / 2)]
const completionTokens = prompts * samples * tokens
const measure = (encoding) =>
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

console.log(
  `${prompts} prompts x ${samples} responses x ${tokens} tokens = ${completionTokens.toLocaleString("en")} tokens a step`,
)
const results = { json: [], protobuf: [] }
try {
  for (let round = 0; round < rounds; round++)
    for (const encoding of ["json", "protobuf"]) results[encoding].push(await Effect.runPromise(measure(encoding)))
} finally {
  server.kill()
}
const of = (encoding, field) => median(results[encoding].map((r) => r[field]))
for (const encoding of ["json", "protobuf"]) {
  console.log(
    `${encoding.padEnd(9)} ${of(encoding, "seconds").toFixed(2)} s a step   ${(of(encoding, "tokensPerSecond") / 1000).toFixed(0)}k tokens/s   ${of(encoding, "cpuPerToken").toFixed(2)} us of CPU per token   ${of(encoding, "requests")} requests, ${(of(encoding, "requests") / of(encoding, "seconds")).toFixed(0)}/s   ${of(encoding, "megabytes").toFixed(0)} MB`,
  )
}
const enough = 50_000
console.log(
  `needed: ${(enough / 1000).toFixed(0)}k tokens/s on one core; protobuf is ${(of("protobuf", "tokensPerSecond") / of("json", "tokensPerSecond")).toFixed(2)} times as fast as JSON`,
)
const rounded = (x) => Number(x.toPrecision(4))
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
