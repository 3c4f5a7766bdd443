/** The records of the domain: what is written as JSON is read back to the bit, and what does not fit is named. */
import { Group, LoggedGroup, Sampler, SamplingParams, Sequence, Verdict } from "@lpo/rollout"
import { Effect, Schema } from "effect"
import fc from "fast-check"
import { expect, it } from "vitest"

const chunk = fc.oneof(
  fc.array(fc.nat(50_000)).map((tokens): Sequence.Chunk => ({ type: "text", tokens: Int32Array.from(tokens) })),
  fc
    .record({ bytes: fc.uint8Array({ maxLength: 20 }), positions: fc.integer({ min: 1, max: 9 }) })
    .map(({ bytes, positions }): Sequence.Chunk => ({
      type: "image",
      format: "png",
      source: { data: bytes },
      positions,
    })),
  fc
    .webUrl()
    .map((location): Sequence.Chunk => ({ type: "image", format: "jpeg", source: { location }, positions: 3 })),
)

const completion = fc
  .array(fc.tuple(fc.nat(50_000), fc.float({ min: -40, max: 0, noNaN: true })), { minLength: 1 })
  .map((pairs): Group.Group["completions"][number] => ({
    tokens: Int32Array.from(pairs, ([token]) => token),
    text: pairs.map(([token]) => String.fromCodePoint(32 + (token % 0xd000))).join(""),
    // JSON has no -0, and a log-prob of 0 has no sign.
    logprobs: Float32Array.from(pairs, ([, logprob]) => logprob + 0),
    logprobsOf: "raw",
    finish: "stop",
    policyVersion: 3,
    sampling: SamplingParams.make({ maxTokens: 9, stopStrings: ["</answer>"] }),
  }))

const group = fc
  .record({ chunks: fc.array(chunk, { minLength: 1 }), completions: fc.array(completion) })
  .map(({ chunks, completions }): Group.ScoredGroup => ({
    problem: { id: "p", task: "t", prompt: [{ role: "user", content: "?" }], answer: { target: 3 } },
    place: 2,
    promptTokens: Sequence.flatten(chunks),
    promptChunks: chunks,
    completions,
    verdicts: completions.map((_, k) =>
      k % 2 === 0 ? Verdict.judged({ correct: true, extracted: "3" }) : Verdict.unreached("timeout", "too slow"),
    ),
  }))

it("a scored group comes back from JSON to the bit, images and log-probs included", () => {
  const codec = Schema.fromJsonString(Group.ScoredGroup)
  fc.assert(
    fc.property(group, (given) => {
      const [encode, decode] = [Schema.encodeSync(codec), Schema.decodeUnknownSync(codec)]
      const copy = decode(encode(given))
      expect(copy).toEqual(given)
      // What an engine gets does not depend on which arrays hold it.
      expect(Group.sequences(copy)).toEqual(Group.sequences(given))
    }),
    { numRuns: 200 },
  )
})

it("the chunks of a prompt take as many positions as it has tokens, 0 at those of an image", () => {
  fc.assert(
    fc.property(fc.array(chunk), (chunks) => {
      const tokens = Sequence.flatten(chunks)
      expect(tokens.length).toBe(Sequence.positions(chunks))
      let at = 0
      for (const one of chunks) {
        const own = tokens.subarray(at, (at += Sequence.positions([one])))
        expect([...own]).toEqual(one.type === "text" ? [...one.tokens] : Array(one.positions).fill(0))
      }
    }),
  )
})

it("a record that does not fit names where", async () => {
  const decode = Schema.decodeUnknownEffect(Schema.fromJsonString(LoggedGroup.LoggedGroup))
  const logged = {
    step: 1,
    problem: "p",
    prompt: "?",
    outcome: "no-signal",
    completions: [{ text: "a", length: 1, finish: "stop", verdict: Verdict.judged({ correct: false }) }],
  }
  expect(await Effect.runPromise(decode(JSON.stringify(logged)))).toEqual(logged)
  const broken = { ...logged, completions: [{ ...logged.completions[0], verdict: { status: "fine" } }] }
  const { message } = await Effect.runPromise(Effect.flip(decode(JSON.stringify(broken))))
  expect(message).toMatch(/\["completions"\]\[0\]\["verdict"\]/)
})

it("sampling parameters: the defaults sample from the policy itself, and what cannot be sampled is refused", () => {
  const plain = SamplingParams.make({ maxTokens: 4 })
  expect(SamplingParams.refusal(plain)).toBeNull()
  expect(SamplingParams.isPolicyItself(plain)).toBe(true)
  for (const law of [{ temperature: 0.7 }, { topP: 0.9 }, { topK: 20 }, { minP: 0.1 }]) {
    const params = SamplingParams.make({ maxTokens: 4, ...law })
    expect(SamplingParams.refusal(params)).toBeNull()
    expect(SamplingParams.isPolicyItself(params)).toBe(false)
    expect(SamplingParams.isWhole(params)).toBe("temperature" in law)
  }
  const refused = (given: Partial<SamplingParams.Options>) =>
    SamplingParams.refusal(SamplingParams.make({ maxTokens: 4, ...given }))
  expect(refused({ maxTokens: 0 })).toMatch(/maxTokens is 0; give a whole number from 1/)
  expect(refused({ temperature: -1 })).toMatch(/temperature is -1/)
  expect(refused({ temperature: NaN })).toMatch(/temperature is NaN/)
  expect(refused({ topP: 0 })).toMatch(/topP is 0/)
  expect(refused({ topK: 1.5 })).toMatch(/topK is 1.5/)
  expect(refused({ minP: 2 })).toMatch(/minP is 2/)
  expect(refused({ stopStrings: [""] })).toMatch(/stopStrings has ""/)
})

it("no two places of any two lists share a stream, however often a problem occurs", () => {
  const id = fc.constantFrom("a", "b", "a#2", "a/2", "2")
  fc.assert(
    fc.property(fc.array(fc.array(id, { maxLength: 6 }), { maxLength: 6 }), (steps) => {
      const seen = steps.flatMap((ids, step) =>
        Sampler.asked(
          ids.map((name) => ({ id: name, task: "t", prompt: "?", answer: null })),
          `7/sample/${step}`,
        ).map(({ place, problem, stream }) => {
          expect(problem.id).toBe(ids[place])
          return stream
        }),
      )
      expect(new Set(seen).size).toBe(seen.length)
    }),
    { numRuns: 500 },
  )
})
