/** base.json is read as it was written, and no other way. */
import { Evaluator } from "@lpo/eval"
import { Seed } from "@lpo/rollout"
import { Effect } from "effect"
import { expect, it } from "vitest"
import * as Base from "../src/Base.ts"

const sample = { correct: true, score: 1, key: "7", length: 3, truncated: false, surprise: 0.5 }
const problems = ["a", "b"].map((problem) => ({
  problem,
  samples: [
    { ...sample, status: "ok" as const },
    { ...sample, status: "ok" as const, correct: false, score: 0 },
  ],
}))
const base: Base.Base = {
  ...Evaluator.of(problems, "seed"),
  asked: { problems: 2, samples: 2, temperature: 1, benchmarks: [] },
  seconds: 1.5,
}
const text = Base.write(base)
const read = (given: string) => Effect.runPromise(Effect.result(Base.read(given)))

it("comes back as it was", async () => {
  expect(await read(text)).toMatchObject({ _tag: "Success", success: base })
})

it.each<[string, string]>([
  ["nothing", ""],
  ["half of it", text.slice(0, text.length / 2)],
  ["it without its end of line", text.trimEnd()],
  ["it twice", text + text],
  ["another object", "{}"],
  ["a list", "[]"],
  ["null", "null"],
  ["a key more", text.replace("{", '{"more":1,')],
  ["a prototype", text.replace("{", '{"__proto__":{"seconds":0},')],
  ["another count", text.replace('"samples":2', '"samples":3')],
  ["another curve", text.replace(/"mean":0\.(\d)/, (_, digit: string) => `"mean":0.${(Number(digit) + 1) % 10}`)],
  ["no checksum", text.replace(/,"sha256":"[0-9a-f]+"/, "")],
  ["another checksum", text.replace(/"sha256":"[0-9a-f]{4}/, '"sha256":"0000')],
  ["a number that is none", text.replace('"seconds":1.5', '"seconds":1e999')],
  ["lists in lists", "[".repeat(100_000)],
  ["zeros", "\u0000".repeat(text.length)],
])("takes %s for damage", async (_, given) => {
  expect(given).not.toBe(text)
  const outcome = await read(given)
  expect(outcome).toMatchObject({ _tag: "Failure", failure: expect.stringMatching(/^is damaged: /) })
})

it("finds out a change of any byte", async () => {
  const random = Seed.stream("base")
  const bytes = Buffer.from(text)
  for (let at = 0; at < bytes.length; at++) {
    const changed = Buffer.from(bytes)
    changed[at] ^= 1 << random.int(0, 7)
    expect((await read(changed.toString()))._tag).toBe("Failure")
  }
})
