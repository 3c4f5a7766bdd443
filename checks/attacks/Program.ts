/** Short runs of `polaris train` in their own processes. */
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

/** Six steps with a checkpoint after every second one: most of its operations on files are those of checkpoints. */
const short = "--steps 6 --prompts 8 --problems 2 --samples 1 --seed 7 --workers 0 --set train.checkpointEvery=2".split(
  " ",
)
const node = ["--conditions=@lpo/source", "--disable-warning=ExperimentalWarning"]

/** Ends `command`, which runs from the root of the repository. */
export const end = (
  command: string,
  args: ReadonlyArray<string>,
  env: Readonly<Record<string, string>> = {},
): Promise<Ended> =>
  new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: root,
      env: { ...process.env, ...env },
      stdio: ["ignore", "ignore", "pipe"],
    })
    let stderr = ""
    child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()))
    child.on("error", (cause) => resolve({ code: null, signal: null, stderr: cause.message }))
    child.on("close", (code, signal) => resolve({ code, signal, stderr }))
  })

/** The words that run the program with `args`; what it compiles is kept in `out`, which halves the start of the next. */
export const polaris = (args: ReadonlyArray<string>, more: ReadonlyArray<string> = []): ReadonlyArray<string> => [
  process.execPath,
  ...node,
  ...more,
  join(root, "apps/polaris/src/main.ts"),
  ...args,
]
/** The same as a command and its arguments. */
export const words = (...given: Parameters<typeof polaris>): readonly [string, ReadonlyArray<string>] => {
  const [command, ...args] = polaris(...given)
  return [command, args]
}
export const cached = (out: string) => ({ NODE_COMPILE_CACHE: join(out, "compiled") })

/**
 * The run `name` in `out`, started or resumed; its operations on files below `out` can be counted and can end it, as `hook.ts`
 * says.
 */
export const train = (
  out: string,
  name: string,
  options: { readonly resume?: boolean; readonly env?: Readonly<Record<string, string>> } = {},
): Promise<Ended> => {
  return end(...words(trainArgs(out, name, options.resume), ["--import", hook]), {
    ...cached(out),
    ...options.env,
    LPO_ATTACK_FOLDER: out,
  })
}

export const trainArgs = (out: string, name: string, resume = false): ReadonlyArray<string> => [
  "train",
  `--out=${out}`,
  `--name=${name}`,
  ...short,
  ...(resume ? ["--resume"] : []),
]

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
