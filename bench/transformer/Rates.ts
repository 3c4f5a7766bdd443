/** One backend without peers: rates of sampling and of training, and memory. */
import { Backend } from "@lpo/transformer"
import * as tf from "@tensorflow/tfjs-core"
import { Effect } from "effect"
import { grouped, mebibytes, median, peakBytes, spread } from "../shared/Figures.ts"
import type { Model } from "../shared/Models.ts"
import * as Ours from "./Ours.ts"
import type { Batches } from "./Work.ts"

export interface Options extends Ours.Options {
  readonly backend: Backend.BackendName
  readonly model: Model
  readonly batches: Batches
  readonly rounds: number
}

export interface Rates {
  readonly device: string
  readonly model: string
  readonly parameters: number
  readonly samplingTokensPerSecond: number
  readonly trainingTokensPerSecond: number
  /** Of the first round, which compiles what a device runs and is left out of the rates. */
  readonly firstSeconds: { readonly sampling: number; readonly training: number }
  readonly adamWSeconds: number
  /** The most of this process that was resident. */
  readonly memoryMiB: number
  readonly samplingMemoryMiB: number
  /** Tensors after sampling, and between forward and backward; on a GPU they are not in this process's memory. Unknown with threads. */
  readonly tensorsMiB: { readonly sampling: number; readonly training: number } | null
  readonly decode: Batches["decode"]
  readonly train: Batches["train"]
}

/** Bytes of the backend: on WebGPU those of its buffers, those that wait for another tensor included. */
export const tensorBytes = (): number => {
  const memory: { readonly numBytes: number; readonly numBytesAllocatedInGPU?: number } = tf.memory()
  return memory.numBytesAllocatedInGPU ?? memory.numBytes
}

export const measure = ({ backend, batches, model, rounds, ...options }: Options) =>
  Effect.gen(function* () {
    const { decode, train } = batches
    // Threads have a WASM backend each, and this one has none; everything else works in this one.
    const threads = backend === "wasm" ? options.workers : 0
    const device = threads > 0 ? `${threads} threads` : (yield* Backend.start(backend)).device
    console.log(`${backend} on ${device}; ${model.name}, ${grouped(model.values.length)} parameters`)
    const engine = yield* Ours.engine(model, { ...options, workers: threads })
    const repeat = <A extends { readonly seconds: number }, E, R>(run: Effect.Effect<A, E, R>) =>
      Effect.gen(function* () {
        const first = yield* run
        const all: Array<A> = []
        for (let i = 0; i < rounds; i++) all.push(yield* run)
        return { first: first.seconds, all, seconds: all.map(({ seconds }) => seconds) }
      })
    const sampling = yield* repeat(engine.generate(decode))
    const samplingTensors = threads > 0 ? 0 : tensorBytes()
    const samplingPeak = peakBytes()
    let tensors = 0
    const watch = () => {
      if (threads === 0) tensors = Math.max(tensors, tensorBytes())
    }
    const training = yield* repeat(engine.train(train, watch))
    console.log(
      `sampling ${decode.rows} x (${decode.promptTokens} + ${decode.newTokens}): ${spread(sampling.seconds)} s`,
    )
    console.log(`training step, ${train.rows} x ${train.time}: ${spread(training.seconds)} s`)
    const rates: Rates = {
      device,
      model: model.name,
      parameters: model.values.length,
      samplingTokensPerSecond: Math.round((decode.rows * decode.newTokens) / median(sampling.seconds)),
      trainingTokensPerSecond: Math.round((train.rows * train.time) / median(training.seconds)),
      firstSeconds: { sampling: sampling.first, training: training.first },
      adamWSeconds: median(training.all.map(({ adamWSeconds }) => adamWSeconds)),
      memoryMiB: mebibytes(peakBytes()),
      samplingMemoryMiB: mebibytes(samplingPeak),
      tensorsMiB: threads > 0 ? null : { sampling: mebibytes(samplingTensors), training: mebibytes(tensors) },
      decode,
      train,
    }
    return rates
  }).pipe(Effect.scoped)
