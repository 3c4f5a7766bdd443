/** Servers whose numbers are wrong, and servers whose answers have no end. */
import { createServer, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { assert, it } from "@effect/vitest"
import { OpenAiSampler, type Problem } from "@lpo/rollout"
import { Effect, Fiber, Redacted, Stream } from "effect"
import * as Sglang from "./sglang.ts"
import * as Vllm from "./vllm.ts"

const image = { type: "image" as const, format: "png" as const, data: Uint8Array.of(1, 2) }
const problem = (prompt: Problem.Problem["prompt"]): Problem.Problem => ({ id: "a", task: "t", prompt, answer: null })
const law = { groupSize: 4, maxTokens: 6, seed: "run/sample/1" }
const tokenize = () => Effect.succeed(Int32Array.of(1, 2, 3))

/** What becomes of a completion's ids and log-probs; `literal` stands in the text without its quotes. */
const wrongs: ReadonlyArray<{ name: string; ids?: (ids: Array<unknown>) => void; logprobs?: unknown }> = [
  { name: "log-prob of +5", logprobs: 5 },
  { name: "log-prob of 1e39", logprobs: 1e39 },
  { name: "log-prob of -1e39", logprobs: -1e39 },
  { name: "null for a log-prob", logprobs: null },
  { name: "NaN literal", logprobs: "literal:NaN" },
  { name: "-Infinity literal", logprobs: "literal:-Infinity" },
  { name: "number beyond float64", logprobs: "literal:-1e999" },
  { name: "negative token", ids: (ids) => (ids[0] = -1) },
  { name: "token 2^32 + 5", ids: (ids) => (ids[0] = 2 ** 32 + 5) },
  { name: "half a token", ids: (ids) => (ids[0] = 0.5) },
  { name: "null for a token", ids: (ids) => (ids[0] = null) },
  { name: "NaN literal for a token", ids: (ids) => (ids[0] = "literal:NaN") },
]
const write = (body: unknown): string => JSON.stringify(body).replaceAll(/"literal:([^"]+)"/g, "$1")

const spoilVllm = (wrong: (typeof wrongs)[number]) => (body: any) => {
  const [choice] = body.choices
  wrong.ids?.(choice.token_ids)
  if (wrong.logprobs !== undefined) {
    if (choice.message === undefined) choice.logprobs.token_logprobs[0] = wrong.logprobs
    else choice.logprobs.content[0].logprob = wrong.logprobs
  }
  return write(body)
}
const longer = {
  vllm: (body: any) => {
    const [choice] = body.choices
    while (choice.token_ids.length <= law.maxTokens) {
      choice.token_ids.push(1)
      if (choice.message === undefined) choice.logprobs.token_logprobs.push(-1)
      else choice.logprobs.content.push({ logprob: -1 })
    }
    return write(body)
  },
  sglang: (body: any) => {
    const { meta_info } = body[0]
    while (meta_info.output_token_logprobs.length <= law.maxTokens) meta_info.output_token_logprobs.push([-1, 1, null])
    delete body[0].output_ids
    return write(body)
  },
}
const spoilSglang = (wrong: (typeof wrongs)[number]) => (body: any) => {
  const [one] = body
  const pairs: Array<Array<unknown>> = one.meta_info.output_token_logprobs
  const ids = pairs.map((pair) => pair[1])
  wrong.ids?.(ids)
  for (const [t, id] of ids.entries()) pairs[t][1] = id
  delete one.output_ids
  if (wrong.logprobs !== undefined) pairs[0][0] = wrong.logprobs
  return write(body)
}

const routes = {
  completions: { prompt: "1 2 3", spoil: spoilVllm, longer: longer.vllm },
  chat: { prompt: [{ role: "user" as const, content: [image] }], spoil: spoilVllm, longer: longer.vllm },
  generate: { prompt: "1 2 3", spoil: spoilSglang, longer: longer.sglang },
}
const cases = (["completions", "chat", "generate"] as const).flatMap((route) => {
  const { longer, spoil } = routes[route]
  const list = wrongs.map((wrong) => ({ route, name: wrong.name, mangle: spoil(wrong) }))
  return list.concat({ route, name: "completion longer than maxTokens", mangle: longer })
})

it.live.each(cases)("asks again for the one completion with a $name ($route)", ({ mangle, route }) =>
  Effect.gen(function* () {
    const isSglang = route === "generate"
    const double = yield* Effect.acquireRelease(
      Effect.promise(async (): Promise<Sglang.Double | Vllm.Double> => (isSglang ? Sglang.start() : Vllm.start())),
      (d) => Effect.promise(() => d.close()),
    )
    const made = yield* OpenAiSampler.make({
      servers: [double.url],
      model: "base",
      ...(isSglang ? { dialect: "sglang" as const, tokenize } : {}),
    })
    const { prompt } = routes[route]
    const sample = made.sampler.sample([problem(prompt)], law).pipe(Stream.runCollect)
    const [whole] = yield* sample
    const before = double.asked.length
    if ("mangle" in double) double.mangle.push(mangle)
    else double.faults.mangle.push(mangle)
    const [group] = yield* sample
    assert.strictEqual(double.asked.length - before - (route === "completions" ? 1 : 0), 2)
    assert.deepStrictEqual(group, whole)
  }).pipe(Effect.scoped),
)

/** A server that passes the check at the start, and then answers completions by `answer`. */
const hostile = (answer: (response: ServerResponse) => void) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const double = await Vllm.start()
      let isBad = false
      let reached = (): void => {}
      const begun = new Promise<void>((resolve) => (reached = resolve))
      const server = createServer((request, response) => {
        const parts: Array<Buffer> = []
        request.on("data", (part: Buffer) => parts.push(part))
        request.on("end", () => {
          if (isBad && request.url === "/v1/completions") {
            reached()
            return answer(response)
          }
          const body = Buffer.concat(parts)
          const init = request.method === "GET" ? {} : { method: "POST", body }
          fetch(double.url + request.url, init).then(
            async (from) => response.writeHead(from.status).end(await from.text()),
            () => response.destroy(),
          )
        })
      })
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
      return {
        url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
        begun,
        turn: () => (isBad = true),
        close: async () => {
          server.closeAllConnections()
          server.close()
          await double.close()
        },
      }
    }),
    (d) => Effect.promise(() => d.close()),
  )

const megabyte = Buffer.alloc(2 ** 20, " ")
const endless = (response: ServerResponse): void => {
  const more = (): void => {
    while (!response.destroyed && response.write(megabyte));
    if (!response.destroyed) response.once("drain", more)
  }
  more()
}
const drip = (response: ServerResponse): void => {
  response.writeHead(200)
  const timer = setInterval(() => response.write(" "), 20)
  response.on("close", () => clearInterval(timer))
}
const elsewhere = "http://127.0.0.1:9/take"

it.live.each<{ name: string; answer: (response: ServerResponse) => void; message: RegExp }>([
  { name: "body without end", answer: endless, message: /longer than \d+ bytes/ },
  {
    name: "refusal without end",
    answer: (r) => {
      r.writeHead(400)
      endless(r)
    },
    message: /HTTP 400/,
  },
  { name: "body that drips", answer: drip, message: /no answer in 1 s/ },
  { name: "header that does not come", answer: () => {}, message: /no answer in 1 s/ },
  {
    name: "compressed body, which was not asked for",
    answer: (r) => r.writeHead(200, { "content-encoding": "gzip" }).end(Buffer.of(31, 139, 8, 0)),
    message: /not JSON/,
  },
  { name: "body cut short", answer: (r) => r.end('{"model": "base", "choi'), message: /not JSON/ },
  ...[301, 302, 303, 307, 308].map((status) => ({
    name: `redirect ${status}`,
    answer: (r: ServerResponse) => void r.writeHead(status, { location: elsewhere }).end("{}"),
    message: new RegExp(`HTTP ${status}: a redirect, which is not followed`),
  })),
])("ends on a $name", ({ answer, message }) =>
  Effect.gen(function* () {
    const server = yield* hostile(answer)
    const made = yield* OpenAiSampler.make({
      servers: [server.url],
      model: "base",
      key: Redacted.make("k"),
      attempts: 1,
      requestSeconds: 1,
    })
    server.turn()
    const error = yield* Effect.flip(made.sampler.sample([problem("1 2 3")], law).pipe(Stream.runCollect))
    assert.match(error.message, message)
  }).pipe(Effect.scoped),
)

it.live("is interrupted while a body drips", () =>
  Effect.gen(function* () {
    const server = yield* hostile(drip)
    const made = yield* OpenAiSampler.make({ servers: [server.url], model: "base" })
    server.turn()
    const fiber = yield* Effect.forkChild(made.sampler.sample([problem("1 2 3")], law).pipe(Stream.runCollect))
    yield* Effect.promise(() => server.begun)
    yield* Fiber.interrupt(fiber)
  }).pipe(Effect.scoped),
)
