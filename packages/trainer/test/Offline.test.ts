/** Offline data: what a file may say, which groups a step gets, and what is learned from them. */
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Lpo, Offline, OfflineFile, Registry, RunStore, TrainConfig, Trainer } from "@lpo/trainer"
import { Effect } from "effect"
import { afterEach, beforeEach, expect, it } from "vitest"
import { makeEngine, problems } from "./tabular.ts"

let root = ""
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "lpo-offline-"))
})
afterEach(() => rm(root, { recursive: true }))

interface Response {
  readonly tokens: ReadonlyArray<number>
  readonly score: number
  readonly logprobs?: ReadonlyArray<number>
}
const group = (...responses: ReadonlyArray<Response>) => JSON.stringify({ prompt: [0], responses })
const uniform = Math.log(1 / 5)
/** Right with 23, sampled by a policy that knew it half of the time. */
const right = { tokens: [2, 3], score: 1, logprobs: [Math.log(0.7), Math.log(0.7)] }
const wrong = { tokens: [1, 1], score: 0, logprobs: [uniform, uniform] }
const bare = ({ score, tokens }: Response): Response => ({ tokens, score })

const parse = (text: string) => Effect.runPromise(Offline.parse(text, "data.jsonl"))
const refusal = (text: string) =>
  Effect.runPromise(Effect.flip(Offline.parse(text, "data.jsonl"))).then((e) => e.message)

it("reads groups with and without log-probs, and refuses a bad line by its number", async () => {
  const entries = await parse(`${group(right, wrong)}\n\n${group(bare(right), bare(wrong))}\n`)
  expect(entries.map(({ hasLogprobs, line }) => [line, hasLogprobs])).toEqual([
    [1, true],
    [3, false],
  ])
  expect(entries[0].group.verdicts.map(({ correct, score }) => [score, correct])).toEqual([
    [1, true],
    [0, false],
  ])
  expect(entries[0].group.completions[0].logprobs).toEqual(Float32Array.from(right.logprobs))
  const good = `${group(right, wrong)}\n`
  const cases: ReadonlyArray<readonly [string, RegExp]> = [
    ["{", /line 2|row 2/],
    [group({ ...right, tokens: [] }), /row 2.*tokens/],
    [group({ ...right, tokens: [1.5, 2] }), /row 2.*tokens/],
    [group({ ...right, logprobs: [0.5, -1] }), /row 2.*logprobs/],
    [group({ ...right, logprobs: [-1] }), /row 2: response 0 has 2 tokens and 1 logprobs/],
    [group(right, bare(wrong)), /row 2: response 1 has no logprobs, unlike response 0/],
    [JSON.stringify({ prompt: [0], responses: [] }), /row 2.*responses/],
    [JSON.stringify({ prompt: [0], answers: [right] }), /row 2.*answers/],
    [group({ ...right, score: Number.NaN }), /row 2.*score/],
    [group({ ...right, score: 1e308 }), /row 2: response 0: its score is 1e\+308; give a number/],
    [group({ ...right, logprobs: [-1e39, -1] }), /row 2: response 0: its log-prob 0 is -1e\+39, not finite/],
    [group({ ...right, logprobs: [-1e5, -1] }), /row 2: response 0: its log-prob 0/],
    [group({ ...right, tokens: [2 ** 31, 1] }), /row 2.*tokens/],
    [group({ ...right, tokens: [-1, 1] }), /row 2.*tokens/],
    ['{"__proto__":{"prompt":[0],"responses":[]}}', /row 2.*(__proto__|prompt)/],
    ['{"prompt":[0],"responses":[{"tokens":[1],"score":"1"}]}', /row 2.*score/],
    ['{"prompt":"a","responses":[]}', /row 2.*prompt/],
    ['{"prompt":[0],"temperature":0,"responses":[{"tokens":[1],"score":1}]}', /row 2.*temperature/],
    [`{"prompt":${"[".repeat(1000)}${"]".repeat(1000)}}`, /row 2: is not JSON: .*nest/],
    ["null", /row 2/],
  ]
  for (const [line, message] of cases) expect(await refusal(good + line)).toMatch(message)
  expect(await refusal("\n")).toMatch(/has no groups/)
})

it("gives every group once in each time through the file, in an order of the seed and the step alone", async () => {
  const entries = await parse(Array.from({ length: 7 }, () => group(right, wrong)).join("\n"))
  const lines = (step: number, seed = "s") => Offline.draw(entries, { count: 3, seed, step }).map(({ line }) => line)
  const walk = Array.from({ length: 14 }, (_, step) => lines(step)).flat()
  for (let pass = 0; pass < 6; pass++)
    expect(new Set(walk.slice(7 * pass, 7 * pass + 7))).toEqual(new Set([1, 2, 3, 4, 5, 6, 7]))
  expect(lines(5)).toEqual(lines(5))
  expect(Array.from({ length: 14 }, (_, step) => lines(step, "other")).flat()).not.toEqual(walk)
  expect([0.01, 0.25, 0.5, 0.99].map((ratio) => Offline.countOf(ratio, 8))).toEqual([1, 2, 4, 7])
})

const hopeless = problems.map(({ id, prompt, task }) => ({ id, prompt, task, answer: "none" }))

const run = (
  name: string,
  text: string,
  options: {
    readonly engine?: ReturnType<typeof makeEngine>
    readonly config?: Partial<TrainConfig.TrainConfig>
    readonly resume?: boolean
    readonly dieAt?: number
  } = {},
) => {
  const engine = options.engine ?? makeEngine()
  return Effect.gen(function* () {
    const open = yield* RunStore.open({ folder: join(root, name), config: {}, resume: options.resume ?? false })
    yield* Trainer.train({
      config: {
        ...TrainConfig.defaults,
        seed: "1",
        steps: 1,
        promptsPerStep: 4,
        maxTokens: 2,
        miniBatches: 1,
        checkpointEvery: 2,
        objective: Lpo.make({ divergence: "forward", tau: 1 }),
        ...options.config,
        optimizer: { ...TrainConfig.defaults.optimizer, learningRate: 0.5 },
      },
      // Nothing of its own to learn from.
      problems: hopeless,
      run: open,
      offline: { entries: yield* Offline.parse(text, "data.jsonl"), ratio: 0.25 },
      onStep: ({ step }) => (step === options.dieAt ? Effect.die("killed") : Effect.void),
    })
    return { logits: [...engine.logits], events: yield* open.events, groups: yield* open.completions }
  }).pipe(Effect.scoped, Effect.provide(engine.layer))
}

/** The weight of the right response, from what the learner was told; the batch is 4 prompts. */
const weightOf = async (text: string) => {
  const seen: Array<number> = []
  const engine = makeEngine({
    onWeigh: ({ completion }, weights) => void (completion.join() === "2,3" && seen.push(4 * weights[0])),
  })
  const { events } = await Effect.runPromise(run(`weight-${Math.random()}`, text, { engine }))
  expect([events[0].offline, events[0].zeroVariance + events[0].tooSmall]).toEqual([1, 3])
  return seen[0]
}

it("is weighed by its log-probs where they are known, and as if it were on policy where not", async () => {
  // Forward KL: w* - P at the uniform policy, with s = log pi - log pi_b of both responses.
  const softmax = (x: ReadonlyArray<number>) => Math.exp(x[0]) / (Math.exp(x[0]) + Math.exp(x[1]))
  const s = [2 * uniform - 2 * Math.log(0.7), 0]
  expect(await weightOf(group(right, wrong))).toBeCloseTo(softmax([1 + s[0], s[1]]) - softmax(s), 5)
  expect(await weightOf(group(bare(right), bare(wrong)))).toBeCloseTo(softmax([1, 0]) - 0.5, 5)
})

it("an objective that must know who sampled is refused without log-probs, by the line", async () => {
  const importance = { kind: "truncated", level: "token", cap: 2 }
  const objective = Registry.make(Registry.settings({ name: "grpo", importance }))
  const message = (text: string) =>
    Effect.runPromise(Effect.flip(run("refused", text, { config: { objective } }))).then((e) => e.message)
  expect(await message(`${group(right, wrong)}\n${group(bare(right), bare(wrong))}`)).toMatch(
    /grpo with importance sampling needs the log-probs .*, but line 2 of the offline data has none/,
  )
  const { events } = await Effect.runPromise(run("fine", group(right, wrong), { config: { objective } }))
  expect(events[0].offline).toBe(1)
  const filtered = { filter: { maxAge: 9, minEss: 0, maxLogRatio: 0.1 } }
  const far = await Effect.runPromise(run("far", group(right, wrong), { config: filtered }))
  expect([far.events[0].offline, far.events[0].staleBy.logRatio]).toEqual([0, 1])
})

it("groups of the file are logged like others, and marked; a step that logs one group logs one of these", async () => {
  const text = [group(right, wrong), group(bare(right), bare(wrong)), group(wrong, wrong)].join("\n")
  const { groups } = await Effect.runPromise(run("logged", text, { config: { steps: 3, groupsLogged: 4 } }))
  for (const step of [1, 2, 3]) {
    const here = groups.filter((one) => one.step === step)
    expect(here.map(({ source }) => source ?? "own")).toEqual(["own", "own", "own", "offline"])
    const [{ completions, outcome, problem, prompt }] = here.slice(-1)
    expect(prompt).toBe("[1 tokens]")
    expect(outcome).toBe(problem === "offline-3" ? "no-signal" : "trained")
    expect(completions.map(({ length, text, verdict }) => [length, text, verdict.score])).toEqual([
      [2, "[2 tokens]", problem === "offline-3" ? 0 : 1],
      [2, "[2 tokens]", 0],
    ])
    // What it was trained with is there for those that were.
    for (const { coefficient, policy, target } of completions)
      expect([target, policy, coefficient].map((v) => v !== undefined)).toEqual(Array(3).fill(outcome === "trained"))
  }
  const few = await Effect.runPromise(run("few", text, { config: { groupsLogged: 1 } }))
  expect(few.groups.map(({ source }) => source)).toEqual(["offline"])
  const filter = { maxAge: 9, minEss: 0, maxLogRatio: 0.1 }
  const far = await Effect.runPromise(run("far-logged", group(right, wrong), { config: { filter, groupsLogged: 4 } }))
  expect(far.groups.at(-1)).toMatchObject({ source: "offline", outcome: "stale" })
})

it("killed and resumed, ends like a run that was not, and learns from the file alone", async () => {
  const text = [group(right, wrong), group(bare(right), bare(wrong)), group(wrong, wrong)].join("\n")
  const config = { steps: 9 }
  const whole = await Effect.runPromise(run("whole", text, { config }))
  // Token 2 in the first place, 3 in the second.
  expect(whole.logits.indexOf(Math.max(...whole.logits.slice(0, 5)))).toBe(2)
  expect(whole.events.map(({ offline }) => offline).filter((n) => n === 0)).toHaveLength(3)
  await Effect.runPromiseExit(run("cut", text, { config, dieAt: 5 }))
  const resumed = await Effect.runPromise(run("cut", text, { config, resume: true }))
  expect(resumed.logits).toEqual(whole.logits)
})

it("reads a file, and names one that cannot be read", async () => {
  await writeFile(join(root, "a.jsonl"), group(right, wrong))
  expect((await Effect.runPromise(OfflineFile.read(join(root, "a.jsonl")))).entries).toHaveLength(1)
  // Lines over the edges of what is read at once, without an end of the last.
  const padded = Array.from({ length: 40 }, (_, i) => group(right, { ...wrong, score: i }) + " ".repeat(50_000))
  await writeFile(join(root, "long.jsonl"), padded.join("\r\n"))
  const { entries } = await Effect.runPromise(OfflineFile.read(join(root, "long.jsonl")))
  expect(entries.map(({ group }) => group.verdicts[1].score)).toEqual(padded.map((_, i) => i))
  const error = await Effect.runPromise(Effect.flip(OfflineFile.read(join(root, "none.jsonl"))))
  expect(error.message).toMatch(/none\.jsonl: cannot be read/)
})
