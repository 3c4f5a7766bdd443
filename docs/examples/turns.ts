// An environment of your own, a tool, and groups of episodes.
import { Environment, Episodes, Sampler, Tool } from "@lpo/rollout"
import { Effect, Layer, Schema } from "effect"

// #region environment
/** Guess a number from 0 to 9; after each guess the policy reads whether to go up or down. */
export const guessing: Environment.EnvironmentService = {
  name: "guessing",
  open: (row) => {
    const secret = Number(row.answer)
    return Effect.succeed({
      observation: { content: row.prompt },
      step: ({ text }) => {
        const guess = Number(text)
        if (guess === secret) return Effect.succeed({ reward: 1, done: "terminated" as const })
        return Effect.succeed({
          observation: { content: guess < secret ? "up" : "down" },
          done: "no" as const,
          metrics: { misses: 1 },
        })
      },
    })
  },
}
// #endregion environment

// #region layer
/** Over an engine's sampler: the groups of whole episodes of at most 4 guesses. */
export const episodes = Episodes.layer({ maxTurns: 4 }).pipe(
  Layer.provide(Layer.succeed(Environment.Environment, guessing)),
)

/** Groups of guesses from one state instead, each followed to the end twice. */
export const guesses = Episodes.layer({ maxTurns: 4, steps: { depth: 4, rollouts: 2 } }).pipe(
  Layer.provide(Layer.succeed(Environment.Environment, guessing)),
)
// #endregion layer

// #region sample
export const sample = (rows: Parameters<Sampler.SamplerService["sample"]>[0]) =>
  Effect.map(Sampler.Sampler, (sampler) => sampler.sample(rows, { groupSize: 4, maxTokens: 2, seed: "1" }))
// #endregion sample

// #region tool
const divide = Tool.make({
  name: "divide",
  description: "a / b",
  input: Schema.Struct({ a: Schema.Finite, b: Schema.Finite }),
  output: Schema.Finite,
  run: ({ a, b }) =>
    b === 0 ? Effect.fail(new Tool.ToolError({ tool: "divide", reason: "b is 0" })) : Effect.succeed(a / b),
})

export const said = '<tool_call>{"name": "divide", "arguments": {"a": 1, "b": 0}}</tool_call>'
export const answers = Effect.forEach(Tool.calls(said), (call) => Tool.answer([divide], call))
// => [{ text: "error: divide: b is 0", ok: false }]
// #endregion tool
