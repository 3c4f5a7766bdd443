/**
 * A remote sandbox: a SandboxFusion server, asked over HTTP. Each test is one `POST /run_code` with `{ code, language, stdin, run_timeout,
 * compile_timeout, memory_limit_MB }`, which answers `{ status, message, run_result: { status, return_code, stdout, stderr,
 * execution_time } }`.
 *
 * The program travels inside a driver, which calls its function where a test asks for that. Expected outputs stay here. A server that
 * is busy (429) or fails (5xx) or cannot be reached is asked again, three times in all. Then it is asked to run a program of ours:
 * when it runs that one, the test has failed, for a program must not be able to pass for an outage; when it does not, the job has.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import { Duration, Effect, Layer, Schedule, Schema, Semaphore } from "effect"
import * as Turn from "@lpo/rollout/Turn"
import * as Answer from "./embedded/Answer.ts"
import * as PythonHarness from "./PythonHarness.ts"
import { type Limits, type Outcome, Sandbox, SandboxError, type SandboxService, type Test } from "./Sandbox.ts"
import { inOrder } from "./TestsInOrder.ts"

/** @category models */
export interface Options {
  /** Address of the server, without `/run_code`. */
  readonly url: string
  /** Requests under way at once. Default 16. */
  readonly concurrency?: number
  /** Headers of every request, for servers behind a gateway. */
  readonly headers?: Readonly<Record<string, string>>
  /** Seconds that a request may take beyond the test's limit. Default 30. */
  readonly grace?: number
}

const name = "SandboxFusion"

const Reply = Schema.Struct({
  status: Schema.Literals(["Success", "Failed", "SandboxError"]),
  message: Schema.optionalKey(Schema.NullOr(Schema.String)),
  run_result: Schema.optionalKey(
    Schema.NullOr(
      Schema.Struct({
        status: Schema.Literals(["Finished", "Error", "TimeLimitExceeded"]),
        execution_time: Schema.optionalKey(Schema.NullOr(Schema.Finite)),
        return_code: Schema.optionalKey(Schema.NullOr(Schema.Int)),
        stdout: Schema.optionalKey(Schema.NullOr(Schema.String)),
        stderr: Schema.optionalKey(Schema.NullOr(Schema.String)),
      }),
    ),
  ),
})
type Reply = typeof Reply.Type
const decode = Schema.decodeUnknownEffect(Reply)

class Busy extends Schema.TaggedError<Busy>()("Busy", { reason: Schema.String }) {}

/** A Python literal of a text: JSON's strings are Python's too, but for what is beyond ASCII. */
const literal = (text: string): string =>
  JSON.stringify(text).replaceAll(/[\u007f-\uffff]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`)

/** The program inside its driver; what the driver says stands after `mark`, at the end of standard output. */
const driver = (source: string, test: Test, mark: string): string => {
  const call = test.kind === "call" && { call: { name: test.name, args: test.args, encoded: test.encoded === true } }
  const job = literal(JSON.stringify({ source, ...call }))
  return `${PythonHarness.source}
import os as _os
_make()(lambda: ${job}, lambda text, write=_os.write: write(1, (${literal(`\n${mark}`)} + text).encode()))
`
}

const maxError = 4096

const outcomeOf = (reply: Reply, mark: string, limits: Limits, seconds: number): Outcome | string => {
  const { message, run_result: run, status } = reply
  if (status === "SandboxError" || run === null || run === undefined)
    return `the server could not run the program: ${message ?? status}`
  const printed = run.stdout ?? ""
  const at = printed.lastIndexOf(`\n${mark}`)
  const stdout = at < 0 ? printed : printed.slice(0, at)
  const base = {
    stdout,
    stderr: (run.stderr ?? "").slice(-maxError),
    exitCode: 0,
    // The server's word, within what was seen here.
    seconds: Math.min(seconds, Math.max(0, run.execution_time ?? seconds)),
  }
  if (run.status === "TimeLimitExceeded")
    return { ...base, status: "timeout", error: `longer than ${limits.seconds} s` }
  if (Buffer.byteLength(stdout) > limits.output)
    return { ...base, stdout: "", status: "output", error: `more than ${limits.output} bytes of output` }
  if (at >= 0) return { ...base, ...Answer.read(printed.slice(at + mark.length + 1)) }
  const code = run.return_code ?? 0
  if (code < 0) return { ...base, status: "crashed", error: `ended by signal ${-code}` }
  return { ...base, status: "done", exitCode: code }
}

/**
 * A sandbox on a SandboxFusion server.
 *
 * @category constructors
 */
export const make = (options: Options): Effect.Effect<SandboxService> =>
  Effect.gen(function* () {
    const { concurrency = 16, grace = 30, headers = {} } = options
    const url = `${options.url.replace(/\/+$/, "")}/run_code`
    const turns = yield* Semaphore.make(concurrency)
    const fail = (reason: string): SandboxError => new SandboxError({ sandbox: name, reason: `${url}: ${reason}` })

    const post = (body: string, seconds: number): Effect.Effect<unknown, Busy | SandboxError> =>
      Effect.tryPromise({
        try: async (signal) => {
          const limit = AbortSignal.timeout(1000 * (seconds + grace))
          const init = { method: "POST", headers: { "content-type": "application/json", ...headers }, body }
          const response = await fetch(url, { ...init, signal: AbortSignal.any([signal, limit]) })
          return { status: response.status, text: await response.text() }
        },
        catch: (cause) => {
          const { cause: deeper, message } = cause as Error
          return new Busy({ reason: deeper instanceof Error ? deeper.message : message })
        },
      }).pipe(
        Effect.flatMap(({ status, text }): Effect.Effect<unknown, Busy | SandboxError> => {
          if (status === 429 || status >= 500) return Effect.fail(new Busy({ reason: `HTTP status ${status}` }))
          if (status !== 200) return Effect.fail(fail(`HTTP status ${status}: ${text.slice(0, 200)}`))
          return Effect.try({ try: () => JSON.parse(text) as unknown, catch: () => fail("the answer is not JSON") })
        }),
      )

    const ask = (source: string, test: Test, limits: Limits): Effect.Effect<Outcome, SandboxError> =>
      Effect.gen(function* () {
        const mark = `lpo-${randomUUID()}:`
        const body = JSON.stringify({
          code: driver(source, test, mark),
          language: "python",
          stdin: test.kind === "stdin" ? test.stdin : "",
          run_timeout: limits.seconds,
          compile_timeout: limits.seconds,
          memory_limit_MB: Math.ceil(limits.memory / 2 ** 20),
        })
        const started = performance.now()
        const answer = yield* post(body, limits.seconds).pipe(
          Effect.retry({
            times: 2,
            schedule: Schedule.exponential(Duration.millis(200)),
            while: (error) => error._tag === "Busy",
          }),
          Effect.catchTag("Busy", ({ reason }) => Effect.fail(fail(reason))),
        )
        const reply = yield* decode(answer).pipe(
          Effect.mapError(({ message }) => fail(`the answer does not decode: ${message.replaceAll(/\s*\n\s*/g, " ")}`)),
        )
        const outcome = outcomeOf(reply, mark, limits, (performance.now() - started) / 1000)
        return typeof outcome === "string" ? yield* fail(outcome) : outcome
      })

    const runTest = (source: string, test: Test, limits: Limits): Effect.Effect<Outcome, SandboxError> =>
      Effect.catch(ask(source, test, limits), (error) =>
        Effect.flatMap(
          ask("print(6 * int(input()))", { kind: "stdin", stdin: "7\n" }, limits),
          ({ stdout }): Effect.Effect<Outcome, SandboxError> =>
            stdout === "42\n"
              ? Effect.succeed({
                  status: "crashed",
                  stdout: "",
                  stderr: "",
                  exitCode: 0,
                  error: `the server fails on this program and on no other: ${error.reason}`,
                  seconds: limits.seconds,
                })
              : Effect.fail(error),
        ),
      )

    return {
      name,
      languages: ["python"],
      run: (job, each) =>
        Turn.bounded(inOrder(job, (test, limits) => Turn.take(turns)(runTest(job.source, test, limits)), each)),
    }
  })

/** @category layers */
export const layer = (options: Options): Layer.Layer<Sandbox> => Layer.effect(Sandbox, make(options))
