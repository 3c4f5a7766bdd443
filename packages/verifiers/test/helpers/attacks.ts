/** Runs attacks in a sandbox, and tells of each whether it was contained: the body of the quick and of the full test. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { type AddressInfo, createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Code, Sandbox } from "@lpo/verifiers"
import { Effect } from "effect"

export interface Attack {
  readonly name: string
  readonly tries: string
  readonly language: Sandbox.Language
  readonly code: string
  /** How it ended when it was last published; null where the layer does not run the language. */
  readonly outcome: { readonly embedded: string; readonly native: string | null }
}

export const all = JSON.parse(
  readFileSync(new URL("../../cases/attacks.json", import.meta.url), "utf8"),
) as ReadonlyArray<Attack>

/** What has happened to the host, and to the next program. */
export interface Report {
  readonly name: string
  readonly status: string
  readonly reason: string
  /** Empty when the attack was contained. */
  readonly breaches: ReadonlyArray<string>
}

const canary = "CANARY-5f2d6c81"
/** What the tests expect: nothing of it is in the sandbox. */
const nonce = "EXPECTED-8a17e3b4"

/** A program that finds out whether its interpreter is as it should be, and whether anything of another is left. */
const probes: Readonly<Record<string, readonly [string, string]>> = {
  python: [
    `import builtins, functools, gc, json, math, re, sys, threading, linecache
key = "".join(["le", "ak"])
left = [o for o in gc.get_objects() if type(o) is dict and key in o]
odd = [m.__name__ for m in (builtins, sys, math, json, re, gc, functools, threading) if hasattr(m, key)]
print(len([1, 2]), json.dumps({"a": 1}), round(math.pi, 5), sorted([2, 1]), sys.getrecursionlimit(), sys.gettrace(), input())
print(left, odd, key in linecache.cache, threading.active_count())`,
    `2 {"a": 1} 3.14159 [1, 2] 1000 None ping\n[] [] False 1\n`,
  ],
  javascript: [
    `console.log([1, 2].map((x) => x * 2).join(), JSON.stringify({ a: 1 }), typeof globalThis.leak, {}.leak === undefined, require("fs").readFileSync(0, "utf8"))`,
    `2,4 {"a":1} undefined true ping\n`,
  ],
}

/** A host with something to steal: a file, an environment variable, a port that counts its callers. */
export const host = Effect.acquireRelease(
  Effect.promise(async () => {
    const folder = mkdtempSync(join(tmpdir(), "lpo-canary-"))
    const file = join(folder, "canary.txt")
    writeFileSync(file, canary)
    process.env["LPO_CANARY"] = canary
    let callers = 0
    const server = createServer((socket) => {
      callers++
      socket.destroy()
    })
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
    return { folder, file, server, port: (server.address() as AddressInfo).port, callers: () => callers }
  }),
  ({ folder, server }) =>
    Effect.promise(async () => {
      delete process.env["LPO_CANARY"]
      rmSync(folder, { recursive: true })
      await new Promise((resolve) => server.close(resolve))
    }),
)
type Host = Effect.Success<typeof host>

/** What attacks try whose harm would show in the tests after them: these have several, none of which may lack memory. */
const leavesMemory = "memory that the tests after it would lack"
const repeats = 4

/** Runs an attack for at most `seconds`, then a program that is right. */
export const run = (
  sandbox: Sandbox.SandboxService,
  target: Host,
  attack: Attack,
  seconds = 1.5,
): Effect.Effect<Report> =>
  Effect.gen(function* () {
    const many = attack.tries === leavesMemory ? repeats : 1
    const limits = { seconds, totalSeconds: 2 * seconds * many, memory: 2 ** 28, output: 2 ** 20 }
    const { callers, file, folder, port } = target
    const code = attack.code.replaceAll("{FILE}", file).replaceAll("{DIR}", folder).replaceAll("{PORT}", String(port))
    const before = callers()
    const breaches: Array<string> = []
    const secret = `secret of ${attack.name}.`
    const { language } = attack
    const ran = yield* Effect.result(
      sandbox.run({
        language,
        source: code,
        tests: Array.from({ length: many }, () => ({ kind: "stdin" as const, stdin: secret })),
        limits,
      }),
    )
    let status: string = "error"
    let reason = ""
    let said = ""
    if (ran._tag === "Success") {
      const [outcome] = ran.success
      const lacking = ran.success.some((later) => /^(?:memory|crashed)$/.test(later.status))
      if (many > 1 && lacking) breaches.push("its later tests lack memory")
      const test = Code.Judge.judgeTest(outcome, nonce, false)
      status = test.status
      reason = test.reason
      said = outcome.stdout + outcome.stderr + (outcome.error ?? "")
      if (test.passed) breaches.push("its answer was taken for right")
    } else {
      reason = ran.failure.message
      breaches.push(`the sandbox failed: ${reason}`)
    }
    if (said.includes(canary)) breaches.push("it read the canary")
    if (said.includes("root:x:0")) breaches.push("it read a file of the host")
    if (said.includes(nonce)) breaches.push("it knows what is expected")
    if (said.replaceAll(secret, "").includes("secret of ")) breaches.push("it knows the sample before")
    if (callers() !== before) breaches.push("it reached the network")
    if (!existsSync(file) || readdirSync(folder).length !== 1) breaches.push("it changed files of the host")
    const [source, expected] = probes[attack.language === "python" ? "python" : "javascript"]
    const next = yield* Effect.result(
      sandbox.run({ language, source, tests: [{ kind: "stdin", stdin: "ping" }], limits: { seconds: 10 } }),
    )
    const after = next._tag === "Success" ? next.success[0] : null
    if (after?.stdout !== expected)
      breaches.push(`the next program sees ${after === null ? "an error" : `${after.stdout} ${after.error ?? ""}`}`)
    return { name: attack.name, status, reason, breaches }
  })
