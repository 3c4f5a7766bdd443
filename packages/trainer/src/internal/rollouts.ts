/** Rollouts that wait in a checkpoint: `rollouts.json`. A run that samples ahead cannot sample them again, its policy is gone. */
import { readFile } from "node:fs/promises"
import { join } from "node:path"
import type { Problem } from "@lpo/rollout"
import { Effect, Schema } from "effect"
import type { Rolled } from "../Rollout.ts"
import { CheckpointError } from "../TrainerError.ts"

const file = "rollouts.json"

const Verdict = Schema.Struct({
  status: Schema.Literals(["ok", "error", "timeout"]),
  score: Schema.Finite,
  correct: Schema.Boolean,
  format: Schema.optionalKey(Schema.Boolean),
  extracted: Schema.optionalKey(Schema.String),
  reason: Schema.optionalKey(Schema.String),
  key: Schema.NullOr(Schema.String),
  components: Schema.optionalKey(Schema.Record(Schema.String, Schema.Finite)),
  masked: Schema.optionalKey(Schema.Boolean),
})
const Completion = Schema.Struct({
  tokens: Schema.Array(Schema.Int),
  text: Schema.String,
  logprobs: Schema.Array(Schema.Finite),
  finish: Schema.Literals(["stop", "length"]),
  policyVersion: Schema.Int,
  sampling: Schema.Struct({
    temperature: Schema.Finite,
    topP: Schema.Finite,
    topK: Schema.Int,
    minP: Schema.optionalKey(Schema.Finite),
    logprobs: Schema.Literals(["raw", "processed"]),
  }),
})
const Pending = Schema.Array(
  Schema.Struct({
    step: Schema.Int,
    policyStep: Schema.Int,
    secondsSampling: Schema.Finite,
    secondsVerifying: Schema.Finite,
    groups: Schema.Array(
      Schema.Struct({
        problem: Schema.String,
        promptTokens: Schema.Array(Schema.Int),
        completions: Schema.Array(Completion),
        verdicts: Schema.Array(Verdict),
      }),
    ),
  }),
)
const decode = Schema.decodeUnknownEffect(Schema.fromJsonString(Pending))

/** The files of a checkpoint for these rollouts; none when there are none. */
export const files = (pending: ReadonlyArray<Rolled>): Readonly<Record<string, string>> => {
  if (pending.length === 0) return {}
  const rows = pending.map((rolled): (typeof Pending.Type)[number] => ({
    ...rolled,
    groups: rolled.groups.map(({ completions, problem, promptTokens, verdicts }) => ({
      problem: problem.id,
      promptTokens: Array.from(promptTokens),
      completions: completions.map((c) => ({ ...c, tokens: Array.from(c.tokens), logprobs: Array.from(c.logprobs) })),
      verdicts,
    })),
  }))
  return { [file]: `${JSON.stringify(rows)}\n` }
}

/** The rollouts of a checkpoint folder. Fails with a `CheckpointError` that names what does not fit. */
export const read = Effect.fn("rollouts.read")(function* (path: string, problems: ReadonlyArray<Problem.Problem>) {
  const fail = (reason: string) => new CheckpointError({ path, reason: `${file} ${reason}` })
  const text = yield* Effect.tryPromise({
    try: () =>
      readFile(join(path, file), "utf8").catch((cause: NodeJS.ErrnoException) => {
        if (cause.code === "ENOENT") return null
        throw cause
      }),
    catch: (cause) => fail(`cannot be read: ${(cause as Error).message}`),
  })
  if (text === null) return []
  const rows = yield* decode(text).pipe(Effect.mapError((error) => fail(`does not decode: ${error.message}`)))
  const known = new Map(problems.map((problem) => [problem.id, problem]))
  return yield* Effect.forEach(rows, (row) =>
    Effect.forEach(row.groups, (group) => {
      const problem = known.get(group.problem)
      return problem === undefined
        ? Effect.fail(fail(`names problem "${group.problem}", which is not in the dataset; resume with the run's own`))
        : Effect.succeed({
            problem,
            promptTokens: Int32Array.from(group.promptTokens),
            verdicts: group.verdicts,
            completions: group.completions.map((c) => ({
              ...c,
              tokens: Int32Array.from(c.tokens),
              logprobs: Float32Array.from(c.logprobs),
            })),
          })
    }).pipe(
      Effect.map((groups): Rolled => ({
        step: row.step,
        policyStep: row.policyStep,
        secondsSampling: row.secondsSampling,
        secondsVerifying: row.secondsVerifying,
        groups,
      })),
    ),
  )
})
