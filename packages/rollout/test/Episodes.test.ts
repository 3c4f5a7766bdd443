/** Episodes against a sampler that is a table, and environments that are a few lines. */
import { Environment, Episodes, Group, Sampler, SamplingParams, Seed, Tool, type Trajectory } from "@lpo/rollout"
import { Cause, Effect, Exit, Schema, Stream } from "effect"
import fc from "fast-check"
import { describe, expect, it } from "vitest"

const stop = 9

/** Draws one to three digits from 0 to 8 and the stop token; text is read and written a digit a token. */
const sampler = (options: { positions?: number; breaks?: boolean; onSample?: (streams: number) => void } = {}) => {
  const digits = (text: string) => Int32Array.from(text.replaceAll(/\D/g, ""), Number)
  const turns: Sampler.Turns = {
    policyVersion: 3,
    positions: options.positions ?? null,
    encode: (prompt) =>
      Effect.succeed(
        typeof prompt === "string" ? digits(prompt) : digits(prompt.map(({ content }) => content as string).join("")),
      ),
    encodeText: (text) => Effect.succeed(digits(text)),
    between: (_, __, next) =>
      Effect.succeed(options.breaks === true ? null : digits(next.map(({ content }) => content as string).join(""))),
    sample: (asked, law) => {
      options.onSample?.(asked.length)
      return Effect.succeed(
        asked.map(({ prompt, stream }) => {
          const random = Seed.stream(`${stream}|${prompt.join()}`)
          const length = Math.min(law.maxTokens, random.int(2, 4))
          const tokens = Int32Array.from({ length }, (_, t) => (t === length - 1 ? stop : random.int(0, 8)))
          return {
            tokens,
            text: tokens.subarray(0, -1).join(""),
            logprobs: Float32Array.from(tokens, () => -random.uniform()),
            finish: "stop" as const,
            policyVersion: 3,
            logprobsOf: "raw" as const,
            sampling: SamplingParams.make(law),
          }
        }),
      )
    },
  }
  return { sample: () => Stream.empty, turns: Effect.succeed(turns) } satisfies Sampler.SamplerService
}

const rows = Array.from({ length: 3 }, (_, i) => ({ id: `p${i}`, task: "t", prompt: `${i}`, answer: null }))

/** Says 7 7 after every action, for `turns` of them; each earns what its first digit is. */
const counting = (turns: number, over: Partial<Environment.Episode> = {}, log: Array<string> = []) =>
  ({
    name: "counting",
    open: (row) =>
      Effect.acquireRelease(
        Effect.sync((): Environment.Episode => {
          const at = (n: number): Environment.Episode => {
            let taken = n
            return {
              observation: { content: row.prompt },
              step: ({ text }) =>
                Effect.sync(() => {
                  const reward = Number(text[0])
                  return ++taken < turns
                    ? { observation: { content: "77" }, reward, done: "no" as const, metrics: { steps: 1 } }
                    : { reward, done: "terminated" as const, metrics: { steps: 1 } }
                }),
              ...over,
            }
          }
          return at(0)
        }),
        () => Effect.sync(() => log.push(`closed ${row.id}`)),
      ),
  }) satisfies Environment.EnvironmentService

const sample = (
  environment: Environment.EnvironmentService,
  options: Partial<Episodes.Options> = {},
  inner: Sampler.SamplerService = sampler(),
  problems = rows,
) =>
  Episodes.sampler(inner, environment, { maxTurns: 5, ...options })
    .sample(problems, { groupSize: 4, maxTokens: 5, seed: "s" })
    .pipe(Stream.runCollect, Effect.runPromise)

const trajectory = ({ completions }: Group.Group, k = 0): Trajectory.Trajectory => {
  const found = completions[k].trajectory
  if (found === undefined) throw new Error("no trajectory")
  return found
}

describe("episodes of several turns", () => {
  it("keep what was sampled, and know which tokens were", async () => {
    const log: Array<string> = []
    const groups = await sample(counting(3, {}, log))
    expect(log).toHaveLength(12)
    expect(groups.map(({ place }) => place)).toEqual([0, 1, 2])
    for (const group of groups) {
      expect([...group.promptTokens]).toEqual([Number(group.problem.prompt)])
      for (const { logprobs, tokens, trajectory } of group.completions) {
        const [part, ...rest] = trajectory?.parts ?? []
        expect(rest).toEqual([])
        expect(trajectory).toMatchObject({
          turns: 3,
          stop: "terminated",
          forked: 0,
          failure: null,
          metrics: { steps: 3 },
        })
        expect([...part.sampled].map((place) => part.completion[place])).toEqual([...tokens])
        expect(logprobs).toHaveLength(tokens.length)
        // Two observations of two sevens between three actions.
        expect(part.completion).toHaveLength(tokens.length + 4)
        const others = [...part.completion.keys()].filter((place) => !part.sampled.includes(place))
        expect(others.map((place) => part.completion[place])).toEqual([7, 7, 7, 7])
        expect(tokens.filter((token) => token === stop)).toHaveLength(3)
      }
    }
    expect(await sample(counting(3))).toEqual(groups)
    // One at a time, or all at once.
    expect(await sample(counting(3), { atOnce: 1 })).toEqual(groups)
  })

  it("gather and scatter are each other's inverse on sampled tokens, and observations weigh 0", async () => {
    const [group] = await sample(counting(3), {}, sampler({ breaks: true }))
    const sequences = Group.sequences(group)
    const rows = group.completions.map(({ tokens }) => Float32Array.from(tokens, () => Math.random() + 1))
    const weights = Group.scatter(group, rows)
    expect(weights.map((row) => row.length)).toEqual(sequences.map(({ completion }) => completion.length))
    expect(Group.gather(group, weights)).toEqual(rows)
    const total = (all: ReadonlyArray<Float32Array>) => all.flatMap((row) => [...row]).reduce((a, b) => a + b, 0)
    expect(total(weights)).toBeCloseTo(total(rows), 4)
  })

  it("fork a sequence where the template breaks the prefix, and train each token once", async () => {
    const chat: Environment.EnvironmentService = {
      name: "chat",
      open: ({ prompt }) => {
        let turn = 0
        return Effect.succeed({
          observation: { content: [{ role: "user", content: prompt as string }] },
          step: () =>
            Effect.sync(() =>
              ++turn < 3
                ? { observation: { content: [{ role: "user" as const, content: "8" }] }, done: "no" as const }
                : { done: "terminated" as const, reward: 1 },
            ),
        })
      },
    }
    const whole = await sample(chat)
    const broken = await sample(chat, {}, sampler({ breaks: true }))
    for (const [i, group] of broken.entries())
      for (const [k, { tokens }] of group.completions.entries()) {
        const { forked, parts } = trajectory(group, k)
        expect([forked, parts.length]).toEqual([2, 3])
        expect(trajectory(whole[i], k)).toMatchObject({ forked: 0 })
        expect(parts.flatMap(({ completion, sampled }) => [...sampled].map((at) => completion[at]))).toEqual([
          ...tokens,
        ])
        // Every prompt has all that was said before it.
        expect(parts[2].prompt.length).toBeGreaterThan(parts[1].prompt.length)
      }
  })

  it("end for a stated reason, which is one of a closed list", async () => {
    const [limit] = await sample(counting(9), { maxTurns: 2 })
    expect(trajectory(limit)).toMatchObject({ turns: 2, stop: "turn-limit", failure: null })
    const [full] = await sample(counting(9), {}, sampler({ positions: 12 }))
    expect(trajectory(full)).toMatchObject({ stop: "context-full", failure: null })
    expect(trajectory(full).turns).toBeGreaterThan(0)
    const [long] = await sample(counting(9), {}, sampler({ positions: 4 }))
    expect(trajectory(long).failure).toMatch(/first observation takes 1 tokens and an action 5, the model has 4/)
    const ends = (result: Environment.StepResult) => sample(counting(9, { step: () => Effect.succeed(result) }))
    expect(trajectory((await ends({ done: "truncated" }))[0]).stop).toBe("truncated")
    expect(trajectory((await ends({ done: "terminated", stop: "parse-error" }))[0]).stop).toBe("parse-error")
    expect(trajectory((await ends({ done: "no" }))[0]).failure).toMatch(/continues without an observation/)
    expect(trajectory((await ends({ done: "terminated", reward: Infinity }))[0]).failure).toMatch(
      /gave a reward of Infinity; the sum is Infinity; give a number from -1e9 to 1e9/,
    )
  })

  it.each([
    [
      "an error",
      Effect.fail(new Environment.EnvironmentError({ environment: "e", reason: "out of disk" })),
      /out of disk/,
    ],
    ["a defect", Effect.die(new Error("bug")), /bug/],
    ["silence", Effect.never, /did not answer within 0.01 seconds/],
  ] as const)(
    "%s of the environment masks its member alone, and everything is given back once",
    async (_, fault, reason) => {
      const log: Array<string> = []
      let opened = 0
      const plain = counting(2, {}, log)
      const flaky: Environment.EnvironmentService = {
        ...plain,
        open: (row) =>
          Effect.map(plain.open(row), (episode) => (opened++ % 4 === 1 ? { ...episode, step: () => fault } : episode)),
      }
      const groups = await sample(flaky, { answerSeconds: 0.01 })
      expect(log).toHaveLength(12)
      for (const group of groups) {
        const failed = group.completions.filter(({ trajectory }) => trajectory?.failure !== null)
        expect(failed).toHaveLength(1)
        expect(failed[0].trajectory).toMatchObject({
          stop: "failed",
          failure: expect.stringMatching(reason) as unknown,
        })
      }
    },
  )

  it("refuse an environment that opens two states from one seed, and a sampler without turns", async () => {
    let n = 0
    const moody: Environment.EnvironmentService = {
      name: "moody",
      open: () =>
        Effect.succeed({ observation: { content: `${n++ % 3}` }, step: () => Effect.succeed({ done: "terminated" }) }),
    }
    const [group] = await sample(moody)
    expect(group.completions.some(({ trajectory }) => /two different states/.test(trajectory?.failure ?? ""))).toBe(
      true,
    )
    const without = { sample: () => Stream.empty }
    await expect(sample(counting(2), {}, without)).rejects.toThrow(/does not take prompts of tokens/)
    await expect(sample(counting(2), { maxTurns: 0 })).rejects.toThrow(/maxTurns is 0/)
  })

  it("interrupted, give back what they hold", async () => {
    const log: Array<string> = []
    const slow = counting(2, { step: () => Effect.never }, log)
    const exit = await Episodes.sampler(sampler(), slow, { maxTurns: 2 })
      .sample(rows, { groupSize: 2, maxTokens: 5, seed: "s" })
      .pipe(
        Stream.runCollect,
        Effect.timeoutOrElse({ duration: "20 millis", orElse: () => Effect.interrupt }),
        Effect.runPromiseExit,
      )
    expect(Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause)).toBe(true)
    expect(log).toHaveLength(6)
  })
})

describe("continuations of one state", () => {
  it("are groups of one action each, with the return of playing on", async () => {
    const log: Array<string> = []
    const groups = await sample(counting(3, {}, log), { steps: { depth: 9, rollouts: 2 } })
    // A state before each of the three actions, of three problems.
    expect(groups.map(({ place }) => place)).toEqual([0, 0, 0, 1, 1, 1, 2, 2, 2])
    for (const [i, group] of groups.entries()) {
      const level = i % 3
      for (const { text, tokens, trajectory } of group.completions) {
        const [part] = trajectory?.parts ?? []
        expect([...part.prompt]).toEqual([...group.promptTokens])
        expect([...part.completion]).toEqual([...tokens])
        expect(tokens.filter((token) => token === stop)).toHaveLength(1)
        // At the last state the return is the action's own reward; before it, more is to come.
        if (level === 2) expect(trajectory?.reward).toBe(Number(text[0]))
        else expect(trajectory?.reward).toBeGreaterThanOrEqual(Number(text[0]))
      }
      // The next state is reached from this one by one of the group's own actions.
      if (level < 2) {
        const next = groups[i + 1].promptTokens.join()
        const after = group.completions.map(({ tokens }) => [...group.promptTokens, ...tokens, 7, 7].join())
        expect(after).toContain(next)
      }
    }
    // Each problem: the trunk, and two rollouts of four members at three states.
    expect(log).toHaveLength(3 * (1 + 3 * 4 * 2))
    expect(await sample(counting(3), { steps: { depth: 9, rollouts: 2 }, atOnce: 1 })).toEqual(groups)
    const shallow = await sample(counting(3), { steps: { depth: 1, rollouts: 2 } })
    expect(shallow).toEqual(groups.filter((_, i) => i % 3 === 0))
  })

  it("of an episode that forks by itself are those of one whose past is taken again", async () => {
    const forks = (own: boolean): Environment.EnvironmentService => ({
      name: "sum",
      open: ({ prompt }) => {
        const at = (sum: number, turn: number): Environment.Episode => {
          let [total, taken] = [sum, turn]
          return {
            observation: { content: prompt },
            ...(own ? { fork: Effect.sync(() => at(total, taken)) } : {}),
            step: ({ text }) =>
              Effect.sync(() => {
                total += Number(text[0])
                return ++taken < 3
                  ? { observation: { content: `${total}` }, done: "no" as const }
                  : { reward: total, done: "terminated" as const }
              }),
          }
        }
        return Effect.succeed(at(0, 0))
      },
    })
    const options = { steps: { depth: 3, rollouts: 1 } }
    expect(await sample(forks(true), options)).toEqual(await sample(forks(false), options))
  })

  it("fail where the past leads elsewhere the second time", async () => {
    let n = 0
    const random: Environment.EnvironmentService = {
      name: "random",
      open: ({ prompt }) =>
        Effect.succeed({
          observation: { content: prompt },
          step: () => Effect.sync(() => ({ observation: { content: `${n++}` }, done: "no" as const })),
        }),
    }
    const groups = await sample(random, { maxTurns: 2, steps: { depth: 2, rollouts: 1 } }, sampler(), rows.slice(0, 1))
    expect(groups[1].completions.map(({ trajectory }) => trajectory?.failure)).toEqual(
      Array(4).fill(expect.stringMatching(/led to another observation/)),
    )
  })
})

describe("tools", () => {
  const divide = Tool.make({
    name: "divide",
    description: "a / b",
    input: Schema.Struct({ a: Schema.Finite, b: Schema.Finite }),
    output: Schema.Struct({ quotient: Schema.Finite }),
    run: ({ a, b }) =>
      b === 0
        ? Effect.fail(new Tool.ToolError({ tool: "divide", reason: "b is 0" }))
        : Effect.succeed({ quotient: a / b }),
  })
  const slow = Tool.make({
    name: "slow",
    description: "",
    input: Schema.Unknown,
    output: Schema.Unknown,
    run: () => Effect.never,
  })
  const buggy = Tool.make({
    name: "buggy",
    description: "",
    input: Schema.Unknown,
    output: Schema.Unknown,
    run: () => Effect.die(new Error("bug")),
  })
  const answer = (text: string) =>
    Effect.runPromise(
      Effect.forEach(Tool.calls(text), (call) => Tool.answer([divide, slow, buggy], call, { seconds: 0.01 })),
    )
  const call = (json: unknown) => `<tool_call>\n${JSON.stringify(json)}\n</tool_call>`

  it("say what they take as JSON Schema", () => {
    expect(Tool.describe([divide])).toMatchObject([
      { type: "function", function: { name: "divide", parameters: { type: "object", required: ["a", "b"] } } },
    ])
  })

  it("answer calls, and whatever goes wrong is an answer too", async () => {
    const good = call({ name: "divide", arguments: { a: 3, b: 2 } })
    expect(await answer(`so ${good} and ${good}`)).toEqual([
      { text: '{"quotient":1.5}', ok: true },
      { text: '{"quotient":1.5}', ok: true },
    ])
    expect(await answer("no call")).toEqual([])
    for (const [bad, reason] of [
      [call({ name: "divide", arguments: { a: 1, b: 0 } }), /b is 0/],
      [call({ name: "divide", arguments: { a: 1 } }), /b/],
      [call({ name: "divide", arguments: { a: 1, b: 2, c: 3 } }), /c/],
      [call({ name: "multiply", arguments: {} }), /there is no such tool; there are divide, slow, buggy/],
      [call({ name: "slow", arguments: {} }), /did not answer within/],
      [call({ name: "buggy", arguments: {} }), /bug/],
      ["<tool_call>{oops}</tool_call>", /is not a call/],
    ] as const) {
      const [said] = await answer(bad)
      expect(said.ok).toBe(false)
      expect(said.text).toMatch(/^error: /)
      expect(said.text).toMatch(reason)
    }
  })

  it("never fail on any text of a policy", () =>
    fc.assert(
      fc.asyncProperty(fc.string(), async (text) => {
        for (const { text: said } of await answer(`<tool_call>${text}</tool_call>`)) expect(typeof said).toBe("string")
      }),
      { numRuns: 50 },
    ))
})
