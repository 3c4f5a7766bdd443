import { spawn } from "node:child_process"
import { readFileSync } from "node:fs"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { Sampler } from "@lpo/rollout"
import { Learner } from "@lpo/trainer"
import { Effect, Fiber, Layer, Redacted, References, Stream } from "effect"
import fc from "fast-check"
import { afterEach, expect, it } from "vitest"
import {
  Backoff,
  Conformance,
  Datum,
  Encoding,
  Protobuf,
  ServerProfile,
  TinkerClient,
  TinkerLearner,
  TinkerPolicy,
} from "../src/index.ts"
import * as Double from "./double.ts"
import * as Loop from "./loop.ts"
import * as Proto from "./proto.ts"

const doubles: Array<Double.Double> = []
const open = async (options: Double.Options): Promise<Double.Double> => {
  const double = await Double.make(options)
  doubles.push(double)
  return double
}
afterEach(() => Promise.all(doubles.splice(0).map((double) => double.close())))

const run = <A, E>(effect: Effect.Effect<A, E>): Promise<A> =>
  Effect.runPromise(Loop.fast(effect).pipe(Effect.provideService(References.MinimumLogLevel, "None")))
const json: ServerProfile.ServerProfile = { ...ServerProfile.hosted, encoding: "json" }
const client = (double: Double.Double, profile = ServerProfile.hosted) =>
  TinkerClient.make({ baseUrl: double.baseUrl, profile, apiKey: Redacted.make("tml-secret") })
const model = { baseModel: "bigram", rank: 8, seed: 7 }
const adam = { learningRate: 0.1, beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0, gradClipNorm: 0 }
const example = { prompt: Datum.text(Int32Array.of(2, 3)), completion: Int32Array.of(4, 1) }
const scoring = { datums: [Datum.scoring(example)], lossFn: "cross_entropy" }
/** The faults come once each, in order, on the path. */
const faults = (path: string, list: Array<Double.Fault>): Double.Faults => ({
  next: (p) => (p === path ? (list.shift() ?? null) : null),
})

it("encodes the protobuf of a known request", () => {
  const datum: Datum.Datum = {
    modelInput: Datum.text(Int32Array.of(5, 6)),
    lossInputs: {
      target_tokens: { dtype: "int64", data: Int32Array.of(6, 7) },
      weights: { dtype: "float32", data: Float32Array.of(0, 1) },
    },
  }
  const bytes = Protobuf.request({
    modelId: "m",
    seqId: 1,
    datums: [Protobuf.datum(datum)],
    lossFn: "cross_entropy",
    forwardOnly: false,
  })
  expect(Buffer.from(bytes).toString("hex")).toBe(
    "0a016d10011a540a0c0a0a0a08050000000600000012280a0d7461726765745f746f6b656e7312170a10060000000000000007000000000000001802220102121a0a0777656967687473120f0a08000000000000803f1801220102220d63726f73735f656e74726f7079",
  )
})

const tensor = fc.oneof(
  fc.float32Array({ maxLength: 9 }).map((data): Datum.Tensor => ({ dtype: "float32", data })),
  fc.int32Array({ maxLength: 9 }).map((data): Datum.Tensor => ({ dtype: "int64", data })),
)
const chunk = fc.oneof(
  fc.int32Array({ maxLength: 9 }).map((tokens): Datum.Chunk => ({ type: "encoded_text", tokens })),
  fc
    .record({ data: fc.uint8Array({ maxLength: 9 }), expectedTokens: fc.nat(1000) })
    .map(({ data, expectedTokens }): Datum.Chunk => ({ type: "image", format: "png", data, expectedTokens })),
)

it("protobuf requests are read by another implementation as they were written", () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.record({ modelInput: fc.array(chunk, { maxLength: 3 }), lossInputs: fc.dictionary(fc.string(), tensor) }),
        { maxLength: 3 },
      ),
      fc.boolean(),
      (datums, forwardOnly) => {
        const lossConfig = { beta: 0.5 }
        const request = {
          modelId: "m",
          seqId: 3,
          datums: datums.map(Protobuf.datum),
          lossFn: "dro",
          lossConfig,
          forwardOnly,
        }
        const read = Proto.readRequest(Protobuf.request(request))
        expect(read).toMatchObject({ model_id: "m", seq_id: 3, forward_only: forwardOnly })
        expect(read.input).toMatchObject({ loss_fn: "dro", loss_fn_config: lossConfig })
        for (const [i, { lossInputs, modelInput }] of datums.entries()) {
          expect(read.input.data[i].model_input).toEqual(Encoding.modelInput(modelInput))
          for (const [name, { data, dtype }] of Object.entries(lossInputs)) {
            expect(read.input.data[i].loss_fn_inputs[name]).toMatchObject({ dtype, data: Array.from(data) })
          }
        }
      },
    ),
  )
})

it("protobuf answers give what their JSON gives", () => {
  const output = {
    loss_fn_outputs: [
      { logprobs: { dtype: "float32", data: [-1, -0.5] } },
      { logprobs: { dtype: "float32", data: [-2] } },
    ],
    metrics: { "loss:sum": 3 },
  }
  const read = Protobuf.output(Proto.writeOutput(output)) as typeof output
  expect(read.metrics).toEqual(output.metrics)
  expect(read.loss_fn_outputs.map((o) => Array.from(o.logprobs.data))).toEqual([[-1, -0.5], [-2]])
  const samples = {
    sequences: [{ stop_reason: "length", tokens: [4, 5], logprobs: [-1, -2] }],
    prompt_logprobs: [null, -0.25],
    topk_prompt_logprobs: [[[3, -0.5]], [[2, -1.5]]],
  }
  const back = Protobuf.samples(Proto.writeSamples(samples)) as typeof samples
  expect(back.prompt_logprobs).toEqual([null, -0.25])
  expect(back.topk_prompt_logprobs).toEqual(samples.topk_prompt_logprobs)
  expect(back.sequences[0]?.stop_reason).toBe("length")
  expect(Array.from(back.sequences[0]?.tokens ?? [])).toEqual([4, 5])
})

it("protobuf readers refuse any other bytes with an error of theirs", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      for (const read of [Protobuf.output, Protobuf.samples]) {
        try {
          read(bytes)
        } catch (error) {
          expect(error).toBeInstanceOf(Error)
        }
      }
    }),
  )
})

it("chunks keep order and limits, and one too large goes alone", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 20 })), fc.integer({ min: 1, max: 5 }), (sizes, datums) => {
      const parts = Encoding.cut(sizes, (n) => n, { datums, bytes: 15 })
      expect(parts.flat()).toEqual(sizes)
      for (const part of parts) {
        expect(part.length).toBeLessThanOrEqual(datums)
        if (part.length > 1) expect(part.reduce((a, b) => a + b)).toBeLessThanOrEqual(15)
      }
    }),
  )
})

it("merges the metrics of chunks by their suffix", () => {
  const parts = [
    { outputs: 1, metrics: { "a:sum": 1, "b:mean": 1, "c:min": 1, "d:max": 1 } },
    { outputs: 3, metrics: { "a:sum": 2, "b:mean": 5, "c:min": 0, "d:max": 2 } },
  ]
  expect(Encoding.mergeMetrics(parts)).toEqual({ "a:sum": 3, "b:mean": 4, "c:min": 0, "d:max": 2 })
})

it("waits as the protocol says", () => {
  const refusal = { status: 503, headers: {}, attempt: 0, waited: 0 }
  expect([0, 1, 4, 9].map((attempt) => Backoff.submission({ ...refusal, attempt }))).toEqual([1, 2, 16, 30])
  expect(Backoff.submission({ ...refusal, waited: 300 })).toBe(null)
  expect(Backoff.submission({ ...refusal, headers: { "retry-after": "7" } })).toBe(7)
  expect(Backoff.submission({ ...refusal, headers: { "retry-after": "61" } })).toBe(1)
  expect(Backoff.submission({ ...refusal, headers: { "retry-after-ms": "250", "retry-after": "7" } })).toBe(0.25)
  expect(Backoff.submission({ ...refusal, headers: { "x-should-retry": "false" } })).toBe(null)
  expect(Backoff.submission({ ...refusal, status: 422 })).toBe(null)
  expect(Backoff.submission({ ...refusal, status: 422, headers: { "x-should-retry": "true" } })).toBe(1)
  expect([10, 20_000].map(Backoff.backpressure)).toEqual([1, 5])
})

it("sends the worked step in the bodies of the protocol", async () => {
  const double = await open({ dialect: "hosted" })
  const prompt = Datum.text(Int32Array.of(3, 5, 6))
  const completions = [Int32Array.of(4, 2), Int32Array.of(7, 0, 2)]
  const examples = completions.map((completion) => ({ prompt, completion }))
  const weights = [Float32Array.of(0.25, 0.25), Float32Array.of(-0.25, -0.25, -0.25)]
  const logprobs = [Float32Array.of(-1.5, -0.25), Float32Array.of(-2, -0.75, -0.5)]
  const weighted = examples.map((e, k) => ({ ...e, weights: weights[k], logprobs: logprobs[k] }))
  await run(
    Effect.gen(function* () {
      const session = yield* client(double, json)
      const m = yield* session.createModel(model)
      const sampler = yield* session.samplingSession(yield* Effect.flatten(m.saveWeightsForSampler()))
      const request = { prompt, samples: 2, maxTokens: 8, temperature: 1, topP: 1, topK: -1, seed: 42, stop: [2] }
      yield* Effect.flatten(sampler.sample(request))
      yield* Effect.flatten(m.forward({ datums: examples.map(Datum.scoring), lossFn: "cross_entropy" }))
      const backward = yield* m.forwardBackward(Datum.weighted(weighted, { form: "A", mask: false }))
      const step = yield* m.optimStep({ ...adam, learningRate: 1e-4, epsilon: 1e-12 })
      yield* backward
      yield* step
    }).pipe(Effect.scoped),
  )
  const sent = double.requests.filter(({ path }) => path !== "/retrieve_future" && path !== "/session_heartbeat")
  const session = sent.find(({ path }) => path === "/create_model")?.body.session_id
  const id = sent.find(({ path }) => path === "/optim_step")?.body.model_id
  const sampling = sent.find(({ path }) => path === "/asample")?.body.sampling_session_id
  const input = [
    { chunks: [{ type: "encoded_text", tokens: [3, 5, 6, 4] }] },
    { chunks: [{ type: "encoded_text", tokens: [3, 5, 6, 7, 0] }] },
  ]
  const targets = [
    { data: [5, 6, 4, 2], dtype: "int64" },
    { data: [5, 6, 7, 0, 2], dtype: "int64" },
  ]
  const data = (rows: ReadonlyArray<ReadonlyArray<number>>) =>
    rows.map((row, k) => ({
      model_input: input[k],
      loss_fn_inputs: { target_tokens: targets[k], weights: { data: row, dtype: "float32" } },
    }))
  expect(sent.map(({ body, path }) => [path, body])).toEqual([
    ["/client/config", { sdk_version: "0.25.0" }],
    ["/create_session", { tags: ["lpo"], user_metadata: null, sdk_version: "0.25.0" }],
    [
      "/create_model",
      {
        session_id: session,
        model_seq_id: 0,
        base_model: "bigram",
        lora_config: { rank: 8, seed: 7, train_unembed: true, train_mlp: true, train_attn: true },
      },
    ],
    ["/save_weights_for_sampler", { model_id: id, sampling_session_seq_id: 0, seq_id: 1 }],
    [
      "/asample",
      {
        sampling_session_id: sampling,
        seq_id: 0,
        num_samples: 2,
        prompt: { chunks: [{ type: "encoded_text", tokens: [3, 5, 6] }] },
        sampling_params: { max_tokens: 8, temperature: 1, top_p: 1, top_k: -1, seed: 42, stop: [2] },
      },
    ],
    [
      "/forward",
      {
        model_id: id,
        seq_id: 2,
        forward_input: {
          loss_fn: "cross_entropy",
          data: data([
            [0, 0, 0, 0],
            [0, 0, 0, 0, 0],
          ]),
        },
      },
    ],
    [
      "/forward_backward",
      {
        model_id: id,
        seq_id: 3,
        forward_backward_input: {
          loss_fn: "cross_entropy",
          data: data([
            [0, 0, 0.25, 0.25],
            [0, 0, -0.25, -0.25, -0.25],
          ]),
        },
      },
    ],
    [
      "/optim_step",
      {
        model_id: id,
        seq_id: 4,
        adam_params: { learning_rate: 1e-4, beta1: 0.9, beta2: 0.95, eps: 1e-12, weight_decay: 0, grad_clip_norm: 0 },
      },
    ],
    ["/unload_model", { model_id: id }],
  ])
  const bPrime = Datum.weighted(weighted, { form: "B'", mask: true })
  expect(bPrime.lossFn).toBe("importance_sampling")
  const rows = bPrime.datums.map(({ lossInputs }) =>
    Object.fromEntries(Object.entries(lossInputs).map(([name, { data }]) => [name, Array.from(data)])),
  )
  expect(rows).toEqual([
    {
      target_tokens: [5, 6, 4, 2],
      weights: [0, 0, 1, 1],
      logprobs: [0, 0, -1.5, -0.25],
      advantages: [0, 0, 1, 1],
    },
    {
      target_tokens: [5, 6, 7, 0, 2],
      weights: [0, 0, 1, 1, 1],
      logprobs: [0, 0, -2, -0.75, -0.5],
      advantages: [0, 0, -1.5, -1.5, -1.5],
    },
  ])
})

it("sends the optimiser step before the backward pass is done", async () => {
  const again: Double.Fault = { kind: "body", body: { type: "try_again", request_id: "?", queue_state: "active" } }
  const polls: Array<Double.Fault> = []
  const double = await open({ dialect: "hosted", faults: faults("/retrieve_future", polls) })
  await run(
    Effect.gen(function* () {
      const m = yield* (yield* client(double)).createModel(model)
      polls.push(again, again, again)
      const weighted = { ...example, weights: Float32Array.of(1, 1), logprobs: Float32Array.of(0, 0) }
      const backward = yield* m.forwardBackward(Datum.weighted([weighted], ServerProfile.hosted))
      const step = yield* m.optimStep(adam)
      // Heartbeats come whenever their time has come.
      const paths = double.requests.map(({ path }) => path).filter((path) => path !== "/session_heartbeat")
      expect(paths.slice(-2)).toEqual(["/forward_backward", "/optim_step"])
      yield* backward
      yield* step
    }).pipe(Effect.scoped),
  )
})

it("cuts large requests, numbers the chunks, and joins the answers", async () => {
  const double = await open({ dialect: "hosted", config: { fwdbwd_max_chunk_len: 2 } })
  await run(
    Effect.gen(function* () {
      const m = yield* (yield* client(double)).createModel(model)
      const datums = [4, 5, 6, 7, 0].map((token) => Datum.scoring({ ...example, completion: Int32Array.of(token) }))
      const { outputs } = yield* Effect.flatten(m.forward({ datums, lossFn: "cross_entropy" }))
      const one = yield* Effect.forEach(datums, (d) =>
        Effect.flatten(m.forward({ datums: [d], lossFn: "cross_entropy" })),
      )
      expect(outputs).toEqual(one.flatMap((o) => o.outputs))
      const numbers = double.requests.filter(({ path }) => path === "/forward_backward").map(({ body }) => body.seq_id)
      expect(numbers).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
    }).pipe(Effect.scoped),
  )
})

it("compresses large protobuf bodies", async () => {
  const double = await open({ dialect: "hosted" })
  await run(
    Effect.gen(function* () {
      const m = yield* (yield* client(double)).createModel(model)
      const completion = new Int32Array(8000).fill(4)
      const { outputs } = yield* Effect.flatten(
        m.forward({ datums: [Datum.scoring({ ...example, completion })], lossFn: "cross_entropy" }),
      )
      expect(outputs[0]?.["logprobs"]?.data).toHaveLength(8001)
      expect(double.requests.find(({ path }) => path === "/forward_backward")?.headers["content-encoding"]).toBe("zstd")
    }).pipe(Effect.scoped),
  )
})

const forwardUnder = async (polls: Array<Double.Fault>, dialect: "hosted" | "skyrl" = "hosted") => {
  const list: Array<Double.Fault> = []
  const double = await open({ dialect, faults: faults("/retrieve_future", list) })
  return run(
    Effect.gen(function* () {
      const m = yield* (yield* client(double, { ...json, retriesOf400: dialect === "hosted" ? 3 : 0 })).createModel(
        model,
      )
      list.push(...polls)
      return yield* Effect.result(Effect.flatten(m.forward(scoring)))
    }).pipe(Effect.scoped),
  )
}
const status = (code: number, headers?: Record<string, string>): Double.Fault => ({
  kind: "status",
  status: code,
  processed: false,
  ...(headers === undefined ? {} : { headers }),
})

it.each([
  [
    "try_again while paused",
    [
      {
        kind: "body",
        body: { type: "try_again", request_id: "1", queue_state: "paused_capacity", queue_state_reason: "full" },
      },
    ],
  ],
  ["408", [status(408), status(408)]],
  [
    "metadata",
    [{ kind: "body", body: { type: "complete_metadata", status: "complete_metadata", response_payload_size: 9 } }],
  ],
  ["410", [status(410)]],
  ["a promise that is forgotten", [{ kind: "forget" }]],
  ["5xx, ten times", Array.from({ length: 10 }, () => status(503))],
  ["429", [status(429), status(429, { "retry-after": "3" })]],
  ["402", [status(402)]],
  ["400, three times", [status(400), status(400), status(400)]],
  [
    "answers cut short, garbled, reset",
    [{ kind: "truncate" }, { kind: "garble" }, { kind: "cut" }, { kind: "drop", processed: true }],
  ],
] as ReadonlyArray<[string, Array<Double.Fault>]>)("a poll goes on after %s", async (_name, polls) => {
  const result = await forwardUnder(polls)
  expect(result._tag).toBe("Success")
})

it.each([
  ["OperationError", "user): no such loss", [{ kind: "body", body: { error: "no such loss", category: "User" } }]],
  ["OperationError", "injected", [status(400), status(400), status(400), status(400)]],
  ["RequestError", "503", Array.from({ length: 11 }, () => status(503))],
  [
    "ProtocolError",
    '["loss_fn_outputs"][0]["logprobs"]["data"][1]',
    [{ kind: "body", body: { loss_fn_outputs: [{ logprobs: { dtype: "float32", data: [1, "x"] } }], metrics: {} } }],
  ],
  ["ProtocolError", '["loss_fn_outputs"]', [{ kind: "body", body: { metrics: {} } }]],
] as ReadonlyArray<[string, string, Array<Double.Fault>]>)(
  "a poll ends in a %s that says %s",
  async (tag, text, polls) => {
    const result = await forwardUnder(polls)
    expect(result).toMatchObject({ _tag: "Failure", failure: { _tag: tag } })
    if (result._tag === "Failure") expect(result.failure.message).toContain(text)
  },
)

it("back-pressure sends the same sample again", async () => {
  const refusals = Array.from({ length: 20 }, () => status(429))
  const double = await open({ dialect: "hosted", faults: faults("/asample", refusals) })
  await run(
    Effect.gen(function* () {
      const c = yield* client(double)
      const m = yield* c.createModel(model)
      const sampler = yield* c.samplingSession(yield* Effect.flatten(m.saveWeightsForSampler()))
      const request = {
        prompt: example.prompt,
        samples: 1,
        maxTokens: 2,
        temperature: 1,
        topP: 1,
        topK: -1,
        seed: 1,
        stop: [1],
      }
      yield* Effect.flatten(sampler.sample(request))
      const bodies = double.requests.filter(({ path }) => path === "/asample").map(({ body }) => JSON.stringify(body))
      expect(bodies).toHaveLength(21)
      expect(new Set(bodies).size).toBe(1)
    }).pipe(Effect.scoped),
  )
})

it("a server that does not deduplicate is never sent a training request twice", async () => {
  const double = await open({ dialect: "hosted", faults: faults("/optim_step", [{ kind: "drop", processed: true }]) })
  await run(
    Effect.gen(function* () {
      const m = yield* (yield* client(double, { ...json, deduplicates: false })).createModel(model)
      const error = yield* Effect.flip(Effect.asVoid(m.optimStep(adam)))
      expect(error._tag).toBe("UncertainError")
      expect(double.executed.optim_step).toBe(1)
      expect((yield* Effect.flip(Effect.asVoid(m.forward(scoring))))._tag).toBe("UncertainError")
    }).pipe(Effect.scoped),
  )
})

it("a saved name whose answer was lost is the checkpoint; a name that was taken before is refused", async () => {
  const lost: Array<Double.Fault> = [{ kind: "drop", processed: true }]
  const double = await open({ dialect: "hosted", faults: faults("/save_weights", lost) })
  await run(
    Effect.gen(function* () {
      const m = yield* (yield* client(double)).createModel(model)
      expect(yield* Effect.flatten(m.saveWeights("one"))).toBe(`tinker://${m.id}/weights/one`)
      expect(yield* Effect.flip(Effect.asVoid(m.saveWeights("one")))).toMatchObject({
        _tag: "RequestError",
        status: 409,
      })
      yield* Effect.flatten(m.forward(scoring))
    }).pipe(Effect.scoped),
  )
})

it("an interrupted call leaves nothing behind: the session goes on, the model is unloaded", async () => {
  const again: Double.Fault = { kind: "body", body: { type: "try_again", request_id: "?", queue_state: "active" } }
  let stuck = false
  const double = await open({
    dialect: "hosted",
    faults: { next: (path) => (stuck && path === "/retrieve_future" ? again : null) },
  })
  await run(
    Effect.gen(function* () {
      const m = yield* (yield* client(double)).createModel(model)
      stuck = true
      const fiber = yield* Effect.forkChild(Effect.flatten(m.forward(scoring)))
      yield* Effect.sleep("2 seconds")
      yield* Fiber.interrupt(fiber)
      stuck = false
      yield* Effect.flatten(m.forward(scoring))
    }).pipe(Effect.scoped),
  )
  expect(double.models().size).toBe(0)
  // What was on its way when the session ended arrives first; then a minute has room for polls and heartbeats, and has none.
  await run(Effect.sleep("5 seconds"))
  const arrived = double.requests.length
  await run(Effect.sleep("60 seconds"))
  expect(double.requests.length).toBe(arrived)
})

it("heartbeats keep the session; the key is traded for a token and shows nowhere", async () => {
  const double = await open({ dialect: "hosted", config: { pjwt_auth_enabled: true } })
  const error = await run(
    Effect.gen(function* () {
      const c = yield* client(double)
      yield* Effect.sleep("60 seconds")
      expect(double.heartbeats()).toBeGreaterThan(2)
      yield* c.capabilities
      yield* Effect.promise(() => double.close())
      return yield* Effect.flip(c.capabilities)
    }).pipe(Effect.scoped),
  )
  expect(error._tag).toBe("ConnectionError")
  expect(error.message + JSON.stringify(error)).not.toContain("tml-secret")
  const keys = new Map(double.requests.map(({ headers, path }) => [path, headers["x-api-key"]]))
  expect(keys.get("/auth/token")).toBe("tml-secret")
  expect(String(keys.get("/get_server_capabilities"))).toMatch(/^e30\./)
})

it("the learner refuses responses that were sampled at another temperature, and says so beforehand", async () => {
  const double = await open({ dialect: "skyrl" })
  const sequence = { prompt: Int32Array.of(1, 2), completion: Int32Array.of(3), temperature: 0.7 }
  const messages = await Effect.gen(function* () {
    const learner = yield* Learner.Learner
    expect(learner.tempers ?? false).toBe(false)
    return [
      (yield* Effect.flip(learner.logprobs([sequence]))).message,
      (yield* Effect.flip(learner.accumulate([[sequence]], () => [Float32Array.of(1)]))).message,
    ]
  }).pipe(Effect.provide(Loop.server(double.baseUrl, ServerProfile.skyrlJax)), run)
  for (const message of messages)
    expect(message).toMatch(/sampled at temperature 0\.7, and the Tinker protocol gives .* only at 1; sample at 1/)
})

it("the reference is the base model, whatever is trained, on a model of its own", async () => {
  const double = await open({ dialect: "skyrl" })
  const sequence = { prompt: Int32Array.of(1, 2), completion: Int32Array.of(3, 4) }
  const policy = TinkerPolicy.layer({ ...model, baseUrl: double.baseUrl, profile: ServerProfile.skyrlJax })
  await Effect.gen(function* () {
    const learner = yield* Learner.Learner
    const reference = yield* TinkerLearner.reference
    const [start] = yield* learner.logprobs([sequence])
    yield* learner.accumulate([[sequence]], () => [Float32Array.of(1, 1)])
    const { beta1, beta2, epsilon, weightDecay } = Loop.adam
    yield* learner.step({ learningRate: 0.5, maxGradNorm: Infinity, beta1, beta2, epsilon, weightDecay })
    const [moved] = yield* learner.logprobs([sequence])
    expect(moved[0]).toBeGreaterThan(start[0] + 0.05)
    expect((yield* reference([sequence]))[0]).toEqual(start)
  }).pipe(Effect.scoped, Effect.provide(TinkerLearner.layer.pipe(Layer.provideMerge(policy))), run)
})

it("the sampler refuses what the protocol has no word for", async () => {
  const double = await open({ dialect: "skyrl" })
  const refusal = (options: Partial<Sampler.SampleOptions>) =>
    Effect.gen(function* () {
      const sampler = yield* Sampler.Sampler
      const wanted = { groupSize: 2, maxTokens: 4, seed: "s", ...options }
      return (yield* Effect.flip(Stream.runCollect(sampler.sample(Loop.problems, wanted)))).message
    }).pipe(Effect.provide(Loop.server(double.baseUrl, ServerProfile.skyrlJax)), run)
  expect(await refusal({ minP: 0.1 })).toMatch(/problem p0: minP is 0.1, and the Tinker protocol has no min-p; give 0/)
  expect(await refusal({ minP: -1 })).toMatch(/minP is -1; give a number from 0/)
  expect(await refusal({ stopStrings: [""] })).toMatch(/stopStrings has ""; give texts of one character or more/)
})

it.each([
  ["skyrl", { ...ServerProfile.skyrlJax, form: "A" }],
  ["skyrl", { ...ServerProfile.skyrlJax, form: "B", mask: false }],
  ["skyrl", { ...ServerProfile.skyrlJax, mask: false }],
  ["skyrl", { ...ServerProfile.hosted }],
  ["hosted", { ...ServerProfile.hosted, form: "B'" }],
  ["hosted", ServerProfile.skyrlFsdp],
] as const)("the probe refuses a %s server under another profile", async (dialect, profile) => {
  const double = await open({ dialect })
  const probe = Effect.flatMap(client(double, profile), (c) => Conformance.probe(c, model)).pipe(Effect.scoped)
  const error = await run(Effect.flip(probe))
  expect(error._tag).toBe("ConformanceError")
  const layer = TinkerPolicy.layer({ ...model, baseUrl: double.baseUrl, profile })
  const start = Effect.flip(Effect.provide(Effect.asVoid(TinkerPolicy.TinkerPolicy), layer))
  expect((await run(start)).message).toContain("measured: whole")
})

const killedRun = async (options: {
  /** What happens at the fourth optimiser step of the run, after the checkpoint of its second. */
  readonly atFourthStep: () => Double.Fault
  /** Trains until that. */
  readonly until: (baseUrl: string, folder: string) => Promise<unknown>
}) => {
  const root = await mkdtemp(join(tmpdir(), "lpo-tinker-"))
  try {
    const weights = async (double: Double.Double, folder: string) =>
      double.checkpoints.get(await Loop.checkpointPath(folder))?.weights.logits
    const calm = await open({ dialect: "skyrl" })
    const whole = join(root, "whole")
    await run(Loop.train({ ...Loop.killable, folder: whole }, Loop.server(calm.baseUrl, ServerProfile.skyrlJax)))
    let steps = 0
    const double = await open({
      dialect: "skyrl",
      // The probe takes three.
      faults: { next: (path) => (path === "/optim_step" && ++steps === 7 ? options.atFourthStep() : null) },
    })
    const folder = join(root, "killed")
    await options.until(double.baseUrl, folder)
    const { events, redone } = await run(
      Loop.train({ ...Loop.killable, folder }, Loop.server(double.baseUrl, ServerProfile.skyrlJax)),
    )
    expect(redone).toBe(1)
    expect(events.map((e) => e.step)).toEqual([1, 2, 3, 4, 5])
    expect(await weights(double, folder)).toEqual(await weights(calm, whole))
    const saved = JSON.parse(readFileSync(join(folder, "checkpoints/step-000005/tinker.json"), "utf8"))
    expect(saved).toMatchObject({ baseModel: "bigram", rank: 8, version: 6 })
  } finally {
    await rm(root, { recursive: true })
  }
}

it("a server killed in the middle of a step: the run goes on from the last durable step and ends the same", () =>
  killedRun({
    atFourthStep: () => ({ kind: "crash" }),
    until: async (baseUrl, folder) => {
      const once = Loop.train({ ...Loop.killable, folder }, Loop.server(baseUrl, ServerProfile.skyrlJax))
      expect((await run(Effect.flip(once))).message).toContain("step: ")
    },
  }))

it("a client killed with SIGKILL in the middle of a step: the same", async () => {
  let kill = () => {}
  await killedRun({
    atFourthStep: () => {
      kill()
      return { kind: "delay", milliseconds: 1 }
    },
    until: (baseUrl, folder) =>
      new Promise<void>((resolve, reject) => {
        const worker = fileURLToPath(new URL("worker.ts", import.meta.url))
        const child = spawn(process.execPath, ["--conditions=@lpo/source", worker, baseUrl, folder], {
          stdio: ["ignore", "ignore", "pipe"],
        })
        let said = ""
        child.stderr.on("data", (data) => (said += String(data)))
        kill = () => child.kill("SIGKILL")
        child.on("close", (code, signal) =>
          signal === "SIGKILL" ? resolve() : reject(new Error(`the worker ended with ${code}: ${said}`)),
        )
      }),
  })
})
