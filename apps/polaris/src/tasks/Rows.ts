/** Domains whose problems come from a dataset, and those that also generate them if a preset has parameters for them. */
import { Effect, Schema } from "effect"
import { UsageError } from "../Usage.ts"
import type { Domain, Make, Reads } from "./Domain.ts"

const refuse = (name: string) =>
  Effect.mapError(
    ({ message }: Schema.SchemaError) => new UsageError({ reason: `the parameters of the task ${name}: ${message}` }),
  )

const decode = Schema.decodeUnknownEffect(Schema.Struct({}), { onExcessProperty: "error" })

/** Chat or text: a model that reads questions has no task vocabulary. */
export const styleOf = (reads: Reads): "chat" | "text" => (reads === "text" ? "text" : "chat")

/** The domain of a task without parameters. */
export const make =
  (name: string, task: Domain["task"], stopStrings: ReadonlyArray<string> = []): Make =>
  (given) =>
    decode(given).pipe(refuse(name), Effect.as({ name, task, longest: null, stopStrings, tiny: null }))

const isEmpty = (given: unknown): boolean =>
  typeof given === "object" && given !== null && Object.keys(given).length === 0

/** Without parameters the domain of a dataset; with them one that makes its own problems. */
export const orGenerated = <P>(
  name: string,
  ofRows: Make,
  Parameters: Schema.Decoder<P>,
  generated: (parameters: P) => Domain,
): Make => {
  const decodeParameters = Schema.decodeUnknownEffect(Parameters, { errors: "all", onExcessProperty: "error" })
  return (given) => (isEmpty(given) ? ofRows(given) : decodeParameters(given).pipe(refuse(name), Effect.map(generated)))
}
