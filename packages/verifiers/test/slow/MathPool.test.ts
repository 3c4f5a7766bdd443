/** Comparisons that take long: their deadline, and processes that die under them. */
import { readFileSync, readdirSync } from "node:fs"
import { Mathematics, Verifier } from "@lpo/verifiers"
import { assert, it } from "@effect/vitest"
import { Effect, Schedule } from "effect"
import { identity, item } from "../helpers/comparisons.ts"

const children = (): ReadonlyArray<number> =>
  readdirSync("/proc/self/task").flatMap((thread) =>
    readFileSync(`/proc/self/task/${thread}/children`, "utf8").trim().split(" ").filter(Boolean).map(Number),
  )

/** Millions of terms, were it multiplied out. */
const monster = `\\sin(${Array.from({ length: 12 }, (_, k) => `(x_${k}+y_${k}+z_${k}+w_${k})^{18}`).join("")})`

it.live("a long comparison costs its deadline at most, and the verdicts beside it nothing", () =>
  Effect.gen(function* () {
    const task = yield* Mathematics.task({ deadline: "20 seconds", processes: 2 })
    const verifier = Verifier.define(task.graders.strict)
    const items = [
      item("1", monster),
      item("30", identity(30)),
      item("5", "5"),
      item("5", "9^{9^{9^9}}"),
      item("5", "6"),
    ]
    const verdicts = yield* Verifier.batch(verifier, items, { concurrency: 5, deadline: "60 seconds" })
    assert.deepStrictEqual(
      verdicts.map(({ correct, status }) => [status, correct]),
      [
        ["ok", false],
        ["ok", true],
        ["ok", true],
        ["ok", false],
        ["ok", false],
      ],
    )
    const again = yield* verifier.verify(item("30", identity(30)).problem, item("30", identity(30)).completion)
    assert.isTrue(again.correct)
  }).pipe(Effect.scoped),
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
