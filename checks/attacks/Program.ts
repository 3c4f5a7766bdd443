/** Short runs of `polaris train` in processes of their own. */
import { spawn } from "node:child_process"
import { createHash } from "node:crypto"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL("../..", import.meta.url))
const hook = fileURLToPath(new URL("hook.ts", import.meta.url))

export interface Ended {
  readonly code: number | null
  readonly signal: string | null
  readonly stderr: string
}

/** The run `name` in `out`, begun or gone on with. */
export const train = (
  out: string,
  name: string,
  options: {
    readonly resume?: boolean
    readonly env?: Readonly<Record<string, string>>
    /** Largest file, in KB, as the shell's limit has it. */
    readonly fileLimit?: number
  } = {},
): Promise<Ended> => {
  const { env = {}, fileLimit, resume = false } = options
  const short = ["--steps", "12", "--problems", "2", "--samples", "1", "--seed", "7"]
  const node = ["--conditions=@lpo/source", "--disable-warning=ExperimentalWarning", "--import", hook]
  const args = [...node, join(root, "apps/polaris/src/main.ts"), "train", "--out", out, "--name", name, ...short]
  const [command, ...rest] = fileLimit === undefined ? [] : ["bash", "-c", `ulimit -f ${fileLimit}; exec "$0" "$@"`]
  return new Promise((resolve) => {
    const own = [...args, ...(resume ? ["--resume"] : [])]
    const child = spawn(
      command ?? process.execPath,
      command === undefined ? own : [...rest, process.execPath, ...own],
      {
        cwd: root,
        env: { ...process.env, ...env, LPO_ATTACK_FOLDER: out },
        stdio: ["ignore", "ignore", "pipe"],
      },
    )
    let stderr = ""
    child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()))
    child.on("close", (code, signal) => resolve({ code, signal, stderr }))
  })
}

/** What must be the same at the end: the weights, the completions, and the rows of events.jsonl but for their times, bit for bit. */
export const outcome = (folder: string): string => {
  const hash = createHash("sha256").update(readFileSync(join(folder, "model", "model.safetensors")))
  for (const line of readFileSync(join(folder, "events.jsonl"), "utf8").split("\n").slice(0, -1)) {
    const row = Object.entries(JSON.parse(line) as Record<string, unknown>).flatMap(([key, value]) =>
      /^seconds|PerSecond$/.test(key) ? [] : [[key, value]],
    )
    hash.update(JSON.stringify(row))
  }
  return hash.update(readFileSync(join(folder, "completions.jsonl"))).digest("hex")
}
