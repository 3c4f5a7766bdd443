/** Small functions on lists, to be found from examples. */
import { Seed } from "@lpo/rollout"
import { Code, EmbeddedSandbox, Sandbox, Verifier } from "@lpo/verifiers"
import { Effect } from "effect"
import { expect, it } from "vitest"

const { Exercises } = Code
const space: Code.Exercises.Space = { maxTerm: 5, maxFactor: 4, variants: 6, heldOutShare: 0.25 }
const [training, heldOut] = [Exercises.enumerate(space, "train"), Exercises.enumerate(space, "held-out")]

it("holds out functions that no function of the training does the same as, and tells all of them apart", () => {
  // Lists of up to seven numbers, which neither the tests nor the examples are.
  const lists = Array.from({ length: 60 }, (_, i) =>
    Seed.shuffle([0, 1, 2, 3, 4, 5, 6, 7, 8, 9], `list ${i}`).slice(0, 2 + (i % 6)),
  )
  const did = (exercise: Code.Exercises.Exercise) => JSON.stringify(lists.map((x) => Exercises.run(exercise, x)))
  const known = new Set(training.map(did))
  expect(known.size).toBe(training.length)
  expect(heldOut.length).toBeGreaterThan(50)
  expect(heldOut.filter((exercise) => known.has(did(exercise)))).toEqual([])
  // Every function that there is, is on either side once.
  const all = Exercises.folds.flatMap((fold) =>
    Exercises.steps(space).flatMap((each) => Exercises.parts.map((part) => did({ fold, each, part }))),
  )
  expect(new Set(all).size).toBe(training.length + heldOut.length)
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

it("says of a function what Python makes of it", () =>
  Effect.gen(function* () {
    const task = yield* Code.task({ from: space })
    const grade = Verifier.define(task.graders.strict)
    const problems = [
      ...Code.generate({ side: "train", seed: "1" }, space),
      ...Code.generate({ side: "held-out", seed: "1" }, space),
    ]
    for (const [source, correct] of [
      ["min ( [ 10 - n for n in sorted(x) [:-1] ] )", true],
      ["[ n // 2 for n in x [::-1] ]", false],
    ] as const) {
      const wanted = correct ? source.replaceAll(" ", "") : "[n//2forninx]"
      const problem = problems.find(({ id }) => id === `code-${wanted}-1`)
      if (problem === undefined) throw new Error(`there is no problem ${wanted}`)
      const verdict = yield* grade.verify(problem, { text: `def f(x): return ${source}`, finish: "stop" })
      expect([source, verdict.status, verdict.correct]).toEqual([source, "ok", correct])
    }
  }).pipe(Effect.provideServiceEffect(Sandbox.Sandbox, EmbeddedSandbox.make()), Effect.scoped, Effect.runPromise))
