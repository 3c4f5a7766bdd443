/** What a program can bring about is its own failure: never an outage, never another program's, never the host's. */
import { Code, Verifier } from "@lpo/verifiers"
import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { testForgeries } from "../helpers/forgeries.ts"
import * as Sandboxes from "../helpers/sandboxes.ts"

const { item, print } = Sandboxes
Sandboxes.describeEach((made) => {
  testForgeries(made, 5)

  it.live(
    "counts a program that hangs as wrong, whatever the verifier's deadline",
    (context) =>
      Effect.gen(function* () {
        const sandbox = yield* made((why) => context.skip(why))
        const { problem, completion } = item("while True: pass")
        const grader = Code.graders(sandbox, { limits: { seconds: 0.3 } }).strict
        const { score, status } = yield* Verifier.define(grader, { deadline: "1 millis" }).verify(problem, completion)
        assert.deepStrictEqual([status, score], ["ok", 0])
      }).pipe(Effect.scoped),
    60_000,
  )

  it.live(
    "gives good programs their verdicts while others hang, two at once",
    (context) =>
      Effect.gen(function* () {
        const sandbox = yield* made((why) => context.skip(why))
        yield* Sandboxes.whileOthersHang(sandbox, 4)
      }).pipe(Effect.scoped),
    120_000,
  )

  it.live(
    "stops the output of all tests together, and keeps only what is made of it",
    (context) =>
      Effect.gen(function* () {
        const sandbox = yield* made((why) => context.skip(why))
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
        const sandbox = yield* made((why) => context.skip(why))
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
