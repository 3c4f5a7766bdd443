/**
 * A lane: one policy, trained by `Trainer.train` in this worker. A pause interrupts the run, which then leaves a checkpoint in memory;
 * going on, with other knobs or the same, resumes from it, as `polaris train --resume` does from a folder.
 */
import * as Registry from "@lpo/trainer/Registry"
import * as Run from "@lpo/trainer/Run"
import * as TrainConfig from "@lpo/trainer/TrainConfig"
import * as Trainer from "@lpo/trainer/Trainer"
import * as Browser from "@lpo/transformer/Browser"
import { Cause, Effect, Fiber, Layer, Queue } from "effect"
import * as Preset from "./Preset.ts"
import type { Knobs, News, Order } from "./Protocol.ts"

const tell = (news: News): void => postMessage(news)

/** No run on this page ends by itself. */
const endless = 1_000_000

const configOf = (seed: string, { learningRate, objective }: Knobs): TrainConfig.TrainConfig => ({
  ...TrainConfig.defaults,
  ...Preset.sizes,
  seed,
  steps: endless,
  objective: Registry.make(Registry.settings(objective)),
  optimizer: { ...TrainConfig.defaults.optimizer, learningRate },
  checkpointEvery: endless,
  groupsLogged: 3,
})

const download = Effect.fn("download")(function* (url: string) {
  return yield* Effect.tryPromise({
    try: async () => {
      const response = await fetch(url)
      if (!response.ok) throw new Error(`HTTP ${response.status}`)
      return new Uint8Array(await response.arrayBuffer())
    },
    catch: (cause) => new Error(`${url}: ${(cause as Error).message}; reload the page`),
  })
})

const live = Effect.fn("live")(function* (orders: Queue.Queue<Order>) {
  const opening = yield* Queue.take(orders)
  if (opening.kind !== "open") return yield* Effect.fail(new Error(`a lane is opened first, and got ${opening.kind}`))
  const { assets, seed } = opening
  let { knobs } = opening
  const [started, bytes] = yield* Effect.all([Browser.start(assets), download(assets.model)], { concurrency: 2 })
  const { modelConfig, tokenizer } = Preset
  const config = yield* modelConfig
  const values = yield* Browser.readModel(config, bytes, assets.model)
  const policy = yield* Browser.policy(config, tokenizer, values)
  const engine = yield* Layer.build(Layer.merge(Browser.layer(policy), Preset.verifier))
  const problems = Preset.problems()
  const run = Run.held({ groups: 0, onGroups: (groups) => Effect.sync(() => tell({ kind: "groups", groups })) })
  let fiber: Fiber.Fiber<unknown> | null = null
  const train = Effect.suspend(() =>
    Trainer.train({
      config: configOf(seed, knobs),
      problems,
      run,
      onStep: (report) => Effect.sync(() => tell({ kind: "step", report })),
    }),
  ).pipe(
    Effect.provideContext(engine),
    // A fault of the program too: the page must not wait for steps that do not come.
    Effect.catchCause((cause) =>
      Cause.hasInterruptsOnly(cause)
        ? Effect.void
        : Effect.sync(() => {
            fiber = null
            tell({ kind: "failed", reason: (Cause.squash(cause) as Error).message })
          }),
    ),
  )
  const stop = Effect.gen(function* () {
    if (fiber !== null) yield* Fiber.interrupt(fiber)
    fiber = null
  })
  const go = Effect.gen(function* () {
    fiber = yield* Effect.forkChild(train)
  })
  const state = Effect.sync(() => tell({ kind: "state", running: fiber !== null, step: run.reports.length }))
  tell({ kind: "ready", device: started.device, parameters: values.length })
  while (true) {
    const order = yield* Queue.take(orders)
    if (order.kind === "go" && fiber === null) yield* go
    if (order.kind === "pause") yield* stop
    if (order.kind === "change") {
      const wasRunning = fiber !== null
      yield* stop
      ;({ knobs } = order)
      if (wasRunning) yield* go
    }
    yield* state
  }
})

const orders = Effect.runSync(Queue.unbounded<Order>())
globalThis.addEventListener("message", ({ data }: MessageEvent<Order>) => void Queue.offerUnsafe(orders, data))
Effect.runFork(
  live(orders).pipe(
    Effect.scoped,
    Effect.catchCause((cause) =>
      Effect.sync(() => tell({ kind: "failed", reason: (Cause.squash(cause) as Error).message })),
    ),
  ),
)
