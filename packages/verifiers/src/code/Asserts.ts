/**
 * Tests that are asserts, as HumanEval (`test`, `entry_point`, `prompt`) and MBPP (`test_list`, `test_setup_code`, `test_imports`) have them.
 *
 * The tests run in the sandbox by themselves, once to find which calls they make; the program makes these, each in a state of its own;
 * then the tests run again on what it returned, until no call is left. One statement of `check`, or one entry of the list, is one test;
 * a statement that asks nothing of the program is none.
 *
 * @module
 */
import { Effect, Result, Schema } from "effect"
import { type Job, type Limits, type Outcome, type SandboxError, type SandboxService } from "../sandbox/Sandbox.ts"
import * as Examiner from "./Examiner.ts"

const HumanEval = Schema.Struct({
  test: Schema.String,
  entry_point: Schema.String,
  prompt: Schema.optionalKey(Schema.NullOr(Schema.String)),
})
const Mbpp = Schema.Struct({
  test_list: Schema.Array(Schema.String),
  test_setup_code: Schema.optionalKey(Schema.NullOr(Schema.String)),
  test_imports: Schema.optionalKey(Schema.NullOr(Schema.Array(Schema.String))),
})

/** Asserts of either data set. @category models */
export interface Asserts {
  readonly tests: ReadonlyArray<string>
  /** Runs before the tests. */
  readonly setup: string
  /** The function that `check` gets; null where the tests call it by its name. */
  readonly entry: string | null
  /** Stands before the program, which may also be its continuation; empty when there is none. */
  readonly prompt: string
}

const decodeHumanEval = Schema.decodeUnknownResult(HumanEval)
const decodeMbpp = Schema.decodeUnknownResult(Mbpp)

const oneLine = (text: string): string => text.replaceAll(/\s*\n\s*/g, " ")

/** The asserts of a ground truth; null when it is of another kind, a text when it is a broken one of this kind. @category decoding */
export const decode = (value: unknown): Result.Result<Asserts | null, string> => {
  if (typeof value !== "object" || value === null) return Result.succeed(null)
  if ("test" in value || "entry_point" in value) {
    const row = decodeHumanEval(value)
    if (Result.isFailure(row)) return Result.fail(`the ground truth does not decode: ${oneLine(row.failure.message)}`)
    const { entry_point: entry, prompt, test } = row.success
    if (!/^[\p{L}_][\p{L}\p{N}_]*$/u.test(entry))
      return Result.fail(`entry_point is ${JSON.stringify(entry)}; give the name of a function`)
    return Result.succeed({ tests: [test], setup: prompt ?? "", entry, prompt: prompt ?? "" })
  }
  if (!("test_list" in value)) return Result.succeed(null)
  const row = decodeMbpp(value)
  if (Result.isFailure(row)) return Result.fail(`the ground truth does not decode: ${oneLine(row.failure.message)}`)
  const { test_imports, test_list, test_setup_code } = row.success
  if (test_list.length === 0) return Result.fail("the ground truth has no tests: nothing can be right or wrong")
  const setup = [...(test_imports ?? []), test_setup_code ?? ""].join("\n").replaceAll("\r\n", "\n")
  return Result.succeed({ tests: test_list, setup, entry: null, prompt: "" })
}

interface Call {
  readonly key: string
  readonly name: string
  readonly args: ReadonlyArray<string>
}

/** How one test ended. @category models */
export interface Statement {
  /** Why it does not hold; null when it does. */
  readonly error: string | null
  /** The calls that it made. */
  readonly calls: ReadonlyArray<string>
}

type Reply =
  | { readonly refusal: string }
  | { readonly calls: ReadonlyArray<readonly [string, ReadonlyArray<string>]> }
  | { readonly statements: ReadonlyArray<Statement> }

type Known = Readonly<
  Record<string, { readonly value: string } | { readonly raised: string } | { readonly failed: string }>
>

/** Runs the tests on what is known of the program. */
const examine = (
  sandbox: SandboxService,
  { entry, setup, tests }: Asserts,
  known: Known,
  limits: Limits,
): Effect.Effect<Reply, SandboxError> => {
  const stdin = JSON.stringify({ setup, tests, entry, known })
  const job: Job = { language: "python", source: Examiner.source, tests: [{ kind: "stdin", stdin }], limits }
  return Effect.map(sandbox.run(job), ([outcome]): Reply => {
    if (outcome.status !== "done") return { refusal: outcome.error ?? outcome.status }
    try {
      // What the tests print stands before.
      return JSON.parse(outcome.stdout.trimEnd().split("\n").at(-1) ?? "") as Reply
    } catch {
      return { refusal: `they end the interpreter: ${outcome.stderr.trim() || `exit code ${outcome.exitCode}`}` }
    }
  })
}

const replyOf = ({ error, status, value }: Outcome): Known[string] =>
  status === "raised"
    ? { raised: error ?? status }
    : status === "done" && value !== undefined
      ? { value }
      : { failed: error ?? status }

/** What the tests made of a program. @category models */
export interface Examined {
  readonly statements: ReadonlyArray<Statement>
  /** What became of each call. */
  readonly outcomes: ReadonlyMap<string, Outcome>
}

/** The most calls of one program, and passes over its tests. */
const [maxCalls, maxPasses] = [20_000, 1000]

const callsOf = (calls: ReadonlyArray<readonly [string, ReadonlyArray<string>]>): ReadonlyArray<Call> =>
  calls.map(([name, args]) => ({ key: pythonKey(name, args), name, args }))

/** The key of a call, as Python's `json.dumps` writes it. */
const pythonKey = (name: string, args: ReadonlyArray<string>): string =>
  `[${quote(name)}, [${args.map(quote).join(", ")}]]`
const quote = (text: string): string =>
  JSON.stringify(text).replaceAll(/[\u007f-\uffff]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`)

/** First calls of the tests that were judged by last, for each sandbox: a group of responses has the same tests. */
const firstCalls = new WeakMap<SandboxService, Map<string, ReadonlyArray<Call>>>()
const maxKept = 64

/** The calls that the tests make first, or why they cannot be run: with them a program has to be found and judged. @category running */
export const first = (
  sandbox: SandboxService,
  asserts: Asserts,
  limits: Limits,
): Effect.Effect<Result.Result<ReadonlyArray<Call>, string>, SandboxError> =>
  Effect.suspend(() => {
    const kept = firstCalls.get(sandbox) ?? new Map<string, ReadonlyArray<Call>>()
    firstCalls.set(sandbox, kept)
    const key = JSON.stringify([asserts, limits])
    const known = kept.get(key)
    if (known !== undefined) return Effect.succeed(Result.succeed(known))
    return Effect.map(examine(sandbox, asserts, {}, limits), (reply) => {
      if (!("calls" in reply)) {
        const why = "refusal" in reply ? reply.refusal : "they make no call"
        return Result.fail(`the tests cannot be run: ${oneLine(why)}`)
      }
      const calls = callsOf(reply.calls)
      for (const oldest of [...kept.keys()].slice(0, Math.max(0, kept.size + 1 - maxKept))) kept.delete(oldest)
      kept.set(key, calls)
      return Result.succeed(calls)
    })
  })

/** Lets a program make the calls until the tests are through. @category running */
export const run = (
  sandbox: SandboxService,
  asserts: Asserts,
  source: string,
  calls: ReadonlyArray<Call>,
  limits: Limits,
): Effect.Effect<Examined, SandboxError> =>
  Effect.gen(function* () {
    const outcomes = new Map<string, Outcome>()
    const known: Record<string, Known[string]> = {}
    let seconds = limits.totalSeconds
    let output = limits.totalOutput
    let wanted = calls
    const failed = (error: string): Examined => ({ statements: [{ error, calls: [] }], outcomes })
    for (let pass = 0; pass < maxPasses; pass++) {
      if (outcomes.size + wanted.length > maxCalls) return failed(`more than ${maxCalls} calls of the program`)
      const made = yield* sandbox.run({
        language: "python",
        source,
        tests: wanted.map(({ args, name }) => ({ kind: "call", name, args, encoded: true })),
        limits: { ...limits, totalSeconds: seconds, totalOutput: output },
      })
      for (const [i, outcome] of made.entries()) {
        const { key } = wanted[i]
        outcomes.set(key, outcome)
        known[key] = replyOf(outcome)
        seconds -= outcome.seconds
        output -= outcome.stdout.length + (outcome.value?.length ?? 0)
      }
      const reply = yield* examine(sandbox, asserts, known, { ...limits, output: limits.totalOutput })
      if ("statements" in reply) return { statements: reply.statements, outcomes }
      // The tests ran before they knew this program: what it returned is what ends them.
      if ("refusal" in reply) return failed(`the tests end on what it returned: ${oneLine(reply.refusal)}`)
      wanted = callsOf(reply.calls)
    }
    return failed(`more than ${maxPasses} passes over the tests`)
  })

/** The program as it runs: after the prompt, whose last function it may continue. @category running */
export const program = ({ entry, prompt }: Asserts, source: string): string =>
  prompt === "" || entry === null
    ? source
    : new RegExp(`^(?:async[ \\t]+)?def[ \\t]+${entry}\\b|^${entry}[ \\t]*=`, "m").test(source)
      ? `${prompt}\n${source}`
      : `${prompt.replace(/\n*$/, "\n")}${source}`
