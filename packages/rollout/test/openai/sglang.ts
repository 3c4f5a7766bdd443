/** A small server that speaks SGLang's native routes over the same policy as the vLLM double. */
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { Seed } from "@lpo/rollout"
import { policy, stop, vocabulary } from "./vllm.ts"

export const start = async () => {
  const asked: Array<Record<string, any>> = []
  const adapters = new Map<string, string>()
  const state = { withoutAdapters: false, mangle: [] as Array<(body: any) => string> }
  const generate = (body: Record<string, any>) => {
    const { max_new_tokens, n, sampling_seed, stop: strings = [] } = body["sampling_params"]
    const folder = body["lora_path"] === undefined ? "base" : (adapters.get(body["lora_path"]) ?? "base")
    const all = Array.from({ length: n }, (_, i) => {
      const random = Seed.stream(`draw/${sampling_seed + i}`)
      const pairs: Array<[number, number, null]> = []
      let last: number = body["input_ids"].at(-1)
      const textOf = () => pairs.map(([, token]) => token).join(" ")
      const stringAt = () => (strings as ReadonlyArray<string>).find((s) => textOf().includes(s))
      while (pairs.length < max_new_tokens && pairs.at(-1)?.[1] !== stop && stringAt() === undefined) {
        const law = policy(folder, last)
        let u = random.uniform()
        let token = 0
        while (token < vocabulary - 1 && (u -= Math.exp(law[token])) > 0) token++
        pairs.push([law[token], token, null])
        last = token
      }
      const string = stringAt()
      const matched = string ?? (pairs.at(-1)?.[1] === stop ? stop : undefined)
      return {
        text: string === undefined ? textOf() : textOf().slice(0, textOf().indexOf(string)),
        output_ids: pairs.map(([, token]) => token),
        meta_info: {
          id: "x",
          finish_reason: matched === undefined ? { type: "length" } : { type: "stop", matched },
          output_token_logprobs: pairs,
        },
      }
    })
    return n === 1 ? all[0] : all
  }
  const server = createServer((request, response) => {
    const parts: Array<Buffer> = []
    request.on("data", (part: Buffer) => parts.push(part))
    request.on("end", () => {
      const text = Buffer.concat(parts).toString()
      const body = text === "" ? {} : JSON.parse(text)
      const reply = (status: number, value: unknown) => {
        response.writeHead(status, { "content-type": "application/json" })
        response.end(JSON.stringify(value))
      }
      if (request.url === "/health") return reply(200, "")
      if (request.url === "/generate") {
        asked.push(body)
        const answer = generate(body)
        response.writeHead(200, { "content-type": "application/json" })
        return void response.end((state.mangle.shift() ?? JSON.stringify)(answer))
      }
      if (request.url === "/load_lora_adapter" && !state.withoutAdapters) {
        adapters.set(body.lora_name, body.lora_path)
        return reply(200, { success: true })
      }
      if (request.url === "/unload_lora_adapter") return reply(200, { success: adapters.delete(body.lora_name) })
      return reply(404, { detail: "Not Found" })
    })
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const { port } = server.address() as AddressInfo
  return Object.assign(state, {
    url: `http://127.0.0.1:${port}`,
    asked,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  })
}

export type Double = Awaited<ReturnType<typeof start>>
