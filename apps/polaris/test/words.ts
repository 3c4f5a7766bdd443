/**
 * A tokenizer of eight tokens, for a server whose policy knows no more: six are whole answers to the problems of a run's first three
 * steps of one prompt each, a right and a wrong one to each.
 */
import { mkdtemp, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Dataset } from "@lpo/rollout"
import { Countdown } from "@lpo/verifiers"
import * as Tiny from "./tiny.ts"

const operators = ["+", "*", "-"]

/** Expressions over the numbers in all their orders and operators. */
const expressions = ([a, b, c]: ReadonlyArray<number>): ReadonlyArray<string> =>
  [
    [a, b, c],
    [a, c, b],
    [b, c, a],
    [b, a, c],
    [c, a, b],
    [c, b, a],
  ].flatMap(([x, y, z]) =>
    operators.flatMap((one) => operators.flatMap((two) => [`${x}${one}${y}${two}${z}`, `(${x}${one}${y})${two}${z}`])),
  )

/** Writes a tokenizer of these words between spaces, of which those in square or pointed brackets are special; "[UNK]" and "[EOS]" come first. */
export const write = async (words: ReadonlyArray<string>): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), "lpo-words-"))
  const special = (content: string) => ({
    id: words.indexOf(content),
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  })
  const tokenizer = {
    version: "1.0",
    added_tokens: words.filter((word) => /^(?:\[[A-Z]+\]|<[a-z]+>)$/.test(word)).map(special),
    normalizer: null,
    pre_tokenizer: { type: "WhitespaceSplit" },
    post_processor: null,
    decoder: { type: "WordPiece", prefix: "##", cleanup: false },
    model: {
      type: "WordPiece",
      unk_token: "[UNK]",
      continuing_subword_prefix: "##",
      max_input_chars_per_word: 100,
      vocab: Object.fromEntries(words.map((word, id) => [word, id])),
    },
  }
  await writeFile(join(folder, "tokenizer.json"), JSON.stringify(tokenizer))
  await writeFile(join(folder, "tokenizer_config.json"), JSON.stringify({ eos_token: "[EOS]", unk_token: "[UNK]" }))
  return folder
}

/** The folder. */
export const make = async (): Promise<string> => {
  const all = await Tiny.problems("train", "text")
  const answers = [0, 1, 2].flatMap((step) => {
    const [problem] = Dataset.take(all, { seed: "countdown-tiny/1", from: step, size: 1 })
    const answer = problem.answer as Countdown.Answer
    const texts = expressions(answer.nums.map(Number)).map((text) => `<answer>${text}</answer>`)
    const right = texts.find((text) => Countdown.grade(answer, text).correct)
    const wrong = texts.find((text) => !Countdown.grade(answer, text).correct)
    if (right === undefined || wrong === undefined) throw new Error("a problem has no such answers")
    return [right, wrong]
  })
  return write(["[UNK]", "[EOS]", ...answers])
}
