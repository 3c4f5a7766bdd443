/**
 * Training here, rollouts on a server that opens the published PEFT folders and samples from the model with them: if a server
 * sampled from anything but the adapter that was published last, its log-probs would not be the learner's.
 */
import { createServer } from "node:http"
import { mkdtemp, readdir, rm } from "node:fs/promises"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { OpenAiSampler, Verifier } from "@lpo/rollout"
import { Learner, Lpo, RunStore, TrainConfig, Trainer } from "@lpo/trainer"
import { AdapterPublisher, Backend, Lora, LoraFiles, Policy, TransformerLearner } from "@lpo/transformer"
import { Effect, Layer, Scope, Exit } from "effect"
import { afterEach, beforeEach, expect, it } from "vitest"
import { config, tokenizer, values } from "./tiny.ts"

let root = ""
let scope: Scope.Closeable
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "lpo-adapters-"))
  scope = await Effect.runPromise(Scope.make())
  await Effect.runPromise(Backend.start("wasm"))
})
afterEach(async () => {
  await Effect.runPromise(Scope.close(scope, Exit.void))
  await rm(root, { recursive: true })
})

const lora: Lora.LoraConfig = { rank: 2, alpha: 4, targets: ["q_proj", "v_proj", "down_proj"] }
const makePolicy = (adapter?: Lora.Adapter) =>
  Effect.runPromise(
    Policy.make(config, tokenizer, values(), { workers: 0, ...(adapter === undefined ? {} : { lora: adapter }) }).pipe(
      Scope.provide(scope),
    ),
  )

/** vLLM's routes over real policies, one per adapter. */
const serve = async () => {
  const policies = new Map<string, Policy.PolicyService>([["base", await makePolicy()]])
  const loaded: Array<string> = []
  const routes: Record<string, (body: any) => Promise<readonly [number, unknown]>> = {
    "/health": async () => [200, ""],
    "/tokenize": async ({ prompt }) => [200, { tokens: Array.from(await Effect.runPromise(tokenizer.encode(prompt))) }],
    "/v1/load_lora_adapter": async ({ lora_name, lora_path }) => {
      policies.set(lora_name, await makePolicy(await Effect.runPromise(LoraFiles.read(config, lora_path))))
      loaded.push(lora_name)
      return [200, "Success"]
    },
    "/v1/unload_lora_adapter": async ({ lora_name }) => [policies.delete(lora_name) ? 200 : 404, {}],
    "/v1/completions": async ({ max_tokens, model, n, prompt, seed, temperature }) => {
      const policy = policies.get(model)
      if (policy === undefined) return [404, { error: { message: `no model ${model}` } }]
      const streams = Array.from({ length: n }, (_, i) => String(seed + i))
      const request = { prompt: Int32Array.from(prompt[0]), streams }
      const law = { maxTokens: max_tokens, temperature, topK: 0, topP: 1 }
      const [samples] = await Effect.runPromise(policy.generate([request], law))
      const choices = samples.map(({ finish, logprobs, tokens }, index) => ({
        index,
        text: tokenizer.decode(tokens),
        finish_reason: finish,
        token_ids: Array.from(tokens),
        prompt_token_ids: prompt[0],
        logprobs: { token_logprobs: Array.from(logprobs), top_logprobs: [{}] },
      }))
      return [200, { model, choices }]
    },
  }
  const server = createServer((request, response) => {
    const parts: Array<Buffer> = []
    request.on("data", (part: Buffer) => parts.push(part))
    request.on("end", () => {
      const text = Buffer.concat(parts).toString()
      const route = routes[request.url ?? ""] ?? (async () => [404, {}] as const)
      void route(text === "" ? {} : JSON.parse(text)).then(([status, body]) => {
        response.writeHead(status, { "content-type": "application/json" })
        response.end(JSON.stringify(body))
      })
    })
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  await Effect.runPromise(
    Scope.addFinalizer(
      scope,
      Effect.promise(() => new Promise<void>((resolve) => server.close(() => resolve()))),
    ),
  )
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, loaded }
}

/** Rewards the digit 7. */
const verifier = Layer.succeed(Verifier.Verifier, {
  verify: (_, { text }) =>
    Effect.succeed({
      status: "ok" as const,
      score: text.split("7").length - 1,
      correct: text.includes("7"),
      key: null,
    }),
})
const problems = Array.from({ length: 4 }, (_, i) => ({ id: `p${i}`, task: "t", prompt: `${i} 1`, answer: null }))
const train = (maxLag: number): TrainConfig.TrainConfig => ({
  ...TrainConfig.defaults,
  seed: "hybrid",
  steps: 5,
  promptsPerStep: 4,
  groupSize: 4,
  maxTokens: 4,
  maxLag,
  anchor: "recompute",
  objective: Lpo.make({ divergence: "forward", tau: "std" }),
  optimizer: { ...TrainConfig.defaults.optimizer, learningRate: 0.1 },
})

const run = async (name: string, maxLag: number) => {
  const server = await serve()
  const adapters = join(root, name, "adapters")
  const policy = await makePolicy(Lora.initialise(config, lora, "start"))
  const embedded = Layer.merge(TransformerLearner.layer(), Layer.succeed(Policy.Policy, policy)).pipe(
    Layer.provide(Layer.succeed(Policy.Policy, policy)),
  )
  const rollouts = OpenAiSampler.layer({ servers: [server.url], model: "base", adapterName: name })
  const layers = AdapterPublisher.layer({ folder: adapters }).pipe(
    Layer.provide(embedded),
    Layer.provideMerge(rollouts),
    Layer.merge(verifier),
  )
  const program = Effect.gen(function* () {
    const open = yield* RunStore.open({ folder: join(root, name, "run"), config: {}, resume: false })
    yield* Trainer.train({ config: train(maxLag), problems, run: open })
    return yield* open.events
  }).pipe(Effect.scoped, Effect.provide(layers))
  return { events: await Effect.runPromise(program), server, adapters }
}

it("on policy, what the server sampled has the learner's log-probs at every step", async () => {
  const { adapters, events, server } = await run("on", 0)
  expect(events.map((e) => e.lag)).toEqual([0, 0, 0, 0, 0])
  for (const event of events) expect(event.anchorLogRatio).toBeLessThan(1e-4)
  expect(events.some((e) => (e.gradNorm ?? 0) > 0)).toBe(true)
  expect(server.loaded).toEqual(["on-1", "on-2", "on-3", "on-4", "on-5", "on-6"])
  // The last three versions stay on the disk.
  expect((await readdir(adapters)).sort()).toEqual(["version-4", "version-5", "version-6"])
})

it("one step behind, the samples are those of the version before", async () => {
  const { events } = await run("behind", 1)
  expect(events.map((e) => e.lag)).toEqual([0, 1, 1, 1, 1])
  expect(events[0].anchorLogRatio).toBeLessThan(1e-4)
  expect(Math.max(...events.map((e) => e.anchorLogRatio))).toBeGreaterThan(1e-3)
})

it("refuses a policy without an adapter and a relative folder", async () => {
  const server = await serve()
  const failure = async (policy: Policy.PolicyService, folder: string) => {
    const provided = Layer.succeed(Policy.Policy, policy)
    const layers = AdapterPublisher.layer({ folder }).pipe(
      Layer.provide(TransformerLearner.layer()),
      Layer.provide(provided),
      Layer.provide(OpenAiSampler.layer({ servers: [server.url], model: "base" })),
    )
    const program = Effect.flatMap(Learner.Learner, ({ publish }) => Effect.flip(publish))
    return (await Effect.runPromise(Effect.provide(program, layers))).message
  }
  expect(await failure(await makePolicy(), root)).toMatch(/no adapter; make it with `lora`/)
  expect(await failure(await makePolicy(Lora.initialise(config, lora, "s")), "adapters")).toMatch(/relative/)
})
