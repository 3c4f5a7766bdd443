/** A command of the program: its options are its own, its failures are explained in one place. */
import type { Command } from "effect/cli"

// oxlint-disable-next-line typescript/no-explicit-any -- the options are existential.
export type Entry = Command.Command<any, any, {}, unknown, Command.Environment>
