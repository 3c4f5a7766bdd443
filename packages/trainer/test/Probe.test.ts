/** The proof that the sampler follows the learner: on an engine of one number, the logit of going on. */
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { type Completion, Sampler, SamplingParams, Seed, type Sequence } from "@lpo/rollout"
import { Grpo, Learner, Probe, TrainConfig } from "@lpo/trainer"
import { Effect, Layer, Stream } from "effect"
import { expect, it } from "vitest"

/** Token 1 goes on, 0 ends the response. */
const make = (
  options: { readonly start?: number; readonly stale?: boolean; readonly dead?: boolean; readonly lost?: boolean } = {},
) => {
  const { dead = false, lost = false, stale = false, start = 0 } = options
  const state = { logit: start, gradient: 0, version: 0 }
  const logprob = (token: number, logit: number) => -Math.log1p(Math.exp(token === 1 ? -logit : logit))
  const rowOf = ({ completion }: Sequence.Sequence) =>
    Float32Array.from(completion, (token) => logprob(token, state.logit))
  const sampler = Layer.succeed(Sampler.Sampler, {
    sample: (problems, { groupSize, maxTokens, seed }) => {
      const logit = stale ? start : state.logit
      const draw = (name: string): Completion.Completion => {
        const random = Seed.stream(name)
        const tokens: Array<number> = []
        while (tokens.length < maxTokens && tokens.at(-1) !== 0)
          tokens.push(random.uniform() < Math.exp(logprob(1, logit)) ? 1 : 0)
        return {
          tokens: Int32Array.from(tokens),
          text: tokens.join(""),
          logprobs: Float32Array.from(tokens, (token) => logprob(token, logit)),
          finish: tokens.at(-1) === 0 ? "stop" : "length",
          policyVersion: state.version,
          logprobsOf: "raw",
          sampling: SamplingParams.make({ maxTokens }),
        }
      }
      return Stream.fromIterable(
        Sampler.asked(problems, seed).map(({ place, problem, stream }) => ({
          problem,
          place,
          promptTokens: Int32Array.of(1),
          completions: Array.from({ length: groupSize }, (_, k) => draw(`${stream}/${k}`)),
        })),
      )
    },
  })
  const learner = Layer.succeed(Learner.Learner, {
    logprobs: (sequences) => Effect.sync(() => sequences.map(rowOf)),
    accumulate: (groups, weigh) =>
      Effect.sync(() => {
        for (const [i, group] of groups.entries()) {
          const rows = weigh(i, group.map(rowOf))
          for (const [k, { completion }] of group.entries())
            for (const [t, token] of completion.entries())
              state.gradient += rows[k][t] * (token - Math.exp(logprob(1, state.logit)))
        }
        return { tokens: 0 }
      }),
    // As Adam's first steps are: as long as the rate, whatever the gradient.
    step: ({ learningRate }) =>
      Effect.sync(() => {
        if (!dead) state.logit += learningRate * Math.sign(state.gradient)
        state.gradient = 0
        return { gradNorm: 1 }
      }),
    publish: Effect.sync(() => ++state.version),
    save: (folder) => Effect.sync(() => writeFileSync(join(folder, "logit"), String(state.logit))),
    restore: (folder) =>
      lost
        ? Effect.fail(new Learner.LearnerError({ operation: "restore", reason: "the server forgot it" }))
        : Effect.sync(() => void (state.logit = Number(readFileSync(join(folder, "logit"), "utf8")))),
  })
  return { state, layer: Layer.merge(sampler, learner) }
}

const problems = ["a", "b", "c", "d"].map((id) => ({ id, task: "t", prompt: id, answer: null }))
const probe = (engine: ReturnType<typeof make>, maxTokens = 12) =>
  Probe.run({
    config: { ...TrainConfig.defaults, seed: "p", steps: 1, maxTokens, objective: Grpo.make() },
    problems,
    rates: [1e-3, 0.3],
  }).pipe(Effect.provide(engine.layer))

it.each([
  [-1, "longer"],
  [3, "shorter"],
] as const)(
  "moves the length where the sampler follows, and puts the learner back (logit %d)",
  async (start, direction) => {
    const engine = make({ start })
    const { after, before, learningRate, z, ...found } = await Effect.runPromise(probe(engine))
    expect(found).toMatchObject({ direction })
    expect(z).toBeGreaterThan(3)
    expect(learningRate).toBe(0.3)
    expect(Math.sign(after - before)).toBe(direction === "longer" ? 1 : -1)
    expect(engine.state.logit).toBe(start)
  },
)

it("says that a sampler which is left behind does not follow", async () => {
  const engine = make({ start: -1, stale: true })
  const error = await Effect.runPromise(Effect.flip(probe(engine)))
  expect(error._tag).toBe("ProbeError")
  expect(error.message).toMatch(
    /3 steps on the reward "longer" did not move the mean length of responses: .* the learner's own log-probs moved by .* so the sampler does not follow it/,
  )
  expect(engine.state.logit).toBe(-1)
})

it("tells a learner that does not learn from a sampler that does not follow", async () => {
  const { message } = await Effect.runPromise(Effect.flip(probe(make({ start: -1, dead: true }))))
  expect(message).toMatch(/the learner's own log-probs did not move either, so it does not learn/)
})

it("asks for prompts whose responses differ in length", async () => {
  const { message } = await Effect.runPromise(Effect.flip(probe(make(), 1)))
  expect(message).toMatch(/all 64 responses have 1 tokens, .* larger --max-tokens, or other prompts/)
})

it("a learner that cannot be put back is a failure in words, whatever the steps came to", async () => {
  for (const options of [{ start: -1 }, { start: -1, stale: true }]) {
    const error = await Effect.runPromise(Effect.flip(probe(make({ ...options, lost: true }))))
    expect(error._tag).toBe("ProbeError")
    expect(error.message).toMatch(/could not be restored \(restore: the server forgot it\).*start again, or resume/)
  }
})
