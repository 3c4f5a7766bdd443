/**
 * `npm run checks -- heavy`: correct programs that compute, in the embedded and in the native sandbox: how much longer each takes
 * embedded, and what share would pass there under the limit of 5 s if they took 1, 2, 3, 4 s of a native CPython.
 *
 * Everything is measured in processor time, so a busy machine changes little; "how slow" is the factor of the embedded sandbox's
 * limits on a machine whose CPython is as fast as this one's.
 */
import { readdirSync, readFileSync } from "node:fs"
import { EmbeddedSandbox, NativeSandbox, Sandbox } from "@lpo/verifiers"
import { Effect } from "effect"
import * as Arguments from "../../bench/shared/Arguments.ts"
import * as Report from "../shared/Report.ts"
import * as Programs from "./Programs.ts"

Arguments.read("npm run checks -- heavy", {})
const report = Report.make("heavy")
const limits = { seconds: 300, totalSeconds: 300, memory: 2 ** 30 }
const tests = [{ kind: "stdin" as const, stdin: "" }]

/** Processor seconds of the children of this process that run. */
const childSeconds = (): number =>
  readdirSync("/proc/self/task")
    .flatMap((thread) => readFileSync(`/proc/self/task/${thread}/children`, "utf8").trim().split(" ").filter(Boolean))
    .map((pid) => readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1].split(" "))
    .reduce((sum, fields) => sum + (Number(fields[11]) + Number(fields[12])) / 100, 0)

/** What a program prints, and its processor seconds. */
type Ran = (
  program: Programs.Program,
) => Effect.Effect<readonly [printed: string, seconds: number], Sandbox.SandboxError>

const runIn = (sandbox: Sandbox.SandboxService, source: string) =>
  Effect.map(sandbox.run({ language: "python", source, tests, limits }), ([outcome]) => outcome)

const embedded =
  (sandbox: Sandbox.SandboxService): Ran =>
  ({ source }) =>
    Effect.gen(function* () {
      const before = childSeconds()
      const { error, stdout } = yield* runIn(sandbox, source)
      return [error ?? stdout, childSeconds() - before]
    })

const native =
  (sandbox: Sandbox.SandboxService): Ran =>
  ({ source }) =>
    Effect.gen(function* () {
      const said = "import sys, time\nsys.stderr.write(str(time.process_time() - _start))"
      const timed = `import time\n_start = time.process_time()\n${source}\n${said}\n`
      const { error, stderr, stdout } = yield* runIn(sandbox, timed)
      return [error ?? stdout, Number(stderr)]
    })

const program = Effect.gen(function* () {
  const here = embedded(yield* EmbeddedSandbox.make({ processes: 1 }))
  const there = native(yield* NativeSandbox.make({ processes: 1 }))
  yield* here({ name: "start", source: "print(1)" })
  const ratios: Array<number> = []
  for (const one of Programs.all) {
    const [[printed, slow], [expected, fast]] = [yield* here(one), yield* there(one)]
    ratios.push(slow / fast)
    report.add(
      one.name,
      printed === expected,
      `${slow.toFixed(2)} s embedded, ${fast.toFixed(2)} s native, ${(slow / fast).toFixed(1)} times`,
    )
  }
  const slowness = Math.min(4, Math.max(1, ratios[Programs.all.indexOf(Programs.loop)]))
  const shares = [1, 2, 3, 4].map((seconds) => {
    const pass = ratios.filter((ratio) => seconds * ratio <= Sandbox.defaultLimits.seconds * slowness).length
    console.log(`programs of ${seconds} s: ${pass} of ${ratios.length} pass embedded, all pass native`)
    return pass
  })
  report.end({ slowness, ratios, programs: ratios.length, shares })
})

await Effect.runPromise(
  Effect.scoped(program).pipe(
    Effect.catchTag("SandboxError", ({ message }) => Effect.sync(() => console.log(`SKIPPED heavy: ${message}`))),
  ),
)
