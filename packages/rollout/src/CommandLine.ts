/**
 * What the programs of LPO say of their own command lines: help that fits the terminal, and one line for what is wrong.
 *
 * @module
 */
import { Effect, Layer } from "effect"
import { type CliError, CliOutput, type HelpDoc } from "effect/cli"
import { nearest } from "./Nearest.ts"
import * as Terminal from "./Terminal.ts"

/** The words of an error that list what could have been given. */
const choices = (expected: string): ReadonlyArray<string> =>
  [...expected.matchAll(/"([^"]+)"/g)].map(([, name]) => name)

/** What to give where the library speaks of strings that represent numbers; null where it speaks of something else. */
const numeric = (expected: string): string | null =>
  /\bint/i.test(expected) ? "give a whole number" : /number/i.test(expected) ? "give a number" : null

/** What keeps a path from being looked at, where the library names a system call; null where it does not. */
const path = (expected: string): string | null => {
  const reason = /^Failed to (?:check path existence|stat path): (\w+)/.exec(expected)?.[1]
  if (reason === undefined) return null
  if (reason === "PermissionDenied") return "you do not have permission to read it"
  return reason === "BadResource" ? "part of the path is a file, not a folder" : expected
}

/** One line for a wrong command line, with the nearest right one. */
const usage = (
  error: CliError.NonShowHelpErrors,
  flags: ReadonlyArray<string>,
  commands: ReadonlyArray<string>,
): string => {
  const meant = (near: string | null): string => (near === null ? "" : `; did you mean ${near}?`)
  const oneOf = (names: ReadonlyArray<string>): string => `; choose one of: ${names.join(", ")}`
  switch (error._tag) {
    case "UnrecognizedOption":
      return `there is no option ${error.option}${meant(nearest(error.option, flags))}`
    case "UnknownSubcommand":
      return `there is no command "${error.subcommand}"${meant(nearest(error.subcommand, commands)) || oneOf(commands)}`
    case "InvalidValue": {
      const { expected, kind, option, value } = error
      const where = kind === "flag" ? `--${option}` : option
      const all = choices(expected)
      const near = nearest(value, all)
      if (value === "") return `${where} is given without a value`
      if (near !== null) return `${where} is "${value}"${meant(near)}`
      return `${where} is "${value}"${all.length > 0 ? oneOf(all) : `; ${numeric(expected) ?? path(expected) ?? expected}`}`
    }
    case "MissingOption":
      return `--${error.option} is missing`
    case "MissingArgument":
      return `${error.argument} is missing`
    case "DuplicateOption":
    case "UnexpectedArgument":
    case "UserError":
    case "ValidationError":
      return error.message
  }
}

/** A wrong command line is a line of its own; the help is for those who ask for it. */
const presenter = (program: string) =>
  CliOutput.layerPresenter({
    present: (event) =>
      event._tag === "InvalidInvocation"
        ? Effect.sync(() => {
            const { commandPath, errors, helpDoc } = event
            const flags = [...helpDoc.flags, ...(helpDoc.globalFlags ?? [])].map(
              ({ name }) => `--${name.replace(/^-+/, "")}`,
            )
            const commands = (helpDoc.subcommands ?? []).flatMap((group) => group.commands.map(({ name }) => name))
            for (const line of new Set(errors.map((error) => usage(error, flags, commands))))
              process.stderr.write(`${program}: ${Terminal.visible(line)}\n`)
            process.stderr.write(`${commandPath.join(" ")} --help lists the options\n`)
          })
        : CliOutput.defaultPresenter.present(event),
  })

/** The choices of a flag stand in its description; its type need not list them, too. */
const short = (flag: HelpDoc.FlagDoc): HelpDoc.FlagDoc =>
  flag.type.startsWith("<") ? { ...flag, type: "choice" } : flag

/** Help in the width of the terminal; in a pipe each description is a line. What every command takes is listed once, by the program. */
const formatter = (): CliOutput.Formatter => {
  const standard = CliOutput.defaultFormatter({ globalFlags: "summary" })
  return {
    ...standard,
    formatHelpDoc: (doc) => {
      const help = standard.formatHelpDoc({
        ...doc,
        ...(doc.globalFlags !== undefined && { globalFlags: doc.globalFlags.map(short) }),
      })
      return Terminal.wrapped(help, process.stdout.isTTY ? process.stdout.columns : undefined)
    },
  }
}

/** How a program by this name presents help and mistakes. @category layers */
export const layer = (program: string): Layer.Layer<never> =>
  Layer.merge(presenter(program), CliOutput.layer(formatter()))
