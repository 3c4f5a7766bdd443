/**
 * The tools of an MCP server, as an environment of yours takes its own: a process that speaks over its standard streams, or a server at an
 * address. Needs the package `@modelcontextprotocol/sdk`, which you install beside this one.
 *
 * The list of tools is read once, when the connection is made. What a tool answers is the text of its answer, and an answer that the server
 * calls an error is a `ToolError`, which the policy reads. A server at an address is led nowhere else, gives 16 MiB an answer at most and lists
 * a thousand tools at most. A process is yours: it has the rights that you start it with.
 *
 * @module
 */
import { Effect, Schema, type Scope } from "effect"
import * as Received from "./Received.ts"
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

/** Largest answer, or event of a stream of them, bytes. */
const maxBytes = 2 ** 24
const maxTools = 1000
const maxPages = 32

/** Whether a blank line ends an event in it. */
const endsEvent = (part: Uint8Array): boolean => /\n\r?\n|\r\r/.test(Buffer.from(part).toString("latin1"))

/** `fetch` that follows no redirect, along which headers would go, and reads no more than {@link maxBytes}. */
const bounded = async (url: string | URL, init?: RequestInit): Promise<Response> => {
  const response = await fetch(url, { ...init, redirect: "manual" })
  const { body, headers, status, statusText } = response
  if (status >= 300 && status < 400) {
    await body?.cancel()
    throw new Error("a redirect, which is not followed; give the address that it points to")
  }
  if (body === null) return response
  const isStream = headers.get("content-type")?.startsWith("text/event-stream") ?? false
  let size = 0
  const counted = new TransformStream<Uint8Array, Uint8Array>({
    transform: (part, to) => {
      size = isStream && endsEvent(part) ? 0 : size + part.length
      if (size > maxBytes) to.error(new Error(`an answer of more than ${maxBytes} bytes`))
      else to.enqueue(part)
    },
  })
  return new Response(body.pipeThrough(counted), { status, statusText, headers })
}

/** Why a tool's schema cannot be shown to a policy; null where it can. */
const schemaRefusal = (schema: unknown): string | null => {
  try {
    Received.parse(JSON.stringify(schema))
    return null
  } catch (cause) {
    return (cause as Error).message
  }
}

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
      ...(await import("@modelcontextprotocol/sdk/types.js")),
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
            fetch: bounded,
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
  for (let pages = 0; pages === 0 || cursor !== undefined; pages++) {
    // Not by `listTools` and `callTool`, which compile the schemas of results: their patterns are the server's.
    const params = cursor === undefined ? {} : { cursor }
    const page = yield* attempt(where, (signal) =>
      client.request({ method: "tools/list", params }, sdk.ListToolsResultSchema, { signal, timeout: beginning }),
    )
    if (pages === maxPages || listed.length + page.tools.length > maxTools)
      return yield* new ToolError({
        tool: where,
        reason: `lists more than ${maxTools} tools or ${maxPages} pages of them; give a server with fewer`,
      })
    for (const { description = "", inputSchema, name } of page.tools) {
      const refusal = schemaRefusal(inputSchema)
      if (refusal !== null)
        return yield* new ToolError({
          tool: name,
          reason: `${where} gives it a schema that cannot be used: ${refusal}`,
        })
      listed.push({
        name,
        description,
        parameters: inputSchema,
        call: (input) =>
          attempt(name, (signal) =>
            client.request(
              { method: "tools/call", params: { name, arguments: input as Record<string, unknown> } },
              sdk.CallToolResultSchema,
              { signal, timeout },
            ),
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
    }
    cursor = page.nextCursor
  }
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
