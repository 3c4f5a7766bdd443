/** Programs that claim an outage by every way known: each is its own failure, on every layer. */
import { Code, Verifier } from "@lpo/verifiers"
import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Attacks from "./attacks.ts"
import * as Sandboxes from "./sandboxes.ts"

const all = Attacks.all.filter(({ language, name }) => language === "python" && name.startsWith("forge an outage"))

/** Registers the test for a layer, with one of so many forgeries. */
export const testForgeries = (made: Parameters<Parameters<typeof Sandboxes.describeEach>[0]>[0], oneOf: number): void =>
  it.live(
    "takes nothing that a program says for an outage",
    (context) =>
      Effect.gen(function* () {
        const sandbox = yield* made((why) => context.skip(why))
        assert.isAtLeast(all.length, 15)
        for (const { code, name } of all.filter((_, i) => i % oneOf === 0)) {
          const { problem, completion } = Sandboxes.item(code)
          const { reason, score, status } = yield* Verifier.define(Code.graders(sandbox).strict).verify(
            problem,
            completion,
          )
          assert.deepStrictEqual([status, score], ["ok", 0], `${name}: ${reason}`)
        }
      }).pipe(Effect.scoped),
    120_000,
  )
