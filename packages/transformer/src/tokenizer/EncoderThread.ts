/** Encoding in a thread that can be stopped: for tokenizers that may take ages over a text, and for texts that are long by themselves. */
import { Effect } from "effect"
import type { Job, Setup } from "./encoderWorker.ts"
import * as GuardedThread from "./GuardedThread.ts"

/** Longest time of one text, and the heap of the thread, the tokenizer included. @category constants */
export const limits: GuardedThread.Limits = { seconds: 20, megabytes: 2048 }
/** Longest text that is encoded where it is asked for, in characters: some tenths of a second. @category constants */
export const maxInline = 2 ** 18
/** Longest text, in characters. @category constants */
export const maxText = 2 ** 24

/** Encodes by a `tokenizer.json` and `tokenizer_config.json`; `around` adds the tokens that stand around a text. @category running */
export const make = (setup: Setup): ((text: string, around: boolean) => Effect.Effect<Int32Array, Error>) => {
  const run = GuardedThread.make<Int32Array>("./encoderWorker", limits, setup)
  return (text, around) =>
    text.length > maxText
      ? Effect.fail(new Error(`it has ${text.length} characters, the most is ${maxText}`))
      : run({ text, around } satisfies Job)
}
