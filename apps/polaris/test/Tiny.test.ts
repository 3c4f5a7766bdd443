/** The presets that start from nothing: their problems, their demonstrations, and the warm starts that they ship. */
import { Evaluator } from "@lpo/eval"
import { Backend, ModelFiles, Policy, TransformerSampler } from "@lpo/transformer"
import { Geometry3k, Mathematics, Verifier } from "@lpo/verifiers"
import { Effect, Layer } from "effect"
import { expect, it } from "vitest"
import * as Preset from "../src/Preset.ts"
import { tasks } from "../src/tasks/index.ts"
import * as WarmStart from "../src/WarmStart.ts"

const open = async (name: string) => {
  const preset = await Effect.runPromise(Preset.load(name))
  if (preset.model?.kind !== "warm-start") throw new Error(`${name} has no warm start`)
  const domain = await Effect.runPromise(tasks[preset.task.name](preset.task.parameters))
  if (domain.tiny === null) throw new Error(`${name} has no small model`)
  const task = await Effect.runPromise(Effect.scoped(domain.task("words")))
  const draw = (side: "train" | "held-out", seed = name) => task.generate?.({ side, seed }) ?? []
  return { preset, model: preset.model, domain, tiny: domain.tiny, task, draw }
}

const text = ({ prompt }: { readonly prompt: unknown }): string => (typeof prompt === "string" ? prompt : "")
const ascending = (a: number, b: number): number => a - b
const numbers = (words: string): Array<number> => (words.match(/\d+/g) ?? []).map(Number)

/** What a problem is, whichever way it is put; made here from its prompt. */
const canonical: Readonly<Record<string, (prompt: string) => string>> = {
  "math-tiny": (prompt) => {
    const [a, b, c, d] = numbers(prompt)
    if (prompt.includes("\\frac")) {
      const sides = [a / b, c / d]
      return `${prompt.split(" ")[5]} ${prompt.includes("} - \\frac") ? sides.join(" ") : sides.sort(ascending).join(" ")}`
    }
    // The line's slope and the point where it is 0 say which equation it is.
    if (prompt.includes("=")) return `line ${b / a} ${prompt.includes("-") ? "-" : "+"} ${c / a}`
    return prompt.includes("of") ? `of ${[a, b].sort(ascending).join(" ")}` : prompt
  },
  "geometry-tiny": (prompt) => {
    const [kind, ...rest] = prompt.split(" ")
    if (kind === "circle") return `circle ${rest[0]} ${numbers(prompt)[0] * (rest[1] === "radius" ? 2 : 1)}`
    return `${kind} ${rest.filter((word) => /[a-z]/.test(word)).join(" ")} ${numbers(prompt).sort(ascending).join(" ")}`
  },
}

it.each(["math-tiny", "geometry-tiny"])("%s holds out problems that are trained on in no form", async (name) => {
  const { draw, preset } = await open(name)
  const [training, heldOut] = [draw("train"), draw("held-out")]
  expect(heldOut.length).toBeGreaterThanOrEqual(preset.evaluation.problems)
  expect(training.length).toBeGreaterThan(2 * heldOut.length)
  const known = new Set(training.map((problem) => canonical[name](text(problem))))
  expect(heldOut.filter((problem) => known.has(canonical[name](text(problem)))).map(text)).toEqual([])
})

const presets = ["math-tiny", "geometry-tiny", "code-tiny"]

it.each(presets)("%s makes the same problems of the same seed, each once, in the model's words", async (name) => {
  const { draw, tiny } = await open(name)
  const all = [...draw("train"), ...draw("held-out")]
  expect(new Set(all.map(({ id }) => id)).size).toBe(all.length)
  expect(draw("train")).toEqual(all.slice(0, draw("train").length))
  expect(draw("train", "another").map(text)).not.toEqual(draw("train").map(text))
  const again = tiny.demonstrations()
  expect(again(50, 0.5, "a stream")).toEqual(tiny.demonstrations()(50, 0.5, "a stream"))
  for (const problem of all) {
    const tokens = Effect.runSync(tiny.tokenizer.encode(text(problem)))
    expect(tokens.length).toBeLessThanOrEqual(30)
    const pressed = (words: string): string => words.replaceAll(" ", "")
    expect(pressed(tiny.tokenizer.decode(tokens))).toBe(pressed(text(problem)))
  }
})

it.each(["math-tiny", "geometry-tiny"])(
  "%s: the verifier accepts every gold and every right demonstration",
  async (name) => {
    const { domain, draw, preset, tiny } = await open(name)
    await Effect.gen(function* () {
      const task = yield* domain.task("words")
      const all = [...draw("train"), ...draw("held-out")]
      for (const problem of all.filter((_, i) => i % 4 === 0))
        expect([text(problem), yield* task.validate(problem)]).toEqual([text(problem), null])
      const golds = new Map(all.map((problem) => [text(problem).replaceAll(" ", ""), problem]))
      const grade = Verifier.define(task.graders.strict)
      let wrong = 0
      for (const share of [1, 0]) {
        for (const { completion, prompt } of tiny.demonstrations()(150, share, `test/${share}`)) {
          const problem = golds.get(tiny.tokenizer.decode(prompt).replaceAll(" ", ""))
          if (problem === undefined) throw new Error(`${tiny.tokenizer.decode(prompt)} is not a problem`)
          const answer = tiny.tokenizer.decode(completion)
          expect(completion.length).toBeLessThanOrEqual(Math.min(25, preset.train.maxTokens))
          const { correct } = yield* grade.verify(problem, { text: answer, finish: "stop" })
          if (share === 1) expect([text(problem), answer, correct]).toEqual([text(problem), answer, true])
          else if (!correct) wrong++
        }
      }
      // A mistake gives the right answer now and then.
      expect(wrong).toBeGreaterThan(125)
    }).pipe(Effect.scoped, Effect.runPromise)
  },
)

it("answers of equal value count in every form", () => {
  const forms = ["\\frac{ 1 }{ 2 }", "\\frac{ 2 }{ 4 }", "0.5", "50 \\%"]
  for (const form of forms) expect(Mathematics.grade("\\frac{1}{2}", `\\boxed{ ${form} }`).correct).toBe(true)
  for (const form of ["\\sqrt{ 8 }", "2 \\sqrt{ 2 }", "\\sqrt{ 4 + 4 }"])
    expect(Geometry3k.grade("2\\sqrt{2}", `<think> 4 + 4 = 8 </think> \\boxed{ ${form} }`).correct).toBe(true)
})

/** pass@1 of each warm start on the first 40 held-out problems. */
const recorded: Readonly<Record<string, number>> = { "math-tiny": 0.18, "geometry-tiny": 0.29 }

it.each(["math-tiny", "geometry-tiny"])("%s starts from what it ships", async (name) => {
  const { domain, draw, model, preset, tiny } = await open(name)
  const evaluation = await Effect.gen(function* () {
    const config = yield* WarmStart.modelConfig(model, tiny)
    const values = yield* ModelFiles.readModel(config, WarmStart.shipped(name))
    yield* Backend.start("wasm")
    const policy = yield* Policy.make(config, tiny.tokenizer, values, { workers: 0 })
    const task = yield* domain.task("words")
    const { maxTokens } = preset.train
    return yield* Evaluator.evaluate(draw("held-out").slice(0, 40), { samples: 8, maxTokens, seed: "test" }).pipe(
      Effect.provide(TransformerSampler.layer().pipe(Layer.provide(Layer.succeed(Policy.Policy, policy)))),
      Effect.provideService(Verifier.Verifier, Verifier.define(task.graders.strict)),
    )
  }).pipe(Effect.scoped, Effect.runPromise)
  // Processors without fused multiply-add round otherwise, and draw another token here and there.
  expect(evaluation.curve[1].mean).toBeCloseTo(recorded[name], 1)
})
