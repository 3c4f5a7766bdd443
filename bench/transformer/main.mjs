/**
 * `npm run bench -- transformer`: the embedded engine against PyTorch, `transformers` generate and TRL's GRPO, on the same
 * model, weights, batch and lengths, in interleaved rounds. The last line is JSON with the ratios, above 1 where ours is
 * faster; null where a peer could not be had.
 *
 * `--model llama-100m` takes a random Llama of 100 M parameters, without TRL; `--roofline` says where the time goes; `--backend
 * NAME`, which may be repeated, measures backends alone, one line of JSON for each.
 */
import { rmSync } from "node:fs"
import { availableParallelism, cpus } from "node:os"
import { parseArgs } from "node:util"
import { Backend } from "@lpo/transformer"
import { Effect } from "effect"
import * as Peers from "../peers/peers.mjs"
import * as BackendRow from "./backend.mjs"
import * as Model from "./model.mjs"
import * as Ours from "./ours.mjs"
import { row, spread, table } from "./report.mjs"

const { values: options } = parseArgs({
  options: {
    model: { type: "string", default: "small" },
    backend: { type: "string", multiple: true },
    rounds: { type: "string" },
    quick: { type: "boolean", default: false },
    "skip-peers": { type: "boolean", default: false },
    workers: { type: "string", default: "2" },
    threads: { type: "string", default: "2" },
    roofline: { type: "boolean", default: false },
  },
})
/** A whole number of an option, or the end. */
const whole = (name, value, least) => {
  if (Number.isInteger(Number(value)) && Number(value) >= least) return Number(value)
  console.error(`--${name} is ${value}; give a whole number from ${least}`)
  process.exit(2)
}
if (!Model.names.includes(options.model)) {
  console.error(`--model is ${options.model}; it is one of ${Model.names.join(", ")}`)
  process.exit(2)
}
const workers = whole("workers", options.workers, 0)
const threads = whole("threads", options.threads, 1)

const skipped = []
/** What `use` gives, or null with a word about what was skipped. */
const attempt = async (what, use) => {
  try {
    return await use()
  } catch (error) {
    skipped.push(`${what}: ${error.message}`)
    console.log(`SKIPPED ${what}: ${error.message}`)
    return null
  }
}

/** Rows as JSON has them. */
const plain = (rows) => rows.map((r) => Array.from(r))

/** Seconds of processor time, all threads of this process together, since an earlier reading. */
const cpuSince = (reading) => {
  const { system, user } = process.cpuUsage(reading)
  return (user + system) / 1e6
}

/** Runs both sides `rounds` times in turn after one untimed run of each; the seconds and the processor time of each. */
const interleave = async (rounds, ours, peer) => {
  const seconds = { ours: [], peer: [], cpu: { ours: [], peer: [] } }
  for (let round = -1; round < rounds; round++) {
    for (const [side, run] of Object.entries({ ours, peer })) {
      if (run === null) continue
      const reading = process.cpuUsage()
      const result = await run()
      if (round < 0) continue
      seconds[side].push(result.seconds)
      seconds.cpu[side].push(side === "ours" ? cpuSince(reading) : result.cpu)
    }
  }
  return seconds
}

/** The largest difference of the log-probs of one batch. */
const compare = async ({ sequences, train }, ours, torch) => {
  const tokens = sequences(16, train.time + 1)
  const mine = await Effect.runPromise(ours.logprobs(tokens))
  const theirs = await torch.ask({ cmd: "logprobs", tokens: plain(tokens) })
  const difference = Math.max(...mine.map((r, i) => Math.max(...r.map((v, t) => Math.abs(v - theirs[i][t])))))
  console.log(
    `same model: log-probs of ${16 * train.time} tokens differ by at most ${difference.toExponential(1)} nats`,
  )
  if (!(difference < 1e-4)) throw new Error(`the two models differ: a log-prob is ${difference} nats apart`)
}

/** A training step on both sides, whose gradients must have the same norm at first; its row, and the seconds of our two phases. */
const measureTraining = async (rounds, { sequences, train }, ours, torch) => {
  const tokens = plain(sequences(train.rows, train.time + 1))
  const perToken = plain(Model.weights(train.rows, train.time))
  const request = { cmd: "train", tokens, weights: perToken, max_norm: Ours.optimizer.maxGradNorm }
  const results = { ours: [], peer: [] }
  const keep = (side, result) => (results[side].push(result), result)
  const seconds = await interleave(
    rounds,
    async () => keep("ours", await Effect.runPromise(ours.train(train))),
    torch && (async () => keep("peer", await torch.ask(request))),
  )
  if (torch !== null) {
    const norms = [results.ours[0].norm, results.peer[0].norm]
    const [a, b] = norms.map((norm) => norm.toFixed(5))
    console.log(`same gradient: its norm at the first step is ${a} here and ${b} in PyTorch`)
    if (!(Math.abs(norms[0] / norms[1] - 1) < 1e-3)) throw new Error("the two gradients differ")
  }
  const timed = results.ours.slice(-rounds)
  return {
    row: row("train_vs_pytorch", `training step, ${train.rows} x ${train.time}`, seconds, train.rows * train.time),
    phases: {
      "training step, gradient": timed.map(({ gradientSeconds }) => gradientSeconds),
      "training step, clipping and AdamW": timed.map(({ adamWSeconds }) => adamWSeconds),
    },
  }
}

/** Decoding of one batch on both sides, eight samples to a prompt. */
const measureDecoding = async (rounds, { prompts }, { newTokens, promptTokens, rows }, ours, torch) => {
  const asked = plain(prompts(rows / 8, promptTokens)).flatMap((prompt) => Array.from({ length: 8 }, () => prompt))
  const request = { cmd: "generate", tokens: asked, new_tokens: newTokens }
  const seconds = await interleave(
    rounds,
    () => Effect.runPromise(ours.generate({ rows, promptTokens, newTokens })),
    torch && (() => torch.ask(request)),
  )
  const title = `decode, batch ${rows}, ${promptTokens} + ${newTokens} tokens`
  return row(`decode${rows}_vs_generate`, title, seconds, rows * newTokens)
}

/** Whole steps of a run on both sides; the row, and the seconds of our phases. */
const measureSteps = async (rounds, { step }, ours, trl) => {
  const seconds = { ours: [], peer: [], cpu: { ours: [], peer: [] } }
  const phases = { sampling: [], verifying: [], learning: [] }
  let from = performance.now()
  let reading = process.cpuUsage()
  const onStep = (report) =>
    Effect.promise(async () => {
      const mine = (performance.now() - from) / 1000
      const cpu = cpuSince(reading)
      const peer = trl && (await trl.ask({}))
      if (report.step > 1) {
        seconds.ours.push(mine)
        phases.sampling.push(report.secondsSampling)
        phases.verifying.push(report.secondsVerifying)
        phases.learning.push(report.secondsLearning)
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
    row: row("step_vs_trl", title, seconds, null),
    phases: Object.fromEntries(Object.entries(phases).map(([phase, spent]) => [`whole step, ${phase}`, spent])),
  }
}

const measure = async (rounds, model, ours, torch, trl) => {
  const results = []
  // Each row as soon as it is there: a run can take long, and be stopped.
  const add = (row) => {
    results.push(row)
    console.log(`\n${table([row])}`)
  }
  const training = await measureTraining(rounds, model, ours, torch)
  add(training.row)
  for (const batch of model.decode) add(await measureDecoding(rounds, model, batch, ours, torch))
  if (model.step === null) return { results, phases: training.phases }
  const steps = await measureSteps(rounds, model, ours, trl)
  add(steps.row)
  return { results, phases: { ...training.phases, ...steps.phases } }
}

const compareWithPeers = async (model, rounds) => {
  const { config, step } = model
  const folder = await model.write()
  const started = []
  const startPeer = (what, script, ...args) =>
    attempt(what, async () => {
      const peer = await Peers.start("transformer", script, folder, String(threads), ...args)
      started.push(peer)
      return peer
    })
  try {
    const ready = options["skip-peers"]
      ? (console.log("SKIPPED all peers: --skip-peers"), false)
      : await attempt("all peers", async () => (Peers.prepare("transformer"), true))
    const torch = ready ? await startPeer("PyTorch and transformers", "torch_worker.py") : null
    const trlOptions = step && {
      prompts: model.problems(step.prompts, step.promptTokens).map((p) => p.prompt),
      words: model.words,
      prompt_tokens: step.promptTokens,
      group_size: step.groupSize,
      new_tokens: step.newTokens,
      learning_rate: Ours.optimizer.learningRate,
      max_norm: Ours.optimizer.maxGradNorm,
      steps: rounds + 2,
    }
    const trl = ready && step !== null ? await startPeer("TRL", "trl_worker.py", JSON.stringify(trlOptions)) : null

    const program = Effect.scoped(
      Effect.gen(function* () {
        if (workers === 0) yield* Backend.start("wasm")
        const ours = yield* Ours.engine(model, workers)
        const about = torch === null ? {} : yield* Effect.promise(() => torch.ask({ cmd: "hello" }))
        console.log(
          `${cpus()[0]?.model ?? "?"}, ${availableParallelism()} cores for this process; Node ${process.version}`,
        )
        if (torch !== null) {
          console.log(
            `Python ${about.Python}, torch ${about.torch}, transformers ${about.transformers} (${about.attention} attention), TRL ${trl?.ready.trl ?? "-"}; ${about.threads} threads`,
          )
        }
        console.log(
          `Llama, vocabulary ${config.vocab_size}, hidden ${config.hidden_size}, ${config.num_hidden_layers} layers, ${config.num_attention_heads} heads, ${ours.parameters.toLocaleString("en")} parameters; ours with ${workers} workers; ${rounds} rounds`,
        )
        if (torch !== null) yield* Effect.promise(() => compare(model, ours, torch))
        const measured = yield* Effect.promise(() => measure(rounds, model, ours, torch, trl))
        const peer = torch === null ? null : (yield* Effect.promise(() => torch.ask({ cmd: "memory" }))).resident
        return { ...measured, memory: { ours: BackendRow.peakBytes(), peer } }
      }),
    )
    const { memory, phases, results } = await Effect.runPromise(program)
    console.log(`\n${table(results)}\n`)
    for (const [phase, seconds] of Object.entries(phases)) console.log(`our ${phase}: ${spread(seconds)} s`)
    const gib = (bytes) => (bytes === null ? "unknown" : `${(bytes / 2 ** 30).toFixed(2)} GiB`)
    console.log(`most memory that was resident: ours ${gib(memory.ours)}, PyTorch ${gib(memory.peer)}`)
    for (const reason of skipped) console.log(`SKIPPED ${reason}`)
    const round3 = (x) => (x === null ? null : Math.round(x * 1000) / 1000)
    const ratios = Object.fromEntries(results.map(({ name, ratio }) => [name, round3(ratio)]))
    const mebibytes = (bytes) => (bytes === null ? null : Math.round(bytes / 2 ** 20))
    const peak = { ours: mebibytes(memory.ours), peer: mebibytes(memory.peer) }
    console.log(JSON.stringify({ bench: "transformer", model: model.name, ratios, memoryMiB: peak }))
  } finally {
    for (const peer of started) peer.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

const main = async () => {
  const backends = options.backend ?? []
  if (backends.length > 1) {
    const { backend: _, ...rest } = options
    const args = Object.entries(rest).flatMap(([name, value]) =>
      value === true ? [`--${name}`] : value === false ? [] : [`--${name}`, value],
    )
    return BackendRow.each(backends, args)
  }
  const model = await Model.open(options.model)
  const rounds = whole("rounds", options.rounds ?? (options.quick ? 2 : model.rounds), 1)
  const { quick } = options
  if (backends.length === 1) return BackendRow.run(backends[0], model, { quick, rounds, workers })
  await (options.roofline ? (await import("./roofline.mjs")).run(model) : compareWithPeers(model, rounds))
  return 0
}

process.exitCode = await main()
