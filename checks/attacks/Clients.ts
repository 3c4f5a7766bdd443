/** Clients of the reward server: honest ones, and clients that send malformed, slow or huge requests, or leave. */
import { Agent, request } from "node:http"
import { connect } from "node:net"
import { setTimeout as sleep } from "node:timers/promises"
import type { Seed } from "@lpo/rollout"
import * as Items from "./Items.ts"

type Random = ReturnType<typeof Seed.stream>

export interface Tally {
  /** Items with the verdict that they deserve. */
  right: number
  /** Items whose verdict says why they were not judged: their worker was killed too often. */
  unjudged: number
  /** Requests that were told to retry, and did. */
  again: number
  /** Requests that were refused as they should be. */
  refused: number
  /** When retries stop, by `performance.now()`. */
  readonly until: number
  /** What must not happen. */
  readonly wrong: Array<string>
}

/** Milliseconds before a retry: from one second, doubled each time up to half a minute. */
const pause = (tries: number, share: number): number => Math.min(30_000, 1000 * 2 ** tries) * (0.5 + share)

interface Verdict {
  readonly id: unknown
  readonly status: string
  readonly score: number
  readonly reason: string
}

const ask = (port: number, agent: Agent, body: string): Promise<{ status: number; text: string }> =>
  new Promise((resolve, reject) => {
    const out = request({ port, agent, host: "127.0.0.1", path: "/v1/verify/batch", method: "POST" }, (response) => {
      let text = ""
      response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk))
      response.on("end", () => resolve({ status: response.statusCode ?? 0, text })).on("error", reject)
    })
    out.on("error", reject).end(body)
  })

const compare = (tally: Tally, items: ReadonlyArray<Items.Item>, verdicts: ReadonlyArray<Verdict>): void => {
  if (verdicts.length !== items.length) tally.wrong.push(`${verdicts.length} verdicts for ${items.length} items`)
  for (const [i, { row, score }] of items.entries()) {
    const verdict = verdicts[i]
    if (verdict === undefined) continue
    const isOwn = score === null || verdict.id === (row as { id: string }).id
    const isRight = score === null ? verdict.status === "error" : verdict.status === "ok" && verdict.score === score
    if (isOwn && isRight) tally.right++
    else if (isOwn && verdict.status === "error" && /killed|ended|died/.test(verdict.reason)) tally.unjudged++
    else tally.wrong.push(`${JSON.stringify(row).slice(0, 200)} got ${JSON.stringify(verdict).slice(0, 200)}`)
  }
}

/** Sends `count` items in batches; retries when told to, and after a cut connection. */
export const honest = async (port: number, tally: Tally, random: Random, name: string, count: number) => {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  for (let sent = 0; sent < count;) {
    const size = Math.min(count - sent, random.int(1, 40))
    const items = Array.from({ length: size }, (_, i) => Items.item(random, `${name}-${sent + i}`))
    const body = JSON.stringify({ items: items.map(({ row }) => row) })
    for (let tries = 0; ; tries++) {
      const reply = await ask(port, agent, body).catch((cause: Error) => ({ status: 0, text: cause.message }))
      if (reply.status === 200) {
        compare(tally, items, (JSON.parse(reply.text) as { verdicts: Array<Verdict> }).verdicts)
        break
      }
      // 0: the server closed an idle connection just then, or has no room for one more.
      if (performance.now() > tally.until || ![0, 429].includes(reply.status)) {
        tally.wrong.push(`${name}: ${reply.status} ${reply.text.slice(0, 200)}`)
        break
      }
      tally.again++
      await sleep(pause(tries, random.uniform()))
    }
    sent += size
  }
  agent.destroy()
}

/** The status that answers bytes, or null when the connection ends without one. `drip` sends them one by one, at that pace in ms. */
const raw = (port: number, bytes: Buffer, options: { drip?: number; leaveAfter?: number } = {}) =>
  new Promise<number | null>((resolve) => {
    const socket = connect(port, "127.0.0.1")
    let said = ""
    let at = 0
    const timer = setInterval(() => {
      if (at < bytes.length) socket.write(bytes.subarray(at, ++at))
    }, options.drip ?? 1_000_000)
    const leave = options.leaveAfter === undefined ? null : setTimeout(() => socket.destroy(), options.leaveAfter)
    // A client that hears nothing for as long as this gives up: the server has to be faster.
    socket.setTimeout(120_000, () => socket.destroy())
    socket.on("connect", () => options.drip === undefined && socket.write(bytes))
    socket.on("data", (data) => {
      said += String(data)
      if (said.includes("\r\n")) socket.destroy()
    })
    socket.on("error", () => undefined)
    socket.on("close", () => {
      clearInterval(timer)
      if (leave !== null) clearTimeout(leave)
      const status = /^HTTP\/1\.1 (\d+)/.exec(said)
      resolve(status === null ? null : Number(status[1]))
    })
  })

const expect = async (
  tally: Tally,
  name: string,
  answers: ReadonlyArray<number | null>,
  send: () => Promise<number | null>,
): Promise<void> => {
  for (let tries = 0; performance.now() < tally.until; tries++) {
    const status = await send()
    if (answers.includes(status)) return void tally.refused++
    // No room for one more connection or body just now.
    if (status !== null && status !== 429) return void tally.wrong.push(`${name} got the answer ${status}`)
    tally.again++
    await sleep(pause(tries, 0.5))
  }
  tally.wrong.push(`${name} got no answer`)
}

/** Every kind of malformed request once. */
export const malformed = async (port: number, tally: Tally): Promise<void> => {
  for (const [name, bytes, answers] of Items.malformed) await expect(tally, name, answers, () => raw(port, bytes))
}

/** A body that drips, one that falls silent, and headers that drip. */
export const slow = async (port: number, tally: Tally): Promise<void> => {
  const head = "POST /v1/verify HTTP/1.1\r\nhost: x\r\ncontent-length: 100000\r\n\r\n"
  await expect(tally, "a silent body", [408], () => raw(port, Buffer.from(`${head}{`)))
  await expect(tally, "dripping headers", [408], () => raw(port, Buffer.from(head.repeat(50)), { drip: 500 }))
  await expect(tally, "a dripping body", [408], () =>
    raw(port, Buffer.from(`${head}${" ".repeat(100_000)}`), { drip: 200 }),
  )
}

/** Bodies that are too long, by their header or in fact, and one with too many values. */
export const huge = async (port: number, tally: Tally): Promise<void> => {
  const head = (length: number) => `POST /v1/verify/batch HTTP/1.1\r\nhost: x\r\ncontent-length: ${length}\r\n\r\n`
  await expect(tally, "a body of 100 GB", [413], () => raw(port, Buffer.from(head(1e11))))
  const values = `{"items":[${"0,".repeat(15_000_000)}0]}`
  // 408 where this process has had no turn to send for as long as the server waits.
  await expect(tally, "a body of 15,000,000 values", [413, 408], () =>
    raw(port, Buffer.from(head(values.length) + values)),
  )
  const piece = `100000\r\n${"x".repeat(2 ** 20)}\r\n`
  const pieces = `POST /v1/verify HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n${piece.repeat(40)}`
  await expect(tally, "a body without end", [413, 408], () => raw(port, Buffer.from(pieces)))
}

/** Batches whose client does not wait for the answer. */
export const leaving = async (port: number, tally: Tally, random: Random): Promise<void> => {
  for (let i = 0; i < 10; i++) {
    const items = Array.from({ length: 30 }, (_, k) => Items.item(random, `left-${k}`).row)
    const body = JSON.stringify({ items })
    const bytes = Buffer.from(
      `POST /v1/verify/batch HTTP/1.1\r\nhost: x\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    )
    await raw(port, bytes, { leaveAfter: random.int(0, 200) })
    tally.refused++
  }
}
