/** 400 mixed verifications, 5 % of them programs that hang, while sandbox processes are killed. At full size: `full/CodeLoad.test.ts`. */
import { it } from "@effect/vitest"
import * as CodeLoad from "./helpers/codeLoad.ts"

it.live.runIf(process.platform === "linux")("accounts for every one of 400", () =>
  CodeLoad.run({ count: 400, hanging: 0.05, programs: 0.1, seconds: 0.5, killEvery: 1500 }),
)
