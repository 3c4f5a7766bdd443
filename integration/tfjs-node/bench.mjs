// tfjs-node beside the WASM backend with its kernels: tokens per second of sampling and of training, two models, all cores. Each
// backend runs in a process of its own; rounds take turns after one that is not counted. The last line is JSON.
import { spawn } from "node:child_process"
import { once } from "node:events"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"
import { AdamW, Backend, Cores, Parameters, Policy, Tokenizer } from "@lpo/transformer"
import { Effect } from "effect"
import { folder } from "./install.mjs"

const { values: options } = parseArgs({
  options: { backend: { type: "string" }, rounds: { type: "string", default: "5" } },
})

const model = (hidden, layers, heads, intermediate) => ({
  model_type: "llama",
  vocab_size: 64,
  hidden_size: hidden,
  intermediate_size: intermediate,
  num_hidden_layers: layers,
  num_attention_heads: heads,
  num_key_value_heads: heads,
  max_position_embeddings: 64,
  rope_theta: 10000,
  rms_norm_eps: 1e-5,
  tie_word_embeddings: true,
})
/** Groups of `size` samples per prompt: 16 tokens of prompt, 48 of response. */
const cases = [
  { name: "width 128, 4 layers", config: model(128, 4, 4, 352), prompts: 8, size: 16 },
  { name: "width 512, 8 layers", config: model(512, 8, 8, 1376), prompts: 4, size: 8 },
]
const [promptTokens, newTokens] = [16, 48]

const adam = { learningRate: 1e-4, maxGradNorm: 1, beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0 }

/** One backend: the work of a case on request, in this process. */
const serve = async (backend) => {
  const { device } = await Effect.runPromise(Backend.start(backend))
  const workers = backend === "wasm" ? Policy.defaultWorkers() : 0
  const program = Effect.gen(function* () {
    const works = []
    for (const { config, prompts, size } of cases) {
      // No token ends a sequence, so that all have the same length.
      const tokenizer = {
        ...Tokenizer.words(Array.from({ length: config.vocab_size - 1 }, (_, id) => `w${id}`)),
        stop: -1,
      }
      const policy = yield* Policy.make(config, tokenizer, Parameters.initialise(config, "bench"), { workers })
      const promptOf = (p) => Int32Array.from({ length: promptTokens }, (_, t) => (7 * p + 3 * t) % config.vocab_size)
      const responseOf = (k) => Int32Array.from({ length: newTokens }, (_, t) => (5 * k + 11 * t) % config.vocab_size)
      const requests = Array.from({ length: prompts }, (_, p) => ({
        prompt: promptOf(p),
        streams: Array.from({ length: size }, (__, k) => `bench/${p}/${k}`),
      }))
      const groups = requests.map(({ prompt, streams }) =>
        streams.map((_, k) => ({ prompt, completion: responseOf(k) })),
      )
      works.push({
        sampling: policy.generate(requests, { maxTokens: newTokens, temperature: 1, topK: 0, topP: 1 }),
        training: Effect.gen(function* () {
          policy.gradient.fill(0)
          yield* policy.accumulate(groups, (_, rows) =>
            rows.map((row, k) => new Float32Array(row.length).fill(Math.sin(k) / 7)),
          )
          AdamW.step(policy.values, policy.gradient, policy.optimizer, adam)
          policy.changed()
        }),
      })
    }
    const measure = async ({ index, kind }) => {
      const before = process.cpuUsage()
      const from = performance.now()
      await Effect.runPromise(works[index][kind])
      const seconds = (performance.now() - from) / 1000
      const { system, user } = process.cpuUsage(before)
      return { seconds, cpu: (user + system) / 1e6, rss: process.resourceUsage().maxRSS / 1024 }
    }
    process.on("message", (request) => void measure(request).then((answer) => process.send(answer)))
    process.send({ device: workers > 0 ? `${device}, ${workers} workers` : device })
    yield* Effect.promise(() => once(process, "disconnect"))
  })
  await Effect.runPromise(Effect.scoped(program))
}

const median = (xs) => xs.toSorted((a, b) => a - b)[Math.floor(xs.length / 2)]
const backends = ["tfjs-node", "wasm"]

const compare = async (rounds) => {
  const sides = {}
  for (const backend of backends) {
    const child = spawn(process.execPath, [fileURLToPath(import.meta.url), "--backend", backend], {
      cwd: folder,
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    })
    child.once("exit", (code) => {
      if (code !== 0) process.exit(1)
    })
    const receive = async () => (await once(child, "message"))[0]
    console.log(`${backend}: ${(await receive()).device}`)
    sides[backend] = {
      ask: (request) => {
        child.send(request)
        return receive()
      },
      stop: () => child.disconnect(),
    }
  }
  const results = []
  for (const [index, { name, prompts, size }] of cases.entries()) {
    for (const kind of ["sampling", "training"]) {
      const seconds = Object.fromEntries(backends.map((backend) => [backend, []]))
      const cpu = Object.fromEntries(backends.map((backend) => [backend, []]))
      const rss = {}
      for (let round = -1; round < rounds; round++) {
        for (const backend of backends) {
          const answer = await sides[backend].ask({ index, kind })
          if (round < 0) continue
          seconds[backend].push(answer.seconds)
          cpu[backend].push(answer.cpu)
          rss[backend] = answer.rss
        }
      }
      const tokens = prompts * size * newTokens
      const rate = (backend) => tokens / median(seconds[backend])
      const ratios = seconds.wasm.map((wasm, i) => wasm / seconds["tfjs-node"][i])
      const row = {
        model: name,
        kind,
        ...Object.fromEntries(backends.map((backend) => [backend, Math.round(rate(backend))])),
        ratio: Number(median(ratios).toFixed(2)),
        least: Number(Math.min(...ratios).toFixed(2)),
        most: Number(Math.max(...ratios).toFixed(2)),
        cpuRatio: Number((median(cpu.wasm) / median(cpu["tfjs-node"])).toFixed(2)),
        peakMiB: Object.fromEntries(backends.map((backend) => [backend, Math.round(rss[backend])])),
      }
      results.push(row)
      console.log(
        `${name}, ${kind}, ${prompts} x ${size} x ${newTokens} tokens: tfjs-node ${row["tfjs-node"]} tokens/s, wasm ${row.wasm} tokens/s; tfjs-node is ${row.ratio} times as fast (${row.least} to ${row.most}; by processor time ${row.cpuRatio}); peak ${row.peakMiB["tfjs-node"]} and ${row.peakMiB.wasm} MiB`,
      )
    }
  }
  for (const backend of backends) sides[backend].stop()
  console.log(JSON.stringify({ bench: "tfjs-node", cores: Cores.allowed(), results }))
}

if (options.backend === undefined) await compare(Number(options.rounds))
else await serve(options.backend)
