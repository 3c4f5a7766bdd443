/**
 * Countdown a step at a time: the policy takes two of the numbers it has and joins them, and has one number less, until one is left. It
 * is trained on local groups: K first moves of one state, each as good as what playing on from it earns.
 */
import { type Environment, Seed, type Sequence } from "@lpo/rollout"
import { Tokenizer } from "@lpo/transformer"
import { Countdown } from "@lpo/verifiers"
import { Effect, Schema } from "effect"
import { UsageError } from "../Usage.ts"
import { Parameters as Space } from "./Countdown.ts"
import type { Domain, Make } from "./Domain.ts"

const Parameters = Schema.Struct({
  ...Space.fields,
  /** Rollouts to the end behind each move. */
  rollouts: Schema.Int,
})

const decode = Schema.decodeUnknownEffect(Parameters, { errors: "all", onExcessProperty: "error" })

/** Numbers left, in order, and the number to reach. */
interface Board {
  readonly nums: ReadonlyArray<number>
  readonly target: number
}

const apply = {
  "+": (a: number, b: number) => a + b,
  "-": (a: number, b: number) => a - b,
  "*": (a: number, b: number) => a * b,
}

const without = (nums: ReadonlyArray<number>, n: number): ReadonlyArray<number> | null => {
  const at = nums.indexOf(n)
  return at < 0 ? null : nums.filter((_, i) => i !== at)
}

/** The numbers after a move such as `3 * 4`, its result first; null if the move is impossible, or gives a number without a word. */
const move = (nums: ReadonlyArray<number>, text: string, most: number): ReadonlyArray<number> | null => {
  const [, a, op, b] = /^(\d+) ([-+*]) (\d+)$/.exec(text) ?? []
  if (a === undefined || b === undefined) return null
  const rest = without(nums, Number(a))
  const left = rest === null ? null : without(rest, Number(b))
  const value = apply[op as keyof typeof apply](Number(a), Number(b))
  return left === null || value < 0 || value > most ? null : [value, ...left]
}

const board = ({ nums, target }: Board): string => `${nums.join(" ")} -> ${target} :`

const environment = (most: number): Environment.EnvironmentService => ({
  name: "countdown-step",
  open: ({ answer, prompt }) =>
    Effect.sync((): Environment.Episode => {
      const { nums, target } = Schema.decodeUnknownSync(Countdown.Answer)(answer)
      const at = (now: ReadonlyArray<number>): Environment.Episode => {
        let left = now
        return {
          observation: { content: prompt },
          fork: Effect.sync(() => at(left)),
          step: ({ text }) =>
            Effect.sync((): Environment.StepResult => {
              const next = move(left, text, most)
              const metrics = { moves: next === null ? 0 : 1 }
              if (next === null) return { reward: 0, correct: false, done: "terminated", stop: "parse-error", metrics }
              left = next
              if (next.length > 1)
                return { observation: { content: board({ nums: next, target: Number(target) }) }, done: "no", metrics }
              const correct = next[0] === Number(target)
              return { reward: correct ? 1 : 0, correct, done: "terminated", metrics }
            }),
        }
      }
      return at(nums.map(Number))
    }),
})

const pick = <A>(items: ReadonlyArray<A>, random: Seed.Random): A => items[random.int(0, items.length - 1)]

/** Episodes whose moves keep the target in reach with a probability, and are any moves otherwise. */
const demonstrations =
  (space: Countdown.Space, tokenizer: Tokenizer.TokenizerService, most: number) =>
  (): ((size: number, correctShare: number, stream: string) => Array<Sequence.Sequence>) => {
    const answers = Countdown.enumerate({ ...space, side: "train" })
    const encode = (text: string): Array<number> => [...Effect.runSync(tokenizer.encode(text))]
    const moves = (nums: ReadonlyArray<number>) =>
      nums.flatMap((a, i) =>
        nums.flatMap((b, j) =>
          i === j
            ? []
            : space.operators.flatMap((op) => {
                const text = `${a} ${op} ${b}`
                const next = move(nums, text, most)
                return next === null ? [] : [{ text, next }]
              }),
        ),
      )
    const reaches = (nums: ReadonlyArray<number>, target: number): boolean =>
      nums.length === 1 ? nums[0] === target : moves(nums).some(({ next }) => reaches(next, target))
    return (size, correctShare, stream) => {
      const random = Seed.stream(stream)
      const out: Array<Sequence.Sequence> = []
      for (let i = 0; out.length < size; i++) {
        const { nums, target } = pick(answers, random)
        let left: ReadonlyArray<number> = Seed.shuffle(nums, `${stream}/${i}`)
        const context = encode(board({ nums: left, target }))
        while (left.length > 1) {
          const all = moves(left)
          const right = random.uniform() < correctShare ? all.filter(({ next }) => reaches(next, target)) : []
          const { next, text } = pick(right.length > 0 ? right : all, random)
          const said = [...encode(text), tokenizer.stops[0]]
          out.push({ prompt: Int32Array.from(context), completion: Int32Array.from(said) })
          left = next
          context.push(...said, ...encode(board({ nums: left, target })))
        }
      }
      return out
    }
  }

export const make: Make = Effect.fn("CountdownStep.make")(function* (given) {
  const { rollouts, ...space } = yield* decode(given).pipe(
    Effect.mapError(
      ({ message }) => new UsageError({ reason: `the parameters of the task countdown-step: ${message}` }),
    ),
  )
  const most = Math.max(space.max, space.maxTarget)
  const tokenizer = Tokenizer.words(Countdown.words(space))
  const options: Countdown.Options = { from: space, operators: space.operators, style: "words", extract: "whole" }
  return {
    name: "countdown-step",
    task: () => Countdown.task(options),
    longest: null,
    stopStrings: [],
    episodes: {
      environment: environment(most),
      options: { maxTurns: space.size - 1, steps: { depth: space.size - 1, rollouts } },
    },
    tiny: { tokenizer, demonstrations: demonstrations(space, tokenizer, most) },
  } satisfies Domain
})
