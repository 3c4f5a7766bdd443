/** Servers that mean harm: redirects, answers without end, and polls answered in a tight loop. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { gzipSync } from "node:zlib"
import { Clock, Duration, Effect, Fiber, Redacted } from "effect"
import { afterEach, expect, it } from "vitest"
import { Backoff, Datum, Future, Protocol, ServerProfile, TinkerClient, Transport } from "../src/index.ts"
import * as Double from "./double.ts"
import * as Loop from "./loop.ts"

const closing: Array<() => void> = []
afterEach(() => {
  for (const close of closing.splice(0)) close()
})
const serve = async (handle: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> => {
  const server = createServer((request, response) => {
    request.resume()
    handle(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  closing.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
const key = "tml-secret"
const transport = (baseUrl: string, profile = ServerProfile.hosted) =>
  Transport.make({ baseUrl, profile, apiKey: Redacted.make(key) })
const ask = (baseUrl: string, profile = ServerProfile.hosted) =>
  Effect.flatMap(transport(baseUrl, profile), (t) =>
    t.call({
      operation: "create_session",
      method: "POST",
      path: "/create_session",
      body: Transport.json({}),
      schema: Protocol.Session,
    }),
  )
const failure = <A, E extends { readonly message: string }>(effect: Effect.Effect<A, E>): Promise<E> =>
  Effect.runPromise(Loop.fast(Effect.flip(effect)))

it.each([301, 302, 303, 307, 308].flatMap((status) => [false, true].map((isSame) => ({ status, isSame }))))(
  "follows no redirect with a key ($status, same origin: $isSame)",
  async ({ isSame, status }) => {
    const reached: Array<string> = []
    const other = await serve((request, response) => {
      reached.push(request.url ?? "")
      response.end('{"session_id":"s"}')
    })
    let asked = 0
    const base = await serve((_, response) => {
      asked++
      response.writeHead(status, { location: `${isSame ? "" : other}/take?secret=${key}` }).end()
    })
    for (const profile of [ServerProfile.hosted, ServerProfile.twinkle]) {
      const error = await failure(ask(base, profile))
      expect(error).toMatchObject({ _tag: "RequestError", status })
      expect(error.message).toContain(isSame ? "redirect to /take" : `redirect to ${other}/take`)
      expect(error.message).not.toContain(key)
    }
    expect(asked).toBe(2)
    expect(reached).toEqual([])
  },
)

it("follows no redirect of a poll, nor one without a place", async () => {
  const base = await serve((_, response) => response.writeHead(307).end())
  const op = {
    operation: "optim_step",
    path: "/optim_step",
    body: Transport.json({}),
    schema: Protocol.StepOutput,
  }
  const error = await failure(Effect.flatMap(transport(base), (t) => Future.await_(t, ServerProfile.hosted, op, "id")))
  expect(error.message).toMatch(/307: a redirect to nowhere/)
})

const zeros = Buffer.alloc(64 * 2 ** 20)
/** 4 GiB in 4 MB. */
const bomb = Buffer.concat(Array<Buffer>(64).fill(gzipSync(zeros)))
it.each<{ name: string; headers: Record<string, string>; write: (response: ServerResponse) => void }>([
  { name: "gzip bomb", headers: { "content-encoding": "gzip" }, write: (response) => response.end(bomb) },
  {
    name: "gzip bomb within a gzip bomb",
    headers: { "content-encoding": "gzip, gzip" },
    write: (response) => response.end(gzipSync(bomb)),
  },
  {
    name: "body without end",
    headers: {},
    write: (response) => {
      const more = (): void => {
        while (!response.destroyed && response.write(zeros.subarray(0, 2 ** 20)));
        if (!response.destroyed) response.once("drain", more)
      }
      more()
    },
  },
  { name: "body with a false length", headers: { "content-length": "1" }, write: (response) => response.end(zeros) },
  { name: "valid JSON of 64 MiB", headers: {}, write: (response) => response.end(`{"a":"${"x".repeat(2 ** 26)}"}`) },
])("reads no more than the limit of a $name", async ({ headers, write }) => {
  const base = await serve((_, response) => {
    response.writeHead(200, { "content-type": "application/json", ...headers })
    write(response)
  })
  const before = process.memoryUsage().rss
  const error = await failure(ask(base))
  expect(["ProtocolError", "ConnectionError"]).toContain(error._tag)
  // Twice the limit of 8 MiB, and room for the server of this process.
  expect(process.memoryUsage().rss - before).toBeLessThan(400 * 2 ** 20)
})

it("shows the beginning of a refusal that is too long, and keeps its status", async () => {
  const base = await serve((_, response) => response.writeHead(422).end(zeros.fill("x").subarray(0, 2 ** 20)))
  const error = await failure(ask(base))
  expect(error).toMatchObject({ _tag: "RequestError", status: 422 })
  expect(error.message.length).toBeLessThan(500)
})

/** A byte at a time, for ever. */
const drip = (response: ServerResponse): void => {
  response.writeHead(200, { "content-type": "application/json" })
  const timer = setInterval(() => response.write(" "), 20)
  response.on("close", () => clearInterval(timer))
}

it("gives up on a body that drips", async () => {
  const base = await serve((_, response) => drip(response))
  const error = await failure(
    Effect.flatMap(transport(base), (t) => t.exchange({ operation: "x", method: "GET", path: "/x" })),
  )
  expect(error.message).toMatch(/did not finish its answer in 300 s/)
})

/** A server that drips on `path` for as long as `isBad()`, before one that works. */
const dripping = async (path: string, isBad: () => boolean = () => true) => {
  const double = await Double.make({ dialect: "hosted" })
  closing.push(() => void double.close())
  let begin = (): void => {}
  const begun = new Promise<void>((resolve) => (begin = resolve))
  const pass = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const parts: Array<Buffer> = []
    for await (const part of request) parts.push(part as Buffer)
    const answer = await fetch(double.baseUrl + request.url, { method: "POST", body: Buffer.concat(parts) })
    response.writeHead(answer.status, { "content-type": "application/json" })
    response.end(await answer.text())
  }
  const baseUrl = await serve((request, response) => {
    if (request.url === `/api/v1${path}` && isBad()) {
      drip(response)
      begin()
    } else pass(request, response).catch(() => response.destroy())
  })
  return { baseUrl, begun, profile: { ...ServerProfile.hosted, encoding: "json" as const } }
}
const bigram = { baseModel: "bigram", rank: 8, seed: 1 }
const adam = { learningRate: 0.1, beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0, gradClipNorm: 0 }
const example = { prompt: Datum.text(Int32Array.of(2)), completion: Int32Array.of(4) }
const scoring = { datums: [Datum.scoring(example)], lossFn: "cross_entropy" }
const sample = { prompt: example.prompt, samples: 1, maxTokens: 2, temperature: 1, topP: 1, topK: -1, stop: [2] }

it.each([
  "/create_session",
  "/create_model",
  "/forward",
  "/forward_backward",
  "/optim_step",
  "/save_weights",
  "/save_weights_for_sampler",
  "/asample",
  "/retrieve_future",
])("is interrupted although %s drips", async (path) => {
  const { baseUrl, begun, profile } = await dripping(path)
  const work = Effect.gen(function* () {
    const client = yield* TinkerClient.make({ baseUrl, profile })
    const model = yield* client.createModel(bigram)
    yield* Effect.flatten(model.forward(scoring))
    yield* Effect.flatten(model.forwardBackward(scoring))
    yield* Effect.flatten(model.optimStep(adam))
    yield* Effect.flatten(model.saveWeights("a"))
    const session = yield* client.samplingSession(yield* Effect.flatten(model.saveWeightsForSampler()))
    yield* Effect.flatten(session.sample(sample))
  }).pipe(Effect.scoped)
  await Effect.runPromise(
    Loop.fast(
      Effect.gen(function* () {
        const fiber = yield* Effect.forkChild(work)
        yield* Effect.promise(() => begun)
        yield* Fiber.interrupt(fiber)
      }),
    ),
  )
})

it.each<{ name: string; answer: object; status?: number }>([
  { name: "try_again", answer: { type: "try_again", request_id: "1", queue_state: "active" } },
  { name: "408", answer: {}, status: 408 },
])("polls a server that says $name at once at a bounded rate", async ({ answer, status = 200 }) => {
  let polls = 0
  const base = await serve((_, response) => {
    const isLast = ++polls === 9
    response.writeHead(isLast ? 200 : status, { "content-type": "application/json" })
    response.end(JSON.stringify(isLast ? {} : answer))
  })
  const op = { operation: "x", path: "/x", body: Transport.json({}), schema: Protocol.Anything }
  // Time that passes by waiting alone; what is as long as a deadline never comes.
  let now = 0
  const waits: Array<number> = []
  const awaited = Effect.flatMap(Effect.service(Clock.Clock), (clock) =>
    Effect.flatMap(transport(base), (t) => Future.await_(t, ServerProfile.hosted, op, "1")).pipe(
      Effect.provideService(Clock.Clock, {
        currentTimeMillisUnsafe: () => now,
        currentTimeMillis: Effect.sync(() => now),
        currentTimeNanosUnsafe: () => clock.currentTimeNanosUnsafe(),
        currentTimeNanos: clock.currentTimeNanos,
        monotonicTimeNanosUnsafe: () => clock.monotonicTimeNanosUnsafe(),
        monotonicTimeNanos: clock.monotonicTimeNanos,
        sleep: (duration) =>
          Effect.suspend(() => {
            const millis = Duration.toMillis(duration)
            if (millis > 1000) return Effect.never
            now += millis
            waits.push(millis)
            return Effect.void
          }),
      }),
    ),
  )
  await Effect.runPromise(awaited)
  expect(polls).toBe(9)
  expect(waits).toEqual([50, 100, 200, 400, 800, 1000, 1000, 1000])
})

it("never waits less than a tenth of a second for a server that asks for less", () => {
  const asked = { status: 503, attempt: 0, waited: 0 }
  for (const headers of [{ "retry-after-ms": "0.001" }, { "retry-after": "0.0001" }, { "retry-after-ms": "1" }])
    expect(Backoff.submission({ ...asked, headers })).toBe(0.1)
  expect(Backoff.submission({ ...asked, headers: { "retry-after-ms": "-5" } })).toBe(1)
  expect(Backoff.pollGap(0)).toBe(0.05)
  expect(Backoff.pollGap(1e6)).toBe(1)
})

it("refuses a model whose submission was cut off", async () => {
  let isBad = true
  const { baseUrl, begun, profile } = await dripping("/optim_step", () => isBad)
  await Effect.runPromise(
    Loop.fast(
      Effect.gen(function* () {
        const client = yield* TinkerClient.make({ baseUrl, profile })
        const model = yield* client.createModel(bigram)
        const fiber = yield* Effect.forkChild(model.optimStep(adam))
        yield* Effect.promise(() => begun)
        yield* Fiber.interrupt(fiber)
        isBad = false
        const error = yield* Effect.flip(Effect.asVoid(model.forward(scoring)))
        expect(error._tag).toBe("UncertainError")
        expect(error.message).toContain("interrupted")
      }).pipe(Effect.scoped),
    ),
  )
})
