/**
 * A Tinker server with real state: bigram policies with true gradients and Adam, checkpoints, sampling sessions, promises.
 * Written from the protocol, not from the client. `hosted` sums the loss, runs requests strictly by sequence number and
 * takes snapshots for samplers; `skyrl` averages like SkyRL's jax backend, runs them as they arrive, and its samplers follow
 * the weights in training. A `Faults` says what goes wrong.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo, Socket } from "node:net"
import { zstdDecompressSync } from "node:zlib"
import * as Bigram from "./bigram.ts"
import * as Proto from "./proto.ts"

type Json = any

/** What goes wrong with one request. */
export type Fault =
  | { readonly kind: "drop"; readonly processed: boolean }
  | { readonly kind: "cut" | "truncate" | "garble" }
  | {
      readonly kind: "status"
      readonly status: number
      readonly processed: boolean
      readonly headers?: Record<string, string>
    }
  | { readonly kind: "body"; readonly body: object }
  | { readonly kind: "delay"; readonly milliseconds: number }
  | { readonly kind: "twice" | "late-copy" | "forget" | "restart" | "crash" }

export interface Faults {
  readonly next: (path: string) => Fault | null
}

export interface Options {
  readonly dialect: "hosted" | "skyrl"
  readonly faults?: Faults
  readonly config?: object
  /** Positions of its model, which it then tells. */
  readonly positions?: number
  /** Forgets requests and answers as it goes, for long runs; a promise is then given once. */
  readonly forgets?: boolean
  /** The text sent instead of the JSON of samples, or of a pass's output. */
  readonly edit?: (result: Json) => string
}

interface Model {
  readonly session: string
  readonly baseModel: string
  readonly rank: number
  weights: Bigram.Weights
  gradient: Float64Array
  datums: number
  executed: number
  /** By sequence number: the body, and its promise. */
  readonly requests: Map<number, { readonly body: string; requestId: string; readonly run: () => void }>
}

interface Promise_ {
  result: { readonly json: Json; readonly kind: "plain" | "output" | "samples" } | { readonly error: string } | null
}

/** The tokens of chunks; an image takes the places that it says, as token 0. */
const tokensOf = (chunks: Json): Array<number> =>
  chunks.flatMap((chunk: Json) => (chunk.type === "image" ? Array(chunk.expected_tokens).fill(0) : chunk.tokens))

class Refused extends Error {
  readonly status: number
  constructor(status: number, detail: string) {
    super(detail)
    this.status = status
  }
}

export const make = async (options: Options) => {
  const { dialect, forgets = false } = options
  let ids = 0
  let sessions = new Map<string, { readonly models: Map<number, string>; heartbeats: number }>()
  let models = new Map<string, Model>()
  let samplers = new Map<string, { model: string; weights: Bigram.Weights; loaded: boolean }>()
  let promises = new Map<string, Promise_>()
  const checkpoints = new Map<string, { weights: Bigram.Weights; baseModel: string; rank: number }>()
  const names = new Set<string>()
  const sockets = new Set<Socket>()
  const requests: Array<{ readonly path: string; readonly body: Json; readonly headers: IncomingMessage["headers"] }> =
    []
  const executed = { forward_backward: 0, optim_step: 0 }
  let lateCopies: Array<() => void> = []

  const promise = (): [string, Promise_] => {
    const id = String(++ids)
    const entry: Promise_ = { result: null }
    promises.set(id, entry)
    return [id, entry]
  }
  const settled = (run: () => Promise_["result"]): Promise_["result"] => {
    try {
      return run()
    } catch (error) {
      return { error: (error as Error).message }
    }
  }
  const modelOf = (id: string): Model => {
    const model = models.get(id)
    if (model === undefined) throw new Refused(404, "Model not found")
    return model
  }

  /** Queues a training request; a repeated sequence number gives the promise it had, or a new one for its result. */
  const inSequence = (
    modelId: string,
    seqId: number,
    body: string,
    run: (model: Model) => Promise_["result"],
  ): string => {
    const model = modelOf(modelId)
    const known = model.requests.get(seqId)
    if (forgets) model.requests.clear()
    if (known !== undefined) {
      if (known.body !== body) throw new Refused(409, "Training request sequence number was reused")
      if (!promises.has(known.requestId)) {
        const [id, entry] = promise()
        entry.result = results.get(`${modelId}/${seqId}`) ?? null
        known.requestId = id
      }
      return known.requestId
    }
    const [id] = promise()
    const request = {
      body,
      requestId: id,
      run: () => {
        const result = settled(() => run(model))
        if (!forgets) results.set(`${modelId}/${seqId}`, result)
        const entry = promises.get(request.requestId)
        if (entry !== undefined) entry.result = result
      },
    }
    model.requests.set(seqId, request)
    if (dialect === "skyrl") request.run()
    else {
      for (let next = model.requests.get(model.executed + 1); next; next = model.requests.get(model.executed + 1)) {
        next.run()
        model.executed++
      }
    }
    return id
  }
  let results = new Map<string, Promise_["result"]>()

  const pass = (model: Model, input: Json, forwardOnly: boolean): Promise_["result"] => {
    let loss = 0
    const outputs = input.data.map(({ loss_fn_inputs, model_input }: Json) => {
      const tokens = tokensOf(model_input.chunks)
      const targets: Array<number> = loss_fn_inputs.target_tokens.data
      if (targets.length !== tokens.length) throw new Error(`${targets.length} targets for ${tokens.length} tokens`)
      const lp = targets.map((next, i) => Bigram.logprob(model.weights, tokens[i], next))
      const given = loss_fn_inputs.weights?.data as Array<number> | undefined
      const isRatio = input.loss_fn === "importance_sampling"
      if (dialect === "hosted" && isRatio && given !== undefined) throw new Error("unknown key weights")
      // d(loss)/d(lp) of each place, before any averaging.
      const slope = targets.map((_, i) =>
        isRatio
          ? -loss_fn_inputs.advantages.data[i] * Math.exp(lp[i] - loss_fn_inputs.logprobs.data[i])
          : dialect === "hosted"
            ? -(given?.[i] ?? 1)
            : -1,
      )
      const mask = dialect === "hosted" ? targets.map(() => 1) : (given ?? targets.map(() => 1))
      const total =
        dialect === "hosted"
          ? 1
          : Math.max(
              1e-9,
              mask.reduce((a, b) => a + b, 0),
            )
      loss += targets.reduce((sum, _, i) => sum + (slope[i] * mask[i] * (isRatio ? 1 : lp[i])) / total, 0)
      if (!forwardOnly)
        for (const [i, next] of targets.entries())
          Bigram.addGradient(model.weights, model.gradient, tokens[i], next, (-slope[i] * mask[i]) / total)
      return { logprobs: { data: lp, dtype: "float32", shape: [lp.length] } }
    })
    if (!forwardOnly) {
      model.datums += input.data.length
      executed.forward_backward++
    }
    const json = { loss_fn_output_type: "double", loss_fn_outputs: outputs, metrics: { "loss:sum": loss } }
    return { json, kind: "output" }
  }

  const optimStep = (model: Model, p: Json): Promise_["result"] => {
    executed.optim_step++
    const gradient = model.gradient.map((g) => (dialect === "skyrl" ? g / Math.max(1, model.datums) : g))
    Bigram.step(model.weights, gradient, {
      learningRate: p.learning_rate,
      beta1: p.beta1,
      beta2: p.beta2,
      epsilon: p.eps,
      weightDecay: p.weight_decay,
      clip: dialect === "hosted" ? p.grad_clip_norm : 0,
    })
    model.gradient = new Float64Array(gradient.length)
    model.datums = 0
    const metrics = dialect === "skyrl" ? { "skyrl.ai/grad_norm": Bigram.norm(gradient) } : {}
    return { json: { metrics }, kind: "plain" }
  }

  const sampled = (sampler: NonNullable<ReturnType<typeof samplers.get>>, body: Json): Promise_["result"] => {
    let weights = sampler.weights
    if (dialect === "skyrl") {
      const model = modelOf(sampler.model)
      // The first use loads the checkpoint over the adapter in training; later uses see the adapter as it is.
      if (!sampler.loaded) model.weights = { ...model.weights, logits: sampler.weights.logits.slice() }
      sampler.loaded = true
      weights = model.weights
    }
    const prompt = tokensOf(body.prompt.chunks)
    const { max_tokens, seed } = body.sampling_params
    const sequences = Array.from({ length: body.num_samples }, (_, i) =>
      Bigram.sample(weights, prompt[prompt.length - 1], { seed: seed + i, maxTokens: max_tokens }),
    )
    return { json: { sequences, prompt_logprobs: null, topk_prompt_logprobs: null }, kind: "samples" }
  }

  const future = (run: () => Promise_["result"]): Json => {
    const [id, entry] = promise()
    entry.result = settled(run)
    return { request_id: id }
  }

  const save = (modelId: string, name: string, seqId: number, body: string, result: (model: Model) => Json): Json => {
    modelOf(modelId)
    const key = `${modelId}/${name}`
    if (names.has(key)) throw new Refused(409, `Checkpoint '${name}' already exists for model '${modelId}'`)
    names.add(key)
    return { request_id: inSequence(modelId, seqId, body, (model) => ({ json: result(model), kind: "plain" })) }
  }

  const handle = (path: string, body: Json, raw: string): Json => {
    switch (path) {
      case "/healthz":
        return { status: "ok" }
      case "/get_server_capabilities":
        return { supported_models: [{ model_name: "bigram", max_context_length: options.positions ?? null }] }
      case "/client/config":
        return options.config ?? {}
      case "/create_session": {
        const id = `session_${++ids}`
        sessions.set(id, { models: new Map(), heartbeats: 0 })
        return { session_id: id }
      }
      case "/session_heartbeat": {
        const session = sessions.get(body.session_id)
        if (session === undefined) throw new Refused(404, "Session not found")
        session.heartbeats++
        return { type: "session_heartbeat" }
      }
      case "/create_model": {
        const session = sessions.get(body.session_id)
        if (session === undefined) throw new Refused(404, "Session not found")
        const id = session.models.get(body.model_seq_id) ?? `model_${++ids}`
        session.models.set(body.model_seq_id, id)
        if (!models.has(id)) {
          models.set(id, {
            session: body.session_id,
            baseModel: body.base_model,
            rank: body.lora_config.rank,
            weights: Bigram.make(body.lora_config.seed),
            gradient: new Float64Array(Bigram.vocabulary ** 2),
            datums: 0,
            executed: 0,
            requests: new Map(),
          })
        }
        return future(() => ({ json: { model_id: id }, kind: "plain" }))
      }
      case "/unload_model":
        return future(() => {
          models.delete(body.model_id)
          return { json: { model_id: body.model_id }, kind: "plain" }
        })
      case "/get_info": {
        const { rank } = modelOf(body.model_id)
        return { model_id: body.model_id, model_data: { model_name: "bigram" }, is_lora: true, lora_rank: rank }
      }
      case "/forward":
      case "/forward_backward": {
        const forwardOnly = path === "/forward" || body.forward_only === true
        const input = body.input ?? body.forward_input ?? body.forward_backward_input
        return { request_id: inSequence(body.model_id, body.seq_id, raw, (m) => pass(m, input, forwardOnly)) }
      }
      case "/optim_step":
        return { request_id: inSequence(body.model_id, body.seq_id, raw, (m) => optimStep(m, body.adam_params)) }
      case "/save_weights":
        return save(body.model_id, body.path, body.seq_id, raw, ({ baseModel, rank, weights }) => {
          const tinkerPath = `tinker://${body.model_id}/weights/${body.path}`
          checkpoints.set(tinkerPath, { weights: Bigram.copy(weights), baseModel, rank })
          return { path: tinkerPath, type: "save_weights" }
        })
      case "/save_weights_for_sampler":
        return save(body.model_id, `ss${body.sampling_session_seq_id}`, body.seq_id, raw, ({ weights }) => {
          const id = `sampling_${++ids}`
          samplers.set(id, { model: body.model_id, weights: Bigram.copy(weights), loaded: false })
          return { path: null, sampling_session_id: id }
        })
      case "/load_weights": {
        if (body.seq_id !== 1) throw new Refused(400, `LoadWeights is not permitted with seq_id ${body.seq_id}`)
        const saved = checkpoints.get(body.path)
        if (saved === undefined) throw new Refused(404, "Checkpoint not found")
        return {
          request_id: inSequence(body.model_id, body.seq_id, raw, (model) => {
            model.weights = Bigram.copy(saved.weights)
            return { json: { type: "load_weights", path: body.path }, kind: "plain" }
          }),
        }
      }
      case "/weights_info": {
        const saved = checkpoints.get(body.tinker_path)
        if (saved === undefined) throw new Refused(404, "Checkpoint not found")
        return { base_model: saved.baseModel, is_lora: true, lora_rank: saved.rank }
      }
      case "/asample": {
        const sampler = samplers.get(body.sampling_session_id)
        if (sampler === undefined) throw new Refused(404, "Sampling session not found")
        return future(() => sampled(sampler, body))
      }
      case "/auth/token":
        return { jwt: `e30.${Buffer.from(JSON.stringify({ exp: Date.now() / 1000 + 3600 })).toString("base64url")}.x` }
      default:
        throw new Refused(404, `no such path ${path}`)
    }
  }

  const send = (response: ServerResponse, status: number, bytes: Buffer, headers: Record<string, string> = {}) => {
    response.writeHead(status, { "content-type": "application/json", "content-length": bytes.length, ...headers })
    response.end(bytes)
  }
  const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value))

  const answer = (path: string, body: Json, raw: string, accept: string) => {
    try {
      if (path !== "/retrieve_future")
        return { status: 200, bytes: json(handle(path, body, raw)), type: "application/json" }
      const entry = promises.get(body.request_id)
      if (entry === undefined) {
        return { status: dialect === "skyrl" ? 404 : 410, bytes: json({ detail: "gone" }), type: "application/json" }
      }
      const { result } = entry
      if (forgets && result !== null) promises.delete(body.request_id)
      if (result === null) {
        const again = { type: "try_again", request_id: body.request_id, queue_state: "active" }
        return { status: 200, bytes: json(again), type: "application/json" }
      }
      if ("error" in result) {
        return dialect === "skyrl"
          ? { status: 400, bytes: json({ detail: result.error }), type: "application/json" }
          : { status: 200, bytes: json({ error: result.error, category: "USER" }), type: "application/json" }
      }
      if (result.kind !== "plain" && options.edit !== undefined) {
        const bytes = Buffer.from(options.edit(structuredClone(result.json)))
        return { status: 200, bytes, type: "application/json" }
      }
      if (result.kind === "plain" || !accept.includes("x-protobuf"))
        return { status: 200, bytes: json(result.json), type: "application/json" }
      const bytes = result.kind === "output" ? Proto.writeOutput(result.json) : Proto.writeSamples(result.json)
      return { status: 200, bytes, type: "application/x-protobuf" }
    } catch (error) {
      const status = error instanceof Refused ? error.status : 500
      return { status, bytes: json({ detail: (error as Error).message }), type: "application/json" }
    }
  }

  const loseFutures = () => {
    promises = new Map()
    for (const socket of sockets) socket.destroy()
  }
  /** Everything but the checkpoints is lost, as when the process is killed. */
  const crash = () => {
    sessions = new Map()
    models = new Map()
    samplers = new Map()
    results = new Map()
    lateCopies = []
    loseFutures()
  }

  const serve = async (request: IncomingMessage, response: ServerResponse) => {
    const parts: Array<Buffer> = []
    for await (const part of request) parts.push(part as Buffer)
    const sent = Buffer.concat(parts)
    const bytes = request.headers["content-encoding"] === "zstd" ? zstdDecompressSync(sent) : sent
    const path = (request.url ?? "").replace("/api/v1", "")
    const isBinary = request.headers["content-type"] === "application/x-protobuf"
    const body = isBinary ? Proto.readRequest(bytes) : bytes.length === 0 ? {} : JSON.parse(bytes.toString("utf8"))
    if (!forgets) requests.push({ path, body, headers: request.headers })
    const raw = bytes.toString("latin1")
    const work = () => answer(path, body, raw, request.headers.accept ?? "")
    for (const copy of lateCopies.splice(0, 1)) copy()
    const fault = options.faults?.next(path) ?? null
    const plain = () => {
      const { bytes, status, type } = work()
      send(response, status, bytes, { "content-type": type })
    }
    switch (fault?.kind) {
      case undefined:
        return plain()
      case "drop":
        if (fault.processed) work()
        return void request.socket.destroy()
      case "cut": {
        const { bytes, status, type } = work()
        response.writeHead(status, { "content-type": type, "content-length": bytes.length + 10 })
        response.write(bytes)
        return void setImmediate(() => request.socket.destroy())
      }
      case "truncate": {
        const { bytes, status, type } = work()
        return send(response, status, bytes.subarray(0, Math.max(1, bytes.length - 3)), { "content-type": type })
      }
      case "garble":
        work()
        return send(response, 200, Buffer.from("<html>bad gateway</html>"), { "content-type": "text/html" })
      case "status":
        if (fault.processed) work()
        return send(response, fault.status, json({ detail: "injected" }), fault.headers ?? {})
      case "body":
        return send(response, 200, json(fault.body))
      case "delay":
        await new Promise((resolve) => setTimeout(resolve, fault.milliseconds))
        return plain()
      case "twice":
        work()
        return plain()
      case "late-copy":
        lateCopies.push(() => void work())
        return plain()
      case "forget":
        promises.delete(body.request_id)
        return plain()
      case "restart":
        return loseFutures()
      case "crash":
        return crash()
    }
  }

  const server = createServer((request, response) => {
    serve(request, response).catch((error: Error) => {
      if (!response.headersSent) send(response, 500, json({ detail: error.stack ?? error.message }))
    })
  })
  server.on("connection", (socket) => {
    sockets.add(socket)
    socket.on("close", () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  return {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    executed,
    checkpoints,
    crash,
    loseFutures,
    models: () => models,
    heartbeats: () => [...sessions.values()].reduce((sum, s) => sum + s.heartbeats, 0),
    close: () =>
      new Promise<void>((resolve) => {
        for (const socket of sockets) socket.destroy()
        server.close(() => resolve())
      }),
  }
}

export type Double = Awaited<ReturnType<typeof make>>
