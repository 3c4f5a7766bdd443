/**
 * A Tinker server that computes nothing: it answers every request at once with tokens and log-probs of the right shape, made
 * beforehand. Prints its port; `GET /counters` says what came in and went out. `server.ts SAMPLES TOKENS PROMPT_TOKENS`.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { zstdDecompressSync } from "node:zlib"
import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire"

const [samples, completion, prompt] = process.argv.slice(2).map(Number)
const floats = (n: number) => Float32Array.from({ length: n }, (_, i) => -((i * 7919) % 1000) / 300)
const bytes = (array: Int32Array | Float32Array | BigInt64Array) => new Uint8Array(array.buffer)
const places = prompt + completion - 1

const tokens = Int32Array.from({ length: completion }, (_, i) => (i * 31) % 150000)
const logprobs = floats(completion)
const sampleJson = JSON.stringify({
  sequences: Array.from({ length: samples }, () => ({
    stop_reason: "length",
    tokens: [...tokens],
    logprobs: [...logprobs],
  })),
})
const sampleProto = (() => {
  const writer = new BinaryWriter()
  for (let k = 0; k < samples; k++) {
    writer.tag(1, WireType.LengthDelimited).fork().tag(1, WireType.Varint).int32(1)
    writer
      .tag(2, WireType.LengthDelimited)
      .bytes(bytes(tokens))
      .tag(3, WireType.LengthDelimited)
      .bytes(bytes(logprobs))
      .join()
  }
  return writer.finish()
})()
const outputJson = (datums: number): string => {
  const one = JSON.stringify({ logprobs: { data: [...floats(places)], dtype: "float32" } })
  return `{"loss_fn_output_type":"x","loss_fn_outputs":[${new Array(datums).fill(one).join(",")}],"metrics":{}}`
}
const outputProto = (datums: number): Uint8Array => {
  const all = new Float32Array(datums * places)
  const row = floats(places)
  for (let i = 0; i < datums; i++) all.set(row, i * places)
  const offsets = BigInt64Array.from({ length: datums + 1 }, (_, i) => BigInt(i * places * 4))
  const writer = new BinaryWriter()
  writer
    .tag(2, WireType.LengthDelimited)
    .fork()
    .tag(2, WireType.LengthDelimited)
    .fork()
    .tag(1, WireType.LengthDelimited)
    .string("logprobs")
    .tag(2, WireType.LengthDelimited)
    .fork()
  writer
    .tag(1, WireType.LengthDelimited)
    .bytes(bytes(all))
    .tag(2, WireType.LengthDelimited)
    .bytes(bytes(offsets))
    .tag(3, WireType.Varint)
    .int32(1)
    .join()
    .join()
  writer.tag(3, WireType.Varint).int64(datums).join()
  return writer.finish()
}
/** A function that is called once for each number. */
const cached = <A>(make: (n: number) => A): ((n: number) => A) => {
  const made = new Map<number, A>()
  return (n) => {
    const found = made.get(n) ?? make(n)
    made.set(n, found)
    return found
  }
}
const [makeJson, makeProto] = [cached(outputJson), cached(outputProto)]

/** How many datums a forward_backward body has. */
const countDatums = (body: Buffer, isProto: boolean): number => {
  // A chunk's tokens are the only place with this word, once a datum.
  if (!isProto) return body.toString("latin1").split('"model_input"').length - 1
  const reader = new BinaryReader(body)
  let n = 0
  while (reader.pos < body.length) {
    const [field, wire] = reader.tag()
    if (field === 3) n++
    reader.skip(wire)
  }
  return n
}

const counters = { requests: 0, received: 0, sent: 0 }
interface Answer {
  readonly json: () => string
  readonly proto?: () => Uint8Array
}
const promises = new Map<string, Answer>()
let ids = 0
const serve = async (request: IncomingMessage, response: ServerResponse) => {
  const parts: Array<Buffer> = []
  for await (const part of request) parts.push(part as Buffer)
  const sent = Buffer.concat(parts)
  if (request.url === "/counters") return response.end(JSON.stringify(counters))
  counters.requests++
  counters.received += sent.length
  const path = (request.url ?? "").replace("/api/v1", "")
  const zstd = request.headers["content-encoding"] === "zstd"
  const isProto = request.headers["content-type"] === "application/x-protobuf"
  const accepts = (request.headers.accept ?? "").includes("protobuf")
  const send = (body: string | Uint8Array, type = "application/json") => {
    const buffer = typeof body === "string" ? Buffer.from(body) : body
    counters.sent += buffer.length
    response.writeHead(200, { "content-type": type, "content-length": buffer.length })
    response.end(buffer)
  }
  const promise = (result: Answer) => {
    const id = String(++ids)
    promises.set(id, result)
    send(JSON.stringify({ request_id: id }))
  }
  const plain = (value: object) => promise({ json: () => JSON.stringify(value) })
  if (path === "/retrieve_future") {
    const { request_id } = JSON.parse(sent.toString()) as { readonly request_id: string }
    const answer = promises.get(request_id)
    promises.delete(request_id)
    if (answer === undefined) return response.writeHead(404).end()
    const { json, proto } = answer
    return accepts && proto ? send(proto(), "application/x-protobuf") : send(json())
  }
  if (path === "/create_session") return send('{"session_id":"s"}')
  if (path === "/create_model") return plain({ model_id: "m" })
  if (path === "/save_weights_for_sampler") return plain({ path: null, sampling_session_id: "x" })
  if (path === "/optim_step") return plain({ metrics: {} })
  if (path === "/asample") return promise({ json: () => sampleJson, proto: () => sampleProto })
  if (path === "/forward" || path === "/forward_backward") {
    const datums = countDatums(zstd ? zstdDecompressSync(sent) : sent, isProto)
    return promise({ json: () => makeJson(datums), proto: () => makeProto(datums) })
  }
  return send("{}")
}
const server = createServer((request, response) => {
  serve(request, response).catch((cause: unknown) => response.destroy(cause as Error))
})
server.listen(0, "127.0.0.1", () => console.log((server.address() as AddressInfo).port))
