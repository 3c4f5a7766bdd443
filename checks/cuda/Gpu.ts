/** The embedded engine on WebGPU: its checks, and its rates next to PyTorch's on the same model and batches. */
import { join } from "node:path"
import * as Python from "../../bench/shared/Python.ts"
import { median, rounded } from "../../bench/shared/Figures.ts"
import * as Models from "../../bench/shared/Models.ts"
import * as Work from "../../bench/transformer/Work.ts"
import { type Around, command, type Figures, lastLine } from "./Stages.ts"

export interface Options {
  readonly node: string
  readonly suite: string
  readonly checkpoint: string
  /** Flags of the suite. */
  readonly flags: ReadonlyArray<string>
  readonly report: string
  /** The model of an earlier stage; null where there is none. */
  readonly model: string | null
}

export const suite = async (
  { checkpoint, flags, model, node, report, suite }: Options,
  { folder, signal }: Around,
): Promise<Figures> => {
  const args = [suite, "--checkpoint", checkpoint, "--report", report, ...flags]
  const lines = await command({
    program: node,
    args: [...args, ...(model === null ? [] : ["--model", model])],
    env: process.env,
    log: join(folder, "suite.log"),
    signal,
  })
  return lastLine(lines)
}

const rounds = 3

/** Tokens per second of PyTorch on a GPU, by the type of the weights; `script` is torch_worker.py. */
export const torch = async (python: string, script: URL, folder: string, signal: AbortSignal): Promise<Figures> => {
  const { decode, train } = Work.works["llama-100m"].gpu
  const { prompts, sequences } = Models.open("llama-11k")
  const plain = (rows: ReadonlyArray<ArrayLike<number>>) => rows.map((row) => Array.from(row))
  const weights = plain(Models.weights(train.rows, train.time))
  const asked = plain(prompts(decode.rows / 8, decode.promptTokens)).flatMap((p) => Array.from({ length: 8 }, () => p))
  const figures: Record<string, unknown> = {}
  for (const dtype of ["float32", "bfloat16"]) {
    const worker = await Python.start(python, script, folder, "4", "cuda", dtype)
    signal.addEventListener("abort", worker.stop)
    try {
      const timed = async (request: object, tokens: number): Promise<number> => {
        const all: Array<number> = []
        for (let round = -1; round < rounds; round++) {
          const { seconds } = await worker.ask<{ readonly seconds: number }>(request)
          if (round >= 0) all.push(seconds)
        }
        return rounded(tokens / median(all))
      }
      const training = { cmd: "train", tokens: plain(sequences(train.rows, train.time + 1)), weights, max_norm: 1 }
      const sampling = { cmd: "generate", tokens: asked, new_tokens: decode.newTokens }
      figures[dtype] = {
        samplingTokensPerSecond: await timed(sampling, decode.rows * decode.newTokens),
        trainingTokensPerSecond: await timed(training, train.rows * train.time),
      }
    } finally {
      worker.stop()
    }
  }
  return { torch: figures }
}
