/**
 * The row of verl's training files: `data_source`, `prompt` (messages), `ability`, `reward_model.ground_truth`, `extra_info`, `images`.
 *
 * A ground truth is a text, a struct or a JSON text by the data set, so the task that reads the row says which.
 */
import type { Problem } from "@lpo/rollout"
import { type Columns, isRecord, json, meta, refuse, show } from "./Columns.ts"

export interface Verl {
  readonly messages: ReadonlyArray<Problem.Message>
  readonly truth: unknown
  /** As the row has them; null when it has none. */
  readonly images: ReadonlyArray<unknown> | null
  readonly meta: Columns
}

const roles = ["system", "user", "assistant"] as const

const message = (value: unknown, at: number): Problem.Message => {
  if (!isRecord(value)) return refuse(`prompt[${at}] is ${show(value)}; it must be { role, content }`)
  const role = roles.find((known) => known === value["role"])
  if (role === undefined)
    return refuse(`prompt[${at}] has role ${show(value["role"])}; give one of ${roles.join(", ")}`)
  const { content } = value
  return typeof content === "string"
    ? { role, content }
    : refuse(`prompt[${at}] has content ${show(content)}; give a text`)
}

/** Reads a row; `abilities` are those that the task can judge, and a row that names none passes. */
export const read = (row: Columns, abilities: ReadonlyArray<string>): Verl => {
  const { ability, images, prompt } = row
  if (typeof ability === "string" && !abilities.includes(ability.toLowerCase()))
    return refuse(
      `ability is ${show(ability)}; this task reads ${abilities.join(", ")}: choose the rows by that column`,
    )
  const list = typeof prompt === "string" ? [{ role: "user", content: prompt }] : prompt
  if (!Array.isArray(list) || list.length === 0)
    return refuse(`prompt is ${show(prompt)}; it must be a list of { role, content }`)
  const model = json(row["reward_model"], "reward_model")
  const truth = isRecord(model) ? model["ground_truth"] : undefined
  if (truth === undefined || truth === null)
    return refuse(`reward_model is ${show(model)}; it must hold a ground_truth`)
  const extra = json(row["extra_info"], "extra_info")
  return {
    messages: list.map(message),
    truth,
    images: Array.isArray(images) && images.length > 0 ? images : null,
    meta: { ...meta(row, "data_source", "ability"), ...(isRecord(extra) ? meta(extra, "split", "index") : {}) },
  }
}
