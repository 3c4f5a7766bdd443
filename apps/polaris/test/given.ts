/** A command line that says nothing, for tests to add to. */
import { Effect } from "effect"
import * as Settings from "../src/Settings.ts"

export const nothing: Settings.Given = {
  preset: null,
  engine: null,
  objective: null,
  tau: null,
  seed: null,
  steps: null,
  groupSize: null,
  prompts: null,
  maxTokens: null,
  learningRate: null,
  problems: null,
  samples: null,
  evaluateEvery: null,
  tracker: null,
  data: null,
  evalData: null,
  task: null,
  format: null,
  badRows: null,
  verifier: null,
  model: null,
  loraRank: null,
  loraAlpha: null,
  server: null,
  profile: null,
  rollouts: null,
  servedName: null,
  backend: null,
  workers: null,
}

/** The settings of a new run, or of one that goes on. */
export const resolve = (
  more: Partial<Settings.Given>,
  recorded: Settings.Settings | null = null,
): Promise<Settings.Settings> => Effect.runPromise(Settings.resolve({ ...nothing, ...more }, recorded))

/** Why there are none. */
export const refusal = (more: Partial<Settings.Given>, recorded: Settings.Settings | null = null): Promise<string> =>
  Effect.runPromise(
    Effect.map(Effect.flip(Settings.resolve({ ...nothing, ...more }, recorded)), ({ message }) => message),
  )
