/** What a run will do, before it does anything: its settings, what must be downloaded, how much is sampled. */
import { existsSync } from "node:fs"
import { Dataset } from "@lpo/rollout"
import type { Settings } from "./Settings.ts"

const count = (n: number): string => n.toLocaleString("en")

/** Lines for people: the settings as config.json will have them, then the arithmetic. */
export const lines = (settings: Settings): ReadonlyArray<string> => {
  const { data, engine, evaluation, model, train } = settings
  const { groupSize, promptsPerStep, sampling, steps } = train
  const responses = steps * promptsPerStep * groupSize
  const judged = 2 * evaluation.problems * evaluation.samples
  const sources = [data?.train.source, data?.evaluation?.source].filter((source) => source !== undefined)
  const remote = [
    ...(model.kind === "checkpoint" && !existsSync(model.source) ? [`the model ${model.source}`] : []),
    ...sources.filter((source) => !Dataset.isFile(source)).map((source) => `the dataset ${source}`),
  ]
  return [
    JSON.stringify(settings, null, 2),
    `engine    ${engine.name}`,
    `training  ${count(steps)} steps x ${count(promptsPerStep)} prompts x ${groupSize} responses = ${count(responses)} responses, of at most ${count(sampling.maxTokens)} tokens: ${count(responses * sampling.maxTokens)} tokens at most`,
    `judging   2 x ${count(evaluation.problems)} held-out problems x ${evaluation.samples} samples = ${count(judged)} responses`,
    `download  ${remote.length === 0 ? "nothing" : `${remote.join(", ")}, unless the hub's cache has them`}`,
  ]
}
