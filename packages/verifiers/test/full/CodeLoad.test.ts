/**
 * 50,000 mixed verifications: 5 % hang, 5 % are programs that end, the rest is mathematics and Countdown; a sandbox process is killed
 * after every 100 verdicts.
 *
 * What hangs decides the time: 2,500 programs of 0.4 s on two processes are 500 s, whatever the machine. With the limit of 5 s that
 * verdicts have by default they would be 1 h 45 min.
 */
import { it } from "@effect/vitest"
import { Effect } from "effect"
import * as CodeLoad from "../helpers/codeLoad.ts"

it.live.runIf(process.platform === "linux")("gives every good program its verdict while half of 1,000 hang", () =>
  CodeLoad.run({ count: 1000, hanging: 0.5, programs: 0.4, seconds: 0.4, killEvery: 100 }),
)

it.live.runIf(process.platform === "linux")("accounts for every one of 50,000", () =>
  CodeLoad.run({ count: 50_000, hanging: 0.05, programs: 0.05, seconds: 0.4, killEvery: 100 }).pipe(
    Effect.tap(({ done, heap, kills }) =>
      Effect.log(`${done} verdicts, ${kills} kills, ${Math.round(heap / 2 ** 20)} MiB more at most`),
    ),
  ),
)
