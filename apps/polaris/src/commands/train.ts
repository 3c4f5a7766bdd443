/** `polaris train`: evaluate, train, evaluate, report; the same for every engine and task. */
import { resolve } from "node:path"
import { Evaluator } from "@lpo/eval"
import type { Problem } from "@lpo/rollout"
import { RunStore, Trainer, TrainerError } from "@lpo/trainer"
import type { Task } from "@lpo/verifiers"
import { Effect, Result } from "effect"
import { Command } from "effect/cli"
import * as About from "../About.ts"
import * as Base from "../Base.ts"
import type { Opened } from "../engines/index.ts"
import { isQuiet } from "../Explain.ts"
import { layers } from "../layers.ts"
import * as Options from "../Options.ts"
import * as Place from "../Place.ts"
import * as Preset from "../Preset.ts"
import * as Settings from "../Settings.ts"
import * as Summary from "../Summary.ts"
import { tasks } from "../tasks/index.ts"
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
  readonly view: View.View
  readonly started: number
}

const clock = (): number => performance.now() / 1000

const evaluate = (title: string, heldOut: ReadonlyArray<Problem.Problem>, { settings, view }: Job) =>
  Effect.gen(function* () {
    const { samples, temperature } = settings.evaluation
    const { maxTokens, stopStrings } = settings.train.sampling
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
  })

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

const train = (training: ReadonlyArray<Problem.Problem>, rewards: Array<number>, { settings, store, view }: Job) =>
  Trainer.train({
    config: Settings.trainConfig(settings),
    problems: training,
    run: store,
    onStep: (report) =>
      Effect.sync(() => {
        rewards.push(report.reward)
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
    onClosed: (taken, saved) =>
      Effect.sync(() => {
        if (Result.isFailure(saved))
          process.stderr.write(`polaris: step ${taken} could not be saved: ${saved.failure.message}\n`)
      }),
  }).pipe(Effect.tap(() => Effect.sync(view.done)))

const run = Effect.fn("train.run")(function* (job: Job) {
  const { opened, settings, started, store, task, view } = job
  const { generate } = task
  if (generate === undefined)
    return yield* new UsageError({
      reason: `the task ${task.name} makes no problems of its own; choose another preset`,
    })
  const all = generate({ side: "held-out", seed: settings.preset })
  const { problems } = settings.evaluation
  if (problems > all.length)
    return yield* new UsageError({
      reason: `--problems is ${problems}, and ${all.length} are held out; give at most that`,
    })
  const heldOut = all.slice(0, problems)
  const base = yield* evaluateBase(heldOut, job)
  view.print(
    `${opened.label}: ${Object.entries(base.curve)
      .map(([k, e]) => `pass@${k} ${e.mean.toFixed(3)}`)
      .join("  ")}`,
  )
  const earlier = yield* store.events
  yield* train(
    generate({ side: "train", seed: settings.preset }),
    earlier.map(({ reward }) => reward),
    job,
  )
  const trained = yield* evaluate("Evaluating the trained policy", heldOut, job)
  const saved = yield* opened.save
  // The loop's time is the learner's: learning, or waiting for rollouts.
  const before = earlier.reduce((sum, e) => sum + e.secondsLearning + e.secondsLearnerIdle, base.before)
  const seconds = before + clock() - started
  const lines = yield* Summary.write(store, { settings, opened, base, trained, problems: heldOut.length, seconds })
  for (const line of saved === null ? lines : [...lines, saved]) view.print(line)
})

/** Opens engine and run, the engine first for a new run: what cannot be leaves no folder behind. */
const open = Effect.fn("train.open")(function* (
  asked: Settings.Settings,
  given: Settings.Given,
  run: { readonly folder: string; readonly resume: boolean },
) {
  const started = clock()
  const { folder, resume } = run
  const preset = yield* Preset.load(asked.preset)
  const make = yield* find("task", asked.task.name, tasks)
  const domain = yield* make(asked.task.parameters)
  const settings = Settings.withStops(asked, domain.stopStrings)
  const openStore = (config: Settings.Settings, about: RunStore.Config) =>
    RunStore.open({ folder, config: { ...config }, resume, mayChange: Settings.mayChange(config), about })
  const old = resume ? yield* openStore(settings, {}) : null
  const view = View.make()
  yield* Effect.addFinalizer(() => Effect.sync(view.done))
  const opened = yield* Settings.engineOf(settings).open(settings.engine.options, {
    seed: Settings.seedOf(settings),
    number: settings.seed,
    preset,
    model: settings.model,
    groupSize: settings.train.groupSize,
    maxTokens: settings.train.sampling.maxTokens,
    evaluationSamples: settings.evaluation.samples,
    domain,
    flags: given,
    folder: resolve(folder),
    view,
  })
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
  return { settings, store, opened, task: yield* domain.task(opened.reads), view, started } satisfies Job
})

export const command: Entry = Command.make(
  "train",
  { ...Options.given, ...Options.place },
  Effect.fn(function* ({ name, out, resume, ...given }) {
    if (given.workers !== null && (given.workers < 0 || given.workers > 256)) {
      return yield* new UsageError({ reason: `--workers is ${given.workers}; give a whole number from 0 to 256` })
    }
    const old = resume ? yield* Place.folderOf({ out, name, resume, what: "" }) : null
    const recorded = old === null ? null : yield* RunStore.readConfig(old)
    if (old !== null && recorded === null)
      return yield* new UsageError({ reason: `there is nothing to resume in ${old}; give --name and --out of a run` })
    const settings = yield* Settings.resolve(
      given,
      old === null || recorded === null ? null : yield* Settings.read(old, recorded.config),
    )
    const what = `${settings.preset}-${settings.objective.name}-${settings.seed}`
    const folder = old ?? (yield* Place.folderOf({ out, name, resume, what }))
    if (old === null && (yield* RunStore.readConfig(folder)) !== null)
      return yield* new UsageError({
        reason: `${folder} exists already; go on with it by --resume, or choose another --name`,
      })
    let begun = false
    yield* Effect.gen(function* () {
      const job = yield* open(settings, given, { folder, resume })
      begun = true
      yield* run(job).pipe(Effect.provide(layers(job.opened, job.task)))
    }).pipe(
      Effect.scoped,
      Effect.onInterrupt(() =>
        begun && !isQuiet()
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
    { command: "polaris train --resume", description: "Go on with the newest run after Ctrl-C" },
  ]),
)
