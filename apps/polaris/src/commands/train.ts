/** `polaris train`: evaluate, train, evaluate, report; the same for every engine and task. */
import { basename, join, resolve } from "node:path"
import type * as Evaluator from "@lpo/eval/Evaluator"
import { type Problem, Sampler, Terminal } from "@lpo/rollout"
import { Checkpoint, Health, Learner, RunStore, Tracker, Trainer } from "@lpo/trainer"
import { Cause, Clock, Effect, Result } from "effect"
import { Command } from "effect/cli"
import * as Config from "../Config.ts"
import * as Evaluations from "../Evaluations.ts"
import * as Suites from "../evaluation/Suites.ts"
import { isQuiet } from "../Explain.ts"
import * as Following from "../Following.ts"
import * as Job from "../Job.ts"
import { layers } from "../layers.ts"
import * as Options from "../Options.ts"
import * as Overrides from "../Overrides.ts"
import * as Plan from "../Plan.ts"
import * as Place from "../Place.ts"
import type * as Problems from "../Problems.ts"
import * as Resolve from "../Resolve.ts"
import * as Settings from "../Settings.ts"
import * as Summary from "../Summary.ts"
import * as Trackers from "../Trackers.ts"
import { UsageError } from "../Usage.ts"
import * as View from "../View.ts"
import type { Entry } from "./Entry.ts"

const number = (x: number | null, digits = 3): string => (x === null ? "–" : x.toFixed(digits))

/** Replaces the last policy with the best one, if the settings say how to find it. */
const restoreBest = Effect.fn("train.restoreBest")(function* (taken: number, { settings, store, view }: Job.Job) {
  const best = settings.train.best === null ? null : yield* Summary.bestOf(store)
  if (best === null) return
  const { metric, step, value } = best
  if (taken < settings.train.steps)
    view.print(`ended after step ${taken} of ${settings.train.steps}: ${metric} has not improved since step ${step}`)
  view.print(`the best policy is from step ${step}: ${metric} ${number(value)}; it is the one evaluated and saved`)
  if (step === taken) return
  const learner = yield* Learner.Learner
  yield* learner.restore(join(store.checkpoints, Checkpoint.name(step)))
  yield* learner.publish
})

const train = (
  training: Problems.Problems["training"],
  rewards: Array<number>,
  trackers: Tracker.Trackers,
  watched: ReadonlyArray<Problem.Problem>,
  job: Job.Job,
) => {
  const { offline, opened, settings, store, view } = job
  const { every } = settings.train.evaluation
  const alarmed = new Set<string>()
  // Policies are judged on whole episodes, whatever they are trained on.
  const judge = (engine: Sampler.SamplerService) =>
    Evaluations.watch(watched, job).pipe(
      Job.inEpisodes(job, { steps: null }),
      Effect.provideService(Sampler.Sampler, engine),
      Effect.map(Evaluations.estimates),
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
                : `; the best is ${number(best.value)}, at step ${best.step}`
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
      Job.inEpisodes(job),
    )
  return Effect.flatMap(Sampler.Sampler, loop)
}

/** The trackers; none of them can stop the run. */
const track = ({ settings, store }: Job.Job) =>
  Tracker.open({
    run: store,
    name: basename(resolve(store.folder)),
    config: { ...settings },
    trackers: Trackers.make(settings.trackers),
    onTrouble: ({ message }) =>
      Effect.sync(() =>
        process.stderr.write(
          `polaris: ${message}; the run continues, events.jsonl has everything, and the tracker is retried\n`,
        ),
      ),
  })

/** Says what each tracker lacks at the end. */
const settle = (trackers: Tracker.Trackers, isDone: boolean, { view }: Job.Job) =>
  Effect.map(trackers.settle(isDone), (standings) => {
    for (const { missing, reason, tracker } of standings)
      if (missing > 0)
        view.print(
          `tracker ${tracker} lacks ${Terminal.counted(missing, "point")} (${reason ?? "no answer"}); --resume sends them`,
        )
  })

const run = Effect.fn("train.run")(function* (job: Job.Job) {
  const trackers = yield* track(job)
  yield* tracked(job, trackers).pipe(Effect.onExit((exit) => settle(trackers, exit._tag === "Success", job)))
})

const tracked = Effect.fn("train.tracked")(function* (job: Job.Job, trackers: Tracker.Trackers) {
  const { opened, problems, sets, settings, started, store, view } = job
  const heldOut = yield* Evaluations.fitting(job)
  if (job.probe) yield* Following.prove(settings, heldOut, view)
  const base = yield* Evaluations.evaluateBase(heldOut, job)
  const told = (step: number, evaluation: Evaluator.Evaluation) =>
    Effect.flatMap(Clock.currentTimeMillis, (time) =>
      trackers.add({ step, time, values: Evaluations.estimates(evaluation) }),
    )
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
  yield* restoreBest(taken, job)
  const trained = yield* Evaluations.evaluate("Evaluating the trained policy", heldOut, job)
  yield* told(taken, trained)
  const last = yield* suites(taken, ", trained policy")
  const saved = yield* opened.save
  // The loop's time is the learner's: learning, or waiting for rollouts.
  const before = earlier.reduce((sum, e) => sum + e.secondsLearning + e.secondsLearnerIdle, base.before)
  const seconds = before + Job.seconds() - started
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
    const resolved = yield* Resolve.settings(
      given,
      old === null || recorded === null ? null : yield* Settings.read(old, recorded.config),
    )
    const settings = yield* Overrides.set(resolved, pairs)
    if (dryRun) return yield* Plan.show(settings, (line) => void process.stdout.write(`${line}\n`))
    const what = `${settings.data === null ? settings.preset : settings.task.name}-${settings.objective.name}-${settings.seed}`
    const folder = old ?? (yield* Place.folderOf({ out, name, resume, what }))
    if (old === null && (yield* RunStore.readConfig(folder)) !== null)
      return yield* new UsageError({
        reason: `${folder} exists already; resume it with --resume, or choose another --name`,
      })
    let begun = false
    yield* Effect.gen(function* () {
      const job = yield* Job.open(settings, given, { folder, resume, probe })
      begun = true
      yield* run(job).pipe(
        Effect.provide([
          layers(job.opened, job.task, job.episodes),
          Trackers.spans(job.settings.trackers, basename(resolve(folder))),
        ]),
      )
    }).pipe(
      Effect.scoped,
      // After an interruption or a failure: what is saved, and how to resume. A bug in the program speaks for itself.
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
      description: "An adapter on a model from the hub",
    },
    {
      command: "polaris train --engine tinker --server http://gpu:8000 --model Qwen/Qwen3-0.6B",
      description: "On a SkyRL server",
    },
    {
      command: "polaris train --data mine.jsonl --task math --model ./m --lora-rank 8",
      description: "Your own problems",
    },
    { command: "polaris train --resume", description: "Resume the newest run after Ctrl-C" },
  ]),
)
