/**
 * `reference:prime_code`: the verdicts of verl's `prime_code` with `continuous`, its oddities included, but in a sandbox.
 *
 * Pass 1 runs all tests, 5 s each and 6 s in total; all right is a 1. Otherwise pass 2 runs the first ten singly, 10 s each, and the
 * score is the share that pass. Pass 2 forgets `fn_name`, so calls have no partial credit. No tests at all are a 1; a ground truth
 * that is not JSON, or whose inputs are not strings, is a 0. The program is what follows the last `\`\`\`python`, and runs as
 * `PrimeProgram` says; the exit code does not matter.
 *
 * Ours: what pass 1 saw of a test that reads standard input holds in pass 2 unless it was stopped by the clock; pass 2 ends after
 * `totalSeconds`, and the tests that it does not reach have failed.
 *
 * @module
 */
import { Verdict } from "@lpo/rollout"
import { Effect, Result } from "effect"
import type { Outcome, SandboxService, Test } from "../sandbox/Sandbox.ts"
import { VerifierError } from "@lpo/rollout/VerifierError"
import * as Extract from "./Extract.ts"
import * as GroundTruth from "./GroundTruth.ts"
import * as Output from "./Output.ts"
import * as PrimeProgram from "./PrimeProgram.ts"
import * as Value from "./Value.ts"

/** Seconds. @category models */
export interface Limits {
  /** Per test of pass 1. Default 5. */
  readonly first: number
  /** Pass 1 as a whole. Default 6. */
  readonly firstTotal: number
  /** Per test of pass 2. Default 10. */
  readonly single: number
  /** Pass 2 as a whole. Default 20. */
  readonly totalSeconds: number
}

const defaults: Limits = { first: 5, firstTotal: 6, single: 10, totalSeconds: 20 }

interface Tests {
  readonly inputs: ReadonlyArray<string>
  readonly outputs: ReadonlyArray<string>
  readonly name: string | null
}

/** What the grader makes of a ground truth; null when it gives up. */
const testsOf = (answer: unknown): Tests | null => {
  const truth = GroundTruth.parse(answer)
  if (Result.isFailure(truth) || typeof truth.success !== "object" || truth.success === null) return null
  const { fn_name: name, inputs, outputs } = truth.success as Record<string, unknown>
  const strings = (list: unknown): list is Array<string> =>
    Array.isArray(list) && list.every((x) => typeof x === "string")
  if (!strings(inputs) || !strings(outputs)) return null
  return { inputs, outputs, name: typeof name === "string" && name !== "" ? name : null }
}

const asList = (value: Value.Value): Value.Value =>
  typeof value === "object" && value !== null && value.type === "tuple" ? { ...value, type: "list" } : value

const itemsOf = (value: Value.Value): ReadonlyArray<Value.Value> =>
  typeof value === "object" && value !== null && "items" in value ? value.items : []

/** An object with whole numbers for keys, in a list of its own; null for anything else. */
const numbered = (value: Value.Value | undefined): Value.Value | null => {
  if (typeof value !== "object" || value === null || value.type !== "dict") return null
  const pairs: Array<readonly [bigint, Value.Value]> = []
  for (const [key, v] of value.pairs) {
    if (typeof key !== "string" || !/^\s*[+-]?\d+(?:_\d+)*\s*$/.test(key)) return null
    pairs.push([BigInt(key.replaceAll(/[_+\s]/g, "")), v])
  }
  return { type: "list", items: [{ type: "dict", pairs }] }
}

/** The comparison of calls: Python's equality, with the value itself or the first of a list. */
const returned = (given: Value.Value, wanted: Value.Value): boolean => {
  const list = numbered(wanted) ?? wanted
  const expected = numbered(itemsOf(list)[0]) ?? list
  const output = asList(given)
  if (Value.equal(output, expected, Value.python)) return true
  const [first] = typeof expected === "object" && expected !== null && "items" in expected ? expected.items : []
  if (first === undefined) return false
  if (Value.equal(output, first, Value.python)) return true
  const rows = itemsOf(output).map(asList)
  return rows.length > 0 && Value.equal({ type: "list", items: rows }, first, Value.python)
}

const passes = (outcome: Outcome, expected: string, call: boolean): boolean => {
  if (outcome.status !== "done") return false
  if (!call) return Output.prime(outcome.stdout, expected)
  const [given, wanted] = [
    outcome.value === undefined ? undefined : Value.fromSandbox(outcome.value),
    Value.fromJson(expected),
  ]
  return given !== undefined && wanted !== undefined && returned(given, wanted)
}

/** Judges a response as `prime_code` does. @category grading */
export const judge = (
  sandbox: SandboxService,
  answer: unknown,
  response: string,
  limits: Partial<Limits> = {},
): Effect.Effect<Verdict.Verdict, VerifierError> =>
  Effect.gen(function* () {
    const { first, firstTotal, single, totalSeconds } = { ...defaults, ...limits }
    const source = Extract.prime(response)
    const verdict = (score: number, reason: string): Verdict.Verdict =>
      Verdict.judged({ correct: score === 1, score, extracted: source, reason, key: null })
    const tests = testsOf(answer)
    if (tests === null) return verdict(0, "the ground truth is not JSON with lists of strings")
    const { inputs, name, outputs } = tests
    if (inputs.length === 0) return verdict(1, "no tests at all")
    const run = (program: string, list: ReadonlyArray<Test>, seconds: number, total: number) =>
      sandbox
        .run({ language: "python", source: program, tests: list, limits: { seconds, totalSeconds: total } })
        .pipe(Effect.mapError(({ message }) => new VerifierError({ verifier: "code", reason: message })))

    const call = name !== null
    const script = PrimeProgram.script(source)
    const tests1 = inputs.map((input): Test =>
      call
        ? { kind: "call", name: PrimeProgram.entry, args: [JSON.stringify(input)] }
        : { kind: "stdin", stdin: input },
    )
    const pass1 = yield* run(call ? PrimeProgram.call(source, name) : script, tests1, first, firstTotal)
    if (pass1.every((outcome, i) => passes(outcome, outputs[i] ?? "", call))) return verdict(1, "all tests pass")

    const singles = inputs.slice(0, 10)
    const stopped = (i: number): boolean => call || ["timeout", "not-run"].includes(pass1[i].status)
    const again = singles.flatMap((stdin, i) => (stopped(i) ? [{ i, test: { kind: "stdin", stdin } as const }] : []))
    const pass2 = yield* run(
      script,
      again.map(({ test }) => test),
      single,
      totalSeconds,
    )
    const outcomes = singles.map((_, i) => {
      const at = again.findIndex((x) => x.i === i)
      return at < 0 ? pass1[i] : pass2[at]
    })
    const passed = outcomes.filter((outcome, i) => passes(outcome, outputs[i] ?? "", false)).length
    const reason = `${passed} of the first ${singles.length} tests pass${call ? ", run without fn_name" : ""}`
    return verdict(passed / singles.length, reason)
  })
