// The server's side: SkyRL from the Python package index in a folder of its own, a tiny random model, start and stop.
import { spawn, spawnSync } from "node:child_process"
import { createHash } from "node:crypto"
import { existsSync, openSync, readFileSync, readdirSync, writeFileSync } from "node:fs"
import { homedir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { makeModel } from "../servers.mjs"

const here = fileURLToPath(new URL(".", import.meta.url))
const environment = { ...process.env, JAX_PLATFORMS: "cpu", HF_HUB_OFFLINE: "1", TOKENIZERS_PARALLELISM: "false" }

/** A Python of at least 3.12, which SkyRL needs; null when there is none. */
const findPython = () => {
  const pyenv = join(process.env.PYENV_ROOT ?? join(homedir(), ".pyenv"), "versions")
  const versions = existsSync(pyenv) ? readdirSync(pyenv).map((version) => join(pyenv, version, "bin", "python")) : []
  const fits = (python) =>
    spawnSync(python, ["-c", "import sys; sys.exit(not (3, 12) <= sys.version_info < (3, 14))"], { stdio: "ignore" })
      .status === 0
  return ["python3.12", "python3.13", "python3", ...versions].find(fits) ?? null
}

/** The interpreter with SkyRL: SKYRL_PYTHON, or one made here on first use (6 GB, a few minutes). Throws what is missing. */
export const prepare = () => {
  if (process.env.SKYRL_PYTHON) return process.env.SKYRL_PYTHON
  const folder = `${here}.venv`
  const python = `${folder}/bin/python`
  const requirements = `${here}requirements.txt`
  const wanted = createHash("sha256").update(readFileSync(requirements)).digest("hex")
  const stamp = `${folder}/requirements.sha256`
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return python
  const base = findPython()
  if (base === null)
    throw new Error("no Python from 3.12 to 3.13 was found (python3.12 on the PATH, or one of pyenv's)")
  console.log(`installing SkyRL into ${folder} with ${base} (once; about 6 GB)`)
  const run = (command, ...args) => {
    const { error, status } = spawnSync(command, args, { stdio: ["ignore", "ignore", "inherit"] })
    if (error !== undefined || status !== 0)
      throw new Error(`${command} ${args.join(" ")} failed (${error?.message ?? `exit code ${status}`})`)
  }
  run(base, "-m", "venv", folder)
  run(python, "-m", "pip", "install", "--quiet", "--requirement", requirements)
  writeFileSync(stamp, wanted)
  return python
}

/** The unembedding is not trained: its random weights are large, so that logits can move. */
export const makeTiny = (python, folder, vocabulary) => {
  const config = {
    hidden_size: 32,
    intermediate_size: 64,
    num_attention_heads: 4,
    num_key_value_heads: 2,
    head_dim: 16,
    initializer_range: 0.2,
  }
  makeModel({ python, folder, vocabulary, config, environment })
}

/** Starts the server on its folder (database and checkpoints survive it); resolves when it answers. */
export const start = async ({ folder, model, port, python }) => {
  const log = `${folder}/server.log`
  const output = openSync(log, "a")
  const config = {
    max_lora_adapters: 8,
    max_lora_rank: 8,
    train_micro_batch_size: 32,
    sample_max_num_sequences: 32,
    gradient_checkpointing: false,
  }
  const child = spawn(
    python,
    [
      `${here}serve.py`,
      `--base-model=${model}`,
      "--backend=jax",
      `--backend-config=${JSON.stringify(config)}`,
      `--checkpoints-base=${folder}/checkpoints`,
      `--database-url=sqlite:///${folder}/run.db`,
      `--port=${port}`,
    ],
    { env: environment, stdio: ["ignore", output, output], detached: true },
  )
  const gone = new Promise((resolve) => child.on("close", resolve))
  // The API starts its engine as a child: both are in the group.
  const stop = async (signal = "SIGKILL") => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, signal)
    } catch {
      // It has gone already.
    }
    await gone
  }
  const baseUrl = `http://127.0.0.1:${port}`
  for (let i = 0; i < 240; i++) {
    if (child.exitCode !== null) break
    const up = await fetch(`${baseUrl}/api/v1/healthz`).then(
      (r) => r.ok,
      () => false,
    )
    if (up) return { baseUrl, stop }
    await new Promise((resolve) => setTimeout(resolve, 500))
  }
  await stop()
  throw new Error(`the server did not come up:\n${readFileSync(log, "utf8").slice(-2000)}`)
}
