/** Programming as this program trains it: programs run in the embedded sandbox. */
import { Code, EmbeddedSandbox, Sandbox } from "@lpo/verifiers"
import { Effect } from "effect"
import * as Rows from "./Rows.ts"

export const make = Rows.make(Code.name, (reads) =>
  Code.task({ style: Rows.styleOf(reads) }).pipe(Effect.provideServiceEffect(Sandbox.Sandbox, EmbeddedSandbox.make())),
)
