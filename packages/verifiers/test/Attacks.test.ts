/** Fifteen of the attacks of `cases/attacks.json`, of every kind, in each sandbox of this machine. All of them: `full/Attacks.test.ts`. */
import { EmbeddedSandbox, NativeSandbox } from "@lpo/verifiers"
import { assert, it } from "@effect/vitest"
import { Effect, Result } from "effect"
import * as Attacks from "./helpers/attacks.ts"

const chosen = new Set([
  "read a host file",
  "os.environ",
  "socket",
  "bridges made again",
  "garbage walk",
  "frame walk",
  "ctypes memory write",
  "os.system",
  "memory at once",
  "output flood",
  "catastrophic regex",
  "patch modules for the next",
  "forge the result",
  "JS: constructor escape",
  "JS: patch built-ins for the next",
])
const attacks = Attacks.all.filter(({ name }) => chosen.has(name))

it("the list is published: at least 60 attacks, each with its own name", () => {
  assert.isAtLeast(new Set(Attacks.all.map(({ name }) => name)).size, 60)
  assert.strictEqual(attacks.length, chosen.size)
})

it.live("the embedded sandbox contains them, and the next program is unaffected", () =>
  Effect.gen(function* () {
    const sandbox = yield* EmbeddedSandbox.make({ processes: 1 })
    const target = yield* Attacks.host
    for (const attack of attacks) {
      const { breaches, name, status } = yield* Attacks.run(sandbox, target, attack, 0.3)
      assert.deepStrictEqual(breaches, [], `${name} (${status})`)
    }
  }).pipe(Effect.scoped),
)

it.live("the native sandbox contains them where the machine has one", (context) =>
  Effect.gen(function* () {
    const made = yield* Effect.result(NativeSandbox.make({ processes: 1 }))
    if (Result.isFailure(made)) return context.skip(`no native sandbox here: ${made.failure.message}`)
    const target = yield* Attacks.host
    for (const attack of attacks.filter(({ language }) => language === "python").slice(0, 6)) {
      const { breaches, name, status } = yield* Attacks.run(made.success, target, attack, 0.3)
      assert.deepStrictEqual(breaches, [], `${name} (${status})`)
    }
  }).pipe(Effect.scoped),
)
