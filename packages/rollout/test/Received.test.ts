import { Received } from "@lpo/rollout"
import fc from "fast-check"
import { expect, it } from "vitest"

it("takes what a policy can have sampled, and keeps it in 32 bits", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(2 ** 31 - 1), fc.float({ min: -9998, max: 0, noNaN: true })), {
        minLength: 1,
        maxLength: 9,
      }),
      (pairs) => {
        const tokens = pairs.map(([token]) => token)
        const logprobs = pairs.map(([, logprob]) => logprob)
        const read = Received.completion(tokens, logprobs, 9)
        if (typeof read === "string") throw new Error(read)
        expect(Array.from(read.tokens)).toEqual(tokens)
        expect(Array.from(read.logprobs, (v) => v + 0)).toEqual(logprobs.map((v) => Math.fround(v) + 0))
      },
    ),
  )
})

it("takes the rounding of a log-softmax for what it is", () => {
  expect(Received.completion([1], [1e-6], 1)).toEqual({
    tokens: Int32Array.of(1),
    logprobs: Float32Array.of(0),
  })
})

it.each<[name: string, tokens: Received.Numbers, logprobs: Received.Numbers | null, max: number, reason: string]>([
  ["above 0", [1, 2], [-1, 5], 2, "its log-prob 1 is 5, above 0"],
  ["a little above 0", [1], [0.01], 2, "its log-prob 0 is 0.01, above 0"],
  ["infinite in float32", [1], [1e39], 2, "its log-prob 0 is 1e+39, above 0"],
  ["minus infinity in float32", [1], [-1e39], 2, "its log-prob 0 is -1e+39, not finite"],
  ["minus infinity as servers write it", [1], [-9999], 2, "its log-prob 0 is -9999, not finite"],
  ["NaN", [1], [Number.NaN], 2, "its log-prob 0 is NaN, not finite"],
  ["null", [1], [null], 2, "its log-prob 0 is null, not finite"],
  ["infinite", [1], [Number.POSITIVE_INFINITY], 2, "its log-prob 0 is Infinity, above 0"],
  ["NaN in a typed array", Int32Array.of(1), Float32Array.of(Number.NaN), 2, "its log-prob 0 is NaN, not finite"],
  ["a negative token", [3, -1], [-1, -1], 2, "its token 1 is -1"],
  ["a negative token in a typed array", Int32Array.of(-7), Float32Array.of(-1), 2, "its token 0 is -7"],
  ["a token that would wrap to 5", [2 ** 32 + 5], [-1], 2, "its token 0 is 4294967301"],
  ["a token of 2^31", [2 ** 31], [-1], 2, "its token 0 is 2147483648"],
  ["half a token", [1.5], [-1], 2, "its token 0 is 1.5"],
  ["no token", [null], [-1], 2, "its token 0 is null"],
  ["a token that is not a number", [Number.NaN], [-1], 2, "its token 0 is NaN"],
  ["more than were asked for", [1, 2, 3], [-1, -1, -1], 2, "it has 3 tokens, where 2 were the most asked for"],
  ["fewer log-probs", [1, 2], [-1], 2, "it has 2 tokens and 1 log-probs"],
  ["no log-probs", [1], null, 2, "it has 1 tokens and no log-probs"],
  ["nothing", [], [], 2, "it has no tokens"],
])("refuses a completion: %s", (_, tokens, logprobs, max, reason) => {
  const read = Received.completion(tokens, logprobs, max)
  expect(typeof read === "string" ? read : "taken").toContain(reason)
})

it.each<[text: string, value: unknown]>([
  ["[NaN]", [null]],
  ["[-Infinity, Infinity, 1]", [null, null, 1]],
  ['{"NaN": NaN, "a": "NaN, \\"NaN\\" \\\\"}', { NaN: null, a: 'NaN, "NaN" \\' }],
  ['["\\\\", NaN]', ["\\", null]],
  ['["Infinity"]', ["Infinity"]],
])("reads %s", (text, value) => {
  expect(Received.json(text)).toEqual(value)
})

it.each(["", "{", "[NaN", "[nan]", "NaNNaN", "[1NaN]", "-NaN", "<html>NaN</html>"])("refuses %j as JSON", (text) => {
  expect(() => Received.json(text)).toThrow(SyntaxError)
})

it("reads a long text with one literal that JSON does not have", () => {
  const text = "x\\n".repeat(2 ** 22)
  expect(Received.json(`{"text":"${text}","logprob":NaN}`)).toMatchObject({ logprob: null })
})
