/** Settings as tests ask for them. */
import { Effect } from "effect"
import { nothing } from "../src/Given.ts"
import * as Resolve from "../src/Resolve.ts"
import * as Settings from "../src/Settings.ts"

export { nothing }

/** The settings of a new run, or of one that goes on. */
export const resolve = (
  more: Partial<Settings.Given>,
  recorded: Settings.Settings | null = null,
): Promise<Settings.Settings> => Effect.runPromise(Resolve.settings({ ...nothing, ...more }, recorded))

/** Why there are none. */
export const refusal = (more: Partial<Settings.Given>, recorded: Settings.Settings | null = null): Promise<string> =>
  Effect.runPromise(
    Effect.map(Effect.flip(Resolve.settings({ ...nothing, ...more }, recorded)), ({ message }) => message),
  )
