/**
 * `npm run bench -- transformer`: the embedded engine against PyTorch, `transformers` generate and TRL's GRPO, on the same
 * model, weights, batch and lengths, in interleaved rounds. The last line is JSON with the ratios, above 1 where ours is
 * faster; null where a peer could not be had.
 */
import { rmSync } from "node:fs"
import { availableParallelism, cpus } from "node:os"
import { parseArgs } from "node:util"
import { Effect } from "effect"
import * as Peers from "../peers/peers.mjs"
import { config, sequences, weights, words, writeModel, problems } from "./model.mjs"
import * as Ours from "./ours.mjs"
import { row, spread, table } from "./report.mjs"

const { values: options } = parseArgs({
  options: {
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
const rounds = whole("rounds", options.rounds ?? (options.quick ? 2 : 7), 1)
const workers = whole("workers", options.workers, 0)
const threads = whole("threads", options.threads, 1)

const batch = { rows: 256, time: 64 }
const decode = { promptTokens: 1, newTokens: 63 }
const step = { prompts: 32, groupSize: 8, promptTokens: 16, newTokens: 48 }

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
const interleave = async (ours, peer) => {
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

/** The largest difference of the log-probs of one batch, and the gradient norms of the first training step. */
const compare = async (ours, torch) => {
  const tokens = sequences(16, batch.time + 1)
  const mine = await Effect.runPromise(ours.logprobs(tokens))
  const theirs = await torch.ask({ cmd: "logprobs", tokens: plain(tokens) })
  const difference = Math.max(...mine.map((r, i) => Math.max(...r.map((v, t) => Math.abs(v - theirs[i][t])))))
  console.log(
    `same model: log-probs of ${16 * batch.time} tokens differ by at most ${difference.toExponential(1)} nats`,
  )
  if (!(difference < 1e-4)) throw new Error(`the two models differ: a log-prob is ${difference} nats apart`)
}

const measure = async (ours, torch, trl) => {
  const results = []
  const run = (effect) => () => Effect.runPromise(effect())
  const tokens = plain(sequences(batch.rows, batch.time + 1))
  const perToken = plain(weights(batch.rows, batch.time))
  const norms = {}
  const train = await interleave(
    async () => {
      const result = await Effect.runPromise(ours.train(batch.rows, batch.time))
      norms.ours ??= result.norm
      return result
    },
    torch &&
      (async () => {
        const request = { cmd: "train", tokens, weights: perToken, max_norm: Ours.optimizer.maxGradNorm }
        const result = await torch.ask(request)
        norms.peer ??= result.norm
        return result
      }),
  )
  if (torch !== null) {
    const [a, b] = [norms.ours, norms.peer].map((norm) => norm.toFixed(5))
    console.log(`same gradient: its norm at the first step is ${a} here and ${b} in PyTorch`)
    if (!(Math.abs(norms.ours / norms.peer - 1) < 1e-3)) throw new Error("the two gradients differ")
  }
  results.push(row("train_vs_pytorch", `training step, ${batch.rows} x ${batch.time}`, train, batch.rows * batch.time))
  for (const rows of [batch.rows, 8]) {
    const prompt = plain(sequences(rows, decode.promptTokens))
    const request = { cmd: "generate", tokens: prompt, new_tokens: decode.newTokens }
    const seconds = await interleave(
      run(() => ours.generate(rows, decode.promptTokens, decode.newTokens)),
      torch && (() => torch.ask(request)),
    )
    const title = `decode, batch ${rows}, ${decode.promptTokens} + ${decode.newTokens} tokens`
    results.push(row(`decode${rows}_vs_generate`, title, seconds, rows * decode.newTokens))
  }

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
  results.push(row("step_vs_trl", title, seconds, null))
  return { results, phases }
}

const main = async () => {
  if (options.roofline) return import("./roofline.mjs")
  const folder = await writeModel()
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
    const trlOptions = {
      prompts: problems(step.prompts, step.promptTokens).map((p) => p.prompt),
      words,
      prompt_tokens: step.promptTokens,
      group_size: step.groupSize,
      new_tokens: step.newTokens,
      learning_rate: Ours.optimizer.learningRate,
      max_norm: Ours.optimizer.maxGradNorm,
      steps: rounds + 2,
    }
    const trl = ready ? await startPeer("TRL", "trl_worker.py", JSON.stringify(trlOptions)) : null

    const program = Effect.scoped(
      Effect.gen(function* () {
        const ours = yield* Ours.engine(workers)
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
        if (torch !== null) yield* Effect.promise(() => compare(ours, torch))
        return yield* Effect.promise(() => measure(ours, torch, trl))
      }),
    )
    const { phases, results } = await Effect.runPromise(program)
    console.log(`\n${table(results)}\n`)
    for (const [phase, seconds] of Object.entries(phases)) console.log(`our whole step, ${phase}: ${spread(seconds)} s`)
    for (const reason of skipped) console.log(`SKIPPED ${reason}`)
    const round3 = (x) => (x === null ? null : Math.round(x * 1000) / 1000)
    const ratios = Object.fromEntries(results.map(({ name, ratio }) => [name, round3(ratio)]))
    console.log(JSON.stringify({ bench: "transformer", ratios }))
  } finally {
    for (const peer of started) peer.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

await main()
