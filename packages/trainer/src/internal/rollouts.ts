/** Rollouts that wait in a checkpoint, as `rollouts.json`. A run that samples ahead cannot sample them again, its policy is gone. */
import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { Group, type Problem } from "@lpo/rollout"
import { Effect, Schema } from "effect"
import type { Rolled } from "../Rollout.ts"
import { CheckpointError } from "../TrainerError.ts"

const file = "rollouts.json"

/** Problems are kept by id: the dataset has the rest. */
const Pending = Schema.fromJsonString(
  Schema.Array(
    Schema.Struct({
      step: Schema.Int,
      policyStep: Schema.Int,
      secondsSampling: Schema.Finite,
      secondsVerifying: Schema.Finite,
      groups: Schema.Array(Schema.Struct({ ...Group.ScoredGroup.fields, problem: Schema.String })),
    }),
  ),
)
const encode = Schema.encodeSync(Pending)
const decode = Schema.decodeUnknownEffect(Pending)

/** The files of a checkpoint for these rollouts; none when there are none. */
export const files = (pending: ReadonlyArray<Rolled>): Readonly<Record<string, string>> => {
  if (pending.length === 0) return {}
  const rows = pending.map((rolled) => ({
    ...rolled,
    groups: rolled.groups.map((group) => ({ ...group, problem: group.problem.id })),
  }))
  return { [file]: `${encode(rows)}\n` }
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
        : Effect.succeed({ ...group, problem })
    }).pipe(Effect.map((groups): Rolled => ({ ...row, groups }))),
  )
})
