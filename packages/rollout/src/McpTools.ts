/**
 * The tools of an MCP server, as an environment of yours takes its own: a process that speaks over its standard streams, or a server at an
 * address. Needs the package `@modelcontextprotocol/sdk`, which you install beside this one.
 *
 * The list of tools is read once, when the connection is made. What a tool answers is the text of its answer, and an answer that the server
 * calls an error is a `ToolError`, which the policy reads.
 *
 * @module
 */
import { Effect, Schema, type Scope } from "effect"
import { type AnyTool, ToolError } from "./Tool.ts"

/** Where the server is. @category models */
export type Server =
  | {
      /** Started for the scope, and ended with it. */
      readonly command: string
      readonly args?: ReadonlyArray<string>
      /** Beside the few variables that a process needs to start. */
      readonly env?: Readonly<Record<string, string>>
    }
  | {
      /** Of a server with the streamable HTTP transport. */
      readonly url: string
      readonly headers?: Readonly<Record<string, string>>
    }

/** @category models */
export interface Options {
  /** Names of the tools that are wanted, in this order. Default: all that the server lists. */
  readonly only?: ReadonlyArray<string>
  /** Longest time for one answer of a tool, seconds. Default 30. */
  readonly seconds?: number
}

const Content = Schema.Array(Schema.Struct({ type: Schema.String, text: Schema.optionalKey(Schema.String) }))
const decodeContent = Schema.decodeUnknownEffect(Content)

/** Longest time for the server to start and to list its tools, milliseconds. */
const beginning = 30_000

const nameOf = (server: Server): string => ("url" in server ? server.url : server.command)

/** The tools of a server, which is left with the scope. Fails with a `ToolError` that names the server. @category constructors */
export const connect = Effect.fn("McpTools.connect")(function* (
  server: Server,
  { only, seconds = 30 }: Options = {},
): Effect.fn.Return<ReadonlyArray<AnyTool>, ToolError, Scope.Scope> {
  const where = nameOf(server)
  const attempt = <A>(tool: string, run: (signal: AbortSignal) => Promise<A>) =>
    Effect.tryPromise({
      try: run,
      catch: (cause) => new ToolError({ tool, reason: cause instanceof Error ? cause.message : String(cause) }),
    })
  const sdk = yield* Effect.tryPromise({
    try: async () => ({
      ...(await import("@modelcontextprotocol/sdk/client/index.js")),
      ...(await import("@modelcontextprotocol/sdk/client/stdio.js")),
      ...(await import("@modelcontextprotocol/sdk/client/streamableHttp.js")),
    }),
    catch: (cause) =>
      new ToolError({
        tool: where,
        reason: `needs the package @modelcontextprotocol/sdk, which does not load (${(cause as Error).message}); install it: npm install @modelcontextprotocol/sdk`,
      }),
  })
  const client = yield* Effect.acquireRelease(
    Effect.sync(() => new sdk.Client({ name: "lpo", version: "1" })),
    (open) => Effect.ignore(attempt(where, () => open.close())),
  )
  const timeout = 1000 * seconds
  yield* attempt(where, (signal) =>
    client.connect(
      "url" in server
        ? new sdk.StreamableHTTPClientTransport(new URL(server.url), {
            requestInit: { headers: { ...server.headers } },
          })
        : new sdk.StdioClientTransport({
            command: server.command,
            args: [...(server.args ?? [])],
            env: { ...sdk.getDefaultEnvironment(), ...server.env },
          }),
      { signal, timeout: beginning },
    ),
  )
  const listed: Array<AnyTool> = []
  let cursor: string | undefined
  do {
    const page = yield* attempt(where, (signal) =>
      client.listTools(cursor === undefined ? {} : { cursor }, { signal, timeout: beginning }),
    )
    for (const { description = "", inputSchema, name } of page.tools)
      listed.push({
        name,
        description,
        parameters: inputSchema,
        call: (input) =>
          attempt(name, (signal) =>
            client.callTool({ name, arguments: input as Record<string, unknown> }, undefined, { signal, timeout }),
          ).pipe(
            Effect.flatMap(({ content, isError }) =>
              decodeContent(content).pipe(
                Effect.mapError(
                  ({ message }) => new ToolError({ tool: name, reason: `answers no content: ${message}` }),
                ),
                Effect.flatMap((parts) => {
                  const text = parts.map((part) => part.text ?? `[${part.type}]`).join("\n")
                  return isError === true
                    ? Effect.fail(new ToolError({ tool: name, reason: text }))
                    : Effect.succeed(text)
                }),
              ),
            ),
          ),
      })
    cursor = page.nextCursor
  } while (cursor !== undefined)
  if (only === undefined) return listed
  return yield* Effect.forEach(only, (name) => {
    const found = listed.find((tool) => tool.name === name)
    return found === undefined
      ? Effect.fail(
          new ToolError({
            tool: name,
            reason: `${where} has no such tool; it has ${listed.map((t) => t.name).join(", ")}`,
          }),
        )
      : Effect.succeed(found)
  })
})
