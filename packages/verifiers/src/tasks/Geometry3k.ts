/**
 * Geometry3k (hiyouga/geometry3k): a problem in text and images, an answer in `\boxed{}` after a `<think>` block. Answers are
 * integers, decimals, surds, fractions and multiples of pi.
 *
 * | mode | answer taken from | compared by | score |
 * | --- | --- | --- | --- |
 * | `strict` | the last box after the thinking | strict mathematics | 1 or 0 |
 * | `reference:mathruler` | the last box | mathruler | 1 or 0 |
 * | `reference:verl` | the last box | mathruler | 0.9 accuracy + 0.1 format |
 * | `reference:lab` | the last box | mathruler | 1 when right, else 0.1 format |
 *
 * @module
 */
import { Problem, Seed, Verdict } from "@lpo/rollout"
import { Effect, Result, type Scope } from "effect"
import * as Drawing from "../geometry/Drawing.ts"
import * as Figures from "../geometry/Figures.ts"
import * as Extract from "../math/read/Extract.ts"
import * as Prm800k from "../math/reference/Prm800k.ts"
import { Answer, grade as gradeMathematics, list } from "../math/Grade.ts"
import { decoder, find, meta, refuse, text } from "../rows/Columns.ts"
import * as Images from "../rows/Images.ts"
import * as Verl from "../rows/Verl.ts"
import * as Task from "../Task.ts"
import * as Mathematics from "./Mathematics.ts"

export { Answer } from "../math/Grade.ts"
export { Drawing, Figures }

/** @category models */
export const name = "geometry3k"

/** Those of strict mathematics. @category models */
export interface Options extends Omit<Mathematics.Options, "style" | "from"> {
  /** How a generated figure is put: described, as a chat or a text, in the words of a small vocabulary, or drawn. Default `chat`. */
  readonly style?: Task.Style | "words" | "drawn"
  /** Where generated problems come from; without it the task generates none. */
  readonly from?: Figures.Space
}

/** A problem with one `<image>` placeholder per image; an image is its bytes (base64 in JSON), alone or as `{ bytes }`. @category models */
export interface Question {
  readonly problem: string
  readonly images: ReadonlyArray<unknown>
}

/** What is asked of the policy after the problem. @category prompts */
export const instruction = "Reason step by step inside <think> </think> tags, then give the final answer in \\boxed{}."

const chat = (parts: ReadonlyArray<Problem.Part>): Problem.Problem["prompt"] => [{ role: "user", content: parts }]

/**
 * Text and images in the order of the placeholders, then the instruction. Throws where images and placeholders do not agree, or
 * an image is neither PNG nor JPEG; `fromRow` fails with a `RowError` instead.
 *
 * @category prompts
 */
export const ask = ({ images, problem }: Question): Problem.Problem["prompt"] =>
  chat([...Images.weave(problem, images), { type: "text", text: instruction }])

const imagesOf = (value: unknown): ReadonlyArray<unknown> =>
  value === undefined || value === null ? [] : Array.isArray(value) ? value : refuse("images is not a list")

/**
 * Readers of rows: `geometry3k` has `images`, `problem` and `answer`; newer copies have `id`, `choices` and `ground_truth` besides,
 * which change nothing; `verl` has its own prompt, with the placeholders in its messages.
 *
 * @category rows
 */
export const fromRow = (_options: Options = {}) => ({
  geometry3k: decoder(name, "geometry3k", (row) => ({
    prompt: ask({ problem: text(row, "problem"), images: imagesOf(find(row, ["images"])) }),
    answer: text(row, "answer").trim(),
    meta: meta(row, "id"),
  })),
  verl: decoder(name, "verl", (row) => {
    const { images, messages, meta, truth } = Verl.read(row, ["math", "geometry"])
    if (typeof truth !== "string" || truth.trim() === "") return refuse("ground_truth is not a text")
    const last = messages.findLastIndex(({ role }) => role === "user")
    const prompt = [...messages]
    if (last < 0) return refuse("prompt has no message of role user")
    const { content } = messages[last]
    if (typeof content === "string") prompt[last] = { role: "user", content: Images.weave(content, images ?? []) }
    return { prompt, answer: truth.trim(), meta }
  }),
})

/** The prompt of a generated figure. @category prompts */
export const askFigure = (figure: Figures.Figure, { style }: Options = {}): Problem.Problem["prompt"] => {
  if (style === "words") return Figures.words(figure)
  return style === "drawn" ? ask(drawnRow(figure)) : Task.prompt(`${Figures.text(figure)} ${instruction}`, style)
}

const goldOf = (figure: Figures.Figure): string => Figures.latex(Figures.simplify(Figures.value(figure)))

/** A generated figure as a row in the format `geometry3k`, described in its text. @category generation */
export const row = (figure: Figures.Figure) => ({
  images: [],
  problem: Figures.text(figure),
  answer: goldOf(figure),
})

/** The same with its drawing, a PNG, which alone has the numbers. @category generation */
export const drawnRow = (figure: Figures.Figure) => ({
  images: [{ bytes: Drawing.png(figure) }],
  problem: `<image>${Figures.question(figure)}`,
  answer: goldOf(figure),
})

/** Figures of one side of a space, shuffled: none, in whatever form, is on both sides. @category generation */
export const figures = ({ count, seed, side }: Task.Draw, from: Figures.Space): Array<Figures.Figure> =>
  Seed.shuffle(Figures.enumerate(from, side), `${seed}/problems/${side}`).slice(0, count)

/** The problems of `figures`. @category generation */
export const generate = (draw: Task.Draw, from: Figures.Space, options: Options = {}): Array<Problem.Problem> =>
  figures(draw, from).map((figure) => ({
    id: `geometry-${Figures.words(figure)
      .replaceAll(/[ ,:]+/g, "-")
      .replace(/-$/, "")}`,
    task: name,
    prompt: askFigure(figure, options),
    answer: goldOf(figure),
  }))

/** Whether the whole response is a think block, then a box: `<think>` any `</think>` any `\boxed{` any `}` any. @category format */
export const isFormatted = (response: string): boolean => {
  if (!response.startsWith("<think>")) return false
  const think = response.indexOf("</think>", "<think>".length)
  const box = think < 0 ? -1 : response.indexOf("\\boxed{", think + "</think>".length)
  return box >= 0 && response.includes("}", box + "\\boxed{".length)
}

/** A verdict of strict mathematics, with the form that this task demands. */
const formatted = (verdict: Verdict.Verdict, response: string): Verdict.Verdict => ({
  ...verdict,
  format: isFormatted(response.trimStart()),
})

/** Judges a response text as strict mathematics does. Pure, and bounded in steps. @category grading */
export const grade = (answer: Answer, response: string, options: Options = {}): Verdict.Verdict =>
  formatted(gradeMathematics(answer, response, options), response)

/** mathruler's judgement, and what it is worth by accuracy and format, each 0 or 1. */
const reference =
  (score: (accuracy: number, format: number) => number) =>
  (answer: Answer, response: string): Verdict.Verdict => {
    const accepted = list(answer)
    // mathruler stands in the word "None" for a missing box.
    const extracted = Extract.lastBox(response) ?? "None"
    const correct = accepted.some((gold) => Prm800k.equal(extracted, gold))
    const format = isFormatted(response)
    const reason = correct ? `equals ${accepted[0]}` : `is not ${accepted.join(" or ")}`
    const key = Prm800k.normalise(extracted)
    return Verdict.judged({ correct, score: score(Number(correct), Number(format)), format, extracted, reason, key })
  }

/** The graders by mode. @category grading */
export const graders = (options: Options = {}) =>
  Task.graders(name, Answer, {
    strict: (answer: Answer, response: string) => grade(answer, response, options),
    "reference:mathruler": reference((accuracy) => accuracy),
    "reference:verl": reference((accuracy, format) => 0.9 * accuracy + 0.1 * format),
    "reference:lab": reference((accuracy, format) => accuracy || 0.1 * format),
  })

const respond = (answer: Answer) => Result.succeed(`<think></think>\\boxed{${list(answer)[0]}}`)
const wrong = "<think></think>\\boxed{-9753.124680}"

/** Why strict mode refuses the gold, or null. @category grading */
export const validate = Task.validator(graders().strict, respond, wrong)

/** What of the options is of mathematics. */
const comparison = ({ from: _from, style: _style, ...rest }: Options): Mathematics.Options => rest

/** @category constructors */
export const task = (options: Options = {}): Effect.Effect<Task.Task<Answer, Question>, never, Scope.Scope> =>
  Effect.map(Mathematics.pooled(comparison(options)), (pooled) => {
    const strict = (answer: Answer, response: string) => {
      const graded = pooled(answer, response)
      return Effect.isEffect(graded)
        ? Effect.map(graded, (verdict) => formatted(verdict, response))
        : formatted(graded, response)
    }
    const all = { ...graders(options), ...Task.graders(name, Answer, { strict }) }
    const { from } = options
    return {
      name,
      Answer,
      ask,
      fromRow: fromRow(options),
      ...(from !== undefined && { generate: (draw: Task.Draw) => generate(draw, from, options) }),
      graders: all,
      validate: Task.validator(all.strict, respond, wrong),
    }
  })

/** The strict verifier of geometry, with its processes. @category layers */
export const layer = (options: Options = {}) => Task.layer(task(options))
