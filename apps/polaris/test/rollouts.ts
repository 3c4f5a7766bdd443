/** vLLM's routes over real policies, one per adapter that was loaded: it samples from what was published, and from nothing else. */
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import type { Problem } from "@lpo/rollout"
import { Backend, Checkpoint, type Lora, LoraFiles, Policy } from "@lpo/transformer"
import { Effect, Exit, Scope } from "effect"

interface Asked {
  readonly [key: string]: unknown
  readonly lora_name: string
  readonly lora_path: string
  readonly model: string
  readonly prompt: ReadonlyArray<ReadonlyArray<number>>
  readonly messages?: ReadonlyArray<Problem.Message>
  readonly n: number
  readonly seed: number
  readonly max_tokens: number
  readonly temperature: number
  readonly stop?: ReadonlyArray<string>
}

/** A server of the checkpoint in a folder, which it calls "base". */
export const serve = async (folder: string) => {
  const scope = await Effect.runPromise(Scope.make())
  await Effect.runPromise(Backend.start("wasm"))
  const { config, tokenizer, values } = await Effect.runPromise(Checkpoint.open(folder))
  if (tokenizer === null) throw new Error("the checkpoint has no tokenizer")
  const makePolicy = (lora?: Lora.Adapter) =>
    Effect.runPromise(
      Policy.make(config, tokenizer, values, { workers: 0, ...(lora === undefined ? {} : { lora }) }).pipe(
        Scope.provide(scope),
      ),
    )
  const policies = new Map([["base", await makePolicy()]])
  const loaded: Array<string> = []
  const routes: Record<string, (body: Asked) => Promise<readonly [number, unknown]>> = {
    "/health": async () => [200, ""],
    "/tokenize": async ({ messages, prompt }) => {
      const tokens = messages === undefined ? tokenizer.encode(String(prompt)) : tokenizer.encodeChat(messages)
      return [200, { tokens: Array.from(await Effect.runPromise(tokens)) }]
    },
    "/v1/models": async () => [200, { data: [{ id: "base", max_model_len: config.max_position_embeddings }] }],
    "/v1/load_lora_adapter": async ({ lora_name, lora_path }) => {
      policies.set(lora_name, await makePolicy(await Effect.runPromise(LoraFiles.read(config, lora_path))))
      loaded.push(lora_name)
      return [200, "Success"]
    },
    "/v1/unload_lora_adapter": async ({ lora_name }) => [policies.delete(lora_name) ? 200 : 404, {}],
    "/v1/completions": async ({ max_tokens, model, n, prompt, seed, stop = [], temperature }) => {
      const policy = policies.get(model)
      if (policy === undefined) return [404, { error: { message: `no model ${model}` } }]
      const streams = Array.from({ length: n }, (_, i) => String(seed + i))
      const request = { prompt: Int32Array.from(prompt[0]), streams }
      const law = { maxTokens: max_tokens, temperature, topK: 0, topP: 1, minP: 0, stopStrings: stop }
      const [samples] = await Effect.runPromise(policy.generate([request], law))
      const choices = samples.map(({ finish, logprobs, tokens }, index) => {
        const text = tokenizer.decode(tokens)
        const string = stop.find((s) => text.includes(s))
        const end = tokens[tokens.length - 1]
        return {
          index,
          // As vLLM: without the text that ended it.
          text: string === undefined ? text : text.slice(0, text.indexOf(string)),
          finish_reason: finish,
          stop_reason: string ?? (finish === "stop" ? end : null),
          token_ids: Array.from(tokens),
          prompt_token_ids: prompt[0],
          logprobs: { token_logprobs: Array.from(logprobs), top_logprobs: [{}] },
        }
      })
      return [200, { model, choices }]
    },
  }
  const server = createServer((request, response) => {
    const parts: Array<Buffer> = []
    request.on("data", (part: Buffer) => parts.push(part))
    request.on("end", () => {
      const text = Buffer.concat(parts).toString()
      void routes[request.url ?? ""](JSON.parse(text === "" ? "{}" : text) as Asked).then(([status, body]) => {
        response.writeHead(status, { "content-type": "application/json" })
        response.end(JSON.stringify(body))
      })
    })
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    loaded,
    close: async () => {
      await new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      })
      await Effect.runPromise(Scope.close(scope, Exit.void))
    },
  }
}
