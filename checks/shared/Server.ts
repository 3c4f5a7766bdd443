/** A real server for a check: a free port, a tiny random model made by the server's own Python, start and stop. */
import { spawn, spawnSync } from "node:child_process"
import { openSync, readFileSync } from "node:fs"
import { type AddressInfo, createServer } from "node:net"
import { join } from "node:path"
import { setTimeout } from "node:timers/promises"
import { fileURLToPath } from "node:url"

export const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer()
    server.on("error", reject)
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })

/** Writes a Qwen3 of two layers into `folder`; `config` are options of transformers' configuration. */
export const makeModel = (python: string, folder: string, vocabulary: number, config: object): void => {
  const script = fileURLToPath(new URL("tiny_model.py", import.meta.url))
  const args = [script, folder, String(vocabulary), JSON.stringify(config)]
  const env = { ...process.env, HF_HUB_OFFLINE: "1" }
  const { status, stderr } = spawnSync(python, args, { env, encoding: "utf8" })
  if (status !== 0) throw new Error(`the tiny model could not be made:\n${stderr}`)
}

export interface Options {
  readonly command: string
  readonly args: ReadonlyArray<string>
  readonly env: Readonly<Record<string, string>>
  /** Where its log is appended to. */
  readonly folder: string
  readonly port: number
  /** The path that answers once it is up. */
  readonly health: string
}

export interface Server {
  readonly url: string
  /** SIGKILL, to the server and the processes that it started. */
  readonly kill: () => Promise<void>
}

/** Starts a server; resolves when it answers, in at most twenty minutes: on a busy machine vLLM takes ten. */
export const start = async ({ args, command, env, folder, health, port }: Options): Promise<Server> => {
  const log = join(folder, "server.log")
  const output = openSync(log, "a")
  // A group of its own, so that its engine's process ends with it.
  const child = spawn(command, args, {
    stdio: ["ignore", output, output],
    detached: true,
    env: { ...process.env, HF_HUB_OFFLINE: "1", ...env },
  })
  const gone = new Promise((resolve) => child.on("close", resolve).on("error", resolve))
  const kill = async () => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL")
    } catch {
      // It has ended already.
    }
    await gone
  }
  const url = `http://127.0.0.1:${port}`
  const healthy = () =>
    fetch(`${url}${health}`).then(
      ({ ok }) => ok,
      () => false,
    )
  const deadline = Date.now() + 1_200_000
  while (Date.now() < deadline && child.pid !== undefined && child.exitCode === null && child.signalCode === null) {
    if (await healthy()) return { url, kill }
    await setTimeout(500)
  }
  await kill()
  throw new Error(`the server did not come up:\n${readFileSync(log, "utf8").slice(-3000)}`)
}
