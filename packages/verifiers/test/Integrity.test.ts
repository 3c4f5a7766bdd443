/** What a program can bring about is its own failure: never an outage, never another program's, never the host's. */
import { execFile } from "node:child_process"
import { createHash } from "node:crypto"
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"
import { Code, EmbeddedSandbox, NativeSandbox, Tasks, Verifier } from "@lpo/verifiers"
import { assert, it } from "@effect/vitest"
import { Effect, Result } from "effect"
import { describe } from "vitest"
import * as Attacks from "./helpers/attacks.ts"

const layers = {
  embedded: EmbeddedSandbox.make({ processes: 2 }),
  native: NativeSandbox.make({ processes: 2 }),
}
const made = (layer: keyof typeof layers, skip: (why: string) => void) =>
  Effect.gen(function* () {
    const found = yield* Effect.result(layers[layer])
    if (Result.isSuccess(found)) return found.success
    return skip(`no ${layer} sandbox here: ${found.failure.message}`) as never
  })

const answer = { inputs: ["1\n"], outputs: ["unknown to the program"] }
const item = (code: string, truth: unknown = answer): Verifier.Item => ({
  problem: { id: "p", task: "code", prompt: "", answer: truth },
  completion: { text: `\`\`\`python\n${code}\n\`\`\``, finish: "stop" },
})
const forgeries = Attacks.all.filter(
  ({ language, name }) => language === "python" && name.startsWith("forge an outage"),
)
const print = (n: number) => ({ kind: "stdin" as const, stdin: String(n) })

describe.each(["embedded", "native"] as const)("the %s sandbox", (layer) => {
  it.live(
    "takes nothing that a program says for an outage",
    (context) =>
      Effect.gen(function* () {
        const sandbox = yield* made(layer, (why) => context.skip(why))
        assert.isAtLeast(forgeries.length, 15)
        for (const { code, name } of forgeries) {
          const { problem, completion } = item(code)
          const { reason, score, status } = yield* Verifier.define(Code.graders(sandbox).strict).verify(
            problem,
            completion,
          )
          assert.deepStrictEqual([status, score], ["ok", 0], `${name}: ${reason}`)
        }
      }).pipe(Effect.scoped),
    120_000,
  )

  it.live(
    "counts a program that hangs as wrong, whatever the verifier's deadline",
    (context) =>
      Effect.gen(function* () {
        const sandbox = yield* made(layer, (why) => context.skip(why))
        const { problem, completion } = item("while True: pass")
        const grader = Code.graders(sandbox, { limits: { seconds: 0.5 } }).strict
        const { score, status } = yield* Verifier.define(grader, { deadline: "1 millis" }).verify(problem, completion)
        assert.deepStrictEqual([status, score], ["ok", 0])
      }).pipe(Effect.scoped),
    60_000,
  )

  it.live(
    "gives good programs their verdicts while others hang, two at once",
    (context) =>
      Effect.gen(function* () {
        const sandbox = yield* made(layer, (why) => context.skip(why))
        const tasks = Tasks.make([
          { name: "code", graders: Code.graders(sandbox, { limits: { seconds: 30, totalSeconds: 60 } }) },
          { name: "short", graders: Code.graders(sandbox, { limits: { seconds: 0.5 } }) },
        ])
        const items = Array.from({ length: 24 }, (_, i) => {
          const one = item(i % 2 === 0 ? "while True: pass" : "print(2 * int(input()))", {
            inputs: ["4"],
            outputs: ["8"],
          })
          return i % 2 === 0 ? { ...one, problem: { ...one.problem, task: "short" } } : one
        })
        // Less than one program that hangs takes, and they all wait for each other.
        const options = { concurrency: 24, deadline: "200 millis" } as const
        const verdicts = yield* Verifier.batch(Tasks.verifier(tasks, "strict", options), items, options)
        assert.deepStrictEqual(
          verdicts.map(({ correct, status }) => [status, correct]),
          items.map((_, i) => ["ok", i % 2 === 1]),
        )
      }).pipe(Effect.scoped),
    120_000,
  )

  it.live(
    "stops the output of all tests together, and keeps only what is made of it",
    (context) =>
      Effect.gen(function* () {
        const sandbox = yield* made(layer, (why) => context.skip(why))
        const kept = yield* sandbox.run(
          {
            language: "python",
            source: "print('x' * 1000000)",
            tests: Array.from({ length: 10 }, (_, i) => print(i)),
            limits: { totalOutput: 4_500_000, totalSeconds: 60 },
          },
          ({ status, stdout }, i) => `${i} ${status} ${stdout.length}`,
        )
        const done = Array.from({ length: 5 }, (_, i) => `${i} done 1000001`)
        assert.deepStrictEqual(kept, [...done, ...Array.from({ length: 5 }, (_, i) => `${i + 5} not-run 0`)])
      }).pipe(Effect.scoped),
    60_000,
  )

  it.live(
    "finds what contests import, also in calls, and passes whole-number keys",
    (context) =>
      Effect.gen(function* () {
        const sandbox = yield* made(layer, (why) => context.skip(why))
        const call = (code: string, input: string, output: string) =>
          Effect.gen(function* () {
            const { completion, problem } = item(code, { inputs: [input], outputs: [output], fn_name: "f" })
            const { correct, reason } = yield* Verifier.define(Code.graders(sandbox).strict).verify(problem, completion)
            assert.isTrue(correct, `${code}: ${reason}`)
          })
        yield* call("def f(x: List[int]) -> Optional[int]: return Counter(x).most_common(1)[0][0]", "[1, 2, 2]", "2")
        yield* call("class Solution:\n  def f(self, x):\n    heapq.heapify(x)\n    return heappop(x)", "[3, 1]", "1")
        yield* call("@lru_cache(None)\ndef f(x): return gcd(x, math.factorial(4))", "18", "6")
        yield* call("def f(x): return sum(accumulate(x)) + bisect_left(x, 2) + floor(inf > 0)", "[1, 2]", "6")
        yield* call("def f(d): return d[1] + sum(d)", '{"1": 2, "-3": 4}', "0")
        yield* call("def f(d): return d['a'] + d['1']", '{"a": 2, "1": 3}', "5")
        yield* call("def f(x): return x\nif __name__ == '__main__':\n    print(f(int(input())))", "1", "1")
        const { completion, problem } = item("def f(a): return add(a, 1)", {
          inputs: ["1"],
          outputs: ["2"],
          fn_name: "f",
        })
        const lacks = yield* Verifier.define(Code.graders(sandbox).strict).verify(problem, completion)
        assert.match(lacks.reason ?? "", /NameError: name 'add'/)
      }).pipe(Effect.scoped),
    60_000,
  )
})

it.live(
  "an image that does not work is made anew",
  () =>
    Effect.gen(function* () {
      const cache = mkdtempSync(join(tmpdir(), "lpo-cache-"))
      const before = process.env["XDG_CACHE_HOME"]
      process.env["XDG_CACHE_HOME"] = cache
      yield* Effect.addFinalizer(() =>
        Effect.sync(() => {
          if (before === undefined) delete process.env["XDG_CACHE_HOME"]
          else process.env["XDG_CACHE_HOME"] = before
          rmSync(cache, { recursive: true })
        }),
      )
      // In a process of its own, which has made no image yet.
      const code = `import { EmbeddedSandbox } from "@lpo/verifiers"
import { Effect } from "effect"
const tests = [{ kind: "stdin", stdin: "" }]
const run = Effect.flatMap(EmbeddedSandbox.make({ processes: 2 }), (s) => s.run({ language: "python", source: "print(42)", tests }))
console.log((await Effect.runPromise(Effect.scoped(run)))[0].stdout)`
      const args = ["--conditions=@lpo/source", "--no-warnings", "--input-type=module", "-e", code]
      const run = Effect.promise(() => promisify(execFile)(process.execPath, args, { cwd: import.meta.dirname }))
      assert.strictEqual((yield* run).stdout.trim(), "42")
      const folder = join(cache, "lpo-verifiers")
      const [name] = readdirSync(folder)
      const kept = readFileSync(join(folder, name)).subarray(32)
      // Its checksum is right, its memory is not.
      const poisoned = Buffer.from(kept)
      poisoned.fill(0, Math.floor(poisoned.length / 2))
      const digest = createHash("sha256").update(poisoned).digest()
      writeFileSync(join(folder, name), Buffer.concat([digest, poisoned]))
      assert.strictEqual((yield* run).stdout.trim(), "42")
      assert.isFalse(readFileSync(join(folder, name)).subarray(32).equals(poisoned))
    }).pipe(Effect.scoped),
  600_000,
)
