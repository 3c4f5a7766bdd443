/** Tests that are asserts, in the forms of HumanEval and MBPP, in every sandbox that this machine has. */
import { Code, EmbeddedSandbox, NativeSandbox, Sandbox } from "@lpo/verifiers"
import { assert, layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { fence, humaneval, mbpp } from "../helpers/asserts.ts"

layer(EmbeddedSandbox.layer({ processes: 1 }), { timeout: "120 seconds", excludeTestServices: true })(
  "in the embedded sandbox",
  (it) => {
    const judge = (answer: unknown, code: string, options: Code.Options = {}) =>
      Effect.flatMap(Sandbox.Sandbox, (service) => Code.Judge.judge(service, answer, fence(code), options))
    const score = (answer: unknown, code: string) => Effect.map(judge(answer, code), ({ verdict }) => verdict.score)

    it.effect("judges HumanEval's form: each statement that asks the program is a test", () =>
      Effect.gen(function* () {
        const right = "def root(xs):\n    return -xs[0] / xs[1]"
        const { tests, verdict } = yield* judge(humaneval, right)
        assert.isTrue(verdict.correct, verdict.reason)
        assert.strictEqual(tests.length, 3)
        assert.strictEqual(yield* score(humaneval, "    return -xs[0] / xs[1]"), 1, "a continuation of the prompt")
        assert.strictEqual(
          yield* score(humaneval, "def root(xs):\n    return 0 if poly(xs, 0) == 0 else -xs[0] / xs[1]"),
          1,
        )
        assert.strictEqual(yield* score(humaneval, "def root(xs):\n    pass"), 0)
        const some = yield* judge(humaneval, "def root(xs):\n    return 0 if xs[0] == -2 else -xs[0] / xs[1]")
        assert.isFalse(some.verdict.correct)
        assert.include(some.verdict.reason, "does not hold")
        assert.strictEqual((yield* judge(humaneval, "def root(xs):\n    return 2", { credit: "all" })).verdict.score, 0)
      }),
    )

    it.effect("judges MBPP's form by the function that the tests name", () =>
      Effect.gen(function* () {
        assert.strictEqual(yield* score(mbpp, "def similar(a, b):\n    return tuple(set(a) & set(b))"), 1)
        assert.approximately(yield* score(mbpp, "def similar(a, b):\n    return ()"), 1 / 3, 1e-12)
        assert.strictEqual(yield* score(mbpp, "def other(a, b):\n    return ()"), 0)
        const builtin = { test_list: ["assert sum(10, 15) == 6", "assert sum(4, 6) == 3"] }
        assert.strictEqual(
          yield* score(
            builtin,
            "def sum(a, b):\n    t = 0\n    for i in range(1, min(a, b) + 1):\n        t += i * (a % i == b % i == 0)\n    return t",
          ),
          1,
        )
        const complex = { test_list: ["assert turn(0, 1j) == 1j", "assert turn(2, 3 + 1j) == (6 + 2j)"] }
        assert.strictEqual(yield* score(complex, "def turn(a, b):\n    return a * b or b"), 1)
        const raising = {
          test_list: ["try:\n    half(3)\n    assert False\nexcept ValueError:\n    pass", "assert half(4) == 2"],
        }
        assert.strictEqual(
          yield* score(raising, "def half(n):\n    if n % 2: raise ValueError('odd')\n    return n // 2"),
          1,
        )
        assert.strictEqual(yield* score(raising, "def half(n):\n    return n // 2"), 0.5)
      }),
    )

    it.effect("a program cannot pass by other means than its values", () =>
      Effect.gen(function* () {
        const attacks = [
          "import sys\nsys.exit(0)",
          "import os\nos._exit(0)",
          "class Same:\n    def __eq__(self, other): return True\n    def __hash__(self): return 0\ndef similar(a, b): return Same()",
          "class Same(tuple):\n    def __eq__(self, other): return True\ndef similar(a, b): return Same((1, 99))",
          "import builtins\nbuiltins.set = lambda x: 0\nbuiltins.AssertionError = ValueError\ndef similar(a, b): return (77,)",
          "def similar(a, b): raise SystemExit(0)",
          'import atexit\ndef similar(a, b):\n    import os\n    os.write(4, b\'{"status": "done"}\')\n    os._exit(0)',
          "import math\nmath.isclose = lambda *a, **k: True\ndef similar(a, b):\n    print('{\"statements\": []}')\n    return (77,)",
          "def similar(a, b):\n    x = []\n    for _ in range(150): x = [x]\n    return x",
          "def similar(a, b): return 10 ** 100000",
          "def similar(a, b): return [float('nan')] * 3",
          "def similar(a, b):\n    while True: pass",
        ]
        for (const code of attacks) {
          const { verdict } = yield* judge(mbpp, code, { limits: { seconds: 1, totalSeconds: 1 } })
          assert.strictEqual(verdict.status, "ok", code)
          assert.strictEqual(verdict.score, 0, `${code}: ${verdict.reason}`)
        }
      }),
    )

    it.effect("tests that cannot be run are an error, before any program", () =>
      Effect.gen(function* () {
        const broken = [
          { test_list: ["assert f(1) =="] },
          { test_list: ["assert 1 == 2", "assert f(1) == 1"] },
          { test_list: ["assert 1 == 1"] },
          { test_list: ["assert f(lambda: 1) == 1"] },
          { test_list: ["assert f(Node(1)) == 1"], test_setup_code: "import nothing_of_this_name" },
          { test: "def check(candidate):\n    while True: pass", entry_point: "f" },
          { test: "x = 1", entry_point: "not a name" },
          { test_list: [] },
        ]
        for (const answer of broken) {
          const made = yield* Effect.exit(judge(answer, "def f(x): return x", { limits: { seconds: 0.5 } }))
          assert.strictEqual(made._tag, "Failure", JSON.stringify(answer))
          const service = yield* Sandbox.Sandbox
          const problem = { id: "p", task: "code", prompt: "", answer }
          if (!("test" in answer && answer.test.includes("while")))
            assert.isNotNull(yield* Code.validate(problem, service))
        }
        const service = yield* Sandbox.Sandbox
        assert.isNull(yield* Code.validate({ id: "p", task: "code", prompt: "", answer: humaneval }, service))
      }),
    )
  },
)

/** The layers that need something this machine may not have; SandboxFusion's is tested with its server. */
layer(NativeSandbox.layer({ processes: 2 }).pipe(Layer.catch(() => EmbeddedSandbox.layer({ processes: 1 }))), {
  timeout: "120 seconds",
  excludeTestServices: true,
})("in the native sandbox, where there is one", (it) => {
  it.effect("judges by asserts", () =>
    Effect.gen(function* () {
      const service = yield* Sandbox.Sandbox
      const answer = { test_list: ["assert half(4) == 2", "assert half(5) == 2"] }
      const { verdict } = yield* Code.Judge.judge(service, answer, fence("def half(n):\n    return n / 2"))
      assert.strictEqual(verdict.score, 0.5, verdict.reason)
    }),
  )
})
