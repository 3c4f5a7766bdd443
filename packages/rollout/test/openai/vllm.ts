/**
 * A small server that speaks vLLM's routes over a real policy: the next token depends on the last one by a table of logits,
 * and adapters shift that table. Faults are switched on by the tests.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { Seed } from "@lpo/rollout"

export const vocabulary = 12
export const stop = 11

/** Logits of the base model, [vocabulary, vocabulary]; adapter folders add to them. */
const table = (name: string): Float64Array => {
  const random = Seed.stream(name)
  return Float64Array.from({ length: vocabulary ** 2 }, () => 3 * random.normal())
}

export const logSoftmax = (row: ArrayLike<number>): Float64Array => {
  const x = Float64Array.from(row)
  const max = Math.max(...x)
  const z = max + Math.log(x.reduce((sum, v) => sum + Math.exp(v - max), 0))
  return x.map((v) => v - z)
}

/** Raw log-probs of the token after `last`, for the policy of that name ("base" or an adapter's folder). */
export const policy = (folder: string, last: number): Float64Array =>
  logSoftmax(table(folder).subarray(last * vocabulary, (last + 1) * vocabulary))

export interface Faults {
  /** Answers that come next instead of the true ones, one per request of the route. */
  replies: Array<{ status: number; body: unknown; headers?: Record<string, string> }>
  /** Finish reason of these choice indices of the next completion request. */
  spoil: Array<{ index: number; finish?: string; logprob?: number }>
  drop: number
  /** Make the text of the next completions' answers, one each, out of their bodies. */
  mangle: Array<(body: any) => string>
  withoutIds: boolean
  withoutReason: boolean
  shuffled: boolean
  mode: "raw" | "processed" | "logits"
  /** What the server claims to have seen as prompt. */
  prompt: ReadonlyArray<number> | null
  model: string | null
  /** Of prompt and response; null: it does not tell. */
  positions: number | null
  /** Holds completions back until it resolves. */
  gate: Promise<void> | null
}

interface Asked {
  readonly path: string
  readonly body: Record<string, any>
  readonly authorization: string | undefined
}

const read = async (request: IncomingMessage): Promise<Record<string, any>> => {
  const parts: Array<Buffer> = []
  for await (const part of request) parts.push(part as Buffer)
  const text = Buffer.concat(parts).toString()
  return text === "" ? {} : JSON.parse(text)
}

export const start = async (port = 0) => {
  const faults: Faults = {
    replies: [],
    spoil: [],
    drop: 0,
    mangle: [],
    withoutIds: false,
    withoutReason: false,
    shuffled: false,
    mode: "raw",
    prompt: null,
    model: null,
    positions: null,
    gate: null,
  }
  const asked: Array<Asked> = []
  const adapters = new Map<string, string>()
  const load = { inFlight: 0, most: 0 }

  const complete = (body: Record<string, any>, prompt: ReadonlyArray<number>) => {
    const folder = body["model"] === "base" ? "base" : adapters.get(body["model"])
    if (folder === undefined) {
      const message = `The model \`${body["model"]}\` does not exist.`
      return { status: 404, body: { error: { message, type: "NotFoundError", param: "model", code: 404 } } }
    }
    const greedy = body["temperature"] === 0
    if (greedy && body["n"] > 1) {
      const message = "n must be 1 when using greedy sampling, got 2."
      return { status: 400, body: { error: { message, type: "BadRequestError", param: null, code: 400 } } }
    }
    const spoil = faults.spoil
    faults.spoil = []
    const choices = Array.from({ length: body["n"] }, (_, i) => {
      const random = Seed.stream(`draw/${body["seed"] + i}`)
      const ids: Array<number> = []
      const logprobs: Array<number> = []
      const tops: Array<Record<string, number>> = []
      let last = prompt.at(-1) ?? 0
      // Like the server, after every token; it gives the text without the string.
      const strings: ReadonlyArray<string> = body["stop"] ?? []
      const textOf = () => ids.filter((t) => t !== stop).join(" ")
      const stringAt = () => strings.find((s) => textOf().includes(s))
      const limit = body["max_tokens"] ?? body["max_completion_tokens"]
      while (ids.length < limit && ids.at(-1) !== stop && stringAt() === undefined) {
        const raw = policy(folder, last)
        const law = greedy ? raw : logSoftmax(raw.map((v) => v / body["temperature"]))
        let u = random.uniform()
        let token = 0
        if (greedy) token = law.indexOf(Math.max(...law))
        else while (token < vocabulary - 1 && (u -= Math.exp(law[token])) > 0) token++
        const logits = table(folder).subarray(last * vocabulary, (last + 1) * vocabulary)
        const said = faults.mode === "raw" ? raw : faults.mode === "processed" ? law : logits
        ids.push(token)
        logprobs.push(said[token])
        const order = Array.from(said.keys()).sort((a, b) => said[b] - said[a])
        tops.push(Object.fromEntries(order.map((t) => [`token_id:${t}`, said[t]])))
        last = token
      }
      const string = stringAt()
      const spoiled = spoil.find(({ index }) => index === i)
      if (spoiled?.logprob !== undefined) logprobs[0] = spoiled.logprob
      const finish = spoiled?.finish ?? (ids.at(-1) === stop || string !== undefined ? "stop" : "length")
      const text = string === undefined ? textOf() : textOf().slice(0, textOf().indexOf(string))
      const reason = faults.withoutReason ? undefined : (string ?? (ids.at(-1) === stop ? stop : null))
      return { index: i, ids, logprobs, tops, finish, reason, text }
    })
    if (faults.shuffled) choices.reverse()
    return { status: 200, choices, seen: faults.prompt ?? prompt, model: faults.model ?? body["model"] }
  }

  const answer = async (path: string, body: Record<string, any>): Promise<{ status: number; body: unknown }> => {
    if (path === "/health") return { status: 200, body: "" }
    if (path === "/tokenize") {
      const text = body["prompt"] ?? body["messages"].map((m: { content: string }) => m.content).join(" ")
      const tokens = (String(text).match(/\d+/g) ?? []).map(Number)
      return { status: 200, body: { tokens, count: tokens.length, max_model_len: 64 } }
    }
    if (path === "/v1/models")
      return { status: 200, body: { object: "list", data: [{ id: "base", max_model_len: faults.positions }] } }
    if (path === "/v1/load_lora_adapter") {
      if (adapters.has(body["lora_name"])) {
        const message = `The lora adapter '${body["lora_name"]}' has already been loaded.`
        return { status: 400, body: { object: "error", message, type: "InvalidUserInput", code: 400 } }
      }
      adapters.set(body["lora_name"], body["lora_path"])
      return { status: 200, body: `Success: LoRA adapter '${body["lora_name"]}' added successfully.` }
    }
    if (path === "/v1/unload_lora_adapter") {
      return adapters.delete(body["lora_name"])
        ? { status: 200, body: "Success" }
        : { status: 404, body: { error: { message: "not loaded", type: "NotFoundError", param: null, code: 404 } } }
    }
    if (path === "/v1/completions") {
      const done = complete(body, body["prompt"][0])
      if (done.choices === undefined) return done
      const { choices, model, seen } = done
      return {
        status: 200,
        body: {
          id: "cmpl-1",
          object: "text_completion",
          created: 0,
          model,
          choices: choices.map(({ finish, ids, index, logprobs, reason, text, tops }) => {
            const choice = {
              index,
              text,
              finish_reason: finish,
              stop_reason: reason,
              logprobs: {
                tokens: ids.map(String),
                token_logprobs: logprobs,
                top_logprobs: body["logprobs"] > 0 ? tops : null,
                text_offset: ids.map(() => 0),
              },
            }
            return faults.withoutIds ? choice : Object.assign(choice, { token_ids: ids, prompt_token_ids: seen })
          }),
          usage: {},
        },
      }
    }
    if (path === "/v1/chat/completions") {
      const done = complete(body, [1, 2, 3])
      if (done.choices === undefined) return done
      const { choices, model, seen } = done
      return {
        status: 200,
        body: {
          id: "chatcmpl-1",
          object: "chat.completion",
          created: 0,
          model,
          prompt_token_ids: seen,
          choices: choices.map(({ finish, ids, index, logprobs, reason, text }) => ({
            index,
            message: { role: "assistant", content: text },
            finish_reason: finish,
            stop_reason: reason,
            token_ids: ids,
            logprobs: { content: ids.map((id, t) => ({ token: String(id), logprob: logprobs[t], top_logprobs: [] })) },
          })),
          usage: {},
        },
      }
    }
    return { status: 404, body: { detail: "Not Found" } }
  }

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = request.url ?? ""
    const body = await read(request)
    asked.push({ path, body, authorization: request.headers.authorization })
    const samples = path.endsWith("completions")
    if (samples && faults.drop > 0) {
      faults.drop--
      response.destroy()
      return
    }
    const forced = samples ? faults.replies.shift() : undefined
    const n = samples ? Number(body["n"]) : 0
    load.inFlight += n
    load.most = Math.max(load.most, load.inFlight)
    if (samples && faults.gate !== null) await faults.gate
    const reply = forced ?? (await answer(path, body))
    load.inFlight -= n
    const mangle = samples ? faults.mangle.shift() : undefined
    const text = mangle?.(reply.body) ?? (typeof reply.body === "string" ? reply.body : JSON.stringify(reply.body))
    response.writeHead(reply.status, { "content-type": "application/json", ...forced?.headers })
    response.end(text)
  }
  const server = createServer((request, response) => void serve(request, response))
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve))
  const { port: bound } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${bound}`,
    port: bound,
    faults,
    asked,
    adapters,
    load,
    completions: () => asked.filter(({ body, path }) => path === "/v1/completions" && body["logprobs"] === 0),
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

export type Double = Awaited<ReturnType<typeof start>>
