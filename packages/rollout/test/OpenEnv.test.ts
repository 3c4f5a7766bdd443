/** Environments behind an OpenEnv server, played over its WebSocket. */
import { Episodes, OpenEnv, Sampler, SamplingParams, Seed } from "@lpo/rollout"
import { Effect, Stream } from "effect"
import { afterEach, expect, it } from "vitest"
import { type Server, start } from "./openEnvServer.ts"

let server: Server
afterEach(() => server.close())

const options = (url: string): OpenEnv.Options => ({
  url,
  action: (text) => ({ guess: Number(text) }),
  observe: ({ hint }) => ({ content: String(hint) }),
  metrics: ({ steps }) => ({ guesses: Number(steps) > 0 ? 1 : 0 }),
})
const row = { id: "p", task: "guess", prompt: "?", answer: null }
const say = (text: string) => ({ text, tokens: Int32Array.of(1), finish: "stop" as const })

it("opens a session for each episode, plays it, and gives its place back", async () => {
  server = await start()
  const environment = OpenEnv.environment(options(server.url))
  const secret = Seed.stream("s").int(0, 2 ** 31 - 1) % 10
  await Effect.runPromise(
    Effect.gen(function* () {
      const one = yield* environment.open(row, "s")
      const two = yield* environment.open(row, "s")
      expect(server.open()).toBe(2)
      expect(server.resets[0]).toEqual(server.resets[1])
      expect(one.observation).toEqual({ content: "0-9?" })
      const wrong = (secret + 1) % 10
      expect(yield* one.step(say(String(wrong)))).toEqual({
        observation: { content: wrong < secret ? "up" : "down" },
        reward: 0,
        done: "no",
        metrics: { guesses: 1 },
      })
      // The other session has a state of its own.
      expect(yield* two.step(say(String(secret)))).toEqual({ reward: 1, done: "terminated", metrics: { guesses: 1 } })
    }).pipe(Effect.scoped),
  )
  await expect.poll(() => server.open()).toBe(0)
  const state = OpenEnv.session({ url: server.url }).pipe(
    Effect.tap((session) => session.reset({ seed: 3, level: "easy" })),
    Effect.flatMap((session) => session.state),
    Effect.scoped,
  )
  expect(await Effect.runPromise(state)).toEqual({ episode_id: null, step_count: 0 })
  expect(server.resets.at(-1)).toEqual({ seed: 3, level: "easy" })
})

it.each([
  [
    '{"type":"error","data":{"message":"no such move","code":"EXECUTION_ERROR"}}',
    /step failed: no such move \(EXECUTION_ERROR\)/,
  ],
  ['{"type":"state","data":{}}', /answers "state" to "step", where "observation" was expected/],
  ['{"type":"observation","data":{"reward":1}}', /sent an answer of the wrong shape: .*observation/s],
  ["{", /sent something that is not JSON/],
  [null, /the session ended/],
] as const)("an answer %s is a failure of the environment that says what came", async (answer, message) => {
  server = await start({ "5": answer })
  const played = OpenEnv.environment(options(server.url))
    .open(row, "s")
    .pipe(
      Effect.flatMap((episode) => episode.step(say("5"))),
      Effect.scoped,
    )
  const error = await Effect.runPromise(Effect.flip(played))
  expect(error._tag).toBe("EnvironmentError")
  expect(error.message).toMatch(message)
})

it("a server that is not there is named", async () => {
  server = await start()
  const { url } = server
  await server.close()
  const error = await Effect.runPromise(Effect.flip(Effect.scoped(OpenEnv.environment(options(url)).open(row, "s"))))
  expect(error.message).toMatch(/environment openenv: ws:.*\/ws: no connection; start the server/)
  server = await start()
})

it("groups of episodes: members share the state, and one that fails is masked alone", async () => {
  server = await start({ "0": '{"type":"error","data":{"message":"zero","code":"X"}}' })
  const engine: Sampler.SamplerService = {
    sample: () => Stream.empty,
    turns: Effect.succeed({
      policyVersion: 1,
      positions: null,
      encode: (prompt) => Effect.succeed(Int32Array.from(JSON.stringify(prompt), (c) => c.charCodeAt(0))),
      encodeText: (text) => Effect.succeed(Int32Array.from(text, (c) => c.charCodeAt(0))),
      between: () => Effect.succeed(null),
      sample: (asked, law) =>
        Effect.succeed(
          asked.map(({ stream }) => {
            const digit = Seed.stream(stream).int(0, 9)
            return {
              tokens: Int32Array.of(48 + digit),
              text: String(digit),
              logprobs: Float32Array.of(-Math.log(10)),
              finish: "stop" as const,
              policyVersion: 1,
              logprobsOf: "raw" as const,
              sampling: SamplingParams.make(law),
            }
          }),
        ),
    }),
  }
  const sampler = Episodes.sampler(engine, OpenEnv.environment(options(server.url)), { maxTurns: 3 })
  const rows = ["a", "b", "c"].map((id) => ({ id, task: "guess", prompt: "?", answer: null }))
  const groups = await Effect.runPromise(
    Stream.runCollect(sampler.sample(rows, { groupSize: 4, maxTokens: 1, seed: "1" })),
  )
  expect(groups.map(({ problem }) => problem.id)).toEqual(["a", "b", "c"])
  const episodes = groups.flatMap(({ completions }) => completions.map(({ trajectory }) => trajectory))
  const failed = episodes.filter((episode) => episode?.failure != null)
  expect(failed.length).toBeGreaterThan(0)
  for (const episode of failed) expect(episode?.failure).toMatch(/step failed: zero \(X\)/)
  for (const episode of episodes) expect(episode?.stop).toMatch(/^(terminated|turn-limit|failed)$/)
  expect(new Set(server.resets.map(({ seed }) => seed)).size).toBe(3)
  await expect.poll(() => server.open()).toBe(0)
})
