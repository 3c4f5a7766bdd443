/** Encoding in a process that can be stopped: for tokenizers that may take ages over a text, and for texts that are long by themselves. */
import { GuardedProcess } from "@lpo/rollout"
import { Effect } from "effect"
import type { Job, Setup } from "./encoderWorker.ts"

/** Longest time of one text, and the heap of the process, the tokenizer included. @category constants */
export const limits: GuardedProcess.Limits = { seconds: 20, megabytes: 2048 }
/** Longest text that is encoded where it is asked for, in characters: some tenths of a second. @category constants */
export const maxInline = 2 ** 18
/** Longest text, in characters. @category constants */
export const maxText = 2 ** 24

/** Encodes by a `tokenizer.json` and `tokenizer_config.json`; `around` adds the tokens that stand around a text. @category running */
export const make = (
  setup: Setup,
): ((text: string, around: boolean) => Effect.Effect<Int32Array, GuardedProcess.JobError>) => {
  const run = GuardedProcess.make<Int32Array>(new URL("./encoderWorker", import.meta.url), limits, setup)
  return (text, around) =>
    text.length > maxText
      ? Effect.fail(new GuardedProcess.JobError({ reason: `it has ${text.length} characters, the most is ${maxText}` }))
      : run({ text, around } satisfies Job)
}
