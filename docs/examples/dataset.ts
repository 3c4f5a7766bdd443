/** Problems of a file, drawn as training draws them. */
// #region program
import { Dataset } from "@lpo/rollout"
import { Mathematics } from "@lpo/verifiers"
import { Effect } from "effect"

/** The first `size` problems of a run, and what its rows are told apart by. */
export const first = (path: string, size: number) =>
  Effect.gen(function* () {
    const rows = yield* Dataset.open(path)
    const problems = yield* Dataset.fromRows(rows, Mathematics.fromRow().answer, { badRows: "leave-out" })
    const drawn = yield* Dataset.draw(problems, { from: 0, size, seed: "7" })
    return { drawn, fingerprint: problems.fingerprint, leftOut: problems.leftOut.map(({ message }) => message) }
  }).pipe(Effect.scoped)
// #endregion program
