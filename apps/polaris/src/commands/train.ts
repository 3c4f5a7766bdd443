/** `polaris train`: evaluate, train, evaluate, report; the same for every engine and task. */
import { createHash } from "node:crypto"
import { basename, join, resolve } from "node:path"
import { Evaluator } from "@lpo/eval"
import { Episodes, type Problem, RegularFile, Sampler, Terminal } from "@lpo/rollout"
import { Health, Learner, type Offline, OfflineFile, RunStore, Tracker, Trainer, TrainerError } from "@lpo/trainer"
import type { Task } from "@lpo/verifiers"
import { Cause, Clock, Effect, Result } from "effect"
import { Command } from "effect/cli"
import * as About from "../About.ts"
import * as Base from "../Base.ts"
import * as Config from "../Config.ts"
import type { Opened } from "../engines/index.ts"
import type * as Sets from "../evaluation/Sets.ts"
import * as Suites from "../evaluation/Suites.ts"
import { isQuiet } from "../Explain.ts"
import * as Following from "../Following.ts"
import * as Grader from "../Grader.ts"
import { layers } from "../layers.ts"
import * as Model from "../Model.ts"
import * as Opening from "../Opening.ts"
import * as Options from "../Options.ts"
import * as Plan from "../Plan.ts"
import * as Place from "../Place.ts"
import * as Preset from "../Preset.ts"
import * as Problems from "../Problems.ts"
import * as Settings from "../Settings.ts"
import * as Summary from "../Summary.ts"
import { type Multiturn, tasks } from "../tasks/index.ts"
import * as Trackers from "../Trackers.ts"
import { find, UsageError } from "../Usage.ts"
import * as View from "../View.ts"
import type { Entry } from "./Entry.ts"

const number = (x: number | null, digits = 3): string => (x === null ? "–" : x.toFixed(digits))

/** A run that is open and ready to go. */
interface Job {
  readonly settings: Settings.Settings
  readonly store: RunStore.Run
  readonly opened: Opened
  readonly task: Task.AnyTask
  readonly episodes: Multiturn | undefined
  readonly problems: Problems.Problems
  readonly offline: ReadonlyArray<Offline.Entry> | null
  /** Named benchmarks, evaluated besides. */
  readonly sets: ReadonlyArray<Sets.Set>
  readonly view: View.View
  readonly started: number
  /** Whether to prove first that the sampler follows the learner. */
  readonly probe: boolean
}

/** With the engine's sampler turned into one of episodes, where the task has several turns. */
const inEpisodes =
  ({ episodes }: Job, options: Partial<Episodes.Options> = {}) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R | Sampler.Sampler> =>
    Effect.updateService(effect, Sampler.Sampler, (inner) =>
      episodes === undefined
        ? inner
        : Episodes.sampler(inner, episodes.environment, { ...episodes.options, ...options }),
    )

const clock = (): number => performance.now() / 1000

const evaluate = (title: string, heldOut: ReadonlyArray<Problem.Problem>, job: Job) =>
  Effect.gen(function* () {
    const { settings, view } = job
    const { samples, temperature } = settings.evaluation
    const { maxTokens, stopStrings } = settings.train.sampling
    // The clock of the time left begins with the first problem, not with the first one that is done.
    view.progress({ title, done: 0, total: heldOut.length, detail: [] })
    const evaluation = yield* Evaluator.evaluate(heldOut, {
      samples,
      temperature,
      maxTokens,
      stopStrings,
      // The same stream before and after, so that the two are compared on the same draws.
      seed: `${Settings.seedOf(settings)}/evaluation`,
      onProgress: (done, total) => Effect.sync(() => view.progress({ title, done, total, detail: [] })),
    })
    view.done()
    return evaluation
  }).pipe(inEpisodes(job, { steps: null }))

/** The evaluation of the policy before training: the run's own, unless what is asked for has changed. */
const evaluateBase = Effect.fn("train.evaluateBase")(function* (heldOut: ReadonlyArray<Problem.Problem>, job: Job) {
  const { opened, settings, store } = job
  const text = yield* store.read(Base.file)
  if (text !== null) {
    const found = yield* Base.read(text).pipe(
      Effect.mapError(
        (reason) =>
          new TrainerError.RunError({
            folder: store.folder,
            reason: `${Base.file} ${reason}; remove it, and it is made again`,
          }),
      ),
    )
    if (JSON.stringify(found.asked) === JSON.stringify(settings.evaluation)) return { ...found, before: found.seconds }
  }
  const begun = clock()
  const evaluation = yield* evaluate(`Evaluating the ${opened.label}`, heldOut, job)
  const made = { ...evaluation, asked: settings.evaluation, seconds: clock() - begun }
  yield* store.write(Base.file, Base.write(made))
  return { ...made, before: 0 }
})

/** The estimates of an evaluation as a tracker's values. */
const estimates = ({ curve, summary }: Evaluator.Evaluation): Readonly<Record<string, number>> =>
  Object.fromEntries([
    ...Object.entries(curve).map(([k, { mean }]) => [`eval/pass_at_${k}`, mean] as const),
    ...Object.entries(Tracker.valuesOf(summary)).map(
      ([name, value]) => [name.replace("train/", "eval/"), value] as const,
    ),
  ])

/** An evaluation in the loop: on fewer problems, and on draws that are neither those of training nor of the others. */
const watch = (problems: ReadonlyArray<Problem.Problem>, { settings }: Job) => {
  const { maxTokens, stopStrings } = settings.train.sampling
  return Evaluator.evaluate(problems, {
    samples: settings.train.evaluation.samples,
    temperature: settings.evaluation.temperature,
    maxTokens,
    stopStrings,
    seed: `${Settings.seedOf(settings)}/evaluation/loop`,
  })
}

/** Puts the best policy in the place of the last one, where the settings say by what it is known. */
const bestOf = Effect.fn("train.bestOf")(function* (taken: number, { settings, store, view }: Job) {
  const text = settings.train.best === null ? null : yield* store.read("best.json")
  if (text === null) return
  const { metric, step, value } = JSON.parse(text) as { metric: string; step: number; value: number }
  if (taken < settings.train.steps)
    view.print(`ended after step ${taken} of ${settings.train.steps}: ${metric} has not got better since step ${step}`)
  view.print(
    `the best policy is that of step ${step}: ${metric} ${number(value)}; it is the one that is evaluated and saved`,
  )
  if (step === taken) return
  const learner = yield* Learner.Learner
  yield* learner.restore(join(store.checkpoints, `step-${String(step).padStart(6, "0")}`))
  yield* learner.publish
})

const train = (
  training: Problems.Problems["training"],
  rewards: Array<number>,
  trackers: Tracker.Trackers,
  watched: ReadonlyArray<Problem.Problem>,
  job: Job,
) => {
  const { offline, opened, settings, store, view } = job
  const { every } = settings.train.evaluation
  const alarmed = new Set<string>()
  // Policies are judged by whole episodes, whatever they are trained on.
  const judge = (engine: Sampler.SamplerService) =>
    watch(watched, job).pipe(
      inEpisodes(job, { steps: null }),
      Effect.provideService(Sampler.Sampler, engine),
      Effect.map(estimates),
    )
  const loop = (engine: Sampler.SamplerService) =>
    Trainer.train({
      config: Settings.trainConfig(settings),
      problems: training,
      run: store,
      ...(offline === null || settings.offline === null
        ? {}
        : { offline: { entries: offline, ratio: settings.offline.ratio } }),
      ...(opened.reference === null ? {} : { reference: opened.reference }),
      ...(every === 0 ? {} : { evaluation: { every, run: () => judge(engine) } }),
      onEvaluation: ({ step, values }, best) =>
        Effect.gen(function* () {
          yield* trackers.add({ step, time: yield* Clock.currentTimeMillis, values })
          const { metric } = settings.train.best ?? { metric: "eval/pass_at_1" }
          const stands =
            best === null
              ? ""
              : best.step === step
                ? ", the best so far"
                : `; the best is ${number(best.value)}, step ${best.step}`
          view.print(`evaluation after step ${step}: ${metric} ${number(values[metric] ?? null)}${stands}`)
        }),
      onStep: (report) =>
        Effect.andThen(
          trackers.report(report),
          Effect.sync(() => {
            rewards.push(report.reward)
            // Once for each metric: the log has all of them.
            for (const alarm of report.alarms)
              if (!alarmed.has(alarm.metric)) {
                alarmed.add(alarm.metric)
                view.print(`alarm at step ${report.step}: ${Health.describe(alarm)}`)
              }
            view.progress({
              title: `Training (${settings.objective.name})`,
              done: report.step,
              total: settings.train.steps,
              detail: [
                `reward ${number(report.reward)}  pass rate ${number(report.passRate)}  entropy ${number(report.entropy)}  ` +
                  `gradient norm ${number(report.gradNorm, 2)}  ${Math.round(report.tokensPerSecond)} tokens/s`,
                `reward ${View.sparkline(rewards)}`,
              ],
            })
          }),
        ),
      onClosed: (taken, saved) =>
        Effect.sync(() => {
          if (Result.isFailure(saved))
            process.stderr.write(
              `polaris: step ${taken} could not be saved: ${Terminal.visible(saved.failure.message)}\n`,
            )
        }),
    }).pipe(
      Effect.tap(() => Effect.sync(view.done)),
      inEpisodes(job),
    )
  return Effect.flatMap(Sampler.Sampler, loop)
}

/** The held-out problems that can be sampled: one too long for the model must not end the run. */
const fitting = Effect.fn("train.fitting")(function* ({ problems: { heldOut }, settings, view }: Job) {
  const sampler = yield* Sampler.Sampler
  const { maxTokens, stopStrings } = settings.train.sampling
  const options = { groupSize: settings.evaluation.samples, maxTokens, stopStrings, seed: "refusal" }
  const reasons = yield* Effect.forEach(
    heldOut,
    (problem) => sampler.refusal?.(problem, options) ?? Effect.succeed(null),
  )
  const why = reasons.filter((reason) => reason !== null)
  if (why.length === heldOut.length)
    return yield* new UsageError({
      reason: `none of the ${heldOut.length} held-out problems can be sampled: ${why[0]}`,
    })
  if (why.length > 0)
    view.print(
      `${why.length} of ${heldOut.length} held-out problems cannot be sampled and are left out; the first: ${why[0]}`,
    )
  return heldOut.filter((_, i) => reasons[i] === null)
})

/** What draws the curves elsewhere; none can stop the run. */
const track = ({ settings, store }: Job) =>
  Tracker.open({
    run: store,
    name: basename(resolve(store.folder)),
    config: { ...settings },
    trackers: Trackers.make(settings.trackers),
    onTrouble: ({ message }) =>
      Effect.sync(() =>
        process.stderr.write(
          `polaris: ${message}; the run goes on, events.jsonl has everything, and the tracker is asked again\n`,
        ),
      ),
  })

/** Says of each tracker what it lacks at the end. */
const settle = (trackers: Tracker.Trackers, isDone: boolean, { view }: Job) =>
  Effect.map(trackers.settle(isDone), (standings) => {
    for (const { missing, reason, tracker } of standings)
      if (missing > 0)
        view.print(`tracker ${tracker} lacks ${missing} points (${reason ?? "no answer"}); a resume sends them`)
  })

const run = Effect.fn("train.run")(function* (job: Job) {
  const trackers = yield* track(job)
  yield* tracked(job, trackers).pipe(Effect.onExit((exit) => settle(trackers, exit._tag === "Success", job)))
})

const tracked = Effect.fn("train.tracked")(function* (job: Job, trackers: Tracker.Trackers) {
  const { opened, problems, sets, settings, started, store, view } = job
  const heldOut = yield* fitting(job)
  if (job.probe) yield* Following.prove(settings, heldOut, view)
  const base = yield* evaluateBase(heldOut, job)
  const told = (step: number, evaluation: Evaluator.Evaluation) =>
    Effect.flatMap(Clock.currentTimeMillis, (time) => trackers.add({ step, time, values: estimates(evaluation) }))
  yield* told(0, base)
  view.print(
    `${opened.label}: ${Object.entries(base.curve)
      .map(([k, e]) => `pass@${k} ${e.mean.toFixed(3)}`)
      .join("  ")}`,
  )
  const suites = (step: number, title: string) =>
    Suites.evaluate(sets, { folder: store.folder, step, seed: `${Settings.seedOf(settings)}/evaluation`, title, view })
  const first = yield* suites(0, `, ${opened.label}`)
  const earlier = yield* store.events
  const taken = yield* train(
    problems.training,
    earlier.map(({ reward }) => reward),
    trackers,
    heldOut.slice(0, settings.train.evaluation.problems),
    job,
  )
  yield* bestOf(taken, job)
  const trained = yield* evaluate("Evaluating the trained policy", heldOut, job)
  yield* told(taken, trained)
  const last = yield* suites(taken, ", trained policy")
  const saved = yield* opened.save
  // The loop's time is the learner's: learning, or waiting for rollouts.
  const before = earlier.reduce((sum, e) => sum + e.secondsLearning + e.secondsLearnerIdle, base.before)
  const seconds = before + clock() - started
  const lines = yield* Summary.write(store, {
    settings,
    opened,
    base,
    trained,
    sets: { base: first, trained: last },
    problems: heldOut.length,
    seconds,
  })
  for (const line of saved === null ? lines : [...lines, saved]) view.print(line)
})

const digest = (path: string) =>
  Effect.tryPromise({
    try: async () =>
      createHash("sha256")
        .update(await RegularFile.bytes(path))
        .digest("hex"),
    catch: (cause) => new UsageError({ reason: `--offline ${path} cannot be read (${(cause as Error).message})` }),
  })

/** Opens engine and run, the engine first for a new run: what cannot be leaves no folder behind. */
const open = Effect.fn("train.open")(function* (
  asked: Settings.Settings,
  given: Settings.Given,
  run: { readonly folder: string; readonly resume: boolean; readonly probe: boolean },
) {
  const started = clock()
  const { folder, probe, resume } = run
  const preset = yield* Preset.load(asked.preset)
  const make = yield* find("task", asked.task.name, tasks)
  const domain = yield* make(asked.task.parameters)
  const view = View.make()
  yield* Effect.addFinalizer(() => Effect.sync(view.done))
  const judge = asked.verifier === null ? null : yield* Grader.load(asked.verifier)
  const files = asked.data === null ? null : yield* Problems.open(asked.data, yield* domain.task("text"), view)
  const offline = asked.offline === null ? null : yield* OfflineFile.read(asked.offline.path)
  const settings: Settings.Settings = {
    ...Settings.withStops(asked, domain.stopStrings),
    ...(resume ? {} : { model: Model.dated(asked.model, new Date()) }),
    verifier: judge?.settings ?? null,
    offline: asked.offline === null ? null : { ...asked.offline, sha256: yield* digest(asked.offline.path) },
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
      reason: `the task ${domain.name} is played in the words of its own small model; leave --model out`,
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
    offline,
    sets,
    view,
    started,
    probe,
  } satisfies Job
})

export const command: Entry = Command.make(
  "train",
  { ...Options.given, ...Options.file, ...Options.place },
  Effect.fn(function* ({ config, dryRun, name, out, probe, resume, set, template, ...asked }) {
    const { given: said, pairs } = yield* Config.over(asked, config, set, template)
    const given = dryRun && !resume ? yield* Plan.placeheld(said) : said
    if (given.workers !== null && (given.workers < 0 || given.workers > 256)) {
      return yield* new UsageError({ reason: `--workers is ${given.workers}; give a whole number from 0 to 256` })
    }
    const old = resume ? yield* Place.folderOf({ out, name, resume, what: "" }) : null
    const recorded = old === null ? null : yield* RunStore.readConfig(old)
    if (old !== null && recorded === null)
      return yield* new UsageError({ reason: `there is nothing to resume in ${old}; give --name and --out of a run` })
    const resolved = yield* Settings.resolve(
      given,
      old === null || recorded === null ? null : yield* Settings.read(old, recorded.config),
    )
    const settings = yield* Settings.set(resolved, pairs)
    if (dryRun) return yield* Plan.show(settings, (line) => void process.stdout.write(`${line}\n`))
    const what = `${settings.data === null ? settings.preset : settings.task.name}-${settings.objective.name}-${settings.seed}`
    const folder = old ?? (yield* Place.folderOf({ out, name, resume, what }))
    if (old === null && (yield* RunStore.readConfig(folder)) !== null)
      return yield* new UsageError({
        reason: `${folder} exists already; go on with it by --resume, or choose another --name`,
      })
    let begun = false
    yield* Effect.gen(function* () {
      const job = yield* open(settings, given, { folder, resume, probe })
      begun = true
      yield* run(job).pipe(
        Effect.provide([
          layers(job.opened, job.task, job.episodes),
          Trackers.spans(job.settings.trackers, basename(resolve(folder))),
        ]),
      )
    }).pipe(
      Effect.scoped,
      // After an interruption and after a failure: what is saved, and how to go on. A fault of the program speaks for itself.
      Effect.onExit((exit) =>
        begun && !isQuiet() && exit._tag === "Failure" && !Cause.hasDies(exit.cause)
          ? Effect.map(Place.stopped(folder), (text) => process.stdout.write(`${text}\n`))
          : Effect.void,
      ),
    )
  }),
).pipe(
  Command.withDescription("Train a policy, evaluate it before and after, and write a report"),
  Command.withExamples([
    { command: "polaris train countdown-tiny --objective grpo --seed 2", description: "Another objective and seed" },
    {
      command: "polaris train --model Qwen/Qwen3-0.6B --lora-rank 16",
      description: "An adapter on a model of the hub",
    },
    {
      command: "polaris train --engine tinker --server http://gpu:8000 --model Qwen/Qwen3-0.6B",
      description: "On a SkyRL server",
    },
    {
      command: "polaris train --data mine.jsonl --task math --model ./m --lora-rank 8",
      description: "Problems of your own",
    },
    { command: "polaris train --resume", description: "Go on with the newest run after Ctrl-C" },
  ]),
)
