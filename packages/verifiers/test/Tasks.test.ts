import { Verdict, type Verifier } from "@lpo/rollout"
import { Tasks } from "@lpo/verifiers"
import { assert, it } from "@effect/vitest"
import { Effect, Schema } from "effect"

const countA: Verifier.Grader<number> = {
  name: "count-a",
  answer: Schema.Int,
  grade: (wanted, text) => Verdict.judged({ correct: text === "a".repeat(wanted) }),
}

const tasks = Tasks.make([{ name: "count-a", graders: { strict: countA, "reference:loose": countA } }])

it.effect.each([
  ["count-a", "strict", undefined],
  ["count-a", "reference:loose", undefined],
  ["count-a", "reference:tight", 'count-a: no reference grader "tight"; there are loose'],
  ["count-b", "strict", "count-b: no task of that name; there are count-a"],
] as const)("task %s in mode %s", ([task, mode, reason]) =>
  Effect.gen(function* () {
    const verdict = yield* Tasks.verifier(tasks, mode).verify(
      { id: "p", task, prompt: "?", answer: 1 },
      { text: "a", finish: "stop" },
    )
    assert.deepStrictEqual([verdict.correct, verdict.reason], [reason === undefined, reason])
  }),
)
