/**
 * `npm run checks -- environments`: the surroundings of an episode, against third-party servers: an environment of the package
 * `openenv` over its WebSocket, tools of a server made with the Python package of MCP (standard streams, and HTTP), and a reward
 * model on FastAPI.
 */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { Episodes, McpTools, OpenEnv, RewardModel, type Sampler, SamplingParams, Tool, Verifier } from "@lpo/rollout"
import { Effect, Redacted, type Scope, Stream } from "effect"
import * as Arguments from "../../bench/shared/Arguments.ts"
import * as Python from "../../bench/shared/Python.ts"
import * as Report from "../shared/Report.ts"
import * as Server from "../shared/Server.ts"

const report = Report.make("environments")

const script = (name: string): string => fileURLToPath(new URL(`${name}_server.py`, import.meta.url))
const run = <A, E>(effect: Effect.Effect<A, E, Scope.Scope>) => Effect.runPromise(Effect.scoped(effect))

/** Starts one of this check's servers, and ends it after `use`. */
const serving = async (
  python: string,
  root: string,
  name: string,
  health: string,
  use: (url: string) => Promise<void>,
) => {
  const folder = join(root, name)
  mkdirSync(folder)
  const port = await Server.freePort()
  const args = [script(name), String(port)]
  const server = await Server.start({ command: python, args, env: {}, folder, port, health })
  try {
    await use(server.url)
  } finally {
    await server.kill()
  }
}

/** Halves the digits that are left, as an observation says; a digit is a token. */
const halving: Sampler.SamplerService = {
  sample: () => Stream.empty,
  turns: Effect.succeed({
    policyVersion: 0,
    positions: null,
    encode: () => Effect.succeed(Int32Array.of(10)),
    encodeText: (text) => Effect.succeed(Int32Array.of(text === "up" ? 11 : 12)),
    between: () => Effect.succeed(null),
    sample: (asked, law) =>
      Effect.succeed(
        asked.map(({ prompt }) => {
          let [low, high, last] = [0, 9, 0]
          for (const token of prompt)
            if (token < 10) last = token
            else if (token === 11) low = last + 1
            else if (token === 12) high = last - 1
          const guess = Math.floor((low + high) / 2)
          return {
            tokens: Int32Array.of(guess),
            text: String(guess),
            logprobs: Float32Array.of(-1),
            finish: "stop" as const,
            policyVersion: 0,
            logprobsOf: "raw" as const,
            sampling: SamplingParams.make(law),
          }
        }),
      ),
  }),
}

const openEnv = (url: string) =>
  run(
    Effect.gen(function* () {
      const environment = OpenEnv.environment({
        url,
        action: (text) => ({ guess: Number(text) }),
        observe: ({ told }) => ({ content: String(told) }),
      })
      const rows = Array.from({ length: 8 }, (_, i) => ({ id: `p${i}`, task: "t", prompt: "?", answer: null }))
      const groups = yield* Episodes.sampler(halving, environment, { maxTurns: 5 })
        .sample(rows, { groupSize: 4, maxTokens: 1, seed: "s" })
        .pipe(Stream.runCollect)
      const trajectories = groups.map(({ completions }) => completions.map(({ trajectory }) => trajectory))
      const right = trajectories.flat().filter((one) => one?.correct === true && one.stop === "terminated").length
      const turns = trajectories.map((all) => all.map((one) => one?.turns))
      report.add(
        "OpenEnv: 32 episodes end correctly, at the same turn in all members of a group",
        right === 32 && turns.every(([first, ...others]) => others.every((n) => n === first)),
        `${right} right; turns ${turns.map(([first]) => first).join(", ")}`,
      )
      const session = yield* OpenEnv.session({ url })
      yield* session.reset({ seed: 3 })
      yield* session.step({ guess: 1 })
      const state = yield* session.state
      report.add("OpenEnv: a session has its own state", state["step_count"] === 1, JSON.stringify(state))
      const other = yield* OpenEnv.session({ url })
      yield* other.reset({ seed: 3 })
      const raised = yield* Effect.flip(other.step({ guess: 12 }))
      report.add(
        "OpenEnv: an error raised by the environment is its failure",
        /a guess is a digit/.test(raised.message),
        raised.message,
      )
      const third = yield* OpenEnv.session({ url })
      yield* third.reset({ seed: 3 })
      const invalid = yield* Effect.flip(third.step({ guess: "x" }))
      report.add(
        "OpenEnv: an action that does not fit is reported",
        /VALIDATION_ERROR/.test(invalid.message),
        invalid.message.slice(0, 200),
      )
    }),
  )

const mcp = (name: string, server: McpTools.Server) =>
  run(
    Effect.gen(function* () {
      const tools = yield* McpTools.connect(server, { seconds: 2 })
      const say = (tool: string, input: unknown) => {
        const [call] = Tool.calls(`<tool_call>${JSON.stringify({ name: tool, arguments: input })}</tool_call>`)
        return Tool.answer(tools, call)
      }
      const names = tools.map((tool) => tool.name).join()
      report.add(`MCP ${name}: lists its tools`, names === "divide,slow", names)
      for (const [what, tool, input, ok, expected] of [
        ["a result", "divide", { a: 12, b: 4 }, true, /^3$/],
        ["an error of the tool", "divide", { a: 12, b: 0 }, false, /b is 0/],
        ["an input that does not fit", "divide", { a: "x" }, false, /^error: divide: /],
        ["a tool that is late", "slow", { seconds: 6 }, false, /timed out/i],
      ] as const) {
        const answered = yield* say(tool, input)
        report.add(
          `MCP ${name}: ${what} is what the policy reads`,
          answered.ok === ok && expected.test(answered.text),
          answered.text.replaceAll(/\s+/g, " ").slice(0, 160),
        )
      }
    }),
  )

const rewardModel = (url: string) =>
  run(
    Effect.gen(function* () {
      const ask = (key: { readonly key?: Redacted.Redacted }, i: number) => {
        const prompt = i % 2 === 0 ? "is it" : [{ role: "user" as const, content: "is it" }]
        const problem = { id: `p${i}`, task: "t", prompt, answer: null }
        const text = i % 2 === 0 ? "it is right" : "it is"
        const { verify } = Verifier.define(RewardModel.grader({ url: `${url}/score`, ...key }))
        return verify(problem, { text, finish: "stop" })
      }
      const key = { key: Redacted.make("key") }
      const verdicts = yield* Effect.forEach(Array.from({ length: 20 }).keys(), (i) => ask(key, i), { concurrency: 4 })
      const right = verdicts.filter(({ correct, score }) => correct && Math.abs(score - 1 / 3) < 1e-6).length
      const wrong = verdicts.filter(({ correct, score, status }) => status === "ok" && !correct && score === 0).length
      report.add(
        "reward model: 20 verdicts over texts and chats, though every fifth request is refused as busy",
        right === 10 && wrong === 10,
        `${right} right, ${wrong} wrong`,
      )
      const { reason, status } = yield* ask({}, 0)
      report.add(
        "reward model: a missing key is an error with a reason, not a zero",
        status === "error" && /HTTP 401: no key/.test(reason ?? ""),
        reason,
      )
    }),
  )

Arguments.read("npm run checks -- environments", {})
const python = Report.unlessSkipped("environments", ["everything: no servers"], () =>
  Python.prepare({ name: "environments", requirements: new URL("requirements.txt", import.meta.url) }),
)
if (python !== null) {
  const root = mkdtempSync(join(tmpdir(), "lpo-environments-"))
  try {
    await serving(python, root, "openenv", "/health", openEnv)
    await mcp("over standard streams", {
      command: python,
      args: [script("mcp")],
      env: { FASTMCP_LOG_LEVEL: "CRITICAL" },
    })
    await serving(python, root, "mcp", "/health", (url) => mcp("over HTTP", { url: `${url}/mcp` }))
    await serving(python, root, "reward", "/health", rewardModel)
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
  report.end()
}
