/**
 * `npm run checks -- vllm`: a real vLLM server on the CPU, driven through @lpo/rollout and @lpo/transformer: the check at the start,
 * log-probs against the embedded engine on the same weights, stop strings and min-p, LoRA adapters by version, LPO runs that train
 * here and roll out there, on policy and one step behind, and SIGKILL of the server in the middle of a run.
 */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { OpenAiSampler, type Problem, type Sampler } from "@lpo/rollout"
import { Lpo, RunStore, type StepReport, TrainConfig, Trainer } from "@lpo/trainer"
import { AdapterPublisher, Checkpoint, Lora, Policy, StopStrings, TransformerLearner } from "@lpo/transformer"
import { Verifier } from "@lpo/verifiers"
import { Effect, Layer, Stream } from "effect"
import * as Arguments from "../../bench/shared/Arguments.ts"
import { mean } from "../../bench/shared/Figures.ts"
import * as Report from "../shared/Report.ts"
import { freePort } from "../shared/Server.ts"
import * as Server from "./server.ts"

const vocabulary = 64
const steps = 12
const report = Report.make("vllm")

const problems: ReadonlyArray<Problem.Problem> = Array.from({ length: 8 }, (_, i) => ({
  id: `p${i}`,
  task: "t",
  prompt: `<${i + 2}> <${i + 20}> <3>`,
  answer: null,
}))
/** Counts tokens of the upper half of the vocabulary. */
const verifier = Layer.succeed(Verifier.Verifier, {
  verify: (_, { text }) => {
    const upper = (text.match(/\d+/g) ?? []).filter((word) => Number(word) >= vocabulary / 2).length
    return Effect.succeed({ status: "ok", score: upper / 8, correct: false, key: null })
  },
})
const lora: Lora.LoraConfig = {
  rank: 4,
  alpha: 8,
  targets: ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"],
}
const config = (maxLag: number): TrainConfig.TrainConfig => ({
  ...TrainConfig.defaults,
  seed: "vllm",
  steps,
  promptsPerStep: 8,
  groupSize: 8,
  maxTokens: 8,
  maxLag,
  anchor: "recompute",
  checkpointEvery: steps,
  objective: Lpo.make({ divergence: "forward", tau: "std" }),
  optimizer: { ...TrainConfig.defaults.optimizer, learningRate: 1e-2 },
})
/** A checkpoint with a tokenizer. */
const openModel = async (folder: string) => {
  const { tokenizer, ...checkpoint } = await Effect.runPromise(Checkpoint.open(folder))
  if (tokenizer === null) throw new Error(`${folder} has no tokenizer`)
  return { ...checkpoint, tokenizer }
}
type Model = Awaited<ReturnType<typeof openModel>>

/** The largest difference. */
const gap = (a: ReadonlyArray<ReadonlyArray<number>>, b: ReadonlyArray<ArrayLike<number>>) =>
  a.reduce((most, row, k) => Math.max(most, ...row.map((v, t) => Math.abs(v - b[k][t]))), 0)

/** Trains here and rolls out on the server; the log's rows. `onStep` may interfere with the server. */
const train = (
  checkpoint: Model,
  url: string,
  root: string,
  name: string,
  maxLag: number,
  onStep?: (report: StepReport.StepReport) => Effect.Effect<void>,
) =>
  Effect.gen(function* () {
    const adapter = Lora.initialise(checkpoint.config, lora, "start")
    const policy = yield* Policy.make(checkpoint.config, checkpoint.tokenizer, checkpoint.values, { lora: adapter })
    const engine = Layer.provideMerge(TransformerLearner.layer(), Layer.succeed(Policy.Policy, policy))
    const rollouts = OpenAiSampler.layer({ servers: [url], model: "base", adapterName: name, healthSeconds: 1 })
    const layers = AdapterPublisher.layer({ folder: join(root, name, "adapters") }).pipe(
      Layer.provide(engine),
      Layer.provideMerge(rollouts),
      Layer.merge(verifier),
    )
    return yield* Effect.gen(function* () {
      const run = yield* RunStore.open({ folder: join(root, name, "run"), config: {}, resume: false })
      yield* Trainer.train({ config: config(maxLag), problems, run, ...(onStep && { onStep }) })
      return yield* run.events
    }).pipe(Effect.provide(layers))
  }).pipe(Effect.scoped, Effect.runPromise)

const gain = (events: ReadonlyArray<StepReport.StepReport>) => {
  const rewards = events.map((e) => e.reward)
  return [mean(rewards.slice(0, 3)), mean(rewards.slice(-3))].map((v) => Number(v.toFixed(3)))
}

const main = async (python: string) => {
  const root = mkdtempSync(join(tmpdir(), "lpo-vllm-"))
  const model = join(root, "model")
  Server.makeTiny(python, model, vocabulary)
  const port = await freePort()
  mkdirSync(join(root, "server"))
  const options = { folder: join(root, "server"), model, port, python }
  let server = await Server.start(options)
  const { url } = server
  console.log(`vLLM on ${url}`)
  try {
    const checkpoint = await openModel(model)
    const open = (more: Partial<OpenAiSampler.Options>) =>
      OpenAiSampler.make({ servers: [url], model: "base", ...more })
    const refusal = await Effect.runPromise(Effect.scoped(Effect.flip(open({ logprobs: "processed" }))))
    report.add("refuses a server with the wrong log-probs", /--logprobs-mode/.test(refusal.message), refusal.message)

    const sampled = await Effect.gen(function* () {
      const { sampler } = yield* open({})
      const groups = yield* sampler.sample(problems, { groupSize: 8, maxTokens: 16, seed: "a" }).pipe(Stream.runCollect)
      const policy = yield* Policy.make(checkpoint.config, checkpoint.tokenizer, checkpoint.values)
      const pairs = groups.flatMap((g) => g.completions.map((c) => ({ prompt: g.promptTokens, completion: c.tokens })))
      const own = yield* policy.logprobs(pairs)
      return {
        groups,
        gap: gap(
          groups.flatMap((g) => g.completions.map((c) => [...c.logprobs])),
          own,
        ),
      }
    }).pipe(Effect.scoped, Effect.runPromise)
    const ids = sampled.groups.map((g) => g.completions.length)
    report.add(
      "samples whole groups",
      ids.length === 8 && ids.every((n) => n === 8),
      `${ids.length} groups of ${ids[0]}`,
    )
    report.add("log-probs are the embedded engine's within 1e-3 nats", sampled.gap < 1e-3, sampled.gap.toPrecision(3))

    const ask = (law: Partial<Sampler.SampleOptions>) =>
      Effect.gen(function* () {
        const { sampler } = yield* open({})
        const groups = sampler.sample(problems, { groupSize: 8, maxTokens: 16, seed: "a", ...law })
        const sorted = (yield* Stream.runCollect(groups)).sort((a, b) => a.problem.id.localeCompare(b.problem.id))
        return sorted.flatMap((g) => g.completions)
      }).pipe(Effect.scoped, Effect.runPromise)
    // vLLM's text has special tokens, and with a word-level tokenizer begins with a space.
    const decode = (tokens: Int32Array) => ` ${checkpoint.tokenizer.decodeAll(tokens)}`
    // One that two tokens make together, and one within a token.
    const stopStrings = [decode(sampled.groups[0].completions[0].tokens.subarray(4, 6)).trim(), "7>"]
    const holds = (tokens: Int32Array) => stopStrings.some((string) => decode(tokens).includes(string))
    const ended = await ask({ stopStrings })
    const wrong = ended.filter(({ finish, text, tokens }) => {
      if (holds(tokens.subarray(0, -1))) return true
      return holds(tokens) && (finish !== "stop" || text !== StopStrings.cut(decode(tokens), stopStrings))
    })
    const byString = ended.filter(({ tokens }) => holds(tokens)).length
    report.add(
      "a stop string ends a response at the token that completes it, and its text",
      byString > 0 && wrong.length === 0,
      `${byString} of ${ended.length} ended so${wrong[0] === undefined ? "" : `, one at ${JSON.stringify(wrong[0])}`}`,
    )
    const tokensOf = (completions: Awaited<ReturnType<typeof ask>>) =>
      completions.map((c) => c.tokens.join(" ")).join("\n")
    // vLLM takes one greedy sample per request.
    const [kept, greedy] = [{ minP: 1 }, { temperature: 0 }].map((law) => ask({ groupSize: 1, ...law }))
    const likeliest = tokensOf(await kept) === tokensOf(await greedy)
    report.add("min-p 1 is greedy", likeliest, String(likeliest))

    const on = await train(checkpoint, url, root, "on", 0)
    const ratio = Math.max(...on.map((e) => e.anchorLogRatio))
    report.add(
      "on policy, every sample is the published adapter's",
      ratio < 1e-2,
      `max |s_t| ${ratio.toPrecision(3)} nats`,
    )
    const [before, after] = gain(on)
    report.add(`learns in ${steps} steps, on policy`, after > before, `mean reward ${before} -> ${after}`)

    const behind = await train(checkpoint, url, root, "behind", 1)
    const [first, last] = gain(behind)
    report.add(
      `learns in ${steps} steps, one behind`,
      last > first,
      `mean reward ${first} -> ${last}, lag ${String(behind.at(-1)?.lag)}`,
    )

    const killed = await train(checkpoint, url, root, "killed", 0, (report) =>
      Effect.promise(async () => {
        if (report.step !== 4) return
        await server.kill()
        // Restarted while the run waits for it.
        void Server.start(options).then((again) => (server = again))
      }),
    )
    report.add("continues after SIGKILL of the server", killed.length === steps, `${killed.length} of ${steps} steps`)
  } finally {
    await server.kill()
    rmSync(root, { recursive: true, force: true })
  }
}

Arguments.read("npm run checks -- vllm", {})
const python = Report.unlessSkipped("vllm", ["everything: no server"], Server.prepare)
if (python !== null) {
  await main(python)
  report.end()
}
