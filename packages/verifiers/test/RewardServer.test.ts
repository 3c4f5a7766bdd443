import { request } from "node:http"
import { connect } from "node:net"
import { Verdict } from "@lpo/rollout"
import { Countdown, RewardServer, Row, Task, Tasks } from "@lpo/verifiers"
import { assert, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Metric, Result, Schema, Scope } from "effect"
import fc from "fast-check"

const row = {
  id: "a",
  task: "countdown",
  answer: { nums: [19, 36, 55, 7], target: 65 },
  response: "<answer>55 + 36 - 7 - 19</answer>",
}

/** A task that answers when the test lets it. */
const gated = (gate: Deferred.Deferred<void>, state: { waiting: number; interrupted: number }): Task.Judge => ({
  name: "gated",
  graders: Task.graders("gated", Schema.Unknown, {
    strict: () =>
      Effect.sync(() => state.waiting++).pipe(
        Effect.andThen(Deferred.await(gate)),
        Effect.onInterrupt(() => Effect.sync(() => state.interrupted++)),
        Effect.as(Verdict.judged({ correct: true })),
      ),
  }),
})

const send = (url: string, path: string, body?: unknown) =>
  Effect.tryPromise(async (signal) => {
    const init =
      body === undefined ? {} : { method: "POST", body: typeof body === "string" ? body : JSON.stringify(body) }
    const response = await fetch(url + path, { ...init, signal })
    const text = await response.text()
    const json = response.headers.get("content-type") === "application/json" ? JSON.parse(text) : text
    return { status: response.status, headers: response.headers, body: json }
  })

const start = (options: Partial<RewardServer.Options> = {}) =>
  Effect.gen(function* () {
    const gate = yield* Deferred.make<void>()
    const state = { waiting: 0, interrupted: 0 }
    const tasks = Tasks.make<Task.Judge>([yield* Countdown.task(), gated(gate, state)])
    const server = yield* RewardServer.make({ tasks, port: 0, ...options })
    return { ...server, gate, state, post: (path: string, body: unknown) => send(server.url, path, body) }
  }).pipe(Effect.provideService(Metric.MetricRegistry, new Map()))

const until = (condition: () => boolean): Effect.Effect<void> =>
  Effect.suspend(() => (condition() ? Effect.void : Effect.andThen(Effect.sleep(2), until(condition))))

it.live("judges one row and a batch, in order, a bad row among them", () =>
  Effect.gen(function* () {
    const { post } = yield* start()
    const one = yield* post("/v1/verify", row)
    assert.strictEqual(one.status, 200)
    assert.deepInclude(one.body, { id: "a", status: "ok", score: 1, correct: true, key: "65" })
    const items = [
      { ...row, id: 7, response: "no" },
      { id: "b", task: "countdown" },
      row,
      "?",
      { ...row, task: "chess" },
    ]
    const many = yield* post("/v1/verify/batch", { items })
    const brief = many.body.verdicts.map((v: Verdict.Verdict & { id: unknown }) => [v.id, v.status, v.score])
    assert.deepStrictEqual(brief, [
      [7, "ok", 0],
      ["b", "error", 0],
      ["a", "ok", 1],
      [null, "error", 0],
      ["a", "error", 0],
    ])
    assert.match(many.body.verdicts[1].reason, /item 1: Missing key/)
  }).pipe(Effect.scoped),
)

it.live("keeps the digits of whole numbers that no number holds", () =>
  Effect.gen(function* () {
    const { post } = yield* start()
    const ask = (target: string) =>
      `{"id":"a","task":"countdown","answer":{"nums":[100000000000000000000,1],"target":${target}},"response":"<answer>100000000000000000000+1</answer>"}`
    assert.strictEqual((yield* post("/v1/verify", ask("100000000000000000001"))).body.correct, true)
    const other = yield* post("/v1/verify", ask("100000000000000000000"))
    assert.deepStrictEqual([other.body.status, other.body.correct], ["ok", false])
  }).pipe(Effect.scoped),
)

it.live("judges in the mode that the request names", () =>
  Effect.gen(function* () {
    const { post } = yield* start({ mode: "reference:lab" })
    const power = { ...row, answer: { nums: [2, 3], target: 8 }, response: "<answer>2**3</answer>" }
    assert.strictEqual((yield* post("/v1/verify", power)).body.score, 1)
    assert.strictEqual((yield* post("/v1/verify", { ...power, mode: "strict" })).body.score, 0)
    const unknown = yield* post("/v1/verify/batch", { items: [power], mode: "reference:nobody" })
    assert.deepStrictEqual(
      [unknown.status, unknown.body.error.startsWith('no task has mode "reference:nobody"')],
      [400, true],
    )
  }).pipe(Effect.scoped),
)

it.live.each([
  ["/v1/verify", "{", 400, /not JSON/],
  ["/v1/verify", [row], 400, /not a JSON object/],
  ["/v1/verify/batch", { rows: [] }, 400, /"items" is missing/],
  ["/v1/verify", { ...row, mode: "loose" }, 400, /mode is "loose"/],
  ["/v1/verify", { ...row, response: "x".repeat(5000) }, 413, /longer than 4096 bytes/],
  ["/v2", {}, 404, /no \/v2/],
  ["/v1/verify", undefined, 405, /use POST/],
] as const)("%s refuses %j with %i", ([path, body, status, error]) =>
  Effect.gen(function* () {
    const { url } = yield* start({ maxBodyBytes: 4096 })
    const reply = yield* send(url, path, body)
    assert.strictEqual(reply.status, status)
    assert.match(reply.body.error, error)
  }).pipe(Effect.scoped),
)

it.live("refuses a body that grows past the limit without saying so", () =>
  Effect.gen(function* () {
    const { port } = yield* start({ maxBodyBytes: 4096 })
    const status = yield* Effect.callback<number | undefined>((resume) => {
      const out = request({ port, host: "127.0.0.1", path: "/v1/verify", method: "POST" }, (response) => {
        resume(Effect.succeed(response.statusCode))
        out.destroy()
      })
      out.on("error", () => undefined)
      for (let i = 0; i < 64; i++) out.write("x".repeat(1024))
    })
    assert.strictEqual(status, 413)
  }).pipe(Effect.scoped),
)

it.live("refuses with 429 and Retry-After what it cannot take, and takes it afterwards", () =>
  Effect.gen(function* () {
    const { gate, post, state, url } = yield* start({ maxPending: 4, concurrency: 2 })
    const slow = { ...row, task: "gated" }
    const first = yield* Effect.forkChild(post("/v1/verify/batch", { items: [slow, slow, slow] }))
    yield* until(() => state.waiting === 2)
    const refused = yield* post("/v1/verify/batch", { items: [row, row] })
    assert.deepStrictEqual([refused.status, refused.headers.get("retry-after")], [429, "1"])
    assert.strictEqual((yield* post("/v1/verify/batch", { items: [row, row, row, row, row] })).status, 413)
    assert.deepInclude((yield* send(url, "/health")).body, { status: "ok", pending: 3, maxPending: 4 })
    yield* Deferred.succeed(gate, undefined)
    assert.strictEqual((yield* Fiber.join(first)).body.verdicts.length, 3)
    assert.strictEqual((yield* post("/v1/verify/batch", { items: [row, row] })).status, 200)
    assert.strictEqual((yield* send(url, "/health")).body.pending, 0)
  }).pipe(Effect.scoped),
)

it.live("bodies count until they are answered: what waits for a verdict holds its memory", () =>
  Effect.gen(function* () {
    const { gate, post, state } = yield* start({ maxBodyBytes: 20_000, concurrency: 16 })
    const heavy = { ...row, task: "gated", response: "x".repeat(15_000) }
    const held = yield* Effect.forEach(Array.from({ length: 8 }), () => Effect.forkChild(post("/v1/verify", heavy)))
    yield* until(() => state.waiting === 8)
    const refused = yield* post("/v1/verify", row)
    assert.deepStrictEqual([refused.status, refused.headers.get("retry-after")], [429, "1"])
    yield* Deferred.succeed(gate, undefined)
    for (const fiber of held) assert.strictEqual((yield* Fiber.join(fiber)).status, 200)
    assert.strictEqual((yield* post("/v1/verify", row)).status, 200)
  }).pipe(Effect.scoped),
)

it.live("a client that goes away takes its work with it", () =>
  Effect.gen(function* () {
    const { post, state, url } = yield* start({ concurrency: 2 })
    const slow = { ...row, task: "gated" }
    const fiber = yield* Effect.forkChild(post("/v1/verify/batch", { items: [slow, slow, slow] }))
    yield* until(() => state.waiting === 2)
    yield* Fiber.interrupt(fiber)
    yield* until(() => state.interrupted === 2)
    assert.strictEqual((yield* send(url, "/health")).body.pending, 0)
  }).pipe(Effect.scoped),
)

it.live("shuts down gracefully: what is under way is answered, what is new is not", () =>
  Effect.gen(function* () {
    const scope = yield* Scope.make()
    const { gate, post, state } = yield* Scope.provide(start(), scope)
    const fiber = yield* Effect.forkChild(post("/v1/verify", { ...row, task: "gated" }))
    yield* until(() => state.waiting === 1)
    const closing = yield* Effect.forkChild(Scope.close(scope, Exit.void), { startImmediately: true })
    assert.isTrue(Exit.isFailure(yield* Effect.exit(post("/v1/verify", row))))
    yield* Deferred.succeed(gate, undefined)
    const reply = yield* Fiber.join(fiber)
    assert.deepStrictEqual([reply.status, reply.body.correct], [200, true])
    yield* Fiber.join(closing)
  }),
)

it.live("a shutdown ends what is under way when its grace is over", () =>
  Effect.gen(function* () {
    const scope = yield* Scope.make()
    const { post, state } = yield* Scope.provide(start({ grace: "20 millis" }), scope)
    const fiber = yield* Effect.forkChild(Effect.exit(post("/v1/verify", { ...row, task: "gated" })))
    yield* until(() => state.waiting === 1)
    yield* Scope.close(scope, Exit.void)
    assert.strictEqual(state.interrupted, 1)
    assert.isTrue(Exit.isFailure(yield* Fiber.join(fiber)))
  }),
)

it.live("counts verdicts and requests, by names that no client can invent", () =>
  Effect.gen(function* () {
    const { post, url } = yield* start()
    yield* post("/v1/verify/batch", { items: [row, row, { ...row, task: "evil\n1" }] })
    yield* post("/v1/verify", "{")
    const { body, headers } = yield* send(url, "/metrics")
    assert.match(headers.get("content-type") ?? "", /^text\/plain; version=0\.0\.4/)
    assert.match(body, /lpo_verdicts_total\{[^}]*status="ok"[^}]*\} 2\n/)
    assert.match(body, /lpo_verdicts_total\{[^}]*task="unknown"[^}]*\} 1\n/)
    assert.match(body, /lpo_requests_total\{[^}]*code="400"[^}]*\} 1\n/)
    assert.match(body, /lpo_verdict_seconds_count\S* 3\n/)
    assert.notInclude(body, "evil")
  }).pipe(Effect.scoped),
)

/** The status line that answers bytes as they are, which stay open after them; null when the connection just ends. */
const raw = (port: number, bytes: string, end = false) =>
  Effect.callback<string | null>((resume) => {
    const socket = connect(port, "127.0.0.1", () => (end ? socket.end(bytes) : socket.write(bytes)))
    let said = ""
    socket.on("data", (data) => {
      said += String(data)
      if (said.includes("\r\n")) socket.destroy()
    })
    socket.on("error", () => undefined)
    socket.on("close", () => resume(Effect.succeed(/^HTTP\/1\.1 (\d+)/.exec(said)?.[1] ?? null)))
    return Effect.sync(() => socket.destroy())
  })

const post = (body: string, headers = "") =>
  `POST /v1/verify HTTP/1.1\r\nhost: x\r\ncontent-length: ${Buffer.byteLength(body)}\r\n${headers}\r\n${body}`
const get = (target: string, method = "GET") => `${method} ${target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`

it.live.each([
  ["two slashes", get("//"), "404"],
  ["a backslash", get("/\\"), "404"],
  ["no path", get("?a"), "400"],
  ["a query", get("/health?x=1#y"), "200"],
  ["the form of proxies", get("http://elsewhere:1/health"), "200"],
  ["a port that is none", get("http://a:99999999/health"), "200"],
  ["an asterisk", get("*", "OPTIONS"), "404"],
  ["percent signs", get("/%ff%00%zz"), "404"],
  ["brackets", get("//[::1"), "404"],
  ["a tunnel", get("elsewhere:443", "CONNECT"), "405"],
  ["an upgrade", "GET /health HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n", "200"],
  ["an expectation", post("{}", "expect: miracles\r\n"), "417"],
  ["long headers", get("/health").replace("host: x", `host: ${"x".repeat(20_000)}`), "431"],
  ["no HTTP", "hello\r\n\r\n", "400"],
  ["no row", post("{}"), "400"],
  ["a field of another type", post(JSON.stringify({ ...row, response: 3 })), "400"],
  ["a list for a body", post("[]"), "400"],
  ["no JSON", post("{"), "400"],
  ["no UTF-8", post("\u0000"), "400"],
  ["deep nesting", post(`{"id":"a","answer":${"[".repeat(20_000)}${"]".repeat(20_000)}}`), "400"],
  ["more values than there may be", post(`{"problem":[${"0,".repeat(60_000)}0]}`), "413"],
  ["a row whose prompt is a list", post(JSON.stringify({ ...row, problem: Array(20_000).fill(0) })), "400"],
  ["a long body by its own word", post("{}").replace("content-length: 2", "content-length: 99999999999"), "413"],
  ["a body that never comes", post("{}").replace("content-length: 2", "content-length: 3"), "408"],
  ["headers that never end", "GET /health HTTP/1.1\r\nhost: x\r\n", "408"],
] as const)("answers %s", ([, bytes, status]) =>
  Effect.gen(function* () {
    const { port, post, url } = yield* start({ silence: "200 millis", maxBodyValues: 50_000 })
    assert.strictEqual(yield* raw(port, bytes), status)
    assert.strictEqual((yield* send(url, "/health")).status, 200)
    assert.strictEqual((yield* post("/v1/verify", row)).body.score, 1)
  }).pipe(Effect.scoped),
)

it.live("uploads that fall silent take no room from others", () =>
  Effect.gen(function* () {
    const { port, post } = yield* start({ silence: "1 second", maxBodyBytes: 2 ** 16 })
    const idle = "POST /v1/verify HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n"
    const uploads = yield* Effect.forkChild(
      Effect.all(Array<ReturnType<typeof raw>>(16).fill(raw(port, idle)), { concurrency: "unbounded" }),
    )
    yield* Effect.sleep(50)
    assert.strictEqual((yield* post("/v1/verify", row)).status, 200)
    assert.deepStrictEqual(yield* Fiber.join(uploads), Array(16).fill("408"))
  }).pipe(Effect.scoped),
)

it.live("keeps no more of a body in pieces of one byte than of one in one piece", () =>
  Effect.gen(function* () {
    const { port } = yield* start()
    const body = JSON.stringify({ ...row, response: "x".repeat(20_000) })
    const pieces = [...body].map((c) => `1\r\n${c}\r\n`).join("")
    const head = "POST /v1/verify HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"
    assert.strictEqual(yield* raw(port, `${head}${pieces}0\r\n\r\n`), "200")
  }).pipe(Effect.scoped),
)

it.live("says which port is taken", () =>
  Effect.gen(function* () {
    const { port } = yield* start()
    const error = yield* Effect.flip(start({ port }))
    assert.match(error.message, new RegExp(`cannot listen on 127.0.0.1:${port}: .*EADDRINUSE`))
  }).pipe(Effect.scoped),
)

it("decodes whatever JSON there is to a row or to one line that says why not", () => {
  const near = fc.record(
    {
      id: fc.jsonValue(),
      task: fc.jsonValue(),
      answer: fc.jsonValue(),
      response: fc.jsonValue(),
      problem: fc.jsonValue(),
    },
    { requiredKeys: [] },
  )
  fc.assert(
    fc.property(fc.oneof(fc.jsonValue(), near), (value) => {
      const row = Row.decode(value)
      if (Result.isSuccess(row)) assert.strictEqual(Row.item(row.success).problem.task, row.success.task)
      else assert.match(row.failure, /^[^\n]+$/)
    }),
    { numRuns: 3000 },
  )
})
