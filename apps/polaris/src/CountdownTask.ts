/** Countdown as this app trains it: the words of its prompts, its problems, and its demonstrations. */
import { type Problem, Seed, type Sequence } from "@lpo/rollout"
import { Tokenizer } from "@lpo/transformer"
import { Countdown } from "@lpo/verifiers"
import { Effect } from "effect"
import type { Preset } from "./Preset.ts"

/** One word per integer up to the largest target, one per symbol. */
export const makeTokenizer = ({ task }: Preset): Tokenizer.TokenizerService =>
  Tokenizer.words([
    ...Array.from({ length: Math.max(task.max, task.maxTarget) + 1 }, (_, n) => String(n)),
    "+",
    "-",
    "*",
    "/",
    "(",
    ")",
    "->",
    ":",
  ])

export const promptOf = (nums: ReadonlyArray<number>, target: number): string => `${nums.join(" ")} -> ${target} :`

/** Writes a problem's prompt. */
export type PromptOf = (nums: ReadonlyArray<number>, target: number) => Problem.Problem["prompt"]

/** What ends a response that has an answer. */
export const answerEnd = "</answer>"

/** The problem as a question to a language model: a chat, or a text to continue where it knows no chats. */
export const questionOf = ({ task }: Preset, chat: boolean): PromptOf => {
  const operators = task.operators.join(" ")
  return (nums, target) => {
    const question =
      `Make ${target} from the numbers ${nums.join(", ")}, each used exactly once, with ${operators} and parentheses. ` +
      `Think first, then give the expression as <answer>expression${answerEnd}.`
    return chat ? [{ role: "user", content: question }] : `Question: ${question}\nAnswer:`
  }
}

/** Problems of one side, each with its numbers in an order of its own, shuffled. */
export const problems = (
  preset: Preset,
  side: "train" | "held-out",
  prompt: PromptOf = promptOf,
): Array<Problem.Problem> => {
  const all = Countdown.enumerate({ ...preset.task, side }).map(({ nums, target }): Problem.Problem => {
    const id = `countdown-${nums.join("-")}-to-${target}`
    return {
      id,
      task: "countdown",
      prompt: prompt(Seed.shuffle(nums, `order/${id}`), target),
      answer: { nums, target },
    }
  })
  const shuffled = Seed.shuffle(all, `${preset.name}/problems/${side}`)
  return side === "held-out" ? shuffled.slice(0, preset.task.heldOutProblems) : shuffled
}

/**
 * Demonstrations of training problems, drawn from the stream of that name: with probability `correctShare` a solution, any
 * of them alike, otherwise any well-formed expression of the right numbers.
 */
export const makeDemonstrations = (preset: Preset) => {
  const { maxTarget, minTarget, operators } = preset.task
  const tokenizer = makeTokenizer(preset)
  const answers = Countdown.enumerate({ ...preset.task, side: "train" })
  const known = new Map<
    string,
    { readonly solutions: Map<number, ReadonlyArray<string>>; readonly all: ReadonlyArray<string> }
  >()
  for (const { nums } of answers) {
    const key = nums.join(",")
    if (known.has(key)) continue
    const solutions = Countdown.Expressions.byValue(nums, operators)
    known.set(key, { solutions, all: [...solutions.values()].flat() })
  }
  const encode = (text: string): Int32Array => Effect.runSync(tokenizer.encode(text))
  const pick = <A>(items: ReadonlyArray<A>, random: Seed.Random): A => items[random.int(0, items.length - 1)]
  return (size: number, correctShare: number, name: string): Array<Sequence.Sequence> => {
    const random = Seed.stream(name)
    return Array.from({ length: size }, (_, i) => {
      const { nums, target } = pick(answers, random)
      const { all, solutions } = known.get(nums.join(",")) ?? {
        all: [],
        solutions: new Map<number, ReadonlyArray<string>>(),
      }
      if (target < minTarget || target > maxTarget) throw new RangeError(`target ${target} is outside the task`)
      const text = pick(random.uniform() < correctShare ? (solutions.get(target) ?? []) : all, random)
      const prompt = encode(promptOf(Seed.shuffle(nums, `${name}/${i}`), target))
      return { prompt, completion: Int32Array.of(...encode(text), tokenizer.stops[0]) }
    })
  }
}
