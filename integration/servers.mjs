// What the integrations with real servers share: a free port, and a tiny random model made by the server's own Python.
import { spawnSync } from "node:child_process"
import { createServer } from "node:net"
import { fileURLToPath } from "node:url"

export const freePort = () =>
  new Promise((resolve, reject) => {
    const server = createServer()
    server.on("error", reject)
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address()
      server.close(() => resolve(port))
    })
  })

/** A Qwen3 of two layers whose `config` is that of transformers, in a folder. */
export const makeModel = ({ config, environment = process.env, folder, python, vocabulary }) => {
  const script = fileURLToPath(new URL("tiny_model.py", import.meta.url))
  const args = [script, folder, String(vocabulary), JSON.stringify(config)]
  const { status, stderr } = spawnSync(python, args, { env: environment, encoding: "utf8" })
  if (status !== 0) throw new Error(`the tiny model could not be made:\n${stderr}`)
}
