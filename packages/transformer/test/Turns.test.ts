/** The turns of the embedded engine: what leads from an answer to the next prompt, and the gradient of episodes. */
import { Environment, Episodes, Group, Sampler } from "@lpo/rollout"
import { Lpo, Update } from "@lpo/trainer"
import { Backend, HfTokenizer, Policy, TransformerLearner, TransformerSampler } from "@lpo/transformer"
import { Effect, Layer, Stream } from "effect"
import { expect, it } from "vitest"
import { folderOf } from "./fixtures.ts"
import { config, tokenizer, values } from "./tiny.ts"

const user = (content: string) => ({ role: "user" as const, content })

it.each(["qwen3", "tokenizer-llama3"])(
  "%s: the tokens between turns continue those that were sampled",
  async (name) => {
    const hf = await Effect.runPromise(HfTokenizer.load(folderOf(name)))
    if (hf.chatTemplate === null) throw new Error("no template")
    const chat = [user("What is 3 + 4?")]
    const next = [user("And doubled?")]
    const prompt = await Effect.runPromise(hf.encodeChat(chat))
    // Not how the tokenizer would write it: it is kept all the same.
    const letters = await Effect.runPromise(Effect.forEach("seven", hf.encodeBare))
    const answer = Int32Array.of(...letters.map(([token]) => token), hf.stops[0])
    const between = await Effect.runPromise(
      hf.encodeTurn?.(chat, { text: "seven", tokens: answer }, next) ?? Effect.succeed(null),
    )
    const whole = await Effect.runPromise(hf.encodeChat([...chat, { role: "assistant", content: "seven" }, ...next]))
    if (between === null) {
      // The template changes what stands before: nothing may be glued on.
      const text = hf.decodeAll(whole)
      expect(text.startsWith(`${hf.decodeAll(prompt)}seven`)).toBe(false)
      return
    }
    expect(hf.decodeAll(Int32Array.of(...prompt, ...answer, ...between))).toBe(hf.decodeAll(whole))
    const thinking = "<think>\nhm\n</think>\n\nseven"
    const stripped = await Effect.runPromise(
      hf.encodeTurn?.(chat, { text: thinking, tokens: answer }, next) ?? Effect.succeed(null),
    )
    const rendered = await Effect.runPromise(
      hf.chatTemplate.render([...chat, { role: "assistant", content: thinking }, ...next]),
    )
    expect(stripped === null).toBe(!rendered.startsWith(`${hf.decodeAll(prompt)}${thinking}`))
  },
)

/** Says 5 between three actions; the length of each is what it earns. */
const environment: Environment.EnvironmentService = {
  name: "lengths",
  open: ({ prompt }) => {
    let turn = 0
    return Effect.succeed({
      observation: { content: prompt },
      step: ({ tokens }) =>
        Effect.sync(() => ({
          reward: tokens.length,
          ...(++turn < 3 ? { observation: { content: "5" }, done: "no" as const } : { done: "terminated" as const }),
        })),
    })
  },
}

it("the gradient of episodes is that of their sampled tokens alone", async () => {
  await Effect.runPromise(Backend.start("wasm"))
  const program = Effect.gen(function* () {
    const policy = yield* Policy.Policy
    const sampler = Episodes.sampler(yield* Sampler.Sampler, environment, { maxTurns: 3 })
    const rows = [{ id: "a", task: "t", prompt: "1 2 3", answer: null }]
    const [group] = yield* Stream.runCollect(sampler.sample(rows, { groupSize: 3, maxTokens: 4, seed: "s" }))
    // The log-probs that the sampler wrote down are those of the whole episode read at once.
    const rowsOf = yield* policy.logprobs(Group.sequences(group))
    for (const [k, row] of Group.gather(group, rowsOf).entries())
      for (const [t, v] of row.entries()) expect(v).toBeCloseTo(group.completions[k].logprobs[t], 4)
    const weights = group.completions.map(({ tokens }, k) => Float32Array.from(tokens, (_, t) => Math.sin(k + t)))
    policy.gradient.fill(0)
    yield* policy.accumulate([Group.sequences(group)], () => Group.scatter(group, weights))
    const gradient = policy.gradient.slice()
    // An independent way: every sampled token as a sequence of its own, after all that stands before it.
    const alone = group.completions.flatMap(({ trajectory }, k) => {
      let t = 0
      return (trajectory?.parts ?? []).flatMap(({ completion, prompt, sampled }) =>
        [...sampled].map((at) => ({
          sequence: {
            prompt: Int32Array.of(...prompt, ...completion.subarray(0, at)),
            completion: completion.slice(at, at + 1),
          },
          weight: weights[k][t++],
        })),
      )
    })
    policy.gradient.fill(0)
    yield* policy.accumulate([alone.map(({ sequence }) => sequence)], () =>
      alone.map(({ weight }) => Float32Array.of(weight)),
    )
    const largest = gradient.reduce((most, v) => Math.max(most, Math.abs(v)), 0)
    expect(largest).toBeGreaterThan(0.1)
    for (const [i, v] of policy.gradient.entries()) expect(Math.abs(v - gradient[i])).toBeLessThan(1e-4 * largest)
    policy.gradient.fill(0)
    // Through the update itself.
    const verdicts = group.completions.map(({ trajectory }) => ({
      status: "ok" as const,
      score: trajectory?.reward ?? 0,
      correct: false,
      key: null,
    }))
    const [anchored] = yield* Update.anchored([{ ...group, verdicts }], "recompute")
    expect(anchored.anchor.map((row) => row.length)).toEqual(group.completions.map(({ tokens }) => tokens.length))
    expect(Lpo.make({ divergence: "forward", tau: "std" }).leastGroup).toBe(2)
  })
  const policy = Layer.effect(Policy.Policy, Policy.make(config, tokenizer, values(), { workers: 0 }))
  const layer = Layer.provideMerge(Layer.merge(TransformerSampler.layer(), TransformerLearner.layer()), policy)
  await Effect.runPromise(Effect.scoped(Effect.provide(program, layer)))
})
