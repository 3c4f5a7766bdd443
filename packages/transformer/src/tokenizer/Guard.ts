/** Templates of a checkpoint are programs of strangers: they run in a process that can be stopped. */
import { GuardedProcess } from "@lpo/rollout"
import { Effect } from "effect"
import { ModelError } from "../TransformerError.ts"
import type { Job } from "./guardWorker.ts"
import * as Variables from "./Variables.ts"

/** Longest time of one rendering, and the heap of its process. @category constants */
export const limits: GuardedProcess.Limits = { seconds: 5, megabytes: 256 }
/** Longest template, and longest text that it may make, in characters. @category constants */
export const maxLength = { source: 2 ** 20, text: 2 ** 24 } as const

const run = GuardedProcess.make<string>(new URL("./guardWorker", import.meta.url), limits)

/**
 * Renders a template with its variables, on a day for `strftime_now`; fails with a `ModelError` that says what it does.
 *
 * @category running
 */
export const render = (
  source: string,
  values: Readonly<Record<string, unknown>>,
  date: string,
): Effect.Effect<string, ModelError> =>
  Effect.try({ try: () => Variables.plain(values), catch: refusal }).pipe(
    Effect.flatMap((plain) =>
      Effect.mapError(run({ source, values: plain, date, maxLength: maxLength.text } satisfies Job), refusal),
    ),
  )

const refusal = (cause: unknown): ModelError =>
  new ModelError({ reason: `the chat template refuses: ${(cause as Error).message}` })
