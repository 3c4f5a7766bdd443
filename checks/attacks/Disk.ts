/**
 * Full disks: file systems in memory of a fixed size, over the folder of a run. A run that ends there says so, keeps its data, and
 * resumes when there is room again.
 */
import { mkdirSync } from "node:fs"
import { join } from "node:path"
import * as Program from "./Program.ts"

/** Sizes of the disk in KiB: full at the first file, in a log, and in the first, second and last checkpoint. */
export const sizes = [4, 24, 3000, 6000, 11_000]

export interface Result {
  readonly size: number
  /** Whether the run ended with a message that names the file and the reason. */
  readonly isSaid: boolean
  /** Whether it then ended like the undisturbed run. */
  readonly isSame: boolean
  readonly stderr: string
}

/** Runs `command` with a file system of `size` KiB over `folder`, and copies what is there in the end to `to`. */
export const within = (
  folder: string,
  size: number,
  to: string,
  command: ReadonlyArray<string>,
  env: Readonly<Record<string, string>>,
): Promise<Program.Ended> => {
  for (const path of [folder, to]) mkdirSync(path, { recursive: true })
  const bind = ["--bind", "/", "/", "--dev-bind", "/dev", "/dev", "--size", String(size * 1024), "--tmpfs", folder]
  const script = `"$@"; code=$?; cp -a "$FROM/." "$TO"; exit $code`
  return Program.end("bwrap", [...bind, "sh", "-c", script, "sh", ...command], { ...env, FROM: folder, TO: to })
}

/** Why there is no such file system here, or null. */
export const refusal = async (out: string): Promise<string | null> => {
  const { code, stderr } = await within(join(out, "try"), 4, join(out, "tried"), ["true"], {})
  return code === 0 ? null : stderr.trim()
}

/** Runs in `out`; `expected` is the outcome of the undisturbed run. */
export const attack = async (out: string, expected: string): Promise<ReadonlyArray<Result>> => {
  const results: Array<Result> = []
  for (const size of sizes) {
    const [full, name] = [join(out, `disk-${size}`), "run"]
    const roomy = join(out, `room-${size}`)
    const command = Program.polaris(Program.trainArgs(full, name))
    const { code, stderr } = await within(full, size, roomy, command, Program.cached(out))
    const isSaid = code === 1 && /^polaris: .*(ENOSPC|no space)/m.test(stderr)
    const resumed = await Program.train(roomy, name, { resume: true })
    const own = resumed.code === 0 ? name : `${name}-anew`
    const last = resumed.code === 0 ? resumed : await Program.train(roomy, own)
    results.push({ size, isSaid, isSame: last.code === 0 && Program.outcome(join(roomy, own)) === expected, stderr })
  }
  return results
}
