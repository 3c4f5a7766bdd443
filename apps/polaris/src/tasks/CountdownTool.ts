/**
 * Countdown over two turns: the policy writes an expression, a calculator says what it is worth, and the policy writes its answer, the
 * same expression or another. Only the answer is rewarded.
 */
import { type Environment, Seed, type Sequence, Tool } from "@lpo/rollout"
import { Tokenizer } from "@lpo/transformer"
import { Countdown } from "@lpo/verifiers"
import { Effect, Schema } from "effect"
import { UsageError } from "../Usage.ts"
import { Parameters } from "./Countdown.ts"
import type { Domain, Make } from "./Domain.ts"

const decode = Schema.decodeUnknownEffect(Parameters, { errors: "all", onExcessProperty: "error" })

/** The exact value of an expression, if it is a whole number. */
const calculator = Tool.make({
  name: "calculator",
  description: "The value of an arithmetic expression, such as (3 + 4) * 5",
  input: Schema.Struct({ expression: Schema.String }),
  output: Schema.Int,
  run: ({ expression }) => {
    const parsed = Countdown.Expression.parse(expression)
    return typeof parsed === "string" || parsed.value.den !== 1n
      ? Effect.fail(
          new Tool.ToolError({
            tool: "calculator",
            reason: typeof parsed === "string" ? parsed : "its value is not a whole number",
          }),
        )
      : Effect.succeed(Number(parsed.value.num))
  },
})

/** What the policy reads after its expression; a value that it has no word for, or none, is `/`. */
const shown = (value: string, words: ReadonlySet<string>): string => `-> ${words.has(value) ? value : "/"} :`

const environment = (words: ReadonlySet<string>): Environment.EnvironmentService => ({
  name: "countdown-tool",
  open: ({ answer, prompt }) =>
    Effect.sync((): Environment.Episode => {
      const truth = Schema.decodeUnknownSync(Countdown.Answer)(answer)
      const first = { content: prompt }
      const turn = (tried: string | null): Environment.Episode => ({
        observation: first,
        fork: Effect.sync(() => turn(tried)),
        step: ({ text }) => {
          if (tried !== null) {
            const { correct, format, score } = Countdown.grade(truth, text, { extract: "whole" })
            const metrics = { kept: text === tried ? 1 : 0, wellFormed: format === true ? 1 : 0 }
            return Effect.succeed({ reward: score, correct, done: "terminated", metrics } as const)
          }
          tried = text
          const call = Effect.succeed({ name: calculator.name, arguments: { expression: text } })
          return Effect.map(Tool.answer([calculator], call), (answered) => ({
            observation: { content: shown(answered.text, words) },
            done: "no" as const,
            metrics: { calculated: answered.ok ? 1 : 0, first: answered.text === String(truth.target) ? 1 : 0 },
          }))
        },
      })
      return turn(null)
    }),
})

const pick = <A>(items: ReadonlyArray<A>, random: Seed.Random): A => items[random.int(0, items.length - 1)]

/**
 * Both turns of an episode: a right expression in the first, then an answer that follows the calculator, each with a probability.
 */
const demonstrations =
  (space: Countdown.Space, tokenizer: Tokenizer.TokenizerService, words: ReadonlySet<string>) =>
  (): ((size: number, correctShare: number, stream: string) => Array<Sequence.Sequence>) => {
    const answers = Countdown.enumerate({ ...space, side: "train" })
    const encode = (text: string): Array<number> => [...Effect.runSync(tokenizer.encode(text))]
    const known = new Map<string, ReadonlyMap<number, ReadonlyArray<string>>>()
    const byValue = (nums: ReadonlyArray<number>) => {
      const key = nums.join(",")
      const found = known.get(key) ?? Countdown.Expressions.byValue(nums, space.operators)
      known.set(key, found)
      return found
    }
    return (size, correctShare, stream) => {
      const random = Seed.stream(stream)
      return Array.from({ length: Math.ceil(size / 2) }, (_, i) => {
        const { nums, target } = pick(answers, random)
        const solutions = byValue(nums)
        const any = [...solutions.entries()].flatMap(([value, texts]) => texts.map((text) => ({ text, value })))
        const right = (solutions.get(target) ?? []).map((text) => ({ text, value: target }))
        const first = pick(random.uniform() < correctShare ? right : any, random)
        const heeds = random.uniform() < correctShare
        const second = !heeds ? pick(any, random) : first.value === target ? first : pick(right, random)
        const asked = Countdown.ask({ nums: Seed.shuffle(nums, `${stream}/${i}`), target }, { style: "words" })
        const prompt = encode(typeof asked === "string" ? asked : "")
        const [a, b] = [first, second].map(({ text }) => encode(text).concat(tokenizer.stops[0]))
        const read = encode(shown(String(first.value), words))
        return [
          { prompt: Int32Array.from(prompt), completion: Int32Array.from(a) },
          { prompt: Int32Array.of(...prompt, ...a, ...read), completion: Int32Array.from(b) },
        ]
      }).flat()
    }
  }

export const make: Make = Effect.fn("CountdownTool.make")(function* (given) {
  const space = yield* decode(given).pipe(
    Effect.mapError(
      ({ message }) => new UsageError({ reason: `the parameters of the task countdown-tool: ${message}` }),
    ),
  )
  const vocabulary = Countdown.words(space)
  const words = new Set(vocabulary)
  const tokenizer = Tokenizer.words(vocabulary)
  const options: Countdown.Options = { from: space, operators: space.operators, style: "words", extract: "whole" }
  return {
    name: "countdown-tool",
    task: () => Countdown.task(options),
    longest: null,
    stopStrings: [],
    episodes: { environment: environment(words), options: { maxTurns: 2 } },
    tiny: { tokenizer, demonstrations: demonstrations(space, tokenizer, words) },
  } satisfies Domain
})
