/** Single bits of a run's files turned over: a resume refuses the run and names the file, or continues from the same state. */
import { cpSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { join, relative } from "node:path"
import type { Seed } from "@lpo/rollout"
import { RunStore } from "@lpo/trainer"
import { Effect } from "effect"
import * as Base from "../../apps/polaris/src/Base.ts"

type Random = ReturnType<typeof Seed.stream>

export type Fate = "refused" | "harmless" | "silent"
/** By file: how often it was refused, of no consequence, or taken for the truth. */
export type Result = ReadonlyMap<string, Readonly<Record<Fate, number>>>

const filesOf = (folder: string): ReadonlyArray<string> =>
  readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((file) => statSync(join(folder, file)).isFile() && statSync(join(folder, file)).size > 0)
    .sort()

/** The state that a resume would start from, or why it does not. */
const look = (folder: string): Promise<{ readonly state: string } | { readonly refused: string }> =>
  Effect.gen(function* () {
    const found = yield* RunStore.readConfig(folder)
    if (found === null) return { refused: "there is no run" }
    const run = yield* RunStore.open({ folder, config: found.config, resume: true })
    const text = yield* run.read(Base.file)
    const base = text === null ? null : yield* Base.read(text).pipe(Effect.mapError((message) => ({ message })))
    const { resumeFrom } = run
    const from = resumeFrom && { step: resumeFrom.step, path: relative(folder, resumeFrom.path), logs: resumeFrom.logs }
    const rows = [yield* run.events, yield* run.completions]
    return { state: JSON.stringify({ found, base, from, rows }) }
  }).pipe(
    Effect.scoped,
    Effect.catch((error) => Effect.succeed({ refused: error.message })),
    Effect.runPromise,
  )

/** `flips` bits, one at a time, spread evenly over the files of the run in `folder`, which stays as it is. */
export const attack = async (folder: string, flips: number, random: Random): Promise<Result> => {
  const copy = `${folder}-flipped`
  const fates = new Map<string, Record<Fate, number>>()
  const files = filesOf(folder)
  cpSync(folder, copy, { recursive: true })
  const before = await look(copy)
  if ("refused" in before) throw new Error(`the run itself is refused: ${before.refused}`)
  for (let i = 0; i < flips; i++) {
    const file = files[i % files.length]
    const bytes = readFileSync(join(folder, file))
    bytes[random.int(0, bytes.length - 1)] ^= 1 << random.int(0, 7)
    writeFileSync(join(copy, file), bytes)
    const after = await look(copy)
    const fate = "refused" in after ? "refused" : after.state === before.state ? "harmless" : "silent"
    const row = fates.get(file) ?? { refused: 0, harmless: 0, silent: 0 }
    row[fate]++
    fates.set(file, row)
    // What the look itself has written or cut is put back too.
    for (const name of new Set([file, "config.json", "events.jsonl", "completions.jsonl"]))
      writeFileSync(join(copy, name), readFileSync(join(folder, name)))
  }
  rmSync(copy, { recursive: true })
  return fates
}
