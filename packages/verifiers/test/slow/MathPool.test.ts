/** Comparisons whose processes die under them. */
import { readFileSync, readdirSync } from "node:fs"
import { Mathematics, Verifier } from "@lpo/verifiers"
import { assert, it } from "@effect/vitest"
import { Effect, Schedule } from "effect"
import { identity, item } from "../helpers/comparisons.ts"

const children = (): ReadonlyArray<number> =>
  readdirSync("/proc/self/task").flatMap((thread) =>
    readFileSync(`/proc/self/task/${thread}/children`, "utf8").trim().split(" ").filter(Boolean).map(Number),
  )

it.live.skipIf(process.platform !== "linux")("kill -9 of a process loses no verdict", () =>
  Effect.gen(function* () {
    const before = new Set(children())
    const task = yield* Mathematics.task({ deadline: "30 seconds", processes: 2 })
    const verifier = Verifier.define(task.graders.strict, { deadline: "60 seconds" })
    let killed = 0
    const kill = Effect.sync(() => {
      for (const pid of children())
        if (!before.has(pid)) {
          process.kill(pid, "SIGKILL")
          killed++
          return
        }
    })
    yield* Effect.forkChild(Effect.repeat(kill, Schedule.spaced("900 millis").pipe(Schedule.upTo({ times: 2 }))))
    const items = Array.from({ length: 8 }, (_, i) => item(String(i % 2 === 0 ? 30 : 31), identity(30)))
    const verdicts = yield* Verifier.batch(verifier, items, { concurrency: 8, deadline: "60 seconds" })
    assert.deepStrictEqual(
      verdicts.map(({ correct, status }) => `${status} ${correct}`),
      items.map((_, i) => `ok ${i % 2 === 0}`),
    )
    assert.isAbove(killed, 0)
  }).pipe(Effect.scoped),
)
