/**
 * The remote layer against an HTTP server that speaks SandboxFusion's documented format and really runs what it is sent, with the
 * machine's Python.
 */
import { spawn } from "node:child_process"
import { createServer, type IncomingMessage } from "node:http"
import type { AddressInfo } from "node:net"
import { Code, SandboxFusion, Verifier } from "@lpo/verifiers"
import { assert, it } from "@effect/vitest"
import { Effect, type Scope } from "effect"

interface Request {
  readonly code: string
  readonly language: string
  readonly stdin: string
  readonly run_timeout: number
  readonly memory_limit_MB: number
}

const execute = ({ code, run_timeout, stdin }: Request): Promise<unknown> =>
  new Promise((resolve) => {
    const started = performance.now()
    const child = spawn("python3", ["-c", code], { stdio: ["pipe", "pipe", "pipe"] })
    const said = ["", ""]
    child.stdout.on("data", (data) => (said[0] += String(data)))
    child.stderr.on("data", (data) => (said[1] += String(data)))
    child.stdin.on("error", () => undefined)
    child.stdin.end(stdin)
    let late = false
    const timer = setTimeout(() => {
      late = true
      child.kill("SIGKILL")
    }, 1000 * run_timeout)
    child.once("close", (code) => {
      clearTimeout(timer)
      resolve({
        status: !late && code === 0 ? "Success" : "Failed",
        message: "",
        compile_result: null,
        run_result: {
          status: late ? "TimeLimitExceeded" : "Finished",
          execution_time: (performance.now() - started) / 1000,
          return_code: late ? null : code,
          stdout: said[0],
          stderr: said[1],
        },
        executor_pod_name: null,
        files: {},
      })
    })
  })

const bodyOf = async (request: IncomingMessage): Promise<Request> => {
  const chunks: Array<Buffer> = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return JSON.parse(Buffer.concat(chunks).toString()) as Request
}

/** A server; `disturb` may answer in its place, given the number of the request. */
const serve = (
  disturb: (n: number) => { readonly status: number; readonly body: string } | null = () => null,
): Effect.Effect<{ readonly url: string; readonly requests: Array<Request> }, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const requests: Array<Request> = []
      const server = createServer((request, response) => {
        void bodyOf(request).then(async (body) => {
          requests.push(body)
          const odd = request.url === "/run_code" ? disturb(requests.length) : { status: 404, body: "" }
          response.writeHead(odd?.status ?? 200, { "content-type": "application/json" })
          response.end(odd?.body ?? JSON.stringify(await execute(body)))
        })
      })
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
      return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests, server }
    }),
    ({ server }) =>
      Effect.promise(async () => {
        server.closeAllConnections()
        await new Promise((resolve) => server.close(resolve))
      }),
  )

const judge = (url: string, answer: unknown, code: string) =>
  Effect.gen(function* () {
    const sandbox = yield* SandboxFusion.make({ url, grace: 10 })
    const verifier = Verifier.define(Code.graders(sandbox, { limits: { seconds: 2 } }).strict)
    const text = `\`\`\`python\n${code}\n\`\`\``
    return yield* verifier.verify({ id: "p", task: "code", prompt: "", answer }, { text, finish: "stop" })
  })
// Too long for a random token to hold it by chance.
const double = { inputs: ["2\n", "50000021\n"], outputs: ["4\n", "100000042\n"] }

it.live("judges scripts and calls, and sends nothing that is expected", () =>
  Effect.gen(function* () {
    const { requests, url } = yield* serve()
    const right = yield* judge(`${url}/`, double, "print(int(input()) * 2)")
    assert.strictEqual(right.score, 1, right.reason)
    const half = yield* judge(url, double, "print('é', end='') if input() == '2' else print(100000042)")
    assert.strictEqual(half.score, 0.5, half.reason)
    const call = { inputs: ['"é\\""\n3', "[]\n2"], outputs: ['["é\\"é\\"é\\""]', "[[]]"], fn_name: "f" }
    const called = yield* judge(
      url,
      call,
      "class Solution:\n    def f(self, a, n):\n        print('noise')\n        return [a * n]",
    )
    assert.strictEqual(called.score, 1, called.reason)
    assert.deepInclude(requests[0], { language: "python", stdin: "2\n", run_timeout: 2, memory_limit_MB: 512 })
    for (const { code, stdin } of requests.slice(0, 2)) assert.notInclude(code + stdin, "100000042")
  }).pipe(Effect.scoped),
)

it.live("tells failures of the program from failures of the server", () =>
  Effect.gen(function* () {
    const { url } = yield* serve()
    for (const [code, why] of [
      ["while True: pass", "longer than 2 s"],
      ["raise KeyError(1)", "KeyError: 1"],
      ["import os; os._exit(3)", "exit code 3"],
      ["import os; os.abort()", "exit code"],
    ] as const) {
      const verdict = yield* judge(url, { inputs: ["1"], outputs: ["1"] }, code)
      assert.strictEqual(verdict.status, "ok")
      assert.strictEqual(verdict.score, 0)
      if (why !== "exit code") assert.include(verdict.reason, why)
    }
    const broken = yield* serve(() => ({
      status: 200,
      body: JSON.stringify({ status: "SandboxError", message: "no pod" }),
    }))
    const lost = yield* judge(broken.url, double, "print(1)")
    assert.strictEqual(lost.status, "error")
    assert.include(lost.reason, "no pod")
    const odd = yield* serve(() => ({ status: 200, body: "{}" }))
    assert.strictEqual((yield* judge(odd.url, double, "print(1)")).status, "error")
    const gone = yield* judge("http://127.0.0.1:9", double, "print(1)")
    assert.strictEqual(gone.status, "error")
    assert.include(gone.reason, "http://127.0.0.1:9/run_code")
  }).pipe(Effect.scoped),
)

it.live("asks a busy server again", () =>
  Effect.gen(function* () {
    const { requests, url } = yield* serve((n) =>
      n === 1 ? { status: 429, body: "" } : n === 2 ? { status: 503, body: "" } : null,
    )
    const verdict = yield* judge(url, { inputs: ["1"], outputs: ["1"] }, "print(1)")
    assert.isTrue(verdict.correct, verdict.reason)
    assert.strictEqual(requests.length, 3)
  }).pipe(Effect.scoped),
)
