/** SIGKILLs at file operations, with a resume after each one. */
import { existsSync, readFileSync, rmSync } from "node:fs"
import { join } from "node:path"
import type { Seed } from "@lpo/rollout"
import * as Program from "./Program.ts"

type Random = ReturnType<typeof Seed.stream>

export interface Result {
  readonly kills: number
  readonly runs: number
  /** Runs that ended differently from the undisturbed one. */
  readonly wrong: ReadonlyArray<string>
}

const moments = ["before", "during", "after"] as const

/** Kills until there were `kills` kills; a run that has ended is compared, and another is started. */
export const attack = async (out: string, kills: number, random: Random, minutes: number): Promise<Result> => {
  const counted = join(out, "count")
  const whole = await Program.train(out, "whole", { env: { LPO_ATTACK_COUNT: counted } })
  if (whole.code !== 0) throw new Error(`the undisturbed run ends with ${whole.code}: ${whole.stderr}`)
  const expected = Program.outcome(join(out, "whole"))
  const operations = Number(readFileSync(counted, "utf8"))
  const until = performance.now() + minutes * 60_000
  const wrong: Array<string> = []
  let [done, runs] = [0, 0]
  while (done < kills && performance.now() < until) {
    const name = `killed-${runs++}`
    const folder = join(out, name)
    for (let lives = 0; ; lives++) {
      const isLast = done >= kills || lives >= 8 || performance.now() >= until
      // A resumed process has less to do than a whole run: so most are killed, before a checkpoint or after.
      const at = isLast ? Number.POSITIVE_INFINITY : random.int(1, lives === 0 ? operations : operations >> 2)
      const when = moments[random.int(0, moments.length - 1)]
      const ended = await Program.train(out, name, {
        resume: existsSync(join(folder, "config.json")),
        env: { LPO_ATTACK_AT: String(at), LPO_ATTACK_WHEN: when },
      })
      if (ended.signal === "SIGKILL") {
        done++
        continue
      }
      if (ended.code !== 0) wrong.push(`${name}, after ${when} ${at}: ${ended.stderr.trim().slice(0, 300)}`)
      else if (Program.outcome(folder) !== expected) wrong.push(`${name}: other weights or rows, after ${when} ${at}`)
      break
    }
    rmSync(folder, { recursive: true })
  }
  return { kills: done, runs, wrong }
}
