import { type Problem, Turn, Verdict, Verifier, VerifierError } from "@lpo/rollout"
import { assert, it } from "@effect/vitest"
import { Effect, Fiber, Schema, Semaphore, Stream } from "effect"
import { TestClock } from "effect/testing"
import { expect } from "vitest"

const problem = (answer: unknown, task = "count-a"): Problem.Problem => ({ id: "p", task, prompt: "?", answer })
const says = (text: string): Verifier.Response => ({ text, finish: "stop" })

/** A user's own verifier: the number of letters a. */
const countA: Verifier.Grader<number> = {
  name: "count-a",
  answer: Schema.Int,
  grade: (wanted, text) => {
    if (text === "throw") throw new Error("boom")
    if (text === "fail") return Effect.fail(new VerifierError.VerifierError({ verifier: "count-a", reason: "no" }))
    if (text === "late")
      return Effect.fail(new VerifierError.VerifierError({ verifier: "count-a", reason: "gone", timeout: true }))
    if (text === "hang") return Effect.never
    if (text === "stubborn") return Effect.uninterruptible(Effect.never)
    if (text === "nan") return Verdict.judged({ correct: false, score: Number.NaN })
    const found = text.split("a").length - 1
    return Verdict.judged({ correct: found === wanted, extracted: String(found) })
  },
}
const verifier = Verifier.define(countA, { deadline: "2 seconds" })

it.effect("judges, and keys the answer", () =>
  Effect.gen(function* () {
    const right = yield* verifier.verify(problem(2), says("banana split, a"))
    assert.deepStrictEqual(right, { status: "ok", score: 0, correct: false, extracted: "4", key: "4" })
    assert.isTrue((yield* verifier.verify(problem(4), says("banana split, a"))).correct)
  }),
)

it.effect.each([
  ["throw", "error", "count-a: boom"],
  ["fail", "error", "count-a: no"],
  ["late", "timeout", "count-a: gone"],
  ["nan", "error", "count-a: score is NaN; give a number from -1e9 to 1e9"],
] as const)("%s ends in %s", ([text, status, reason]) =>
  Effect.gen(function* () {
    assert.deepStrictEqual(yield* verifier.verify(problem(1), says(text)), Verdict.unreached(status, reason))
  }),
)

it.effect("names the problem whose ground truth does not decode", () =>
  Effect.gen(function* () {
    const verdict = yield* verifier.verify(problem("two"), says("a"))
    assert.strictEqual(verdict.status, "error")
    assert.match(verdict.reason ?? "", /problem p: ground truth does not decode/)
  }),
)

it.effect.each(["hang", "stubborn"])("%s is a timeout at its deadline", (text) =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(verifier.verify(problem(1), says(text)))
    yield* TestClock.adjust("1999 millis")
    assert.isUndefined(fiber.pollUnsafe())
    yield* TestClock.adjust("1 millis")
    assert.deepStrictEqual(yield* Fiber.join(fiber), Verdict.unreached("timeout", "count-a: no verdict within 2s"))
  }),
)

it.effect("interruption from outside reaches the grader and is not a verdict", () =>
  Effect.gen(function* () {
    let ended = false
    const slow = Verifier.define({
      ...countA,
      grade: () => Effect.never.pipe(Effect.onInterrupt(() => Effect.sync(() => (ended = true)))),
    })
    const fiber = yield* Effect.forkChild(slow.verify(problem(1), says("")), { startImmediately: true })
    const exit = yield* Fiber.interrupt(fiber).pipe(Effect.andThen(Fiber.await(fiber)))
    assert.isTrue(ended)
    assert.strictEqual(exit._tag, "Failure")
  }),
)

it.effect("a batch accounts for every item, in order, within its concurrency", () =>
  Effect.gen(function* () {
    let open = 0
    let most = 0
    const busy = Verifier.define<number>({
      name: "busy",
      answer: Schema.Int,
      grade: (wanted, text) =>
        Effect.acquireUseRelease(
          Effect.sync(() => (most = Math.max(most, ++open))),
          () => (text === "hang" ? Effect.never : Effect.sleep(wanted)),
          () => Effect.sync(() => open--),
        ).pipe(Effect.as(Verdict.judged({ correct: true, extracted: text }))),
    })
    const items = Array.from({ length: 200 }, (_, i) => ({
      problem: problem(100 - (i % 100)),
      completion: says(i % 20 === 0 ? "hang" : String(i)),
    }))
    const options = { concurrency: 8, deadline: "1 second" } as const
    const fiber = yield* Effect.forkChild(Verifier.batch(busy, items, options))
    yield* TestClock.adjust("1 minute")
    const verdicts = yield* Fiber.join(fiber)
    expect(verdicts.map((v) => v.key ?? v.status)).toEqual(items.map((_, i) => (i % 20 === 0 ? "timeout" : String(i))))
    assert.deepStrictEqual([most, open], [8, 0])
    const streamed = yield* Effect.forkChild(
      Stream.runCollect(Verifier.stream(busy, Stream.fromIterable(items), options)),
    )
    yield* TestClock.adjust("1 minute")
    assert.deepStrictEqual(yield* Fiber.join(streamed), verdicts)
  }),
)

it.effect("time spent waiting for a turn is not time of work, and has a limit of its own", () =>
  Effect.gen(function* () {
    const turns = yield* Semaphore.make(1)
    const queued = Verifier.define<number>(
      {
        name: "queued",
        answer: Schema.Int,
        grade: (seconds) =>
          Turn.take(turns)(Effect.sleep(1000 * seconds)).pipe(Effect.as(Verdict.judged({ correct: true }))),
      },
      { deadline: "10 seconds", waiting: "40 seconds" },
    )
    // Each works for 9 seconds, but for the third, which works for ever: the last has waited longer than its limit.
    const work = [9, 9, 1e6, 9, 9]
    const fibers = yield* Effect.forEach(work, (seconds) =>
      Effect.forkChild(queued.verify(problem(seconds, "queued"), says("")), { startImmediately: true }),
    )
    yield* TestClock.adjust("2 minutes")
    const verdicts = yield* Effect.forEach(fibers, Fiber.join)
    assert.deepStrictEqual(
      verdicts.map(({ reason, status }) => [status, reason]),
      [
        ["ok", undefined],
        ["ok", undefined],
        ["timeout", "queued: no verdict within 10s"],
        ["ok", undefined],
        ["ok", undefined],
      ],
    )
    const late = yield* Effect.forEach([9, 9, 9, 9, 9, 9], (seconds) =>
      Effect.forkChild(queued.verify(problem(seconds, "queued"), says("")), { startImmediately: true }),
    )
    yield* TestClock.adjust("2 minutes")
    const last = (yield* Effect.forEach(late, Fiber.join)).at(-1)
    assert.deepStrictEqual(last, Verdict.unreached("timeout", "queued: waited 40s for its turn"))
  }),
)

it.effect("what bounds itself has no other deadline", () =>
  Effect.gen(function* () {
    const slow = Verifier.define<number>(
      {
        name: "slow",
        answer: Schema.Int,
        grade: () => Turn.bounded(Effect.sleep("1 hour")).pipe(Effect.as(Verdict.judged({ correct: true }))),
      },
      { deadline: "1 second" },
    )
    const fiber = yield* Effect.forkChild(Verifier.batch(slow, [{ problem: problem(1), completion: says("") }]))
    yield* TestClock.adjust("2 hours")
    assert.isTrue((yield* Fiber.join(fiber))[0].correct)
  }),
)
