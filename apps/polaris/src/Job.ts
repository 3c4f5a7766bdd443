/** A run of `polaris train` that is open: settings, engine, folder, problems. */
import { Episodes, Sampler } from "@lpo/rollout"
import { type Offline, OfflineFile, RunStore } from "@lpo/trainer"
import type { Task } from "@lpo/verifiers"
import { Effect } from "effect"
import * as About from "./About.ts"
import type { Opened } from "./engines/index.ts"
import type * as Sets from "./evaluation/Sets.ts"
import * as Suites from "./evaluation/Suites.ts"
import * as Grader from "./Grader.ts"
import * as Model from "./Model.ts"
import * as Opening from "./Opening.ts"
import * as Place from "./Place.ts"
import * as Preset from "./Preset.ts"
import * as Problems from "./Problems.ts"
import * as Settings from "./Settings.ts"
import { type Multiturn, open as openTask } from "./tasks/index.ts"
import { UsageError } from "./Usage.ts"
import * as View from "./View.ts"

/** A run that is open and ready to go. */
export interface Job {
  readonly settings: Settings.Settings
  readonly store: RunStore.Run
  readonly opened: Opened
  readonly task: Task.AnyTask
  readonly episodes: Multiturn | undefined
  readonly problems: Problems.Problems
  readonly offline: ReadonlyArray<Offline.Entry> | null
  /** Named benchmarks, evaluated as well. */
  readonly sets: ReadonlyArray<Sets.Set>
  readonly view: View.View
  readonly started: number
  /** Whether to prove first that the sampler follows the learner. */
  readonly probe: boolean
}

/** Its sampler samples whole episodes if the task has several turns. */
export const inEpisodes =
  ({ episodes }: Job, options: Partial<Episodes.Options> = {}) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R | Sampler.Sampler> =>
    Effect.updateService(effect, Sampler.Sampler, (inner) =>
      episodes === undefined
        ? inner
        : Episodes.sampler(inner, episodes.environment, { ...episodes.options, ...options }),
    )

/** Seconds on a monotonic clock. */
export const seconds = (): number => performance.now() / 1000

/** Opens engine and run, for a new run the engine first: a run that cannot start leaves no folder behind. */
export const open = Effect.fn("Job.open")(function* (
  asked: Settings.Settings,
  given: Settings.Given,
  run: { readonly folder: string; readonly resume: boolean; readonly probe: boolean },
) {
  const started = seconds()
  const { folder, probe, resume } = run
  const preset = yield* Preset.load(asked.preset)
  const domain = yield* openTask(asked.task.name, asked.task.parameters)
  const view = View.make()
  yield* Effect.addFinalizer(() => Effect.sync(view.done))
  const judge = asked.verifier === null ? null : yield* Grader.load(asked.verifier)
  const files = asked.data === null ? null : yield* Problems.open(asked.data, yield* domain.task("text"), view)
  const offline = asked.offline === null ? null : yield* OfflineFile.read(asked.offline.path)
  const settings: Settings.Settings = {
    ...Settings.withStops(asked, domain.stopStrings),
    ...(resume ? {} : { model: Model.dated(asked.model, new Date()) }),
    verifier: judge?.settings ?? null,
    offline: asked.offline === null || offline === null ? null : { ...asked.offline, sha256: offline.sha256 },
    data:
      asked.data === null || files === null
        ? null
        : { ...asked.data, train: files.train.settings, evaluation: files.evaluation?.settings ?? null },
  }
  const openStore = (config: Settings.Settings, about: RunStore.Config) =>
    RunStore.open({ folder, config: { ...config }, resume, mayChange: Settings.mayChange(config), about })
  const old = resume ? yield* openStore(settings, {}) : null
  const opened = yield* Opening.engine(settings, { domain, folder, given, preset, view })
  if (domain.episodes !== undefined && opened.reads !== "words")
    return yield* new UsageError({
      reason: `the task ${domain.name} uses the words of its own small model; leave --model out, or give a checkpoint of such a model`,
    })
  const task = Grader.judgedBy(yield* domain.task(opened.reads), judge?.grader ?? null)
  const problems = yield* settings.data === null || files === null
    ? Problems.generated(task, settings)
    : Problems.read(settings.data, task, files, settings.evaluation.problems, given.problems !== null)
  const sets = yield* Suites.open(settings, opened.reads, view)
  const { model } = settings
  const pinned =
    model.kind === "checkpoint" && model.commit === null
      ? { ...settings, model: { ...model, commit: opened.commit } }
      : settings
  const store = old ?? (yield* openStore(pinned, yield* About.make(opened.record)))
  yield* Place.pointLatest(folder)
  for (const line of opened.about) view.print(line)
  view.print(`objective ${settings.objective.name}, seed ${settings.seed}, run ${folder}`)
  if (store.resumeFrom !== null) view.print(`resuming after step ${store.resumeFrom.step} of ${settings.train.steps}`)
  for (const line of problems.about) view.print(line)
  return {
    settings,
    store,
    opened,
    task,
    episodes: domain.episodes,
    problems,
    offline: offline?.entries ?? null,
    sets,
    view,
    started,
    probe,
  } satisfies Job
})
