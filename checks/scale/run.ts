/**
 * One process of the run: `run.ts FOLDER ROWS RESUME`. Everything is real except what needs a model: the sampler
 * writes its responses by seed, the learner counts its weights. Prints a line of JSON after every step, the last one with `done`.
 */
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { type Completion, Dataset, type Group, Sampler, SamplingParams, Seed } from "@lpo/rollout"
import { Learner, Lpo, type Objective, RunStore, TrainConfig, Trainer } from "@lpo/trainer"
import { Mathematics, Task } from "@lpo/verifiers"
import { Effect, Layer, Stream } from "effect"
import * as Rows from "./rows.ts"

const [folder, path, resume] = process.argv.slice(2)
/** 331 steps of 161 prompts are one epoch to the row. */
const promptsPerStep = 161
const steps = Rows.length / promptsPerStep

/** Seconds by stage, in this process. */
const seconds = { dataset: 0, sampler: 0, verification: 0, objective: 0, logs: 0 }
type Stage = keyof typeof seconds
const clock = (): number => performance.now() / 1000
const timed = <A>(stage: Stage, body: () => A): A => {
  const from = clock()
  const value = body()
  seconds[stage] += clock() - from
  return value
}
const during = <A, E, R>(stage: Stage, effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.suspend(() => {
    const from = clock()
    return Effect.tap(effect, () => Effect.sync(() => void (seconds[stage] += clock() - from)))
  })

const words =
  "so we have that the sum is therefore equal to = + x y $n^2$ \\frac{1}{2} and hence by symmetry it follows".split(" ")
let version = 0

/** A response of 40 to 400 words that ends in a box with the answer, or with another number. */
const respond = (gold: string, stream: string): Completion.Completion => {
  const random = Seed.stream(stream)
  const count = 40 + Math.floor(360 * random.uniform() ** 2)
  const offset = random.int(0, words.length - 1)
  let text = ""
  for (let i = 0; i < count; i++) text += `${words[(offset + i * 7) % words.length]} `
  text += `The answer is \\boxed{${random.uniform() < 0.4 ? gold : random.int(1, 999)}}.`
  const tokens = new Int32Array(Math.ceil(text.length / 4))
  const logprobs = new Float32Array(tokens.length)
  for (let t = 0; t < tokens.length; t++) {
    tokens[t] = (offset + t * 31) % 50_000
    logprobs[t] = -((t * 37 + offset) % 100) / 50
  }
  return {
    tokens,
    text,
    logprobs,
    finish: "stop",
    policyVersion: version,
    logprobsOf: "raw",
    sampling: SamplingParams.make({ maxTokens: 4096 }),
  }
}

const sampler = Layer.succeed(Sampler.Sampler, {
  sample: (problems, { groupSize, seed }) =>
    Stream.fromIterable(Sampler.asked(problems, seed)).pipe(
      Stream.map(({ place, problem, stream }) =>
        timed("sampler", (): Group.Group => ({
          problem,
          place,
          promptTokens: new Int32Array(100),
          completions: Array.from({ length: groupSize }, (_, k) => respond(String(problem.answer), `${stream}/${k}`)),
        })),
      ),
    ),
})

let checksum = 0
const learner = Layer.succeed(Learner.Learner, {
  logprobs: (sequences) => Effect.succeed(sequences.map(({ completion }) => new Float32Array(completion.length))),
  accumulate: (groups, weigh) =>
    Effect.sync(() => {
      for (const [i, group] of groups.entries()) {
        const current = group.map(({ completion: tokens }) =>
          Float32Array.from(tokens, (_, t) => -((tokens[t] * 37) % 100) / 50),
        )
        for (const row of weigh(i, current)) for (const weight of row) checksum = (checksum + weight) % 1
      }
      return { tokens: 0 }
    }),
  step: () => Effect.succeed({ gradNorm: 1 }),
  publish: Effect.sync(() => ++version),
  save: (to) => Effect.sync(() => writeFileSync(join(to, "learner.json"), JSON.stringify({ checksum, version }))),
  restore: (from) =>
    Effect.sync(() => {
      const kept = JSON.parse(readFileSync(join(from, "learner.json"), "utf8")) as { checksum: number; version: number }
      ;({ checksum, version } = kept)
    }),
})

const lpo = Lpo.make({ divergence: "forward", tau: "std", reduction: "mean", clip: 0.2 })
const objective: Objective.Objective = {
  ...lpo,
  evaluate: (input) => timed("objective", () => lpo.evaluate(input)),
}

const program = Effect.gen(function* () {
  const task = yield* Mathematics.task()
  const begun = clock()
  const rows = yield* Dataset.open(path)
  const problems = yield* Dataset.fromRows(rows, task.fromRow.polaris)
  seconds.dataset += clock() - begun
  const read: Dataset.Problems = { ...problems, at: (places) => during("dataset", problems.at(places)) }
  const store = yield* RunStore.open({ folder, config: { steps }, resume: resume === "true" })
  const run: RunStore.Run = {
    ...store,
    appendEvent: (report) => during("logs", store.appendEvent(report)),
    appendCompletions: (groups) => during("logs", store.appendCompletions(groups)),
  }
  const config: TrainConfig.TrainConfig = {
    ...TrainConfig.defaults,
    seed: "scale",
    steps,
    promptsPerStep,
    groupSize: 8,
    maxTokens: 4096,
    checkpointEvery: 20,
    // All of them: the most that can be asked of the logs.
    groupsLogged: promptsPerStep,
    objective,
  }
  const verifying = Task.layer(Effect.succeed(task))
  let [total, rollouts] = [0, 0]
  yield* Trainer.train({
    config,
    problems: read,
    run,
    onStep: (report) =>
      Effect.sync(() => {
        total += report.secondsLearning + report.secondsLearnerIdle
        rollouts += report.secondsSampling + report.secondsVerifying
        const verification = rollouts - seconds.sampler
        const rss = Math.max(process.resourceUsage().maxRSS / 1024, process.memoryUsage.rss() / 2 ** 20)
        const known = { ...seconds, verification }
        // The loop's own work, the learner double among it.
        const rest = total - Object.values(known).reduce((sum, s) => sum + s, 0)
        const line = { step: report.step, rss, total, seconds: { ...known, rest }, passRate: report.passRate }
        process.stdout.write(`${JSON.stringify(line)}\n`)
      }),
  }).pipe(Effect.provide(Layer.mergeAll(sampler, learner, verifying)))
  process.stdout.write(`${JSON.stringify({ done: true, checksum })}\n`)
})

await Effect.runPromise(Effect.scoped(program))
