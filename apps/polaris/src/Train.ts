/** The main job: warm start, evaluation, training, evaluation, summary and report. */
import { realpath, rename, rm, symlink } from "node:fs/promises"
import { basename, join, relative } from "node:path"
import { Evaluator, Report } from "@lpo/eval"
import type { Problem } from "@lpo/rollout"
import { RunStore, Trainer, TrainerError } from "@lpo/trainer"
import { Backend, Policy, TransformerLearner, TransformerSampler } from "@lpo/transformer"
import { Countdown } from "@lpo/verifiers"
import Table from "cli-table3"
import { Effect, Layer } from "effect"
import { problems } from "./CountdownTask.ts"
import * as Settings from "./Settings.ts"
import * as Start from "./Start.ts"
import * as View from "./View.ts"

export interface Options {
  readonly settings: Settings.Settings
  /** The run's folder. */
  readonly folder: string
  readonly resume: boolean
  readonly backend: Backend.BackendName | "auto"
  /** Worker threads with a WASM backend each; null takes as many as cores, 0 works in this thread. */
  readonly workers: number | null
}

/** Points `<runs>/latest` at the run, by an atomic rename. */
const pointLatest = (folder: string) =>
  Effect.tryPromise({
    try: async () => {
      const link = join(folder, "..", "latest")
      const temporary = `${link}.tmp-${process.pid}`
      await rm(temporary, { force: true })
      await symlink(basename(folder), temporary)
      await rename(temporary, link)
    },
    catch: (cause) =>
      new TrainerError.RunError({ folder, reason: `runs/latest cannot be set (${(cause as Error).message})` }),
  })

const number = (x: unknown, digits = 3): string => (typeof x === "number" ? x.toFixed(digits) : "–")
const estimate = ({ high, low, mean }: { mean: number; low: number; high: number }): string =>
  `${mean.toFixed(3)} [${low.toFixed(3)}, ${high.toFixed(3)}]`

const evaluate = (
  title: string,
  heldOut: ReadonlyArray<Problem.Problem>,
  settings: Settings.Settings,
  view: View.View,
) =>
  Evaluator.evaluate(heldOut, {
    samples: settings.evaluation.samples,
    maxTokens: settings.train.maxTokens,
    stopStrings: settings.train.stopStrings ?? [],
    // The same stream before and after, so that the two are compared on the same draws.
    seed: `${settings.preset}/${settings.seed}/evaluation`,
    onProgress: (done, total) => Effect.sync(() => view.progress({ title, done, total, detail: [] })),
  }).pipe(Effect.tap(() => Effect.sync(view.done)))

/** Trains as the settings say. The backend is started and the policy made here; every file of the run is written here. */
export const run = Effect.fn("Train.run")(function* ({ backend, folder, resume, settings, workers: asked }: Options) {
  const started = performance.now()
  const view = View.make()
  yield* Effect.addFinalizer(() => Effect.sync(view.done))
  const preset = yield* Settings.findPreset(settings.preset)
  const running = yield* backend === "auto" ? Backend.auto : Backend.start(backend)
  if (running.name !== "wasm" && asked !== null && asked > 0) {
    return yield* new Settings.UsageError({
      reason: `--workers is ${asked}, and the backend ${running.name} works in one thread; leave it out, or give --backend wasm`,
    })
  }
  const workers = running.name === "wasm" ? (asked ?? Policy.defaultWorkers()) : 0
  const start = yield* Start.open(preset, settings, view, { folder, resume })
  const store = yield* RunStore.open({ folder, config: { ...settings }, resume })
  if (start.commit !== null) yield* store.write(Start.commitFile, `${JSON.stringify({ commit: start.commit })}\n`)
  yield* pointLatest(folder)
  const policy = yield* Policy.make(start.config, start.tokenizer, start.values, { ...start.engine, workers })
  const engine = Layer.mergeAll(
    TransformerSampler.layer(),
    TransformerLearner.layer({ memoryMiB: start.memoryMiB }),
  ).pipe(Layer.provide(Layer.succeed(Policy.Policy, policy)))
  const layers = Layer.merge(engine, Countdown.layer({ extract: start.extract }))
  const heldOut = problems(preset, "held-out", start.prompt).slice(0, settings.evaluation.problems)
  const training = problems(preset, "train", start.prompt)

  view.print(start.about)
  view.print(`backend ${running.name} (${running.device}): ${running.reason}`)
  view.print(`objective ${settings.objective}, seed ${settings.seed}, ${workers} workers, run ${folder}`)
  if (store.resumeFrom !== null) view.print(`resuming after step ${store.resumeFrom.step} of ${settings.train.steps}`)

  yield* Effect.gen(function* () {
    const base = yield* store
      .read("base.json")
      .pipe(
        Effect.flatMap((text) =>
          text === null
            ? evaluate(`Evaluating the ${start.label}`, heldOut, settings, view).pipe(
                Effect.tap((e) => store.write("base.json", `${JSON.stringify(e)}\n`)),
              )
            : Effect.succeed(JSON.parse(text) as Evaluator.Evaluation),
        ),
      )
    view.print(
      `${start.label}: ${Object.entries(base.curve)
        .map(([k, e]) => `pass@${k} ${e.mean.toFixed(3)}`)
        .join("  ")}`,
    )

    const rewards: Array<number> = []
    yield* Trainer.train({
      config: Settings.trainConfig(settings),
      problems: training,
      run: store,
      onStep: (report) =>
        Effect.sync(() => {
          rewards.push(report.reward)
          view.progress({
            title: `Training (${settings.objective})`,
            done: report.step,
            total: settings.train.steps,
            detail: [
              `reward ${number(report.reward)}  pass rate ${number(report.passRate)}  entropy ${number(report.entropy)}  ` +
                `gradient norm ${number(report.gradNorm, 2)}  ${Math.round(report.tokensPerSecond)} tokens/s`,
              `reward ${View.sparkline(rewards)}`,
            ],
          })
        }),
    })
    view.done()
    const trained = yield* evaluate("Evaluating the trained policy", heldOut, settings, view)
    yield* start.save(policy, folder)
    const seconds = (performance.now() - started) / 1000
    const summary = {
      preset: settings.preset,
      model: settings.start.kind === "checkpoint" ? settings.start.source : null,
      objective: settings.objective,
      seed: settings.seed,
      seconds: Math.round(seconds * 10) / 10,
      steps: settings.train.steps,
      problems: heldOut.length,
      samplesPerProblem: settings.evaluation.samples,
      base: { passAt: base.curve },
      trained: { passAt: trained.curve },
    }
    yield* store.write("summary.json", `${JSON.stringify(summary, null, 2)}\n`)
    const page = yield* Report.render({
      title: `${settings.preset}, ${settings.objective}, seed ${settings.seed}`,
      facts: {
        objective: settings.objective,
        tau: String(settings.tau ?? "–"),
        seed: String(settings.seed),
        "group size K": String(settings.train.groupSize),
        steps: String(settings.train.steps),
        start: settings.start.kind === "checkpoint" ? settings.start.source : start.label,
        "parameters trained": policy.values.length.toLocaleString("en"),
        "held-out problems": `${heldOut.length} × ${settings.evaluation.samples} samples`,
        time: View.clock(seconds),
      },
      config: { ...settings },
      events: yield* store.events,
      base: base.curve,
      trained: trained.curve,
      groups: yield* store.completions,
    })
    yield* store.write("report.html", page)

    const table = new Table({ head: ["", start.label, "trained", "change"], style: { head: [], border: [] } })
    for (const [k, before] of Object.entries(base.curve)) {
      const after = trained.curve[k]
      const change = after.mean - before.mean
      table.push([`pass@${k}`, estimate(before), estimate(after), `${change >= 0 ? "+" : ""}${change.toFixed(3)}`])
    }
    view.print(table.toString())
    view.print(
      `${heldOut.length} held-out problems, ${settings.evaluation.samples} samples each; 95 % intervals over problems; ${View.clock(seconds)} in all`,
    )
    view.print(`run     ${folder}`)
    view.print(`report  ${join(folder, "report.html")}`)
  }).pipe(Effect.provide(layers))
}, Effect.scoped)

/** The folder itself where `folder` is a link such as `runs/latest`. */
export const realFolder = (folder: string): Effect.Effect<string> =>
  Effect.promise(() =>
    realpath(folder).then(
      (real) => relative(process.cwd(), real) || real,
      () => folder,
    ),
  )
