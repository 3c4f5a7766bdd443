/** At full size: what a program can bring about is its own failure: never an outage, never another program's, never the host's. */
import { readdirSync, readFileSync } from "node:fs"
import { Code, EmbeddedSandbox, Verifier } from "@lpo/verifiers"
import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Sandboxes from "../helpers/sandboxes.ts"

const { print } = Sandboxes

/** Right programs that leave memory behind or need much of it, in every test again; each prints what it found. */
const hungry: ReadonlyArray<readonly [name: string, source: string, found: string]> = [
  [
    "a sieve",
    "n = 10**7\ns = bytearray([1]) * (n + 1)\nfor p in range(2, 3163):\n  if s[p]: s[p*p::p] = bytes(len(range(p*p, n+1, p)))\nr = sum(s) - 2",
    "664579",
  ],
  ["a list of whole numbers", "x = list(range(3_000_000))\nr = x[-1]", "2999999"],
  ["a dictionary", "x = {i: str(i) for i in range(500_000)}\nr = len(x)", "500000"],
  ["a set", "x = set(range(1_000_000))\nr = len(x)", "1000000"],
  ["a text that doubles", "x = 'a'\nwhile len(x) < 2**27: x += x\nr = len(x)", "134217728"],
  ["an array", "from array import array\nx = array('q', bytes(8 * 10**7))\nx[-1] = 7\nr = x[-1]", "7"],
  ["a table", "x = [[0] * 2000 for _ in range(3000)]\nx[-1][-1] = 5\nr = sum(map(sum, x))", "5"],
  ["a queue", "from collections import deque\nx = deque(range(2_000_000))\nx.rotate(3)\nr = x[0]", "1999997"],
  ["circles", "for i in range(300):\n  a = [bytearray(2**20)]\n  a.append(a)\nr = len(a)", "2"],
  [
    "frames that hold",
    "def f(n):\n  x = bytearray(200_000)\n  return len(x) if n == 0 else f(n - 1) + len(x)\nr = f(900)",
    "180200000",
  ],
  ["pieces that are joined", "x = b''.join(bytes(10_000) for _ in range(10_000))\nr = len(x)", "100000000"],
  [
    "a text in memory",
    "from io import StringIO\nx = StringIO()\nfor _ in range(200): x.write('b' * 500_000)\nr = x.tell()",
    "100000000",
  ],
]

Sandboxes.describeEach((made) => {
  it.live(
    "right programs that need much memory pass every test",
    (context) =>
      Effect.gen(function* () {
        const sandbox = yield* made((why) => context.skip(why))
        for (const [name, source, found] of hungry) {
          const outcomes = yield* sandbox.run({
            language: "python",
            source: `${source}\nprint(r, input())`,
            tests: Array.from({ length: 4 }, (_, i) => print(i)),
            limits: { seconds: 60, totalSeconds: 600 },
          })
          assert.deepStrictEqual(
            outcomes.map(({ error, stdout }) => error ?? stdout),
            Array.from({ length: 4 }, (_, i) => `${found} ${i}\n`),
            name,
          )
        }
      }),
    1_200_000,
  )

  it.live(
    "gives good programs their verdicts while others hang, two at once",
    (context) =>
      Effect.flatMap(
        made((why) => context.skip(why)),
        (s) => Sandboxes.whileOthersHang(s, 24),
      ),
    120_000,
  )

  it.live(
    "gives every test the same memory: 20 of 400 MB each",
    (context) =>
      Effect.gen(function* () {
        const sandbox = yield* made((why) => context.skip(why))
        const outcomes = yield* sandbox.run({
          language: "python",
          source: "n = bytearray(400 * 10**6)\nfor i in range(0, len(n), 4096): n[i] = 1\nprint(len(n), input())",
          tests: Array.from({ length: 20 }, (_, i) => print(i)),
          limits: { seconds: 60, totalSeconds: 600 },
        })
        assert.deepStrictEqual(
          outcomes.map(({ stdout }) => stdout),
          Array.from({ length: 20 }, (_, i) => `400000000 ${i}\n`),
        )
      }),
    300_000,
  )
})

it.live(
  "JavaScript: 80 tests of 64 MB each stay within the limit of one",
  () =>
    Effect.gen(function* () {
      const sandbox = yield* EmbeddedSandbox.make({ processes: 1 })
      const outcomes = yield* sandbox.run({
        language: "javascript",
        source: "console.log(new Uint8Array(64 * 2 ** 20).fill(1).length)",
        tests: Array.from({ length: 80 }, (_, i) => print(i)),
        limits: { totalSeconds: 300, seconds: 30 },
      })
      assert.deepStrictEqual(new Set(outcomes.map(({ stdout }) => stdout)), new Set(["67108864\n"]))
      const peaks = readdirSync("/proc/self/task").flatMap((thread) =>
        readFileSync(`/proc/self/task/${thread}/children`, "utf8")
          .trim()
          .split(" ")
          .filter(Boolean)
          .map((pid) => readFileSync(`/proc/${pid}/status`, "utf8"))
          .map((status) => Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) * 1024),
      )
      assert.isBelow(Math.max(...peaks), 2 ** 29)
    }).pipe(Effect.scoped),
  300_000,
)

/** What a call may return for 1; a thing that does not fit its test is the program's failure. */
const returned = [
  "1 << 16000000",
  "[1] * 3000000",
  "'x' * 4000000",
  "{i: i for i in range(300000)}",
  "float('1' * 300)",
  "[[[[]]]] * 1000000",
  "-(1 << 16000000)",
  "'\\ud800' * 1000000",
  "tuple(range(1000000))",
  "b'x' * 4000000",
  "complex(1e308, 1e308)",
  "set(range(300000))",
]

it.live(
  "a value that is too large to compare is wrong, and holds up nobody",
  () =>
    Effect.gen(function* () {
      const sandbox = yield* EmbeddedSandbox.make({ processes: 2 })
      const verifier = Verifier.define(Code.graders(sandbox, { limits: { seconds: 30, totalSeconds: 60 } }).strict)
      const items = returned.map((text, i): Verifier.Item => ({
        problem: { id: String(i), task: "code", prompt: "", answer: { fn_name: "f", inputs: ["1"], outputs: ["1"] } },
        completion: { text: `\`\`\`python\ndef f(x): return ${text}\n\`\`\``, finish: "stop" },
      }))
      const verdicts = yield* Verifier.batch(verifier, items, { concurrency: 2 })
      for (const [i, { reason, score, status }] of verdicts.entries()) {
        assert.deepStrictEqual([status, score], ["ok", 0], `${returned[i]}: ${reason}`)
        assert.isBelow(reason?.length ?? 0, 1000)
      }
    }).pipe(Effect.scoped),
  600_000,
)
