/**
 * Tools for the environments of your own: a name, what goes in and what comes out as Schemas, and what it does. The JSON Schema of
 * the input is derived from it; what a tool cannot do is an observation that the policy may learn from.
 *
 * @module
 */
import "./SupportedNode.ts"
import { Cause, Effect, Schema } from "effect"

/** A tool could not do its work; `reason` is what the policy reads. @category errors */
export class ToolError extends Schema.TaggedError<ToolError>()("ToolError", {
  tool: Schema.String,
  reason: Schema.String,
}) {
  override get message(): string {
    return `${this.tool}: ${this.reason}`
  }
}

/** @category models */
export interface Tool<I, O> {
  readonly name: string
  /** For the policy. */
  readonly description: string
  readonly input: Schema.Codec<I, unknown>
  readonly output: Schema.Codec<O, unknown>
  readonly run: (input: I) => Effect.Effect<O, ToolError>
}

/** A tool of some input and output, called with JSON. @category models */
export interface AnyTool {
  readonly name: string
  readonly description: string
  /** JSON Schema of the input. */
  readonly parameters: unknown
  /** Takes and gives plain JSON. */
  readonly call: (input: unknown) => Effect.Effect<unknown, ToolError>
}

/** What a call gave: text for the policy, and whether the tool did its work. @category models */
export interface Answered {
  readonly text: string
  readonly ok: boolean
}

/**
 * A tool from its schemas. What the input schema refuses never reaches `run`, and what `run` gives must be what the output schema
 * says.
 *
 * ```ts
 * const square = Tool.make({
 *   name: "square", description: "x times x", input: Schema.Struct({ x: Schema.Finite }), output: Schema.Finite,
 *   run: ({ x }) => Effect.succeed(x * x),
 * })
 * ```
 *
 * @category constructors
 */
export const make = <I, O>({ description, input, name, output, run }: Tool<I, O>): AnyTool => {
  const decode = Schema.decodeUnknownEffect(input, { errors: "all", onExcessProperty: "error" })
  const encode = Schema.encodeUnknownEffect(output)
  const fail = ({ message }: { readonly message: string }) =>
    new ToolError({ tool: name, reason: message.replaceAll(/\s*\n\s*/g, " ") })
  return {
    name,
    description,
    parameters: jsonSchema(input),
    call: (given) =>
      decode(given).pipe(
        Effect.mapError(fail),
        Effect.flatMap(run),
        Effect.flatMap((value) => Effect.mapError(encode(value), fail)),
      ),
  }
}

/** The JSON Schema (2020-12) of what a schema reads. @category schemas */
export const jsonSchema = (schema: Schema.Codec<unknown, unknown>): unknown => {
  const { definitions, schema: own } = Schema.toJsonSchemaDocument(schema)
  return { ...own, ...(Object.keys(definitions).length === 0 ? {} : { $defs: definitions }) }
}

/** The tools as chat templates and servers take them. @category schemas */
export const describe = (tools: ReadonlyArray<AnyTool>): ReadonlyArray<unknown> =>
  tools.map(({ description, name, parameters }) => ({ type: "function", function: { name, description, parameters } }))

/** A call that a policy wrote. @category calls */
export const Call = Schema.Struct({ name: Schema.String, arguments: Schema.Unknown })
/** @category calls */
export interface Call extends Schema.Schema.Type<typeof Call> {}

const decodeCall = Schema.decodeUnknownEffect(Schema.fromJsonString(Call))

/**
 * The calls of a text that writes `<tool_call>{"name": ..., "arguments": ...}</tool_call>`, in order; what cannot be read is a
 * `ToolError`. None where the text calls nothing.
 *
 * @category calls
 */
export const calls = (text: string): ReadonlyArray<Effect.Effect<Call, ToolError>> =>
  [...text.matchAll(/<tool_call>([^]*?)<\/tool_call>/g)].map(([, json = ""]) =>
    decodeCall(json.trim()).pipe(
      Effect.mapError(
        ({ message }) =>
          new ToolError({ tool: "tool_call", reason: `is not a call: ${message.replaceAll(/\s*\n\s*/g, " ")}` }),
      ),
    ),
  )

/**
 * What a tool answers to a call, as text. Never fails: a tool that is not there, an input that it does not take, its own failure
 * and an answer later than `seconds` (default 30) are texts that begin with `error:`.
 *
 * @category calls
 */
export const answer = (
  tools: ReadonlyArray<AnyTool>,
  call: Effect.Effect<Call, ToolError>,
  { seconds = 30 }: { readonly seconds?: number } = {},
): Effect.Effect<Answered> =>
  Effect.gen(function* () {
    const { arguments: input, name } = yield* call
    const tool = tools.find((one) => one.name === name)
    if (tool === undefined)
      return yield* new ToolError({
        tool: name,
        reason: `there is no such tool; there are ${tools.map((one) => one.name).join(", ")}`,
      })
    const late = () => Effect.fail(new ToolError({ tool: name, reason: `did not answer within ${seconds} seconds` }))
    const value = yield* Effect.timeoutOrElse(tool.call(input), { duration: `${seconds} seconds`, orElse: late })
    return { text: typeof value === "string" ? value : (JSON.stringify(value) ?? "null"), ok: true }
  }).pipe(
    Effect.catchCause((cause): Effect.Effect<Answered> => {
      if (Cause.hasInterruptsOnly(cause)) return Effect.failCause(cause as Cause.Cause<never>)
      const error = Cause.squash(cause)
      return Effect.succeed({ text: `error: ${error instanceof Error ? error.message : String(error)}`, ok: false })
    }),
  )
