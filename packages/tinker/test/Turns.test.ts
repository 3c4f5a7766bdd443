/** Episodes of several turns on a server: the same run as on a learner that is here, token for token. */
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Episodes, Group, Sampler, SamplingParams } from "@lpo/rollout"
import { Learner } from "@lpo/trainer"
import { Effect, Stream } from "effect"
import { afterEach, expect, it } from "vitest"
import { ServerProfile } from "../src/index.ts"
import * as Double from "./double.ts"
import * as Loop from "./loop.ts"

let double: Double.Double
const open = async (options: Double.Options) => (double = await Double.make(options))
afterEach(() => double.close())

it.each([
  ["hosted", "texts", ServerProfile.hosted],
  ["skyrl", "texts", ServerProfile.skyrlJax],
  ["skyrl", "chats whose template rewrites what was said", ServerProfile.skyrlJax],
] as const)("episodes on a %s server in %s end in the weights of a local learner", async (dialect, kind, profile) => {
  await open({ dialect })
  const root = await mkdtemp(join(tmpdir(), "lpo-tinker-turns-"))
  try {
    const turns = kind === "texts" ? "text" : "chat"
    const options = { divergence: "forward", steps: 3, maxGradNorm: Infinity, turns } as const
    const engine = Loop.local()
    const folder = join(root, "server")
    const mine = await Effect.runPromise(Loop.train({ ...options, folder: join(root, "local") }, engine.layer))
    const theirs = await Effect.runPromise(
      Loop.fast(Loop.train({ ...options, folder }, Loop.server(double.baseUrl, profile))),
    )
    const seen = ({ episodes, reward }: (typeof mine.events)[number]) => ({ episodes, reward })
    expect(theirs.events.map(seen)).toEqual(mine.events.map(seen))
    expect(theirs.events[0].episodes).toMatchObject({ turns: 3, forked: turns === "text" ? 0 : 2 })
    const weights = double.checkpoints.get(await Loop.checkpointPath(folder))?.weights
    for (const [i, logit] of engine.weights.logits.entries()) expect(weights?.logits[i]).toBeCloseTo(logit, 4)
    expect(double.models().size).toBe(0)
  } finally {
    await rm(root, { recursive: true })
  }
})

it("a turn goes on from the very tokens that were sampled, and observations move nothing", async () => {
  await open({ dialect: "skyrl", positions: 9 })
  const { beta1, beta2, epsilon, weightDecay } = Loop.adam
  const groups = await Effect.gen(function* () {
    const inner = yield* Sampler.Sampler
    const learner = yield* Learner.Learner
    const groups = yield* Episodes.sampler(inner, Loop.environment("text"), { maxTurns: 3 })
      .sample(Loop.problems, { groupSize: 2, maxTokens: 3, seed: "s" })
      .pipe(Stream.runCollect)
    yield* learner.accumulate(groups.map(Group.sequences), (i) =>
      Group.scatter(
        groups[i],
        groups[i].completions.map(({ tokens }) => new Float32Array(tokens.length).fill(0.5)),
      ),
    )
    yield* learner.step({ learningRate: 0.1, maxGradNorm: Infinity, beta1, beta2, epsilon, weightDecay })
    return groups
  }).pipe(Effect.provide(Loop.server(double.baseUrl, ServerProfile.skyrlJax)), Loop.fast, Effect.runPromise)
  const at = (path: string) => double.requests.filter((request) => request.path === path).map(({ body }) => body)
  const asked = at("/asample").map(({ prompt }) => prompt.chunks.flatMap((chunk: any) => chunk.tokens).join())
  const [sent] = at("/forward_backward").slice(-1)
  const data = (sent.input ?? sent.forward_backward_input).data as ReadonlyArray<any>
  const all = groups.flatMap((group) => group.completions.map(({ trajectory }) => ({ group, trajectory })))
  expect(data).toHaveLength(all.length)
  for (const [i, { group, trajectory }] of all.entries()) {
    const [{ completion, prompt, sampled }] = trajectory?.parts ?? []
    const tokens = [...prompt, ...completion]
    const places = new Set([...sampled].map((place) => prompt.length + place))
    expect([...prompt]).toEqual([...group.promptTokens])
    for (const place of places) if (!places.has(place - 1)) expect(asked).toContain(tokens.slice(0, place).join())
    // Entry n of a loss input is about token n + 1.
    const { advantages, target_tokens } = data[i].loss_fn_inputs
    expect([...target_tokens.data]).toEqual(tokens.slice(1))
    for (const [n, advantage] of [...advantages.data].entries()) expect(advantage !== 0).toBe(places.has(n + 1))
    // The server tells its positions.
    expect(tokens.length).toBeLessThanOrEqual(9)
  }
  expect(all.map(({ trajectory }) => trajectory?.stop)).toContain("context-full")
})

it("a stop string ends a response at the token that completes it, as if the server had stopped there", async () => {
  await open({ dialect: "skyrl" })
  const draw = (stopStrings: ReadonlyArray<string>) =>
    Effect.gen(function* () {
      const sampler = yield* Sampler.Sampler
      const wanted = { groupSize: 64, maxTokens: 12, seed: "s", stopStrings }
      return (yield* sampler.sample([Loop.problems[0]], wanted).pipe(Stream.runCollect))[0].completions
    }).pipe(Effect.provide(Loop.server(double.baseUrl, ServerProfile.skyrlJax)), Loop.fast, Effect.runPromise)
  const whole = await draw([])
  const cut = await draw(["3", "0 2"])
  let ended = 0
  for (const [k, { finish, logprobs, sampling, text, tokens }] of cut.entries()) {
    const all = [...whole[k].tokens]
    const until = all.findIndex((token, t) => token === 3 || (token === 2 && all[t - 1] === 0))
    const length = until < 0 ? all.length : until + 1
    expect([...tokens]).toEqual(all.slice(0, length))
    expect([...logprobs]).toEqual([...whole[k].logprobs].slice(0, length))
    expect(finish).toBe(until < 0 ? whole[k].finish : "stop")
    expect(sampling).toEqual(SamplingParams.make({ maxTokens: 12, stopStrings: ["3", "0 2"] }))
    if (until >= 0) expect(text).toMatch(/3$|0 2$/)
    if (until >= 0 && until < all.length - 1) ended++
  }
  expect(ended).toBeGreaterThan(5)
})
