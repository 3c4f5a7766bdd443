/** The engine and its peers in Python, in turns. */
import { mkdtempSync, rmSync } from "node:fs"
import { availableParallelism, cpus, tmpdir } from "node:os"
import { join } from "node:path"
import { Backend } from "@lpo/transformer"
import type { StepReport } from "@lpo/trainer"
import { Effect } from "effect"
import { cpuSince, mebibytes, peakBytes, spread } from "../shared/Figures.ts"
import type { Model } from "../shared/Models.ts"
import * as Models from "../shared/Models.ts"
import * as Python from "../shared/Python.ts"
import * as Ours from "./Ours.ts"
import { noSeconds, type Row, row, type Seconds, table } from "./Report.ts"
import type { Decode, Step, Train, Work } from "./Work.ts"

export interface Options {
  readonly rounds: number
  readonly workers: number
  readonly threads: number
  readonly skipPeers: boolean
}

type Peer = Python.Worker | null

/** What a worker says of a run of something. */
interface Timed {
  readonly seconds: number
  readonly cpu: number
}

interface Measured {
  readonly results: ReadonlyArray<Row>
  /** Seconds of our phases, by round. */
  readonly phases: Readonly<Record<string, ReadonlyArray<number>>>
}

/** Rows as JSON has them. */
const plain = (rows: ReadonlyArray<ArrayLike<number>>): ReadonlyArray<ReadonlyArray<number>> =>
  rows.map((r) => Array.from(r))

/** Runs both sides `rounds` times in turn after one untimed run of each. */
const interleave = async (
  rounds: number,
  ours: () => Promise<{ readonly seconds: number }>,
  peer: (() => Promise<Timed>) | null,
): Promise<Seconds> => {
  const seconds = noSeconds()
  for (let round = -1; round < rounds; round++) {
    const reading = process.cpuUsage()
    const mine = await ours()
    const cpu = cpuSince(reading)
    const theirs = peer === null ? null : await peer()
    if (round < 0) continue
    seconds.ours.push(mine.seconds)
    seconds.cpu.ours.push(cpu)
    if (theirs === null) continue
    seconds.peer.push(theirs.seconds)
    seconds.cpu.peer.push(theirs.cpu)
  }
  return seconds
}

/** The largest difference of the log-probs of one batch. */
const compare = async ({ sequences }: Model, { train }: Work, ours: Ours.Engine, torch: Python.Worker) => {
  const tokens = sequences(16, train.time + 1)
  const mine = await Effect.runPromise(ours.logprobs(tokens))
  const theirs = await torch.ask<ReadonlyArray<ReadonlyArray<number>>>({ cmd: "logprobs", tokens: plain(tokens) })
  const difference = Math.max(...mine.map((r, i) => Math.max(...r.map((v, t) => Math.abs(v - theirs[i][t])))))
  console.log(
    `same model: log-probs of ${16 * train.time} tokens differ by at most ${difference.toExponential(1)} nats`,
  )
  if (!(difference < 1e-4)) throw new Error(`the two models differ: a log-prob is ${difference} nats apart`)
}

/** A training step on both sides, whose gradients must have the same norm at first. */
const measureTraining = async (
  rounds: number,
  { sequences }: Model,
  train: Train,
  ours: Ours.Engine,
  torch: Peer,
): Promise<Measured> => {
  const tokens = plain(sequences(train.rows, train.time + 1))
  const perToken = plain(Models.weights(train.rows, train.time))
  const request = { cmd: "train", tokens, weights: perToken, max_norm: Ours.optimizer.maxGradNorm }
  const mine: Array<Effect.Success<ReturnType<Ours.Engine["train"]>>> = []
  const norms: Array<number> = []
  const seconds = await interleave(
    rounds,
    async () => {
      mine.push(await Effect.runPromise(ours.train(train)))
      return mine[mine.length - 1]
    },
    torch &&
      (async () => {
        const result = await torch.ask<Timed & { readonly norm: number }>(request)
        norms.push(result.norm)
        return result
      }),
  )
  if (torch !== null) {
    const [here, there] = [mine[0].norm ?? Number.NaN, norms[0]]
    console.log(
      `same gradient: its norm at the first step is ${here.toFixed(5)} here and ${there.toFixed(5)} in PyTorch`,
    )
    if (!(Math.abs(here / there - 1) < 1e-3)) throw new Error("the two gradients differ")
  }
  const timed = mine.slice(-rounds)
  return {
    results: [
      row("train_vs_pytorch", `training step, ${train.rows} x ${train.time}`, seconds, train.rows * train.time),
    ],
    phases: {
      "training step, gradient": timed.map(({ gradientSeconds }) => gradientSeconds),
      "training step, clipping and AdamW": timed.map(({ adamWSeconds }) => adamWSeconds),
    },
  }
}

/** Decoding of one batch on both sides, eight samples to a prompt. */
const measureDecoding = async (
  rounds: number,
  { prompts }: Model,
  batch: Decode,
  ours: Ours.Engine,
  torch: Peer,
): Promise<Measured> => {
  const { newTokens, promptTokens, rows } = batch
  const asked = plain(prompts(rows / 8, promptTokens)).flatMap((prompt) => Array.from({ length: 8 }, () => prompt))
  const request = { cmd: "generate", tokens: asked, new_tokens: newTokens }
  const seconds = await interleave(
    rounds,
    () => Effect.runPromise(ours.generate(batch)),
    torch && (() => torch.ask<Timed>(request)),
  )
  const title = `decode, batch ${rows}, ${promptTokens} + ${newTokens} tokens`
  return { results: [row(`decode${rows}_vs_generate`, title, seconds, rows * newTokens)], phases: {} }
}

/** Whole steps of a run on both sides. */
const measureSteps = async (rounds: number, step: Step, ours: Ours.Engine, trl: Peer): Promise<Measured> => {
  const seconds = noSeconds()
  const reports: Array<StepReport.StepReport> = []
  let from = performance.now()
  let reading = process.cpuUsage()
  const onStep = (report: StepReport.StepReport) =>
    Effect.promise(async () => {
      const mine = (performance.now() - from) / 1000
      const cpu = cpuSince(reading)
      const peer = trl === null ? null : await trl.ask<Timed>({})
      if (report.step > 1) {
        reports.push(report)
        seconds.ours.push(mine)
        seconds.cpu.ours.push(cpu)
        if (peer !== null) {
          seconds.peer.push(peer.seconds)
          seconds.cpu.peer.push(peer.cpu)
        }
      }
      from = performance.now()
      reading = process.cpuUsage()
    })
  await Effect.runPromise(ours.steps(rounds + 1, step, onStep))
  const title = `whole step, ${step.prompts} x ${step.groupSize}, ${step.promptTokens} + ${step.newTokens} tokens`
  return {
    results: [row("step_vs_trl", title, seconds, null)],
    phases: {
      "whole step, sampling": reports.map(({ secondsSampling }) => secondsSampling),
      "whole step, verifying": reports.map(({ secondsVerifying }) => secondsVerifying),
      "whole step, learning": reports.map(({ secondsLearning }) => secondsLearning),
    },
  }
}

/** Each part in turn, each row as soon as it is there: a run can take long, and be stopped. */
const measure = async (rounds: number, model: Model, work: Work, ours: Ours.Engine, torch: Peer, trl: Peer) => {
  const { decode, step, train } = work
  const parts = [
    () => measureTraining(rounds, model, train, ours, torch),
    ...decode.map((batch) => () => measureDecoding(rounds, model, batch, ours, torch)),
    ...(step === null ? [] : [() => measureSteps(rounds, step, ours, trl)]),
  ]
  const measured: Array<Measured> = []
  for (const part of parts) {
    const one = await part()
    measured.push(one)
    console.log(`\n${table(one.results)}`)
  }
  return {
    results: measured.flatMap(({ results }) => results),
    phases: measured.flatMap(({ phases }) => Object.entries(phases)),
  }
}

const skipped: Array<string> = []

/** The result of `use`, or null with a message about what was skipped. */
const attempt = async <A>(what: string, use: () => A | Promise<A>): Promise<A | null> => {
  try {
    return await use()
  } catch (cause) {
    const reason = `${what}: ${(cause as Error).message}`
    skipped.push(reason)
    console.log(`SKIPPED ${reason}`)
    return null
  }
}

/** What TRL is told besides the model and the threads. */
const trlOptions = (model: Model, rounds: number, step: Step) =>
  JSON.stringify({
    prompts: model.problems(step.prompts, step.promptTokens).map((p) => p.prompt),
    words: model.words,
    prompt_tokens: step.promptTokens,
    group_size: step.groupSize,
    new_tokens: step.newTokens,
    learning_rate: Ours.optimizer.learningRate,
    max_norm: Ours.optimizer.maxGradNorm,
    steps: rounds + 2,
  })

const say = async ({ config, name }: Model, { rounds, workers }: Options, torch: Peer, trl: Peer) => {
  console.log(`${cpus()[0]?.model ?? "?"}, ${availableParallelism()} cores for this process; Node ${process.version}`)
  if (torch !== null) {
    const about = await torch.ask<Readonly<Record<string, string>>>({ cmd: "hello" })
    const { trl: version } = (trl?.ready ?? { trl: "-" }) as { readonly trl: string }
    console.log(
      `Python ${about["Python"]}, torch ${about["torch"]}, transformers ${about["transformers"]} (${about["attention"]} attention), TRL ${version}; ${about["threads"]} threads`,
    )
  }
  console.log(
    `${name}: vocabulary ${config.vocab_size}, hidden ${config.hidden_size}, ${config.num_hidden_layers} layers, ${config.num_attention_heads} heads; ours with ${workers} workers; ${rounds} rounds`,
  )
}

export const compareWithPeers = async (model: Model, work: Work, options: Options): Promise<void> => {
  const { rounds, skipPeers, threads, workers } = options
  const folder = mkdtempSync(join(tmpdir(), "lpo-bench-"))
  await Models.save(model.config, model.values, folder)
  const started: Array<Python.Worker> = []
  const peer = async (python: string | null, what: string, script: string, ...args: ReadonlyArray<string>) =>
    python === null
      ? null
      : attempt(what, async () => {
          const worker = await Python.start(python, new URL(script, import.meta.url), folder, String(threads), ...args)
          started.push(worker)
          return worker
        })
  try {
    if (skipPeers) console.log("SKIPPED all peers: --skip-peers")
    const requirements = new URL("requirements.txt", import.meta.url)
    const python = skipPeers ? null : await attempt("all peers", () => Python.prepare({ name: "torch", requirements }))
    const torch = await peer(python, "PyTorch and transformers", "torch_worker.py")
    const { step } = work
    const trl = step === null ? null : await peer(python, "TRL", "trl_worker.py", trlOptions(model, rounds, step))
    const program = Effect.gen(function* () {
      if (workers === 0) yield* Backend.start("wasm")
      const ours = yield* Ours.engine(model, { workers })
      return yield* Effect.promise(async () => {
        await say(model, options, torch, trl)
        if (torch !== null) await compare(model, work, ours, torch)
        const measured = await measure(rounds, model, work, ours, torch, trl)
        const memory = await torch?.ask<{ readonly resident: number | null }>({ cmd: "memory" })
        return { ...measured, memory: { ours: peakBytes(), peer: memory?.resident ?? null } }
      })
    })
    const { memory, phases, results } = await Effect.runPromise(Effect.scoped(program))
    console.log(`\n${table(results)}\n`)
    for (const [phase, seconds] of phases) console.log(`our ${phase}: ${spread(seconds)} s`)
    const gib = (bytes: number | null) => (bytes === null ? "unknown" : `${(bytes / 2 ** 30).toFixed(2)} GiB`)
    console.log(`most memory that was resident: ours ${gib(memory.ours)}, PyTorch ${gib(memory.peer)}`)
    for (const reason of skipped) console.log(`SKIPPED ${reason}`)
    const round3 = (x: number | null) => (x === null ? null : Math.round(x * 1000) / 1000)
    const ratios = Object.fromEntries(results.map(({ name, ratio }) => [name, round3(ratio)]))
    const peak = { ours: mebibytes(memory.ours), peer: memory.peer === null ? null : mebibytes(memory.peer) }
    console.log(JSON.stringify({ bench: "transformer", model: model.name, ratios, memoryMiB: peak }))
  } finally {
    for (const { stop } of started) stop()
    rmSync(folder, { recursive: true, force: true })
  }
}
