/** Episodes of several turns on a vLLM double: tokens in, tokens out, by one policy. */
import { assert, it } from "@effect/vitest"
import { type Environment, Episodes, OpenAiSampler, type Sampler, SamplingParams } from "@lpo/rollout"
import { Effect, Stream } from "effect"
import * as Vllm from "./vllm.ts"

const server = Effect.acquireRelease(
  Effect.promise(() => Vllm.start()),
  (double) => Effect.promise(() => double.close()),
)
const digits = (text: string) => Int32Array.from(text.match(/\d+/g) ?? [], Number)
const tokens = (breaks = false): Sampler.TurnTokens => ({
  encode: (prompt) =>
    Effect.succeed(
      digits(typeof prompt === "string" ? prompt : prompt.map(({ content }) => content as string).join(" ")),
    ),
  encodeText: (text) => Effect.succeed(digits(text)),
  between: (_, __, next) =>
    Effect.succeed(breaks ? null : digits(next.map(({ content }) => content as string).join(" "))),
})
const observed = 10

/** Three actions, with an observation of one token after each of the first two. */
const environment = (kind: "chat" | "text", onStep: Effect.Effect<void> = Effect.void) => {
  const said = (text: string) => ({ content: kind === "text" ? text : [{ role: "user" as const, content: text }] })
  return {
    name: "three",
    open: ({ prompt }) =>
      Effect.sync(() => {
        let taken = 0
        return {
          observation: said(prompt as string),
          step: () =>
            Effect.as(
              onStep,
              ++taken < 3
                ? { observation: said(String(observed)), done: "no" as const }
                : { done: "terminated" as const, reward: 1 },
            ),
        }
      }),
  } satisfies Environment.EnvironmentService
}
const rows = ["1 2 3", "4 5"].map((prompt, i) => ({ id: `p${i}`, task: "t", prompt, answer: null }))
const play = (
  inner: Sampler.SamplerService,
  played: Environment.EnvironmentService,
  law: Partial<Sampler.SampleOptions> = {},
) =>
  Episodes.sampler(inner, played, { maxTurns: 3 })
    .sample(rows, { groupSize: 3, maxTokens: 4, seed: "s", ...law })
    .pipe(Stream.runCollect)
const make = (double: Vllm.Double, options: Partial<OpenAiSampler.Options> = {}) =>
  OpenAiSampler.make({ servers: [double.url], model: "base", stops: [Vllm.stop], turns: tokens(), ...options })

it.live("every turn is asked for with the tokens that were sampled, and its log-probs are of those", () =>
  Effect.gen(function* () {
    const double = yield* server
    const { sampler } = yield* make(double)
    const groups = yield* play(sampler, environment("text"))
    const asked = double.completions().map(({ body }) => body["prompt"][0].join())
    assert.strictEqual(asked.length, 18)
    for (const { completions, promptTokens } of groups)
      for (const { logprobs, sampling, tokens, trajectory } of completions) {
        const [part] = trajectory?.parts ?? []
        assert.deepInclude(trajectory, { turns: 3, forked: 0, failure: null })
        const all = [...promptTokens, ...part.completion]
        const sampled = [...part.sampled]
        assert.deepStrictEqual(
          sampled.map((at) => part.completion[at]),
          [...tokens],
        )
        for (const [t, at] of sampled.entries()) {
          const before = all[promptTokens.length + at - 1]
          assert.closeTo(logprobs[t], Vllm.policy("base", before)[tokens[t]], 1e-5)
        }
        // A turn begins where the tokens before it were not sampled.
        for (const at of sampled)
          if (!sampled.includes(at - 1)) assert.include(asked, all.slice(0, promptTokens.length + at).join())
        assert.deepStrictEqual(sampling, SamplingParams.make({ maxTokens: 4 }))
      }
    // The same seed, the same episodes.
    assert.deepStrictEqual(yield* play(sampler, environment("text")), groups)
  }).pipe(Effect.scoped),
)

it.live("one policy samples an episode to its end, whatever is published meanwhile", () =>
  Effect.gen(function* () {
    const double = yield* server
    const { adapters, sampler } = yield* make(double, { versionsKept: 1 })
    yield* adapters.publish({ version: 1, folder: "/adapters/1" })
    let published = 1
    const more = Effect.suspend(() =>
      published < 4 ? Effect.orDie(adapters.publish({ version: ++published, folder: "/adapters/n" })) : Effect.void,
    )
    const groups = yield* play(sampler, environment("text", more))
    assert.deepStrictEqual([...new Set(double.completions().map(({ body }) => body["model"]))], ["policy-1"])
    for (const { completions } of groups)
      for (const { policyVersion } of completions) assert.strictEqual(policyVersion, 1)
    // It is unloaded once nothing uses it.
    assert.deepStrictEqual([...double.adapters.keys()], ["policy-4"])
  }).pipe(Effect.scoped),
)

it.live("a chat whose template rewrites what was said goes on in a new sequence", () =>
  Effect.gen(function* () {
    const double = yield* server
    const whole = yield* play((yield* make(double)).sampler, environment("chat"))
    const broken = yield* play((yield* make(double, { turns: tokens(true) })).sampler, environment("chat"))
    for (const [groups, forked] of [
      [whole, 0],
      [broken, 2],
    ] as const)
      for (const { completions } of groups)
        for (const { tokens, trajectory } of completions) {
          const parts = trajectory?.parts ?? []
          assert.deepInclude(trajectory, { forked, failure: null })
          assert.deepStrictEqual(
            parts.flatMap(({ completion, sampled }) => [...sampled].map((at) => completion[at])),
            [...tokens],
          )
        }
  }).pipe(Effect.scoped),
)

it.live("an episode ends where the server's positions do; without the tokenizer's part there are no turns", () =>
  Effect.gen(function* () {
    const double = yield* server
    double.faults.positions = 12
    const { sampler } = yield* make(double)
    const groups = yield* play(sampler, environment("text"))
    const ends = groups.flatMap(({ completions }) => completions.map(({ trajectory }) => trajectory?.stop))
    assert.include(ends, "context-full")
    for (const { body } of double.completions()) assert.isAtMost(body["prompt"][0].length + body["max_tokens"], 12)
    const { turns: _, ...without } = { ...sampler }
    const error = yield* Effect.flip(play(without, environment("text")))
    assert.match(error.message, /does not take prompts of tokens/)
    const refused = yield* Effect.flip(
      play(sampler, environment("text"), { temperature: 0.5, logprobsOf: "processed" }),
    )
    assert.match(refused.message, /asks for processed log-probs/)
  }).pipe(Effect.scoped),
)
