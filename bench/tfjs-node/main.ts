/**
 * `npm run bench -- tfjs-node`: TensorFlow's C library beside the WASM backend with its kernels: tokens per second of sampling and of
 * training, two models, all cores. Each backend runs in a process of its own; rounds take turns after one that is not counted. The
 * last line is JSON.
 */
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { fileURLToPath } from "node:url"
import { Backend, Cores, Policy } from "@lpo/transformer"
import { Effect } from "effect"
import * as Arguments from "../shared/Arguments.ts"
import { cpuSince, median } from "../shared/Figures.ts"
import * as Models from "../shared/Models.ts"
import { optimizer } from "../transformer/Ours.ts"
import { folder, install } from "./Install.ts"

const backends = ["tfjs-node", "wasm"] as const
type Side = (typeof backends)[number]
const kinds = ["sampling", "training"] as const
type Kind = (typeof kinds)[number]

const options = Arguments.read("npm run bench -- tfjs-node", {
  rounds: Arguments.whole("timed rounds (5)", null),
  quick: Arguments.flag("one round of the small model"),
  serve: Arguments.oneOf("run as the process of one backend", backends, null),
})
const rounds = options.rounds ?? (options.quick ? 1 : 5)

/** Groups of `size` samples per prompt: 16 tokens of prompt, 48 of response. */
const cases = [
  { name: "llama-812k", prompts: 8, size: 16 },
  { name: "llama-25m", prompts: 4, size: 8 },
] as const
const [promptTokens, newTokens] = [16, 48]

interface Request {
  readonly index: number
  readonly kind: Kind
}

interface Answer {
  readonly seconds: number
  readonly cpu: number
  readonly rss: number
}

/** The two kinds of work of a case, in this process. */
const workOf = ({ name, prompts, size }: (typeof cases)[number], workers: number) =>
  Effect.gen(function* () {
    const model = Models.open(name)
    const policy = yield* Policy.make(model.config, model.tokenizer, model.values, { workers })
    const requests = model.prompts(prompts, promptTokens).map((prompt, p) => ({
      prompt,
      streams: Array.from({ length: size }, (_, k) => `bench/${p}/${k}`),
    }))
    const responses = model.sequences(prompts * size, newTokens)
    const groups = requests.map(({ prompt }, p) =>
      responses.slice(p * size, (p + 1) * size).map((completion) => ({ prompt, completion })),
    )
    const weights = Models.weights(prompts * size, newTokens)
    return {
      sampling: policy.generate(requests, { maxTokens: newTokens, temperature: 1, topK: 0, topP: 1 }).pipe(
        Effect.map((all) => {
          const short = all.flat().find(({ tokens }) => tokens.length !== newTokens)
          if (short !== undefined) throw new Error(`a response has ${short.tokens.length} tokens, not ${newTokens}`)
        }),
      ),
      training: policy
        .accumulate(groups, (g) => weights.slice(g * size, (g + 1) * size))
        .pipe(Effect.andThen(policy.step(optimizer)), Effect.asVoid),
    }
  })

/** One backend: the work of a case on request. */
const serve = async (backend: Side) => {
  const { device } = await Effect.runPromise(Backend.start(backend))
  const workers = backend === "wasm" ? Policy.defaultWorkers() : 0
  const program = Effect.gen(function* () {
    const works = yield* Effect.forEach(cases, (one) => workOf(one, workers))
    const measure = async ({ index, kind }: Request): Promise<Answer> => {
      const reading = process.cpuUsage()
      const from = performance.now()
      await Effect.runPromise(works[index][kind])
      const seconds = (performance.now() - from) / 1000
      return { seconds, cpu: cpuSince(reading), rss: process.resourceUsage().maxRSS / 1024 }
    }
    process.on("message", (request) => void measure(request as Request).then((answer) => process.send?.(answer)))
    process.send?.({ device: workers > 0 ? `${device}, ${workers} workers` : device })
    yield* Effect.promise(() => once(process, "disconnect"))
  })
  await Effect.runPromise(Effect.scoped(program))
}

const start = async (backend: Side) => {
  const child: ChildProcess = spawn(
    process.execPath,
    [...process.execArgv, fileURLToPath(import.meta.url), "--serve", backend],
    { cwd: folder, stdio: ["ignore", "inherit", "inherit", "ipc"] },
  )
  child.once("exit", (code) => {
    if (code !== 0) process.exit(1)
  })
  const receive = async (): Promise<unknown> => (await once(child, "message"))[0]
  const { device } = (await receive()) as { readonly device: string }
  console.log(`${backend}: ${device}`)
  return {
    ask: (request: Request) => {
      child.send(request)
      return receive() as Promise<Answer>
    },
    stop: () => child.disconnect(),
  }
}

const compare = async () => {
  const sides = { "tfjs-node": await start("tfjs-node"), wasm: await start("wasm") }
  const results: Array<object> = []
  for (const [index, { name, prompts, size }] of (options.quick ? cases.slice(0, 1) : cases).entries()) {
    for (const kind of kinds) {
      const answers: Readonly<Record<Side, Array<Answer>>> = { "tfjs-node": [], wasm: [] }
      for (let round = -1; round < rounds; round++) {
        for (const backend of backends) {
          const answer = await sides[backend].ask({ index, kind })
          if (round >= 0) answers[backend].push(answer)
        }
      }
      const tokens = prompts * size * newTokens
      const of = (backend: Side, field: keyof Answer) => answers[backend].map((answer) => answer[field])
      const rate = (backend: Side) => Math.round(tokens / median(of(backend, "seconds")))
      const peak = (backend: Side) => Math.round(Math.max(...of(backend, "rss")))
      const theirs = of("tfjs-node", "seconds")
      const ratios = of("wasm", "seconds").map((wasm, i) => wasm / theirs[i])
      const row = {
        model: name,
        kind,
        "tfjs-node": rate("tfjs-node"),
        wasm: rate("wasm"),
        ratio: Number(median(ratios).toFixed(2)),
        least: Number(Math.min(...ratios).toFixed(2)),
        most: Number(Math.max(...ratios).toFixed(2)),
        cpuRatio: Number((median(of("wasm", "cpu")) / median(of("tfjs-node", "cpu"))).toFixed(2)),
        peakMiB: { "tfjs-node": peak("tfjs-node"), wasm: peak("wasm") },
      }
      results.push(row)
      console.log(
        `${name}, ${kind}, ${prompts} x ${size} x ${newTokens} tokens: tfjs-node ${row["tfjs-node"]} tokens/s, wasm ${row.wasm} tokens/s; tfjs-node is ${row.ratio} times as fast (${row.least} to ${row.most}; by processor time ${row.cpuRatio}); peak ${peak("tfjs-node")} and ${peak("wasm")} MiB`,
      )
    }
  }
  for (const backend of backends) sides[backend].stop()
  console.log(JSON.stringify({ bench: "tfjs-node", cores: Cores.allowed(), results }))
}

const whyNot = (): string | null => {
  try {
    install()
    return null
  } catch (cause) {
    return (cause as Error).message
  }
}

if (options.serve !== null) await serve(options.serve)
else {
  const refusal = whyNot()
  if (refusal === null) await compare()
  else console.log(`SKIPPED: @tensorflow/tfjs-node cannot be installed here: ${refusal}`)
}
