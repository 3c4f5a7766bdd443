/** Files that cannot grow, as on a full disk: a run that ends there says so, and goes on when there is room again. */
import { join } from "node:path"
import * as Program from "./Program.ts"

/** Largest file that may be written, in KB: each ends the run somewhere else. */
export const limits = [1, 8, 64, 1400, 2700]

export interface Result {
  readonly limit: number
  /** Whether the run said why it ended, or did not need more. */
  readonly isSaid: boolean
  /** Whether it then ended like the one that nothing happened to. */
  readonly isSame: boolean
  readonly stderr: string
}

/** Runs in `out`, where the outcome of the one that nothing happened to is `expected`. */
export const attack = async (out: string, expected: string): Promise<ReadonlyArray<Result>> => {
  const results: Array<Result> = []
  for (const limit of limits) {
    const name = `limited-${limit}`
    const { code, stderr } = await Program.train(out, name, { fileLimit: limit })
    const isSaid = code === 0 || (code === 1 && /^polaris: .*(EFBIG|too large)/m.test(stderr))
    const resumed = await Program.train(out, name, { resume: true })
    const own = resumed.code === 0 ? name : `${name}-anew`
    const last = resumed.code === 0 ? resumed : await Program.train(out, own)
    results.push({ limit, isSaid, isSame: last.code === 0 && Program.outcome(join(out, own)) === expected, stderr })
  }
  return results
}
