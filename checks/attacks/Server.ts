/** The reward server under honest, malformed, slow, huge and leaving clients at once, while its workers are killed at random. */
import { spawn } from "node:child_process"
import { fileURLToPath } from "node:url"
import { Seed } from "@lpo/rollout"
import * as Clients from "./Clients.ts"
import * as Processes from "./Processes.ts"

export interface Result extends Clients.Tally {
  readonly items: number
  readonly clients: number
  /** Workers that were killed. */
  readonly kills: number
  readonly seconds: number
  /** Peak resident MiB of the server, and of its workers together. */
  readonly serverMiB: number
  readonly workersMiB: number
}

const program = fileURLToPath(new URL("../../packages/verifiers/src/cli/main.ts", import.meta.url))
/** Items between kills: by the clock, a busy machine would see its processes killed before they are up. */
const killEvery = 500
/** How clients are shared out; the rest is honest. */
const shares = { malformed: 0.05, slow: 0.04, huge: 0.02, leaving: 0.04 }

/** `minutes`: how long clients try. */
export const attack = async (seed: string, items: number, clients: number, minutes: number): Promise<Result> => {
  const node = ["--conditions=@lpo/source", "--disable-warning=ExperimentalWarning"]
  const server = spawn(process.execPath, [...node, program, "serve", "--port", "0"], {
    stdio: ["ignore", "pipe", "pipe"],
  })
  const pid = server.pid ?? 0
  let stderr = ""
  server.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()))
  const ended = new Promise<number | null>((resolve) => server.on("close", resolve))
  const port = await new Promise<number>((resolve, reject) => {
    server.stdout.on("data", (chunk: Buffer) => {
      const found = /listening on http:\/\/[^:]+:(\d+)/.exec(chunk.toString())
      if (found !== null) resolve(Number(found[1]))
    })
    void ended.then((code) => reject(new Error(`the server ends with ${code}: ${stderr}`)))
  })
  const tally: Clients.Tally = {
    right: 0,
    unjudged: 0,
    again: 0,
    refused: 0,
    wrong: [],
    until: performance.now() + 60_000 * minutes,
  }
  const random = Seed.stream(`${seed}/kills`)
  let [kills, workersMiB] = [0, 0]
  const killing = setInterval(() => {
    const workers = Processes.below(pid)
    workersMiB = Math.max(
      workersMiB,
      workers.reduce((sum, worker) => sum + Processes.memory(worker, "VmRSS"), 0),
    )
    if (workers.length === 0 || tally.right < (kills + 1) * killEvery) return
    const worker = workers[random.int(0, workers.length - 1)]
    try {
      process.kill(worker, "SIGKILL")
      kills++
    } catch {
      // It has ended by itself.
    }
  }, 200)
  const from = performance.now()
  const count = (share: number): number => Math.round(share * clients)
  const evil = Object.values(shares).reduce((sum, share) => sum + count(share), 0)
  const own = (i: number): number =>
    Math.floor((items * (i + 1)) / (clients - evil)) - Math.floor((items * i) / (clients - evil))
  const stream = (name: string) => Seed.stream(`${seed}/${name}`)
  const many = (n: number, run: (i: number) => Promise<void>) => Array.from({ length: n }, (_, i) => run(i))
  await Promise.all([
    ...many(clients - evil, (i) => Clients.honest(port, tally, stream(`client-${i}`), `c${i}`, own(i))),
    ...many(count(shares.malformed), () => Clients.malformed(port, tally)),
    ...many(count(shares.slow), () => Clients.slow(port, tally)),
    ...many(count(shares.huge), () => Clients.huge(port, tally)),
    ...many(count(shares.leaving), (i) => Clients.leaving(port, tally, stream(`leaving-${i}`))),
  ])
  const seconds = (performance.now() - from) / 1000
  clearInterval(killing)
  const health = (await (await fetch(`http://127.0.0.1:${port}/health`)).json()) as { status: string; pending: number }
  if (health.status !== "ok" || health.pending !== 0)
    tally.wrong.push(`at the end /health says ${JSON.stringify(health)}`)
  const serverMiB = Processes.memory(pid, "VmHWM")
  const workers = Processes.below(pid)
  server.kill("SIGTERM")
  const code = await ended
  if (code !== 0) tally.wrong.push(`it ends with ${code}: ${stderr.slice(-300)}`)
  const left = Processes.alive(workers)
  if (left.length > 0) tally.wrong.push(`it leaves ${left.length} processes behind`)
  return { ...tally, items, clients, kills, seconds, serverMiB, workersMiB }
}
