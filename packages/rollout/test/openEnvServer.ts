/** A server that speaks OpenEnv's WebSocket messages: guess a number, told up or down. Text frames alone, as they are there. */
import { createHash } from "node:crypto"
import { createServer } from "node:http"
import type { AddressInfo, Socket } from "node:net"
import type { Duplex } from "node:stream"

interface Message {
  readonly type: string
  readonly data?: Readonly<Record<string, unknown>>
}

/** The texts of the masked frames of a connection; calls `end` at a close frame. */
const reader = (give: (text: string) => void, end: () => void) => {
  let bytes = Buffer.alloc(0)
  return (part: Buffer): void => {
    bytes = Buffer.concat([bytes, part])
    while (bytes.length >= 6) {
      const short = bytes[1] & 127
      const header = short === 126 ? 4 : 2
      const length = short === 126 ? bytes.readUInt16BE(2) : short
      if (bytes.length < header + 4 + length) return
      const mask = bytes.subarray(header, header + 4)
      const payload = Buffer.from(bytes.subarray(header + 4, header + 4 + length)).map((b, i) => b ^ mask[i % 4])
      const opcode = bytes[0] & 15
      bytes = bytes.subarray(header + 4 + length)
      if (opcode === 8) return end()
      if (opcode === 1) give(Buffer.from(payload).toString())
    }
  }
}

export const frame = (text: string): Buffer => {
  const payload = Buffer.from(text)
  const head =
    payload.length < 126
      ? Buffer.of(0x81, payload.length)
      : Buffer.concat([Buffer.of(0x81, 126), Buffer.of(payload.length >> 8, payload.length & 255)])
  return Buffer.concat([head, payload])
}

/** What happened, and how it can be made to go wrong. */
export interface Server {
  readonly url: string
  readonly resets: ReadonlyArray<Readonly<Record<string, unknown>>>
  /** Sessions under way. */
  readonly open: () => number
  readonly close: () => Promise<void>
}

/** In the place of an observation: a text, null for the end of the session, or whatever bytes. */
export type Broken = string | null | ((socket: Duplex) => void)

/** `broken`: what a step of that guess answers. */
export const start = async (broken: Readonly<Record<string, Broken>> = {}): Promise<Server> => {
  const resets: Array<Readonly<Record<string, unknown>>> = []
  const sockets = new Set<Duplex>()
  const server = createServer()
  server.on("upgrade", (request, socket: Socket) => {
    const accept = createHash("sha1")
      .update(`${request.headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
      .digest("base64")
    if (request.url !== "/ws") return socket.destroy()
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
    )
    sockets.add(socket)
    socket.on("close", () => sockets.delete(socket)).on("error", () => {})
    let secret = 0
    let steps = 0
    const say = (message: Message) => void socket.write(frame(JSON.stringify(message)))
    const see = (hint: string, reward: number | null, done: boolean) =>
      say({ type: "observation", data: { observation: { hint, steps }, reward, done } })
    const give = (text: string): void => {
      const { data = {}, type } = JSON.parse(text) as Message
      if (type === "close") return void socket.end()
      if (type === "state") return say({ type: "state", data: { episode_id: null, step_count: steps } })
      if (type === "reset") {
        resets.push(data)
        secret = Number(data["seed"]) % 10
        steps = 0
        return see("0-9?", null, false)
      }
      const answer = broken[String(data["guess"])]
      if (answer === null) return void socket.destroy()
      if (typeof answer === "function") return answer(socket)
      if (answer !== undefined) return void socket.write(frame(answer))
      steps++
      const guess = Number(data["guess"])
      see(guess < secret ? "up" : guess > secret ? "down" : "yes", guess === secret ? 1 : 0, guess === secret)
    }
    socket.on(
      "data",
      reader(give, () => socket.end()),
    )
  })
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    resets,
    open: () => sockets.size,
    close: () =>
      new Promise((done) => {
        for (const socket of sockets) socket.destroy()
        server.close(() => done())
      }),
  }
}
