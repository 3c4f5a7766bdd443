/**
 * Mixed verifications with 5 % that hang: every one is accounted for, in order, within its deadline and in bounded memory. 2,000 items, or as many
 * as LPO_LOAD says. Every task of `Tasks.standard` that there are rows for takes part but code, whose programs have a load test of
 * their own (`slow/CodeLoad.test.ts`); child processes are killed at random meanwhile.
 */
import { readdirSync, readFileSync } from "node:fs"
import { Seed } from "@lpo/rollout"
import { Countdown, Task, Tasks, Verifier } from "@lpo/verifiers"
import { assert, it } from "@effect/vitest"
import { Effect, Schedule, Schema, Stream } from "effect"

const count = Number(process.env["LPO_LOAD"] ?? 2000)
const random = Seed.stream("load")
const problems = Countdown.problems({ recipe: "countdown-34", count: 200, side: "train", seed: "load" })
const solved = problems.map((p) => `<answer>${Countdown.solutions(p.nums, p.target, 1)[0]}</answer>`)

interface Case {
  readonly item: Verifier.Item
  /** What must come out; a killed worker may also make it `error`. */
  readonly expected: "right" | "wrong" | "timeout"
}

const make = (i: number, tasks: Tasks.Registry): Case => {
  const of = (task: string, answer: unknown, text: string, expected: Case["expected"]): Case => ({
    item: { problem: { id: `${task}-${i}`, task, prompt: "", answer }, completion: { text, finish: "stop" } },
    expected,
  })
  const fate = random.uniform()
  const right = random.uniform() < 0.5
  const expected = right ? "right" : "wrong"
  if (fate < 0.05) return of("hang", null, "", "timeout")
  if (fate < 0.4 && tasks.has("math"))
    return of("math", "\\frac{1}{2}", right ? "\\boxed{0.5}" : "\\boxed{0.6}", expected)
  if (fate < 0.6) return of("geometry3k", "4 \\pi", `\\boxed{${right ? "4\\pi" : "12.57"}}`, expected)
  const k = random.int(0, problems.length - 1)
  return of("countdown", problems[k], right ? solved[k] : "<answer>1 + 1</answer>", expected)
}

/** Processes that this one started. */
const children = (): Array<number> => {
  try {
    return readdirSync("/proc/self/task").flatMap((thread) =>
      readFileSync(`/proc/self/task/${thread}/children`, "utf8").trim().split(" ").filter(Boolean).map(Number),
    )
  } catch {
    return []
  }
}

it.live(
  `${count} mixed verifications`,
  () =>
    Effect.gen(function* () {
      const standard = yield* Tasks.standard
      const hang: Task.Judge = {
        name: "hang",
        graders: Task.graders("hang", Schema.Unknown, { strict: () => Effect.never }),
      }
      const tasks = Tasks.make<Task.Judge>([...standard.values(), hang])
      const before = new Set(children())
      const kill = Effect.sync(() => {
        const mine = children().filter((pid) => !before.has(pid))
        if (mine.length > 0) process.kill(mine[random.int(0, mine.length - 1)], "SIGKILL")
      })
      yield* Effect.forkChild(Effect.repeat(kill, Schedule.spaced("2 seconds")))
      const expected: Array<Case["expected"]> = []
      const items = Stream.fromIterable(
        (function* () {
          for (let i = 0; i < count; i++) {
            const { expected: outcome, item } = make(i, tasks)
            expected.push(outcome)
            yield item
          }
        })(),
      )
      const verifier = Tasks.verifier(tasks)
      const outcomes = { right: 0, wrong: 0, timeout: 0, error: 0 }
      let done = 0
      let heap = 0
      const start = process.memoryUsage().heapUsed
      yield* Verifier.stream(verifier, items, { concurrency: 64, deadline: "50 millis" }).pipe(
        Stream.runForEach((verdict) =>
          Effect.sync(() => {
            const outcome = verdict.status === "ok" ? (verdict.correct ? "right" : "wrong") : verdict.status
            if (outcome !== "error") assert.strictEqual(outcome, expected[done], verdict.reason)
            outcomes[outcome]++
            if (done++ % 1000 === 0) heap = Math.max(heap, process.memoryUsage().heapUsed - start)
          }),
        ),
      )
      assert.strictEqual(done, count)
      assert.strictEqual(outcomes.right + outcomes.wrong + outcomes.timeout + outcomes.error, count)
      // Only what a killed worker was judging, and the pool could not judge again, may end in an error.
      assert.isAtMost(outcomes.error, count / 100)
      assert.isBelow(heap, 2 ** 28)
    }).pipe(Effect.scoped),
  600_000,
)
