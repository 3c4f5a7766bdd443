/** Domains whose problems come from a dataset. */
import { Effect, Schema } from "effect"
import { UsageError } from "../Usage.ts"
import type { Domain, Make, Reads } from "./Domain.ts"

const decode = Schema.decodeUnknownEffect(Schema.Struct({}), { onExcessProperty: "error" })

/** Chat or text: a model that reads questions knows no vocabulary of its own. */
export const styleOf = (reads: Reads): "chat" | "text" => (reads === "text" ? "text" : "chat")

/** The domain of a task without parameters. */
export const make =
  (name: string, task: Domain["task"], stopStrings: ReadonlyArray<string> = []): Make =>
  (given) =>
    decode(given).pipe(
      Effect.mapError(({ message }) => new UsageError({ reason: `the parameters of the task ${name}: ${message}` })),
      Effect.as({ name, task, longest: null, stopStrings, tiny: null }),
    )
