/** What a person reads when something goes wrong: one line for what can be expected, the whole trace for a fault of the program. */
import { Terminal } from "@lpo/rollout"
import { Cause, Effect } from "effect"
import { CliError } from "effect/cli"

/** What libraries call their settings, and the options that set them. */
const options: ReadonlyArray<readonly [RegExp, option: string]> = [
  [/\bmaxTokens\b/, "--max-tokens"],
  [/\bgroupSize\b/, "--k"],
  [/the option lora\b/, "--lora-rank"],
  [/\blearningRate\b/, "--learning-rate"],
  [/a backend without this limit/, "--backend"],
  [/\bbaseModel\b/, "--model"],
  [/the profile of the server/, "--profile"],
]

/** The message, with the options that set what it speaks of. */
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
      return `a fault of this program, please report it: ${trace}`
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
 * A closed pipe (`polaris train | head`) ends the program as Ctrl-C does, without a word: nobody reads any more. A step that is under
 * way is finished and saved.
 */
export const closedPipe = (): void =>
  Terminal.watchOutput("polaris", () => {
    if (quiet) return
    quiet = true
    process.emit("SIGINT")
  })
/** A terminal that is closed ends the program as Ctrl-C does, with a checkpoint. */
export const hangUp = (): void => void process.on("SIGHUP", () => process.emit("SIGINT"))

/** Between signals that are one: npm hands on what the terminal has sent already. */
const sameSignalMs = 1000

/** Who asks twice does not want to wait for the step under way: the program ends at once, and the run goes on from its last checkpoint. */
export const secondSignal = (): void => {
  let first: number | null = null
  const signalled = () => {
    const now = performance.now()
    first ??= now
    if (now - first < sameSignalMs) return
    process.stderr.write("polaris: stopped at once; a resume goes on from the last checkpoint\n", () =>
      process.exit(130),
    )
  }
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, signalled)
}

let quiet = false
/** Whether nobody reads any more. */
export const isQuiet = (): boolean => quiet
