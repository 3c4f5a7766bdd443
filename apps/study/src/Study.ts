/** A study from its plan to its results: missing runs are made, and every claim is judged. */
import { existsSync } from "node:fs"
import { join } from "node:path"
import { Effect } from "effect"
import * as Arm from "./Arm.ts"
import type { Axis } from "./Axis.ts"
import * as Judge from "./Judge.ts"
import * as Plan from "./Plan.ts"
import * as Pool from "./Pool.ts"
import * as Kept from "./Record.ts"
import type { Results } from "./Results.ts"

/** @category models */
export interface Options {
  readonly study: Plan.Study
  /** The chosen axes, out of `all`: the choice of a method's rate does not depend on them. */
  readonly asked: ReadonlyArray<Axis>
  readonly all: ReadonlyArray<Axis>
  /** Learning rates chosen earlier. */
  readonly rates: Plan.Rates
  /** Folder of the records. */
  readonly records: string
  readonly workers: number
  readonly isOver: () => boolean
  readonly print: (line: string) => void
}

/** The outcome; `isWhole` is false if time ran out. @category models */
export interface Outcome extends Pick<Results, "axes" | "rates" | "runs" | "spread"> {
  readonly isWhole: boolean
  /** Seconds of processor time. */
  readonly seconds: number
}

/** @category running */
export const run = async ({
  all,
  asked,
  isOver,
  print,
  rates: before,
  records,
  study,
  workers,
}: Options): Promise<Outcome> => {
  const seen = new Map<string, Kept.Run>()
  /** All runs, after making the missing ones; fewer if time is up. */
  const made = async (title: string, jobs: ReadonlyArray<Arm.Job>) => {
    const named = await Effect.runPromise(
      Effect.forEach(jobs, (job) =>
        Effect.map(Arm.settings(job), (settings) => ({ job, id: Arm.identity(job, settings) })),
      ),
    )
    const isThere = (id: string): boolean => existsSync(join(records, `${id}.json`))
    const missing = [...new Map(named.filter(({ id }) => !isThere(id)).map(({ id, job }) => [id, job])).values()]
    let seconds = 0
    await Pool.make(missing, {
      workers,
      isOver,
      done: (one, n) => {
        Kept.write(records, one)
        seconds += one.seconds
        if (n % 10 === 0 || n === missing.length)
          print(`${title}: ${n} of ${missing.length} runs, ${(seconds / n).toFixed(1)} s of processor time each`)
      },
    })
    const found = await Effect.runPromise(
      Effect.forEach(named, ({ id, job }) =>
        Effect.map(Kept.read(records, id), (one) => {
          if (one !== null) seen.set(id, one)
          // A run shared by axes has the name of the arm that made it first.
          return one === null ? [] : [{ ...one, arm: job.arm.name, method: job.arm.method }]
        }),
      ),
    )
    return found.flat()
  }
  const axes: Array<Results["axes"][number]> = []
  const missing: Array<string> = []
  const rates: Record<string, number> = { ...before }
  let [reported, isWhole] = [0, true]
  for (const axis of asked) {
    const tuning = Plan.tuning(study, axis, all, rates)
    const tuned = await made(`${axis.name}, learning rates`, tuning)
    if (tuned.length < tuning.length) {
      missing.push(axis.name)
      isWhole = false
      continue
    }
    Object.assign(rates, Plan.chosen(tuned))
    const jobs = Plan.reported(study, axis, rates)
    const before = seen.size
    const runs = await made(axis.name, jobs)
    reported += seen.size - before
    if (runs.length < jobs.length) isWhole = false
    const claims = Judge.judge(axis, runs, study.scale.tokens)
    if (claims.length === 0) missing.push(axis.name)
    else axes.push({ name: axis.name, asks: axis.asks, claims, rows: Judge.rows(axis, runs) })
  }
  const kept = [...seen.values()]
  // An arm in several axes counts once.
  const rows = new Map(axes.flatMap((one) => one.rows.map((row) => [`${row.preset}/${row.arm}`, row] as const)))
  return {
    axes,
    rates,
    runs: { reported, tuning: kept.length - reported, missing },
    spread: Judge.spread([...rows.values()]),
    isWhole,
    seconds: kept.reduce((sum, { seconds }) => sum + seconds, 0),
  }
}
