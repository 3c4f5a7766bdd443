/** A command of the program: with its own options; failures are explained in one place. */
import type { Command } from "effect/cli"

// oxlint-disable-next-line typescript/no-explicit-any -- the options are existential.
export type Entry = Command.Command<any, any, {}, unknown, Command.Environment>
