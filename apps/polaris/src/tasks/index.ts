/** The tasks that this program trains, by name: one line each. */
import * as Code from "./Code.ts"
import * as Countdown from "./Countdown.ts"
import type { Make } from "./Domain.ts"
import * as Geometry3k from "./Geometry3k.ts"
import * as Mathematics from "./Mathematics.ts"
import * as Own from "./Own.ts"

export type { Domain, Reads, Tiny } from "./Domain.ts"

export const tasks: Readonly<Record<string, Make>> = {
  countdown: Countdown.make,
  math: Mathematics.make,
  code: Code.make,
  geometry3k: Geometry3k.make,
  own: Own.make,
}
