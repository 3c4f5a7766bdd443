/** The tasks that this program trains, by name: one line each. */
import * as Countdown from "./Countdown.ts"
import type { Make } from "./Domain.ts"

export type { Domain, Reads, Tiny } from "./Domain.ts"

export const tasks: Readonly<Record<string, Make>> = { countdown: Countdown.make }
