/**
 * Strict mode: every test gets a verdict of its own, and the score is the share that pass, in both kinds of test.
 *
 * A test that runs into a limit, raises, or ends with another exit code than 0 has failed. A ground truth without tests, or that does
 * not decode, is no problem to judge by: status `error`.
 */
import { createHash } from "node:crypto"
import { Verdict } from "@lpo/rollout"
import { Effect, Result } from "effect"
import { type Job, type Outcome, type SandboxService, limitsOf } from "../sandbox/Sandbox.ts"
import { VerifierError } from "../VerifierError.ts"
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

const equality: Value.Equality = { tuples: true, close: (a, b) => Output.isClose(a, b, Output.tolerance) }

/** Whether a call returned what it should; some data sets wrap each value in a list of one. */
const returned = (given: Value.Value, expected: Value.Value): boolean => {
  if (Value.equal(given, expected, equality)) return true
  const wrapped =
    typeof expected === "object" && expected !== null && expected.type === "list" && expected.items.length === 1
  return wrapped && Value.equal(given, expected.items[0], equality)
}

/** Judges one outcome by what was expected. @category grading */
export const judgeTest = (outcome: Outcome, expected: string, call: boolean): TestVerdict => {
  const { error, exitCode, seconds, status, stderr, stdout, value } = outcome
  const failed = (why: TestVerdict["status"], reason: string): TestVerdict => ({
    passed: false,
    status: why,
    reason,
    seconds,
  })
  if (status !== "done") return failed(status, error ?? status)
  if (exitCode !== 0)
    return failed("raised", `exit code ${exitCode}${stderr === "" ? "" : `: ${GroundTruth.clip(stderr.trim())}`}`)
  if (!call)
    return Output.strict(stdout, expected)
      ? { passed: true, status, reason: "", seconds }
      : failed("wrong", `prints ${GroundTruth.clip(stdout.trim())}, expected ${GroundTruth.clip(expected.trim())}`)
  const [given, wanted] = [value === undefined ? undefined : Value.fromSandbox(value), Value.fromJson(expected)]
  if (given === undefined || wanted === undefined) return failed("raised", "returned nothing that can be read")
  return returned(given, wanted)
    ? { passed: true, status, reason: "", seconds }
    : failed(
        "wrong",
        `returns ${GroundTruth.clip(Value.canonical(given))}, expected ${GroundTruth.clip(expected.trim())}`,
      )
}

/** The same for programs that did the same: what maj@k counts. */
const keyOf = (outcomes: ReadonlyArray<Outcome>): string => {
  const hash = createHash("sha256")
  for (const { status, stdout, value } of outcomes) {
    const given = value === undefined ? undefined : Value.fromSandbox(value)
    const did = given === undefined ? Output.canonical(stdout) : Value.canonical(given)
    hash.update(JSON.stringify([status, status === "done" ? did : ""]))
  }
  return hash.digest("hex").slice(0, 16)
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
    const decoded = GroundTruth.decode(answer)
    if (Result.isFailure(decoded)) return yield* new VerifierError({ verifier: "code", reason: decoded.failure })
    const truth = decoded.success
    const { language = "python" } = truth
    if (!sandbox.languages.includes(language)) {
      const reason = `the program is in ${language}; ${sandbox.name} runs ${sandbox.languages.join(", ")}`
      return yield* new VerifierError({ verifier: "code", reason })
    }
    const source = Extract.strict(response, language)
    if (source === null) {
      const reason = `no program in ${language} in the response`
      return { verdict: Verdict.judged({ correct: false, format: false, reason }), tests: [] }
    }
    const limits = limitsOf(options.limits)
    const outcomes = yield* sandbox
      .run({ language, source, tests: GroundTruth.tests(truth), limits })
      .pipe(Effect.mapError(({ message }) => new VerifierError({ verifier: "code", reason: message })))
    const call = typeof truth.fn_name === "string"
    const tests = outcomes.map((outcome, i) => judgeTest(outcome, truth.outputs[i], call))
    const passed = tests.filter((test) => test.passed).length
    const correct = passed === truth.outputs.length
    const score = options.credit === "all" ? Number(correct) : passed / truth.outputs.length
    const verdict = Verdict.judged({
      correct,
      score,
      format: true,
      extracted: source,
      reason: summary(tests),
      key: keyOf(outcomes),
    })
    return { verdict, tests }
  })
