/** Small functions, to be found from examples. */
import { Seed } from "@lpo/rollout"
import { Code, EmbeddedSandbox, Sandbox, Verifier } from "@lpo/verifiers"
import { Effect } from "effect"
import { expect, it } from "vitest"

const { Exercises } = Code
const space: Code.Exercises.Space = { maxTerm: 16, variants: 3, heldOutShare: 0.25 }
const [training, heldOut] = [Exercises.enumerate(space, "train"), Exercises.enumerate(space, "held-out")]

/** Elements of each kind, which neither the tests nor the examples are. */
const elements: Readonly<Record<Code.Exercises.Exercise["kind"], ReadonlyArray<Code.Exercises.Value>>> = {
  number: Array.from({ length: 30 }, (_, i) => 21 + 3 * i),
  string: Array.from({ length: 30 }, (_, i) =>
    Seed.shuffle([..."pqrstuvw"], `string ${i}`)
      .slice(0, 2 + (i % 6))
      .join(""),
  ),
  list: Array.from({ length: 30 }, (_, i) => Seed.shuffle([10, 11, 12, 13, 14, 15], `list ${i}`).slice(0, 2 + (i % 5))),
}
// Below the smallest element a maximum is one function, and above the largest a minimum.
const did = (exercise: Code.Exercises.Exercise) =>
  JSON.stringify([
    exercise.kind,
    [...elements[exercise.kind], ...(exercise.kind === "number" ? Array.from({ length: 10 }, (_, n) => n) : [])].map(
      (element) => Exercises.run(exercise, element),
    ),
  ])

it("holds out functions that no function of the training does the same as, and tells all of them apart", () => {
  const known = new Set(training.map(did))
  expect(known.size).toBe(training.length)
  expect(heldOut.length).toBeGreaterThan(70)
  expect(heldOut.filter((exercise) => known.has(did(exercise)))).toEqual([])
  expect(new Set(heldOut.map(did)).size).toBe(heldOut.length)
  for (const kind of ["number", "string", "list"]) {
    expect(heldOut.filter((exercise) => exercise.kind === kind).length).toBeGreaterThan(10)
    expect(training.filter((exercise) => exercise.kind === kind).length).toBeGreaterThan(60)
  }
})

it("generates the same problems of the same seed, each once, as rows too", async () => {
  const draw = { side: "held-out", seed: "1" } as const
  const problems = Code.generate(draw, space, { style: "words" })
  expect(problems).toHaveLength(space.variants * heldOut.length)
  expect(new Set(problems.map(({ id }) => id)).size).toBe(problems.length)
  expect(Code.generate(draw, space, { style: "words" })).toEqual(problems)
  for (const [i, found] of Code.functions({ ...draw, count: 20 }, space).entries()) {
    const problem = Code.fromRow()["apps"](Code.row(found), found.id)
    if (problem._tag === "Failure") throw problem.failure
    expect(problem.success.answer).toEqual(problems[i].answer)
    expect(await Effect.runPromise(Code.validate(problem.success))).toBe(null)
  }
})

it("says of every shape and part what Python makes of it, in each of its ways to be written", { timeout: 60_000 }, () =>
  Effect.gen(function* () {
    const task = yield* Code.task({ from: space })
    const grade = Verifier.define(task.graders.strict)
    const all = [...training, ...heldOut]
    const seen = new Set<string>()
    for (const exercise of all) {
      const form = exercise.kind === "number" ? exercise.shape : `${exercise.kind} ${exercise.part} ${exercise.side}`
      if (seen.has(form)) continue
      seen.add(form)
      const problem = { id: form, task: "code", prompt: "", answer: Code.truth(exercise) }
      for (const expression of Exercises.expressions(exercise)) {
        const text = Exercises.source(exercise.kind, expression)
        const verdict = yield* grade.verify(problem, { text, finish: "stop" })
        expect([text, verdict.status, verdict.correct]).toEqual([text, "ok", true])
      }
    }
    expect(seen.size).toBe(Object.keys(Exercises.shapes).length + 2 * 2 * 8)
    const wrong = all.find(({ kind }) => kind === "string")
    if (wrong === undefined) throw new Error("there is no function of strings")
    const text = Exercises.source("string", "s")
    const verdict = yield* grade.verify(
      { id: "w", task: "code", prompt: "", answer: Code.truth(wrong) },
      { text, finish: "stop" },
    )
    expect([verdict.status, verdict.correct]).toEqual(["ok", false])
  }).pipe(Effect.provideServiceEffect(Sandbox.Sandbox, EmbeddedSandbox.make()), Effect.scoped, Effect.runPromise),
)
