/**
 * Strict mode: every test gets a verdict of its own, and the score is the share that pass, in both kinds of test.
 *
 * A test that runs into a limit or raises has failed; which exit code a program chooses does not matter. A ground truth without tests,
 * or that does not decode, is not a problem to judge by: status `error`. Each outcome is judged as it comes and then forgotten, in time
 * that grows with what is expected and not with what a program makes of it.
 *
 * @module
 */
import { createHash } from "node:crypto"
import { Verdict } from "@lpo/rollout"
import { Effect, Result } from "effect"
import { type Job, type Outcome, type SandboxService, limitsOf } from "../sandbox/Sandbox.ts"
import { VerifierError } from "@lpo/rollout/VerifierError"
import * as Asserts from "./Asserts.ts"
import * as Extract from "./Extract.ts"
import * as GroundTruth from "./GroundTruth.ts"
import * as Output from "./Output.ts"
import * as Value from "./Value.ts"

/** What became of one test. @category models */
export interface TestVerdict {
  readonly passed: boolean
  /** `wrong`: it ended well, with another answer. */
  readonly status: Outcome["status"] | "wrong"
  /** Why it did not pass, in one line; empty when it did. */
  readonly reason: string
  readonly seconds: number
}

/** @category models */
export interface Judged {
  readonly verdict: Verdict.Verdict
  readonly tests: ReadonlyArray<TestVerdict>
}

/** @category models */
export interface Options {
  readonly limits?: Job["limits"]
  /** The score: the share of tests that pass, or 1 only when all do. Default `share`. */
  readonly credit?: "share" | "all"
}

const equality: Value.Equality = {
  tuples: true,
  close: (given, expected) => {
    const a = Number(given)
    // Integers beyond all floats are infinite only to a float.
    if (typeof given === "bigint" && !Number.isFinite(a)) return false
    return (Number.isNaN(a) && Number.isNaN(expected)) || Output.isClose(a, expected, Output.tolerance)
  },
}

/** Whether a call returned what it should; some data sets wrap each value in a list of one. */
const returned = (given: Value.Value, expected: Value.Value): boolean => {
  if (Value.equal(given, expected, equality)) return true
  const wrapped =
    typeof expected === "object" && expected !== null && expected.type === "list" && expected.items.length === 1
  return wrapped && Value.equal(given, expected.items[0], equality)
}

/** The most characters that the sandbox's text of a value takes per character of its JSON, and some for short ones. */
const [perCharacter, short] = [32, 4096]

/** Judges one outcome by what was expected. @category grading */
export const judgeTest = (outcome: Outcome, expected: string, call: boolean): TestVerdict => {
  const { error, exitCode, seconds, status, stderr, stdout, value } = outcome
  const failed = (why: TestVerdict["status"], reason: string): TestVerdict => ({
    passed: false,
    status: why,
    reason,
    seconds,
  })
  const passed: TestVerdict = { passed: true, status: "done", reason: "", seconds }
  if (status !== "done") return failed(status, error ?? status)
  const ended =
    exitCode === 0 ? "" : `exit code ${exitCode}${stderr === "" ? "" : ` (${GroundTruth.clip(stderr.trim())})`}, `
  if (!call)
    return Output.strict(stdout, expected)
      ? passed
      : failed(
          "wrong",
          `${ended}prints ${GroundTruth.clip(stdout.trim())}, expected ${GroundTruth.clip(expected.trim())}`,
        )
  const wrong = (text: string): TestVerdict =>
    failed("wrong", `returns ${GroundTruth.clip(text)}, expected ${GroundTruth.clip(expected.trim())}`)
  if (value !== undefined && value.length > perCharacter * expected.length + short) return wrong(value)
  const [given, wanted] = [value === undefined ? undefined : Value.fromSandbox(value), Value.fromJson(expected)]
  if (given === undefined || wanted === undefined) return failed("raised", `${ended}returned nothing that can be read`)
  return returned(given, wanted) ? passed : wrong(Value.canonical(given))
}

/** What a test did, as a text that is the same for programs that did the same: what maj@k counts. */
const didOf = ({ status, stdout, value }: Outcome): string => {
  if (status !== "done") return JSON.stringify([status])
  const given = value === undefined || value.length > 2 ** 16 ? undefined : Value.fromSandbox(value)
  const did = given === undefined ? (value ?? Output.canonical(stdout)) : Value.canonical(given)
  return createHash("sha256").update(did).digest("hex")
}

const summary = (tests: ReadonlyArray<TestVerdict>): string => {
  const passed = tests.filter((test) => test.passed).length
  const first = tests.findIndex((test) => !test.passed)
  if (first < 0) return tests.length === 1 ? "the test passes" : `all ${tests.length} tests pass`
  return `${passed} of ${tests.length} tests pass; test ${first + 1}: ${tests[first].reason}`
}

/** Runs the program of a response and judges every test. @category grading */
export const judge = (
  sandbox: SandboxService,
  answer: unknown,
  response: string,
  options: Options = {},
): Effect.Effect<Judged, VerifierError> =>
  Effect.gen(function* () {
    const asserts = yield* Effect.fromResult(Result.flatMap(GroundTruth.parse(answer), Asserts.decode)).pipe(
      Effect.mapError((reason) => new VerifierError({ verifier: "code", reason })),
    )
    if (asserts !== null) return yield* judgeAsserts(sandbox, asserts, response, options)
    const decoded = GroundTruth.decode(answer)
    if (Result.isFailure(decoded)) return yield* new VerifierError({ verifier: "code", reason: decoded.failure })
    const truth = decoded.success
    const { language = "python" } = truth
    if (!sandbox.languages.includes(language)) {
      const reason = `the program is in ${language}; ${sandbox.name} runs ${sandbox.languages.join(", ")}`
      return yield* new VerifierError({ verifier: "code", reason })
    }
    const call = typeof truth.fn_name === "string"
    const source = Extract.strict(response, language, {
      name: truth.fn_name ?? null,
      reads: truth.inputs.some((input) => input.trim() !== ""),
    })
    if (source === null) return without(language)
    const hash = createHash("sha256")
    const tests = yield* sandbox
      .run({ language, source, tests: GroundTruth.tests(truth), limits: limitsOf(options.limits) }, (outcome, i) => {
        hash.update(didOf(outcome))
        return judgeTest(outcome, truth.outputs[i], call)
      })
      .pipe(Effect.mapError(({ message }) => new VerifierError({ verifier: "code", reason: message })))
    return judged(source, tests, hash.digest("hex"), options)
  })

/** The verdict on a program whose tests have ended. */
const judged = (source: string, tests: ReadonlyArray<TestVerdict>, key: string, { credit }: Options): Judged => {
  const passed = tests.filter((test) => test.passed).length
  const correct = passed === tests.length
  const score = credit === "all" ? Number(correct) : passed / tests.length
  const reason = summary(tests)
  return {
    verdict: Verdict.judged({ correct, score, format: true, extracted: source, reason, key: key.slice(0, 16) }),
    tests,
  }
}

/** No program: wrong, and without the demanded form. */
const without = (language: string): Judged => ({
  verdict: Verdict.judged({ correct: false, format: false, reason: `no program in ${language} in the response` }),
  tests: [],
})

/** Judges by asserts, which run apart from the program. */
const judgeAsserts = (
  sandbox: SandboxService,
  asserts: Asserts.Asserts,
  response: string,
  options: Options,
): Effect.Effect<Judged, VerifierError> =>
  Effect.gen(function* () {
    const limits = limitsOf(options.limits)
    const calls = yield* Asserts.first(sandbox, asserts, limits)
    if (Result.isFailure(calls)) return yield* new VerifierError({ verifier: "code", reason: calls.failure })
    const extracted = Extract.strict(response, "python", { name: calls.success[0].name, reads: false })
    if (extracted === null) return without("python")
    const source = Asserts.program(asserts, extracted)
    const { outcomes, statements } = yield* Asserts.run(sandbox, asserts, source, calls.success, limits)
    const hash = createHash("sha256")
    for (const outcome of outcomes.values()) hash.update(didOf(outcome))
    const tests = statements.map(({ calls, error }): TestVerdict => {
      const made = calls.flatMap((key) => outcomes.get(key) ?? [])
      const seconds = made.reduce((sum, outcome) => sum + outcome.seconds, 0)
      const broken = made.find(({ status }) => status !== "done")?.status
      return error === null
        ? { passed: true, status: "done", reason: "", seconds }
        : { passed: false, status: broken ?? "wrong", reason: error.replaceAll(/\s*\n\s*/g, " "), seconds }
    })
    return judged(extracted, tests, hash.digest("hex"), options)
  }).pipe(
    Effect.catchTag("SandboxError", ({ message }) =>
      Effect.fail(new VerifierError({ verifier: "code", reason: message })),
    ),
  )
