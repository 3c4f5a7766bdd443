/**
 * One row of the table of backends: rates of sampling and of training, and memory, without peers.
 * `npm run bench -- transformer --backend NAME`; several names run one after the other, each in a process of its own.
 */
import { spawnSync } from "node:child_process"
import { Backend } from "@lpo/transformer"
import * as tf from "@tensorflow/tfjs-core"
import { Effect } from "effect"
import * as Ours from "./ours.mjs"
import { median, spread } from "./report.mjs"

const mebibytes = (bytes) => Math.round(bytes / 2 ** 20)

/** The most bytes of this process that were in memory. */
export const peakBytes = () => process.resourceUsage().maxRSS * 1024

/** Runs the benchmark again for each name, with the other arguments as they are; gives the worst exit code. */
export const each = (names, args) => {
  const codes = names.map((name) => {
    const command = [process.argv[1], ...args, "--backend", name]
    const { status } = spawnSync(process.execPath, [...process.execArgv, ...command], { stdio: "inherit" })
    return status ?? 1
  })
  return Math.max(...codes)
}

const measure = (name, model, { quick, rounds, workers }) =>
  Effect.gen(function* () {
    // Threads have a WASM backend each; everything else works in this one.
    const threads = name === "wasm" ? workers : 0
    const started = threads > 0 ? null : yield* Backend.start(name)
    const device = started === null ? `${threads} threads` : (started.device ?? "this thread")
    console.log(`${name} on ${device}; ${model.name}, ${model.values.length.toLocaleString("en")} parameters`)
    const engine = yield* Ours.engine(model, threads)
    // Plain JavaScript takes minutes for what the others do in seconds.
    const little = quick || name === "cpu"
    const decode = little ? model.little.decode : model.decode[0]
    const train = little ? model.little.train : model.train
    let tensors = 0
    const watch = () => {
      // This thread has no backend where others work.
      if (threads === 0) tensors = Math.max(tensors, tf.memory().numBytes)
    }
    const repeat = (run) =>
      Effect.gen(function* () {
        yield* run
        const seconds = []
        for (let i = 0; i < rounds; i++) seconds.push((yield* run).seconds)
        return seconds
      })
    const sampling = yield* repeat(engine.generate(decode))
    const samplingPeak = peakBytes()
    const training = yield* repeat(engine.train(train, watch))
    console.log(`sampling ${decode.rows} x (${decode.promptTokens} + ${decode.newTokens}): ${spread(sampling)} s`)
    console.log(`training step, ${train.rows} x ${train.time}: ${spread(training)} s`)
    return {
      device,
      parameters: model.values.length,
      samplingTokensPerSecond: Math.round((decode.rows * decode.newTokens) / median(sampling)),
      trainingTokensPerSecond: Math.round((train.rows * train.time) / median(training)),
      /** The most of this process that was resident. */
      memoryMiB: mebibytes(peakBytes()),
      samplingMemoryMiB: mebibytes(samplingPeak),
      /** Tensors between forward and backward; on a GPU they are not in this process's memory. Unknown where threads work. */
      tensorsMiB: threads > 0 ? null : mebibytes(tensors),
      decode,
      train,
    }
  }).pipe(Effect.scoped)

/** Measures one backend and prints its line of JSON; gives the exit code. */
export const run = async (name, model, options) => {
  const line = { bench: "transformer", backend: name, model: model.name }
  try {
    console.log(JSON.stringify({ ...line, ...(await Effect.runPromise(measure(name, model, options))) }))
    return 0
  } catch (error) {
    console.log(`FAILED ${name}: ${error.message}`)
    console.log(JSON.stringify({ ...line, failed: error.message }))
    return 1
  }
}
