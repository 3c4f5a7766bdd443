import { request } from "node:http"
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
