/** The interpreter's memory image that is kept on the machine, where it is damaged. */
import { execFile } from "node:child_process"
import { createHash } from "node:crypto"
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { homedir, tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"
import { EmbeddedSandbox } from "@lpo/verifiers"
import { assert, it } from "@effect/vitest"
import { Effect } from "effect"

it.live(
  "an image that does not work is made anew",
  () =>
    Effect.gen(function* () {
      const cache = mkdtempSync(join(tmpdir(), "lpo-cache-"))
      yield* Effect.addFinalizer(() => Effect.sync(() => rmSync(cache, { recursive: true })))
      // In a process of its own, which has read no image yet.
      const code = `import { EmbeddedSandbox } from "@lpo/verifiers"
import { Effect } from "effect"
const tests = [{ kind: "stdin", stdin: "" }]
const run = Effect.flatMap(EmbeddedSandbox.make({ processes: 1 }), (s) => s.run({ language: "python", source: "print(42)", tests }))
console.log((await Effect.runPromise(Effect.scoped(run)))[0].stdout)`
      const args = ["--conditions=@lpo/source", "--no-warnings", "--input-type=module", "-e", code]
      // Where this machine has kept no image yet, it is made now.
      yield* EmbeddedSandbox.make({ processes: 1 })
      const folder = join(cache, "lpo-verifiers")
      const kept = join(process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache"), "lpo-verifiers")
      mkdirSync(folder)
      // Copies of what programs run from here. Its checksum is right, its memory is not. Other versions may have images there too.
      const poisoned = new Map(
        readdirSync(kept).map((name) => {
          const image = readFileSync(join(kept, name)).subarray(32)
          image.fill(0, Math.floor(image.length / 2))
          return [name, Buffer.concat([createHash("sha256").update(image).digest(), image])]
        }),
      )
      for (const [name, bytes] of poisoned) writeFileSync(join(folder, name), bytes)
      const env = { ...process.env, XDG_CACHE_HOME: cache }
      const { stdout } = yield* Effect.promise(() =>
        promisify(execFile)(process.execPath, args, { cwd: import.meta.dirname, env }),
      )
      assert.strictEqual(stdout.trim(), "42")
      const renewed = [...poisoned].filter(([name, bytes]) => !readFileSync(join(folder, name)).equals(bytes))
      assert.strictEqual(renewed.length, 1)
    }).pipe(Effect.scoped),
  600_000,
)
