/** The tools of a real MCP server, in a process of its own. */
import { fileURLToPath } from "node:url"
import { McpTools, Tool } from "@lpo/rollout"
import { Effect } from "effect"
import { expect, it } from "vitest"

const server = {
  command: process.execPath,
  args: [fileURLToPath(new URL("./fixtures/mcpServer.mjs", import.meta.url))],
  env: { WHO: "policy" },
}
const run = <A, E>(effect: Effect.Effect<A, E, import("effect").Scope.Scope>) =>
  Effect.runPromise(Effect.scoped(effect))

it("lists them, calls them, and hands on what they answer", () =>
  run(
    Effect.gen(function* () {
      const tools = yield* McpTools.connect(server, { seconds: 1 })
      expect(Tool.describe(tools)).toMatchObject([
        { type: "function", function: { name: "divide", description: "a / b", parameters: { required: ["a", "b"] } } },
        { type: "function", function: { name: "draw" } },
      ])
      const say = (name: string, input: unknown) => {
        const [call] = Tool.calls(`<tool_call>${JSON.stringify({ name, arguments: input })}</tool_call>`)
        return Tool.answer(tools, call)
      }
      expect(yield* say("divide", { a: 1, b: 4 })).toEqual({ text: "0.25", ok: true })
      expect(yield* say("divide", { a: 1, b: 0 })).toEqual({ text: "error: divide: b is 0", ok: false })
      expect(yield* say("draw", {})).toEqual({ text: "[image]\nhello policy", ok: true })
      // Without b it never answers.
      expect((yield* say("divide", { a: 1 })).text).toMatch(/^error: divide: .*timed out/i)
      expect((yield* say("multiply", {})).text).toMatch(
        /^error: multiply: there is no such tool; there are divide, draw/,
      )
    }),
  ))

it("names a tool that is not there, and a server that is not", async () => {
  const missing = await run(Effect.flip(McpTools.connect(server, { only: ["draw", "paint"] })))
  expect(missing.message).toMatch(/^paint: .* has no such tool; it has divide, draw$/)
  const absent = await run(Effect.flip(McpTools.connect({ command: "/no/such/server" })))
  expect(absent.message).toMatch(/^\/no\/such\/server: .*ENOENT/)
})
