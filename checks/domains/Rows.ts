/** Rows of each preset's shape, a few of them, and tiny random models to train on them. */
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { makeTiny } from "../vllm/server.ts"

/** A Qwen3 with random weights and a byte-level tokenizer, which reads any text. */
const fixture = fileURLToPath(new URL("../../packages/transformer/test/fixtures/qwen3", import.meta.url))

/** Long enough for the longest problem of MATH, byte by byte. */
export const positions = 8192

/** The fixture itself, with room for long prompts. */
export const tinyHere = (folder: string): void => {
  cpSync(fixture, folder, { recursive: true })
  const path = join(folder, "config.json")
  const config = JSON.parse(readFileSync(path, "utf8")) as object
  writeFileSync(path, JSON.stringify({ ...config, max_position_embeddings: positions }))
}

/** A Qwen3 that a server takes, with the fixture's tokenizer. */
export const tinyServed = (python: string, folder: string): void => {
  const { vocab_size } = JSON.parse(readFileSync(join(fixture, "config.json"), "utf8")) as {
    readonly vocab_size: number
  }
  makeTiny(python, folder, vocab_size, { max_position_embeddings: positions })
  for (const file of ["tokenizer.json", "tokenizer_config.json", "chat_template.jinja"])
    cpSync(join(fixture, file), join(folder, file))
}

const code = JSON.stringify({ inputs: ["1\n", "2\n"], outputs: ["2\n", "4\n"] })
const verl = (i: number) => ({
  data_source: "apps",
  prompt: [
    { role: "system", content: "Think, then write the program." },
    { role: "user", content: `Read a number and print it twice as large, in way ${i}.` },
  ],
  ability: "code",
  reward_model: { style: "rule", ground_truth: code },
  extra_info: { split: "train", index: i },
})

/** What each preset that names text reads. */
const shapes: Readonly<Record<string, (i: number) => object>> = {
  countdown: (i) => ({ target: 10 + i, nums: [i + 1, 4, 5] }),
  math: (i) => ({
    problem: `What is ${i} + 1?`,
    level: "Level 1",
    solution: `It is $\\boxed{${i + 1}}$.`,
    type: "Algebra",
  }),
  polaris: (i) => ({ problem: `What is ${i} + 1?`, answer: String(i + 1), difficulty: `${i % 8}/8` }),
  code: verl,
}

/** Files of 12 rows by preset. */
export const files = (folder: string): Readonly<Record<string, string>> => {
  mkdirSync(folder, { recursive: true })
  const made = Object.entries(shapes).map(([name, row]) => {
    const path = join(folder, `${name}.jsonl`)
    writeFileSync(path, Array.from({ length: 12 }, (_, i) => `${JSON.stringify(row(i))}\n`).join(""))
    return [name, path] as const
  })
  const all = Object.fromEntries(made)
  return { ...all, "math-8b": all["math"] }
}
