/** The tasks of several turns, played by hand, and their demonstrations. */
import type { Environment } from "@lpo/rollout"
import { Effect } from "effect"
import { expect, it } from "vitest"
import * as Preset from "../src/Preset.ts"
import { tasks } from "../src/tasks/index.ts"

const open = (name: string) =>
  Effect.gen(function* () {
    const { task } = yield* Preset.load(name)
    const domain = yield* tasks[task.name](task.parameters)
    if (domain.episodes === undefined || domain.tiny === null) throw new Error(`${name} has no turns`)
    return { ...domain.episodes, tiny: domain.tiny }
  }).pipe(Effect.runPromise)

const row = {
  id: "r",
  task: "countdown",
  prompt: "3 5 2 -> 21 :",
  answer: { nums: [2, 3, 5], target: 21 },
}

const play = (environment: Environment.EnvironmentService, texts: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const episode = yield* environment.open(row, "s")
    return yield* Effect.forEach(texts, (text) => episode.step({ text, tokens: Int32Array.of(0), finish: "stop" }))
  }).pipe(Effect.scoped, Effect.runPromise)

it("countdown-tool: the calculator answers the first turn, and the second is judged", async () => {
  const { environment } = await open("countdown-tool-tiny")
  const [first, second] = await play(environment, ["3 + 5 + 2", "(2 + 5) * 3"])
  expect(first).toMatchObject({ done: "no", observation: { content: "-> 10 :" }, metrics: { calculated: 1, first: 0 } })
  expect(second).toMatchObject({ done: "terminated", reward: 1, correct: true, metrics: { kept: 0 } })
  const [odd, wrong] = await play(environment, ["3 + +", "3 + 5 + 2"])
  expect(odd).toMatchObject({ done: "no", observation: { content: "-> / :" }, metrics: { calculated: 0 } })
  expect(wrong).toMatchObject({ done: "terminated", reward: 0.1, correct: false })
})

it("countdown-step: moves join numbers, and only the last one is rewarded", async () => {
  const { environment } = await open("countdown-step-tiny")
  const [first, second] = await play(environment, ["2 + 5", "7 * 3"])
  expect(first).toMatchObject({ done: "no", observation: { content: "7 3 -> 21 :" } })
  expect(second).toMatchObject({ done: "terminated", reward: 1, correct: true })
  for (const bad of ["2 + 4", "2 + 2", "2 - 5", "2", ""])
    expect(await play(environment, [bad])).toMatchObject([{ done: "terminated", stop: "parse-error", reward: 0 }])
})

it.each(["countdown-tool-tiny", "countdown-step-tiny"])(
  "%s: the same stream gives the same demonstrations",
  async (name) => {
    const { tiny } = await open(name)
    const demonstrate = tiny.demonstrations()
    const all = demonstrate(16, 1, "a")
    expect(demonstrate(16, 1, "a")).toEqual(all)
    expect(demonstrate(16, 1, "b")).not.toEqual(all)
    for (const { completion } of all) expect(completion.at(-1)).toBe(tiny.tokenizer.stops[0])
  },
)
