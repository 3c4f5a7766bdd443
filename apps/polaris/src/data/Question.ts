/** The questions of rows and problems, as text that can be compared: without white space, punctuation and case. */
import { createHash } from "node:crypto"
import type { Problem } from "@lpo/rollout"

type Reduce = (text: string) => string

/** Only white space is dropped: a sign tells two problems apart. */
export const spaceless: Reduce = (text) => text.replace(/\s+/gu, "")

const bare: Reduce = (text) => text.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, "")

/** The question of a prompt; an image is replaced with its hash. */
export const normal = (prompt: Problem.Problem["prompt"], reduce: Reduce = bare): string =>
  typeof prompt === "string"
    ? reduce(prompt)
    : prompt
        .flatMap(({ content }) =>
          typeof content === "string"
            ? [reduce(content)]
            : content.map((part) =>
                part.type === "text" ? reduce(part.text) : createHash("sha256").update(part.data).digest("hex"),
              ),
        )
        .join("")

/** Characters of a prompt's text; an image has none. */
export const characters = (prompt: Problem.Problem["prompt"]): number =>
  typeof prompt === "string"
    ? prompt.length
    : prompt
        .flatMap(({ content }) =>
          typeof content === "string" ? [content] : content.map((part) => (part.type === "text" ? part.text : "")),
        )
        .reduce((sum, text) => sum + text.length, 0)

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** The question of a row, whatever its column is called; null if it has none. */
export const ofRow = (row: unknown): string | null => {
  if (!isRecord(row)) return null
  const { prompt } = row
  const last: unknown = Array.isArray(prompt)
    ? prompt.findLast((message) => isRecord(message) && message["role"] === "user")
    : null
  const texts = [
    row["problem"],
    row["question"],
    row["Problem"],
    row["Question"],
    prompt,
    isRecord(last) ? last["content"] : null,
  ]
  const found = texts.find((text) => typeof text === "string" && text.trim() !== "")
  if (typeof found === "string") return bare(found)
  const nums = row["nums"] ?? row["numbers"]
  return Array.isArray(nums) ? `${nums.map(String).sort().join(",")} to ${String(row["target"])}` : null
}
