/**
 * One process of a run with everything on that has a state: `run.ts FOLDER`. It samples one step ahead, replays groups, follows a
 * curriculum that switches by what it measures, and raises alarms. The engine is the tabular one of the trainer's tests. Whatever
 * it does, sampling, judging, weighing, stepping, publishing, is a file operation too, at which the hook of `checks/attacks` can
 * kill it.
 */
import { existsSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { Sampler } from "@lpo/rollout"
import { Learner, Registry, Replay, RunStore, TrainConfig, Trainer } from "@lpo/trainer"
import { Verifier } from "@lpo/verifiers"
import { Effect, Layer, Stream } from "effect"
import { makeEngine, problems as easy } from "../../packages/trainer/test/tabular.ts"

const [folder] = process.argv.slice(2)
/** Counted by the hook, and deadly at one count. */
const tick = (): void => writeFileSync(`${folder}.tick`, "")

/** Six of ten problems have no signal. */
const problems = [
  ...easy.slice(0, 4),
  ...Array.from({ length: 6 }, (_, i) => ({ id: `hopeless-${i}`, task: "digits", prompt: "?", answer: "none" })),
]
const objective = Registry.make(
  Registry.settings({
    name: "lpo",
    divergence: { schedule: "blend", first: "forward-kl", second: "reverse-kl" },
    tau: { schedule: "switch", metric: "passRate", fallAt: 0.1, riseAt: 0.2, low: "std", high: 0.5 },
  }),
)
const config: TrainConfig.TrainConfig = {
  ...TrainConfig.defaults,
  seed: "kills",
  steps: 12,
  promptsPerStep: 5,
  groupSize: 4,
  maxTokens: 2,
  maxLag: 1,
  anchor: "recompute",
  silentGroups: "replay",
  replay: { ...Replay.defaults, order: "uniform", maxUses: 2 },
  checkpointEvery: 2,
  objective,
  optimizer: { ...TrainConfig.defaults.optimizer, learningRate: 0.5 },
}

const engine = makeEngine({ pinned: { behind: 0 }, onDraw: tick })
const ticking = Layer.mergeAll(
  Layer.effect(
    Learner.Learner,
    Effect.map(Learner.Learner, (inner) => ({
      ...inner,
      accumulate: (groups, weigh) => inner.accumulate(groups, (...args) => (tick(), weigh(...args))),
      step: (options) => Effect.tap(inner.step(options), () => Effect.sync(tick)),
      publish: Effect.tap(inner.publish, () => Effect.sync(tick)),
    })),
  ),
  Layer.effect(
    Sampler.Sampler,
    Effect.map(Sampler.Sampler, (inner) => ({
      ...inner,
      sample: (...args: Parameters<typeof inner.sample>) =>
        Stream.tap(inner.sample(...args), () => Effect.andThen(Effect.sync(tick), Effect.yieldNow)),
    })),
  ),
  Layer.effect(
    Verifier.Verifier,
    Effect.map(Verifier.Verifier, ({ verify }) => ({
      // A correct first digit is enough, so there is something to learn in twelve steps.
      verify: (problem, { text }) =>
        Effect.andThen(
          Effect.sync(tick),
          verify(problem, { text: text.startsWith("2") ? "23" : text, finish: "stop" }),
        ),
    })),
  ),
).pipe(Layer.provide(engine.layer))

const program = Effect.gen(function* () {
  const resume = existsSync(join(folder, "config.json"))
  const run = yield* RunStore.open({ folder, config: {}, resume })
  yield* Trainer.train({ config, problems, run }).pipe(Effect.provide(ticking))
  yield* run.write("end.json", JSON.stringify([...engine.logits]))
})
await Effect.runPromise(Effect.scoped(program))
