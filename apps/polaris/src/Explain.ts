/** What you read when something goes wrong: one line for an expected failure, the whole trace for a bug in the program. */
import { Terminal } from "@lpo/rollout"
import { Cause, Effect } from "effect"
import { CliError } from "effect/cli"

/** The libraries' names for settings, and the options that set them. */
const options: ReadonlyArray<readonly [RegExp, option: string]> = [
  [/\bmaxTokens\b/, "--max-tokens"],
  [/\bgroupSize\b/, "--k"],
  [/the option lora\b/, "--lora-rank"],
  [/\blearningRate\b/, "--learning-rate"],
  [/a backend without this limit/, "--backend"],
  [/\bbaseModel\b/, "--model"],
  [/the profile of the server/, "--profile"],
]

/** The message, with the options that set what it mentions. */
export const hinted = (message: string): string => {
  const named = options.flatMap(([pattern, option]) =>
    pattern.test(message) && !message.includes(option) ? [option] : [],
  )
  return named.length === 0 ? message : `${message} (here: ${named.join(", ")})`
}

/** Lines for standard error; null for an interruption, and for what the command line has already said. */
const lineOf = (reason: Cause.Reason<unknown>): string | null => {
  switch (reason._tag) {
    case "Interrupt":
      return null
    case "Fail": {
      const { error } = reason
      if (CliError.isCliError(error) && error._tag === "ShowHelp") return null
      return hinted(error instanceof Error ? error.message : String(error))
    }
    case "Die": {
      const { defect } = reason
      const trace = defect instanceof Error ? (defect.stack ?? defect.message) : String(defect)
      return `a bug in this program, please report it: ${trace}`
    }
  }
}

/** Prints why the program failed. */
export const explain = (cause: Cause.Cause<unknown>): Effect.Effect<void> =>
  Effect.sync(() => {
    for (const line of new Set(cause.reasons.map(lineOf)))
      if (line !== null) process.stderr.write(`polaris: ${Terminal.visible(line)}\n`)
  })

/**
 * A closed pipe (`polaris train | head`) ends the program as Ctrl-C does, without a word: its reader is gone. A step in progress
 * is finished and saved.
 */
export const closedPipe = (): void =>
  Terminal.watchOutput("polaris", () => {
    if (quiet) return
    quiet = true
    process.emit("SIGINT")
  })
/** A terminal that is closed ends the program as Ctrl-C does, with a checkpoint. */
export const hangUp = (): void => void process.on("SIGHUP", () => process.emit("SIGINT"))

/** Signals closer together than this count as one: npm forwards what the terminal has already sent. */
const sameSignalMs = 1000

/**
 * A second Ctrl-C does not wait for the step in progress: the program ends at once, and the run resumes from its last checkpoint.
 */
export const secondSignal = (): void => {
  let first: number | null = null
  const signalled = () => {
    const now = performance.now()
    first ??= now
    if (now - first < sameSignalMs) return
    process.stderr.write("polaris: stopped at once; --resume continues from the last checkpoint\n", () =>
      process.exit(130),
    )
  }
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, signalled)
}

let quiet = false
/** Whether the reader is gone. */
export const isQuiet = (): boolean => quiet
