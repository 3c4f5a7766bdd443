/** The results of a run at its end: a table, warnings, summary.json and the report. */
import { join } from "node:path"
import type * as Evaluator from "@lpo/eval/Evaluator"
import * as Interval from "@lpo/eval/Interval"
import { type LoggedGroup, Terminal } from "@lpo/rollout"
import { Best, RunStore, type StepReport, TrainerError } from "@lpo/trainer"
import Table from "cli-table3"
import { Effect } from "effect"
import * as Base from "./Base.ts"
import type { Opened } from "./engines/index.ts"
import { record, type Result } from "./evaluation/Table.ts"
import * as Objectives from "./Objectives.ts"
import type { Settings } from "./Settings.ts"
import * as View from "./View.ts"

export interface Outcome {
  readonly settings: Settings
  readonly opened: Opened
  readonly base: Evaluator.Evaluation
  readonly trained: Evaluator.Evaluation
  /** Named benchmarks, in the same order. */
  readonly sets: { readonly base: ReadonlyArray<Result>; readonly trained: ReadonlyArray<Result> }
  readonly problems: number
  /** Over all resumes of the run. */
  readonly seconds: number
}

const mean = (xs: ReadonlyArray<number>): number => xs.reduce((sum, x) => sum + x, 0) / xs.length

const advice = "lower --learning-rate, or look at the groups in the report"

/** What went wrong although the run finished; usually none. */
export const warnings = (
  base: Readonly<Record<string, Interval.Estimate>>,
  trained: Readonly<Record<string, Interval.Estimate>>,
  events: ReadonlyArray<Pick<StepReport.StepReport, "alarms" | "reward" | "targetKl">>,
): ReadonlyArray<string> => {
  const out: Array<string> = []
  const ks = Object.keys(base).filter((k) => trained[k] !== undefined)
  const last = ks.at(-1)
  if (last !== undefined && base[last].mean > 0 && trained[last].mean === 0)
    out.push(
      `the policy collapsed: it no longer solves any held-out problem, and pass@${last} was ${base[last].mean.toFixed(3)}; ${advice}`,
    )
  else {
    const worse = ks.find((k) => trained[k].high < base[k].low)
    if (worse !== undefined)
      out.push(
        `the trained policy is worse: pass@${worse} fell from ${base[worse].mean.toFixed(3)} to ${trained[worse].mean.toFixed(3)}, beyond both intervals; ${advice}`,
      )
  }
  const rewards = events.map(({ reward }) => reward)
  const tenth = Math.max(1, Math.floor(rewards.length / 10))
  const [first, end] = [mean(rewards.slice(0, tenth)), mean(rewards.slice(-tenth))]
  if (first > 0 && end < 0.1 * first)
    out.push(`the reward fell to almost nothing, from ${first.toFixed(3)} to ${end.toFixed(3)}; ${advice}`)
  if (events.length > 0 && events.every(({ targetKl }) => targetKl === null))
    out.push(
      "nothing was learned: in every group of every step all rewards were equal, so no group had a signal; try easier problems, a better model or a larger --k",
    )
  const alarms = new Map<string, number>()
  for (const { metric } of events.flatMap((event) => event.alarms)) alarms.set(metric, (alarms.get(metric) ?? 0) + 1)
  if (alarms.size > 0)
    out.push(
      `alarms were raised: ${[...alarms].map(([metric, steps]) => `${metric} in ${steps} of ${events.length} steps`).join(", ")}; events.jsonl says when and by how much`,
    )
  return out
}

const estimate = ({ high, low, mean }: Interval.Estimate): string =>
  `${mean.toFixed(3)} [${low.toFixed(3)}, ${high.toFixed(3)}]`

/** The mean score over problems, for rewards other than right or wrong. */
const reward = ({ problems }: Evaluator.Evaluation): Interval.Estimate | null => {
  const scores = problems.flatMap(({ samples }) => {
    const judged = samples.filter(({ status }) => status === "ok")
    return judged.length === 0 ? [] : [mean(judged.map(({ score }) => score))]
  })
  return scores.length === 0 ? null : Interval.bootstrap(scores, { seed: "reward" })
}

const signed = (change: number): string => `${change >= 0 ? "+" : ""}${change.toFixed(3)}`

const table = (label: string, base: Evaluator.Evaluation, trained: Evaluator.Evaluation): string => {
  const out = new Table({ head: ["", label, "trained", "change"], style: { head: [], border: [] } })
  const compare = (
    name: string,
    before: Interval.Estimate | null,
    after: Interval.Estimate | null | undefined,
  ): void => {
    if (before === null || after === null || after === undefined) return
    out.push([name, estimate(before), estimate(after), signed(after.mean - before.mean)])
  }
  for (const [k, before] of Object.entries(base.curve)) compare(`pass@${k}`, before, trained.curve[k])
  compare("reward", reward(base), reward(trained))
  return out.toString()
}

/** pass@1 of the held-out problems and of every benchmark, and its mean over them. */
const suites = ({ base, opened, problems, sets, settings, trained }: Outcome): ReadonlyArray<string> => {
  if (sets.base.length === 0) return []
  const { samples } = settings.evaluation
  const held = (evaluation: Evaluator.Evaluation): Result => ({ name: "held-out", problems, samples, evaluation })
  const rows = [[held(base), held(trained)], ...sets.base.map((before, i) => [before, sets.trained[i]])].flatMap(
    ([before, after]) => {
      const [one, other] = [before.evaluation.curve["1"], after.evaluation.curve["1"]]
      return one === undefined || other === undefined ? [] : [{ ...before, one, other }]
    },
  )
  const out = new Table({ head: ["pass@1", opened.label, "trained", "change"], style: { head: [], border: [] } })
  for (const { name, one, other, problems: n, samples: k } of rows)
    out.push([`${name} (${n} x ${k})`, estimate(one), estimate(other), signed(other.mean - one.mean)])
  const [from, to] = [mean(rows.map(({ one }) => one.mean)), mean(rows.map(({ other }) => other.mean))]
  out.push([`mean of the ${rows.length}`, from.toFixed(3), to.toFixed(3), signed(to - from)])
  return [out.toString()]
}

/** The content of a run's report; parts are null if the run has not ended. */
export interface Shown {
  readonly settings: Settings
  readonly about: unknown
  readonly base: Evaluator.Evaluation | null
  readonly trained: Evaluator.Evaluation | null
  readonly warnings: ReadonlyArray<string>
  readonly events: ReadonlyArray<StepReport.StepReport>
  readonly evaluations: ReadonlyArray<RunStore.Evaluated>
  /** The content of best.json; null if there is none. */
  readonly best: Best.Note | null
  readonly groups: ReadonlyArray<LoggedGroup.LoggedGroup>
  readonly facts: Readonly<Record<string, string>>
}

/** Reads the run's best.json; null if there is none. */
export const bestOf = Effect.fn("Summary.bestOf")(function* ({ folder, read }: RunStore.Run) {
  const text = yield* read(Best.file)
  if (text === null) return null
  return yield* Best.read(text).pipe(Effect.mapError((reason) => new TrainerError.RunError({ folder, reason })))
})

/** The best policy of a run, and why it ended before its last step. */
const bestFacts = (best: Best.Note | null, taken: number, { train }: Settings): Readonly<Record<string, string>> => {
  if (best === null) return {}
  const { metric, step, value } = best
  const isOver = taken < train.steps && train.best?.patience !== null
  return {
    "best policy": `step ${step}, ${metric} ${value.toFixed(3)}`,
    ...(isOver ? { ended: `after step ${taken} of ${train.steps}: no better since step ${step}` } : {}),
  }
}

/** The report of a run as HTML. The plotting code is loaded here: a run needs it once, at its end. */
export const page = Effect.fn("Summary.page")(function* (shown: Shown) {
  const { render } = yield* Effect.promise(() => import("@lpo/eval/Report"))
  const { about, base, best, evaluations, events, facts, groups, settings, trained, warnings } = shown
  const { engine, objective, preset, seed, train } = settings
  const taken = events.length < train.steps ? `${events.length} of ${train.steps}` : String(train.steps)
  return render({
    title: `${preset}, ${objective.name}, seed ${seed}`,
    facts: {
      objective: objective.name,
      tau: Objectives.tauOf(objective),
      seed: String(seed),
      "group size K": String(train.groupSize),
      steps: taken,
      engine: engine.name,
      // Only a run that has ended has a reason for it.
      ...bestFacts(best, trained === null ? train.steps : events.length, settings),
      ...facts,
    },
    config: { ...settings },
    about,
    warnings,
    events,
    evaluations,
    base,
    trained,
    groups,
  })
})

/** Writes summary.json, trained.json and report.html; returns the lines to print. */
export const write: (
  store: RunStore.Run,
  outcome: Outcome,
) => Effect.Effect<ReadonlyArray<string>, TrainerError.RunError> = Effect.fn("Summary.write")(
  function* (store, outcome) {
    const { base, opened, problems, seconds, sets, settings, trained } = outcome
    const { evaluation, model, objective, preset, seed, train } = settings
    const events = yield* store.events
    const warned = warnings(base.curve, trained.curve, events)
    const counted = (e: Evaluator.Evaluation) => ({ passAt: e.curve, reward: reward(e), ...e.summary })
    const summary = {
      preset,
      model: model.kind === "checkpoint" ? model.source : null,
      engine: settings.engine.name,
      objective: objective.name,
      seed,
      steps: train.steps,
      parameters: opened.trained,
      problems,
      samplesPerProblem: evaluation.samples,
      seconds: Math.round(seconds * 10) / 10,
      base: counted(base),
      trained: counted(trained),
      benchmarks: sets.base.map((before, i) => ({
        name: before.name,
        base: record(before, preset),
        trained: record(sets.trained[i], preset),
      })),
      warnings: warned,
    }
    yield* store.write("summary.json", `${JSON.stringify(summary, null, 2)}\n`)
    const facts = {
      start: model.kind === "checkpoint" ? model.source : opened.label,
      "parameters trained": opened.trained?.toLocaleString("en") ?? "–",
      "held-out problems": `${problems} × ${Terminal.counted(evaluation.samples, "sample")}`,
      time: View.clock(seconds),
    }
    yield* store.write(Base.trainedFile, Base.write({ ...trained, asked: evaluation, seconds: 0 }))
    const found = yield* RunStore.readConfig(store.folder)
    const evaluations = yield* store.evaluations
    const best = yield* bestOf(store)
    const shown = { settings, about: found?.about, base, trained, warnings: warned, events, evaluations, best, facts }
    yield* store.write("report.html", yield* page({ ...shown, groups: yield* store.completions }))
    return [
      table(opened.label, base, trained),
      ...suites(outcome),
      `${Terminal.counted(problems, "held-out problem")}, ${Terminal.counted(evaluation.samples, "sample")} each; 95 % intervals over problems; ${View.clock(seconds)} in all`,
      ...warned.map((text) => `warning: ${text}`),
      `run     ${store.folder}`,
      `report  ${join(store.folder, "report.html")}`,
    ]
  },
)
