/** Every attack of `cases/attacks.json` in each sandbox of this machine. */
import { EmbeddedSandbox, NativeSandbox } from "@lpo/verifiers"
import { assert, it } from "@effect/vitest"
import { Effect, Result } from "effect"
import * as Attacks from "../helpers/attacks.ts"

it.live("the embedded sandbox contains all of them", () =>
  Effect.gen(function* () {
    const sandbox = yield* EmbeddedSandbox.make({ processes: 1 })
    const target = yield* Attacks.host
    const breached: Array<Attacks.Report> = []
    for (const attack of Attacks.all) {
      const report = yield* Attacks.run(sandbox, target, attack)
      if (report.breaches.length > 0) breached.push(report)
    }
    assert.deepStrictEqual(breached, [])
  }).pipe(Effect.scoped),
)

it.live("the native sandbox contains those in Python", (context) =>
  Effect.gen(function* () {
    const made = yield* Effect.result(NativeSandbox.make({ processes: 1 }))
    if (Result.isFailure(made)) return context.skip(`no native sandbox here: ${made.failure.message}`)
    const target = yield* Attacks.host
    const breached: Array<Attacks.Report> = []
    for (const attack of Attacks.all.filter(({ language }) => language === "python")) {
      const report = yield* Attacks.run(made.success, target, attack)
      if (report.breaches.length > 0) breached.push(report)
    }
    assert.deepStrictEqual(breached, [])
  }).pipe(Effect.scoped),
)
