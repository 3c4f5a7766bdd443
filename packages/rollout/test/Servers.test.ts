/** Servers that mean harm: environments, tools and reward models whose answers are huge, false, endless, or lead elsewhere. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { McpTools, OpenEnv, RewardModel, Tool, Verifier } from "@lpo/rollout"
import { Effect, Redacted } from "effect"
import { afterEach, expect, it } from "vitest"
import { type Broken, frame, start } from "./openEnvServer.ts"

const closing: Array<() => Promise<void>> = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

const seen = (data: string): string => `{"type":"observation","data":${data}}`
const head = (first: number, ...rest: ReadonlyArray<number>): Buffer => Buffer.of(first, ...rest)
const long = Buffer.alloc(10)
long.set([0x81, 127])
long.writeBigUInt64BE(2n ** 40n, 2)

/** What a step must fail with, by what the server answers it with. */
const environments: ReadonlyArray<readonly [name: string, answer: Broken, message: RegExp]> = [
  ["a frame of a terabyte", (socket) => socket.write(long), /session ended/],
  [
    "a frame that ends half way",
    (socket) => void socket.end(Buffer.concat([head(0x81, 100), Buffer.from("{")])),
    /session ended/,
  ],
  ["bytes", (socket) => socket.write(head(0x82, 2, 1, 2)), /sent something that is not JSON/],
  ["a text that is not UTF-8", (socket) => socket.write(head(0x81, 2, 0xc3, 0x28)), /session ended/],
  ["reserved bits", (socket) => socket.write(head(0xf1, 0)), /session ended/],
  ["a frame with a mask", (socket) => socket.write(head(0x81, 0x81, 0, 0, 0, 0, 1)), /session ended/],
  ["a farewell", (socket) => socket.write(head(0x88, 2, 0x03, 0xe8)), /session ended \(1000/],
  ["HTTP", (socket) => socket.write("HTTP/1.1 200 OK\r\n\r\n"), /session ended/],
  ["a reward that is NaN", seen('{"observation":{},"reward":NaN,"done":true}'), /gave a reward that is not a number/],
  [
    "an infinite reward",
    seen('{"observation":{},"reward": -Infinity,"done":true}'),
    /gave a reward that is not a number/,
  ],
  ["a reward in words", seen('{"observation":{},"reward":"1"}'), /wrong shape.*reward/s],
  ["a list for an observation", seen('{"observation":[1]}'), /wrong shape.*observation/s],
  ["an end in words", seen('{"observation":{},"done":"yes"}'), /wrong shape.*done/s],
  ["nothing", seen("null"), /wrong shape/],
  ["a prototype in the place of data", '{"type":"observation","__proto__":{"data":{"observation":{}}}}', /wrong shape/],
  [
    "lists in lists",
    seen(`{"observation":{"a":${"[".repeat(9000)}${"]".repeat(9000)}}}`),
    /sent something that is not JSON/,
  ],
  [
    "an error as long as a book",
    JSON.stringify({ type: "error", data: { message: "x".repeat(60_000) } }),
    /^.{900,1200}$/,
  ],
  ["a kind as long as a book", JSON.stringify({ type: "y".repeat(60_000) }), /^.{900,1200}$/],
]

const options = (url: string): OpenEnv.Options => ({
  url,
  action: (text) => ({ guess: text }),
  observe: ({ hint }) => ({ content: String(hint) }),
})
const say = (text: string) => ({ text, tokens: Int32Array.of(1), finish: "stop" as const })
const row = { id: "p", task: "guess", prompt: "?", answer: null }

it.each(environments)("an environment that answers with %s fails in words", async (_, answer, message) => {
  const server = await start({ "5": answer })
  closing.push(server.close)
  const played = OpenEnv.environment(options(server.url)).open(row, "s")
  const step = played.pipe(
    Effect.flatMap((episode) => episode.step(say("5"))),
    Effect.scoped,
  )
  const error = await Effect.runPromise(Effect.flip(step))
  expect(error._tag).toBe("EnvironmentError")
  expect(error.message).toMatch(message)
})

it("an answer that comes unasked does not pass for the next one", async () => {
  const one = frame(seen('{"observation":{},"reward":0}'))
  const server = await start({ "5": (socket) => socket.write(Buffer.concat([one, one, one])) })
  closing.push(server.close)
  const played = OpenEnv.session({ url: server.url }).pipe(
    Effect.tap((session) => session.reset({ seed: 1 })),
    Effect.tap((session) => session.step({ guess: "5" })),
    // It is left at once.
    Effect.tap(() => Effect.promise(() => expect.poll(() => server.open(), { timeout: 5000 }).toBe(0))),
    Effect.flatMap((session) => session.step({ guess: "6" })),
    Effect.scoped,
  )
  const error = await Effect.runPromise(Effect.flip(played))
  expect(error.message).toMatch(/sent a message that was not requested/)
})

it("keys of the language in an observation are data, and an action that is not JSON fails in words", async () => {
  const server = await start({ "5": seen('{"observation":{"__proto__":{"polluted":1},"constructor":2},"reward":1}') })
  closing.push(server.close)
  const circle: Record<string, unknown> = {}
  circle["self"] = circle
  const [after, refused] = await Effect.runPromise(
    Effect.gen(function* () {
      const session = yield* OpenEnv.session({ url: server.url })
      yield* session.reset({ seed: 1 })
      return [yield* session.step({ guess: "5" }), yield* Effect.flip(session.step(circle))] as const
    }).pipe(Effect.scoped),
  )
  expect(after.reward).toBe(1)
  expect(Object.prototype).not.toHaveProperty("polluted")
  expect(refused.message).toMatch(/cannot be told to step: .*circular/)
})

/** A server whose answers are `answer`'s; what it was asked. */
const serve = async (answer: (body: string, response: ServerResponse, request: IncomingMessage) => void) => {
  const asked: Array<IncomingMessage> = []
  const server = createServer((request, response) => {
    asked.push(request)
    let body = ""
    request.on("data", (part: Buffer) => (body += part.toString()))
    request.on("end", () => answer(body, response, request))
  })
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done))
  closing.push(
    () =>
      new Promise((done) => {
        server.closeAllConnections()
        server.close(() => done())
      }),
  )
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`, asked }
}

/** Writes until nobody reads any more. */
const flood = (response: ServerResponse, part: string): void => {
  const more = (): void => {
    while (!response.destroyed && response.write(part));
    if (!response.destroyed) response.once("drain", more)
  }
  more()
}

const begin = { protocolVersion: "2025-06-18", capabilities: { tools: {} }, serverInfo: { name: "s", version: "1" } }
/** Tools of a server that begins as it should, and lists and calls as it is told to. */
const tooled = async (
  list: (response: ServerResponse, id: number) => void,
  call: (response: ServerResponse, id: number) => void = () => undefined,
  seconds = 20,
) => {
  const server = await serve((body, response, { method }) => {
    if (method !== "POST") return response.writeHead(405).end()
    const { id, method: what } = JSON.parse(body) as { id?: number; method: string }
    if (id === undefined) return response.writeHead(202).end()
    if (what === "tools/list") return list(response, id)
    if (what === "tools/call") return call(response, id)
    return reply(response, id, begin)
  })
  const connected = McpTools.connect({ url: server.url, headers: { "x-api-key": "secret" } }, { seconds })
  return { ...server, connected }
}
const reply = (response: ServerResponse, id: number, result: unknown): void =>
  void response
    .writeHead(200, { "content-type": "application/json" })
    .end(JSON.stringify({ jsonrpc: "2.0", id, result }))
const tool = (name: string, more: object = {}) => ({ name, inputSchema: { type: "object" }, ...more })
const deep = JSON.parse(`${'{"a":'.repeat(3000)}1${"}".repeat(3000)}`) as object

const lists: ReadonlyArray<readonly [string, (response: ServerResponse, id: number) => void, RegExp]> = [
  [
    "pages without end",
    (response, id) => reply(response, id, { tools: [], nextCursor: "again" }),
    /lists more than 1000 tools or 32 pages/,
  ],
  [
    "too many",
    (response, id) => reply(response, id, { tools: Array.from({ length: 1001 }, (_, i) => tool(`t${i}`)) }),
    /lists more than 1000 tools/,
  ],
  [
    "a schema that nests",
    (response, id) => reply(response, id, { tools: [tool("deep", { inputSchema: { type: "object", deep } })] }),
    /schema that cannot be used|nest/,
  ],
  ["names that are none", (response, id) => reply(response, id, { tools: [{ name: 3 }] }), /name/],
  ["no list", (response, id) => reply(response, id, { tools: "all" }), /tools/],
  [
    "an answer without end",
    (response) => flood(response.writeHead(200, { "content-type": "application/json" }), " ".repeat(2 ** 20)),
    /more than 16777216 bytes/,
  ],
  ["no JSON", (response) => response.writeHead(200, { "content-type": "application/json" }).end("{"), /JSON/],
  ["an error", (response) => response.writeHead(500).end("down"), /down/],
  [
    "a cut",
    (response) => {
      response.writeHead(200, { "content-type": "application/json", "content-length": "100" }).write("{")
      response.destroy()
    },
    /./,
  ],
]

it.each(lists)("a server that lists its tools with %s is refused in words", async (_, list, message) => {
  const { connected } = await tooled(list)
  const error = await Effect.runPromise(Effect.flip(Effect.scoped(connected)))
  expect(error._tag).toBe("ToolError")
  expect(error.message).toMatch(message)
})

const calls: ReadonlyArray<readonly [string, (response: ServerResponse, id: number) => void, RegExp]> = [
  ["silence", () => undefined, /timed out/i],
  [
    "an event without end",
    (response) =>
      flood(response.writeHead(200, { "content-type": "text/event-stream" }), `data: ${"x".repeat(2 ** 20)}`),
    /timed out|more than/i,
  ],
  [
    "an answer without end",
    (response) => flood(response.writeHead(200, { "content-type": "application/json" }), " ".repeat(2 ** 20)),
    /more than 16777216 bytes|timed out/,
  ],
  ["the answer to another call", (response) => reply(response, 9999, { content: [] }), /timed out/i],
  ["text that is a number", (response, id) => reply(response, id, { content: [{ type: "text", text: 3 }] }), /text/],
  ["no content", (response, id) => reply(response, id, { content: "all" }), /content/],
]

it.each(calls)("a tool that answers with %s is an error that the policy reads", async (_, call, message) => {
  const seconds = message.source.includes("timed out") ? 0.3 : 20
  const { connected } = await tooled((response, id) => reply(response, id, { tools: [tool("t")] }), call, seconds)
  const answered = await Effect.runPromise(
    Effect.flatMap(connected, (tools) => Tool.answer(tools, Effect.succeed({ name: "t", arguments: {} }))).pipe(
      Effect.scoped,
    ),
  )
  expect(answered.ok).toBe(false)
  expect(answered.text).toMatch(message)
})

it("a tool's schema of results is not compiled, and a prototype among its arguments is data", async () => {
  const outputSchema = { type: "object", properties: { a: { type: "string", pattern: "(a|a|aa)*b" } } }
  const { connected } = await tooled(
    (response, id) => reply(response, id, { tools: [tool("t", { outputSchema })] }),
    (response, id) =>
      reply(response, id, { content: [{ type: "text", text: "ok" }], structuredContent: { a: "a".repeat(50_000) } }),
  )
  const given = JSON.parse('{"__proto__":{"polluted":1}}') as object
  const answered = await Effect.runPromise(
    Effect.flatMap(connected, (tools) => Tool.answer(tools, Effect.succeed({ name: "t", arguments: given }))).pipe(
      Effect.scoped,
    ),
  )
  expect(answered).toEqual({ text: "ok", ok: true })
  expect(Object.prototype).not.toHaveProperty("polluted")
})

it.each([301, 302, 303, 307, 308])("headers for a tool server follow no redirect (%d)", async (status) => {
  const other = await serve((_, response) => void response.end())
  const server = await serve((_, response) => void response.writeHead(status, { location: other.url }).end())
  const connected = McpTools.connect({
    url: server.url,
    headers: { "x-api-key": "secret", authorization: "Bearer secret" },
  })
  const error = await Effect.runPromise(Effect.flip(Effect.scoped(connected)))
  expect(error.message).toMatch(/redirect/)
  expect(other.asked).toEqual([])
})

const rewards: ReadonlyArray<readonly [string, (response: ServerResponse) => void, RegExp]> = [
  ["a score of 1e308", (response) => response.end('{"score":1e308}'), /score is 1e\+308; give a number/],
  ["a score of -1e10", (response) => response.end('{"score":-1e10}'), /score is -10000000000; give a number/],
  ["an infinite score", (response) => response.end('{"score":1e999}'), /wrong shape/],
  ["NaN", (response) => response.end('{"score":NaN}'), /wrong shape/],
  ["a score in a prototype", (response) => response.end('{"__proto__":{"score":1}}'), /wrong shape/],
  ["a list", (response) => response.end('[{"score":1}]'), /wrong shape/],
  ["right in words", (response) => response.end('{"score":1,"correct":"yes"}'), /wrong shape/],
  ["nesting", (response) => response.end("[".repeat(100_000)), /not JSON/],
  ["a body without end", (response) => flood(response, " ".repeat(2 ** 20)), /longer than/],
  [
    "a body that drips",
    (response) => {
      const timer = setInterval(() => response.write(" "), 50)
      response.on("close", () => clearInterval(timer))
    },
    /no answer in 0.3 s/,
  ],
  ["silence", () => undefined, /no answer in 0.3 s/],
  [
    "a cut",
    (response) => {
      response.writeHead(200, { "content-length": "100" }).write('{"score":1}')
      response.destroy()
    },
    /no connection/,
  ],
  ["another kind of text", (response) => response.end(Buffer.of(0xff, 0xfe, 0x00)), /not JSON/],
]

it.each(rewards)("a reward model that answers with %s gives no verdict", async (_, answer, message) => {
  const { url } = await serve((_body, response) => answer(response))
  const seconds = message.source.includes("0.3 s") ? 0.3 : 20
  const verifier = Verifier.define(RewardModel.grader({ url, attempts: 1, seconds }))
  const { reason, status } = await Effect.runPromise(verifier.verify(row, { text: "x", finish: "stop" }))
  expect(status).toBe("error")
  expect(reason).toMatch(message)
})

it.each([301, 307, 308])("the key of a reward model follows no redirect (%d)", async (status) => {
  const other = await serve((_, response) => void response.end('{"score":1}'))
  const { url } = await serve((_, response) => void response.writeHead(status, { location: other.url }).end())
  const verifier = Verifier.define(RewardModel.grader({ url, key: Redacted.make("secret"), attempts: 1 }))
  const verdict = await Effect.runPromise(verifier.verify(row, { text: "x", finish: "stop" }))
  expect(verdict).toMatchObject({ status: "error" })
  expect(other.asked).toEqual([])
})
