/**
 * How programs must not affect each other: correct ones that need much memory pass, and those that return too much delay no others.
 */
import type { Verdict } from "@lpo/rollout"
import { Code, Countdown, EmbeddedSandbox, Mathematics, NativeSandbox, Sandbox, Verifier } from "@lpo/verifiers"
import { Deferred, Effect, type Scope } from "effect"

const layers: Readonly<
  Record<string, Effect.Effect<Sandbox.SandboxService, { readonly message: string }, Scope.Scope>>
> = {
  embedded: EmbeddedSandbox.make({ processes: 1 }),
  native: NativeSandbox.make({ processes: 1 }),
}

export interface Result {
  readonly layer: string
  /** Of 20 tests that need 400 MB each, those that pass; null where the layer does not start. */
  readonly passed: number | null
  readonly seconds: number
  /** Longest verdicts of others, in ms: alone, and beside a program of ten tests that returns `1<<16000000`. */
  readonly alone: Readonly<Record<string, number>>
  readonly beside: Readonly<Record<string, number>>
  readonly refusal: string
}

const block = (code: string) => ({ text: `\`\`\`python\n${code}\n\`\`\``, finish: "stop" as const })
const problem = (task: string, answer: unknown) => ({ id: task, task, prompt: "", answer })

// Bytes that are written, not only asked for.
const big = "n = int(input())\nx = bytearray(b'x') * 400_000_000\nprint(n + x[n] + len(x))"
const bigAnswer = {
  inputs: Array.from({ length: 20 }, (_, i) => `${i}\n`),
  outputs: Array.from({ length: 20 }, (_, i) => String(i + 120 + 400_000_000)),
}
const returned = "def f(x): return 1 << 16000000"
const returnedAnswer = {
  fn_name: "f",
  inputs: Array.from({ length: 10 }, (_, i) => String(i)),
  outputs: Array.from({ length: 10 }, () => "1"),
}

/** Longest time of a verdict by task, over verdicts one after the other until `hog` is done, or for two seconds without one. */
const longest = (hog: Effect.Effect<unknown>) =>
  Effect.gen(function* () {
    const math = Verifier.define((yield* Mathematics.task()).graders.strict)
    const countdown = Verifier.define(Countdown.graders().strict)
    const asks = {
      countdown: countdown.verify(
        problem("countdown", { nums: [1, 2, 3], target: 6 }),
        block("<answer>1+2+3</answer>"),
      ),
      math: math.verify(problem("math", "\\frac{1}{2}"), { text: "\\boxed{0.5}", finish: "stop" }),
    }
    for (const ask of Object.values(asks)) yield* ask
    const times: Record<string, number> = { countdown: 0, math: 0 }
    const fiber = yield* Effect.forkChild(hog)
    while (fiber.pollUnsafe() === undefined)
      for (const [name, ask] of Object.entries(asks)) {
        const from = performance.now()
        yield* ask
        times[name] = Math.max(times[name] ?? 0, performance.now() - from)
        yield* Effect.sleep(1)
      }
    return times
  }).pipe(Effect.scoped)

const attackOne = (layer: string) =>
  Effect.gen(function* () {
    const sandbox = yield* layers[layer]
    const verifier = Verifier.define(Code.graders(sandbox, { limits: { seconds: 30, totalSeconds: 600 } }).strict)
    const from = performance.now()
    const { reason, score } = yield* verifier.verify(problem("code", bigAnswer), block(big))
    const seconds = (performance.now() - from) / 1000
    const alone = yield* longest(Effect.sleep("4 seconds"))
    const judged = yield* Deferred.make<Verdict.Verdict>()
    const hog = verifier.verify(problem("code", returnedAnswer), block(returned))
    const beside = yield* longest(Deferred.complete(judged, hog))
    const verdict = yield* Deferred.await(judged)
    const isWrong = verdict.status === "ok" && verdict.score === 0
    const refusal = score < 1 ? (reason ?? "") : isWrong ? "" : `1<<16000000 is ${verdict.status}: ${verdict.reason}`
    return { layer, passed: Math.round(20 * score), seconds, alone, beside, refusal }
  }).pipe(Effect.scoped)

export const attack = async (): Promise<ReadonlyArray<Result>> => {
  const results: Array<Result> = []
  for (const layer of Object.keys(layers))
    results.push(
      await Effect.runPromise(
        attackOne(layer).pipe(
          Effect.catch(({ message }) =>
            Effect.succeed({ layer, passed: null, seconds: 0, alone: {}, beside: {}, refusal: message }),
          ),
        ),
      ),
    )
  return results
}
