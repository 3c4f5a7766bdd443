/**
 * `npm run bench -- smollm2`: a real model, SmolLM2-135M-Instruct, sampled with log-probs by this engine, by transformers and by
 * llama.cpp, in turns: one prompt of 39 tokens, 48 tokens a sequence. The last line is JSON.
 */
import { spawnSync } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { availableParallelism, cpus, loadavg, tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { Checkpoint, Policy } from "@lpo/transformer"
import { Effect } from "effect"
import * as SmolLm2 from "../../checks/shared/SmolLm2.ts"
import * as Arguments from "../shared/Arguments.ts"
import { columns, median, rounded } from "../shared/Figures.ts"
import * as Models from "../shared/Models.ts"
import * as Python from "../shared/Python.ts"
import * as Llama from "./Llama.ts"

const options = Arguments.read("npm run bench -- smollm2", {
  rounds: Arguments.whole("timed rounds", 3),
  workers: Arguments.whole("threads of each", 2),
})

const promptTokens = 39
const newTokens = 48
const counts = [1, 8, 32]
const text =
  "Reinforcement learning from verifiable rewards samples several answers to each question, checks every one of them by a program, and moves the model towards those that were right and away from those that were wrong, as far as the step allows."

interface Side {
  readonly name: string
  /** Log-probs of the sampled tokens; how long that took is measured around it. */
  readonly sample: (
    prompt: Int32Array,
    count: number,
  ) => Promise<{
    readonly tokens: ReadonlyArray<ArrayLike<number>>
    readonly logprobs: ReadonlyArray<ArrayLike<number>>
  }>
  readonly close: () => unknown
}

/** What llama.cpp reads: the same weights as GGUF, unquantised. */
const weights = (python: string, folder: string): void => {
  const script = fileURLToPath(new URL("weights.py", import.meta.url))
  const { status } = spawnSync(python, [script, folder], { stdio: ["ignore", 2, "inherit"], env: Python.quietly })
  if (status !== 0) throw new Error("weights.py failed")
}

/** Peers that are not available are skipped, with a message. */
const attempt = async (name: string, make: () => Promise<Side>): Promise<ReadonlyArray<Side>> => {
  try {
    return [await make()]
  } catch (cause) {
    console.log(`SKIPPED ${name}: ${(cause as Error).message}`)
    return []
  }
}

const transformers = (python: string, folder: string) => async (): Promise<Side> => {
  const script = new URL("../transformer/torch_worker.py", import.meta.url)
  const worker = await Python.start(python, script, folder, String(options.workers))
  const about = await worker.ask<Readonly<Record<string, string>>>({ cmd: "hello" })
  console.log(`torch ${about["torch"]}, transformers ${about["transformers"]}, ${about["threads"]} threads`)
  return {
    name: "transformers, float32",
    sample: (prompt, count) =>
      worker.ask({
        cmd: "sample",
        tokens: Array.from({ length: count }, () => Array.from(prompt)),
        new_tokens: newTokens,
      }),
    close: worker.stop,
  }
}

const llama = (folder: string, dtype: string) => async (): Promise<Side> => {
  Llama.install()
  const { dispose, sample } = await Llama.open(join(folder, `${dtype}.gguf`), options.workers)
  return {
    name: `llama.cpp, ${dtype}`,
    sample: async (prompt, count) => {
      const samples = await sample(Array.from(prompt), count, newTokens)
      return { tokens: samples.map((s) => s.tokens), logprobs: samples.map((s) => s.logprobs) }
    },
    close: dispose,
  }
}

/** The largest difference of a side's log-probs from those that this engine computes for its tokens, nats. */
const gap = (theirs: ReadonlyArray<ArrayLike<number>>, own: ReadonlyArray<Float32Array>): number =>
  Math.max(...own.map((row, i) => Math.max(...row.map((v, t) => Math.abs(v - theirs[i][t])))))

const main = (folder: string, python: string) =>
  Effect.gen(function* () {
    const { config, tokenizer, values } = yield* Checkpoint.open(folder)
    if (tokenizer === null) return yield* Effect.die("the model has no tokenizer")
    const prompt = (yield* tokenizer.encode(text)).slice(0, promptTokens)
    // A stop outside the vocabulary: every response has its full length.
    const model = Models.of("smollm2", config, values)
    const policy = yield* Policy.make(config, model.tokenizer, model.values, { workers: options.workers })
    let draws = 0
    const ours: Side = {
      name: "this engine, float32",
      sample: async (asked, count) => {
        const streams = Array.from({ length: count }, () => `bench/${draws++}`)
        const [samples] = await Effect.runPromise(
          policy.generate([{ prompt: asked, streams }], { temperature: 1, maxTokens: newTokens }),
        )
        return { tokens: samples.map((s) => s.tokens), logprobs: samples.map((s) => s.logprobs) }
      },
      close: () => {},
    }
    const peers = yield* Effect.promise(async () => [
      ...(await attempt("transformers", transformers(python, folder))),
      ...(await attempt("llama.cpp, float32", llama(folder, "float32"))),
      ...(await attempt("llama.cpp, float16", llama(folder, "float16"))),
    ])
    const sides = [ours, ...peers]
    console.log(
      `${cpus()[0]?.model ?? "?"}, ${availableParallelism()} cores for this process, load ${loadavg()[0].toFixed(1)}; Node ${process.version}; ${prompt.length} + ${newTokens} tokens, ${options.rounds} rounds`,
    )
    const seconds = new Map<string, Array<number>>()
    for (const count of counts)
      for (let round = -1; round < options.rounds; round++)
        for (const { name, sample } of sides) {
          const began = performance.now()
          const { logprobs, tokens } = yield* Effect.promise(() => sample(prompt, count))
          const taken = (performance.now() - began) / 1000
          const sizes = new Set([...tokens, ...logprobs].map((row) => row.length))
          if (tokens.length !== count || sizes.size !== 1 || !sizes.has(newTokens))
            return yield* Effect.die(`${name} gave ${tokens.length} sequences of ${[...sizes].join(", ")} tokens`)
          if (round < 0 && count === 1) {
            const own = yield* policy.logprobs(tokens.map((row) => ({ prompt, completion: Int32Array.from(row) })))
            console.log(`${name}: log-probs differ from ours by at most ${gap(logprobs, own).toExponential(1)} nats`)
          }
          if (round < 0) continue
          const key = `${name}/${count}`
          seconds.set(key, [...(seconds.get(key) ?? []), taken])
        }
    const rate = (name: string, count: number): number =>
      (count * newTokens) / median(seconds.get(`${name}/${count}`) ?? [])
    console.log(
      `\n${columns([
        ["tokens/s (ours / it)", ...counts.map((n) => `${n} at once`)],
        ...sides.map(({ name }) => [
          name,
          ...counts.map((n) => `${rate(name, n).toFixed(1)} (${(rate(ours.name, n) / rate(name, n)).toFixed(2)})`),
        ]),
      ])}\n`,
    )
    console.log(`load at the end ${loadavg()[0].toFixed(1)}`)
    for (const { close } of peers) yield* Effect.promise(async () => close())
    const rates = Object.fromEntries(
      sides.map(({ name }) => [name, Object.fromEntries(counts.map((n) => [n, rounded(rate(name, n))]))]),
    )
    console.log(JSON.stringify({ bench: "smollm2", tokensPerSecond: rates }))
  }).pipe(Effect.scoped)

const folder = mkdtempSync(join(tmpdir(), "lpo-bench-smollm2-"))
try {
  const python = SmolLm2.make(folder)
  weights(python, folder)
  await Effect.runPromise(main(folder, python))
} finally {
  rmSync(folder, { recursive: true, force: true })
}
