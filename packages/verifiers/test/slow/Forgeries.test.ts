/** Every way in which a program may claim an outage: it is its own failure. */
import { Code, Verifier } from "@lpo/verifiers"
import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Attacks from "../helpers/attacks.ts"
import * as Sandboxes from "../helpers/sandboxes.ts"

const { item } = Sandboxes
const forgeries = Attacks.all.filter(
  ({ language, name }) => language === "python" && name.startsWith("forge an outage"),
)
Sandboxes.describeEach((made) => {
  it.live(
    "takes nothing that a program says for an outage",
    (context) =>
      Effect.gen(function* () {
        const sandbox = yield* made((why) => context.skip(why))
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
})
