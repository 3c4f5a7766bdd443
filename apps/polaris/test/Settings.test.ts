/** Settings: every default spelled out, one way from the preset or the run's folder to them, and what cannot be said by name. */
import { Registry, TrainConfig } from "@lpo/trainer"
import { Effect, Schema } from "effect"
import { expect, it } from "vitest"
import * as Objectives from "../src/Objectives.ts"
import * as Preset from "../src/Preset.ts"
import * as Overrides from "../src/Overrides.ts"
import * as Settings from "../src/Settings.ts"
import { refusal, resolve } from "./given.ts"

it("decodes every preset, by the name of its file", async () => {
  expect(Preset.names).toContain("countdown-tiny")
  for (const name of Preset.names) expect((await Effect.runPromise(Preset.load(name))).name).toBe(name)
})

it("spells out every default, and reads back what it wrote", async () => {
  const settings = await resolve({})
  // The trainer's own defaults, all of them.
  for (const [key, value] of Object.entries(TrainConfig.defaults))
    if (key !== "optimizer") expect(settings.train).toHaveProperty(key, value)
  for (const key of Object.keys(TrainConfig.defaults.optimizer)) expect(settings.train.optimizer).toHaveProperty(key)
  expect(settings.train.sampling).toEqual({ temperature: 1, topP: 1, topK: 0, minP: 0, maxTokens: 10, stopStrings: [] })
  expect(settings.evaluation).toEqual({ problems: 500, samples: 16, temperature: 1, benchmarks: [] })
  expect(settings.objective).toEqual({
    name: "lpo-fwd",
    options: {
      name: "lpo",
      divergence: "forward-kl",
      tau: "std",
      target: "gibbs",
      reduction: "sum",
      clip: null,
      zeroVariance: "drop",
      kl: null,
    },
  })
  expect((await resolve({ objective: "grpo" })).objective).toEqual({
    name: "grpo",
    options: { name: "grpo", clip: { low: 0.2, high: 0.28 }, aggregation: "token-sum", importance: null, kl: null },
  })
  const text = JSON.stringify(settings)
  expect(await Effect.runPromise(Settings.read("runs/x", JSON.parse(text) as Record<string, unknown>))).toEqual(
    settings,
  )
  const damaged = JSON.parse(text.replace('"maxLag":0', '"maxLag":"none"')) as Record<string, unknown>
  const { message } = await Effect.runPromise(Effect.flip(Settings.read("runs/x", damaged)))
  expect(message).toMatch(/^runs\/x\/config\.json does not decode: .*maxLag/s)
})

/** Off the policy, so that clips and ratios count. */
const input = {
  rewards: Float64Array.of(1, 0.1, 0, 1),
  behaviour: [[-1, -2], [-0.5], [-1, -1, -3], [-2]].map((x) => Float32Array.from(x)),
  anchor: [[-1.1, -1.9], [-0.6], [-1, -0.8, -3], [-2]].map((x) => Float32Array.from(x)),
  current: [[-0.3, -2.4], [-0.9], [-1.5, -0.7, -3], [-1.2]].map((x) => Float32Array.from(x)),
  batch: { rewardStd: 0.4, tokens: 14, groups: 2 },
}

it.each(Registry.names)("makes %s of what is recorded, the same as by its name", async (objective) => {
  const settings = await resolve({ objective })
  const recorded = Schema.decodeUnknownSync(Objectives.Settings)(JSON.parse(JSON.stringify(settings.objective)))
  const [mine, named] = [Objectives.make(recorded), Registry.make(Registry.settings(objective))]
  expect(mine.name).toBe(named.name)
  expect(mine.zeroVariance).toBe(named.zeroVariance)
  expect(mine.evaluate(input)).toEqual(named.evaluate(input))
})

it("takes what a run recorded, and lays the command line over it", async () => {
  const recorded = await resolve({ seed: 7, objective: "grpo", groupSize: 4, prompts: 3, learningRate: 1e-3 })
  expect(await resolve({}, recorded)).toEqual(recorded)
  const longer = await resolve({ steps: 99, problems: 5 }, recorded)
  expect(longer).toEqual({
    ...recorded,
    train: { ...recorded.train, steps: 99 },
    evaluation: { ...recorded.evaluation, problems: 5 },
  })
  const other = await resolve({ objective: "lpo-rev", tau: "0.5" }, recorded)
  expect(other.objective).toMatchObject({ name: "lpo-rev", options: { tau: 0.5 } })
  expect((await resolve({ tau: "2" }, other)).objective).toMatchObject({
    name: "lpo-rev",
    options: { tau: 2, divergence: "reverse-kl" },
  })
})

it("refuses by name what cannot be", async () => {
  const tau = await refusal({ objective: "grpo", tau: "1" })
  expect(tau).toMatch(/^--tau is "1", but grpo has no temperature; leave it out, or .*lpo-fwd/)
  for (const name of Registry.names.filter((n) => !Registry.hasTemperature(n)))
    expect(await refusal({ objective: name, tau: "std" })).toMatch(/no temperature/)
  const cases: ReadonlyArray<readonly [Parameters<typeof refusal>[0], RegExp]> = [
    [{ tau: "cold" }, /--tau is "cold"; give a positive number/],
    [{ kl: "reward" }, /--kl is "reward"; give PLACE=BETA, such as reward=0\.001 or k3=0\.04/],
    [
      { kl: "k4=1" },
      /--kl is "k4=1"; give PLACE=BETA, such as .*: PLACE is one of reward, reward-k3, k1, k2, k3, BETA is 0 or more/,
    ],
    [{ kl: "k3=-1" }, /--kl is "k3=-1"/],
    [{ preset: "countdwn-tiny" }, /there is no preset "countdwn-tiny"; did you mean countdown-tiny\?/],
    [
      { preset: "poker" },
      /there is no preset "poker"; choose one of: code, code-tiny, countdown, countdown-step-tiny, countdown-tiny, /,
    ],
    [{ groupSize: 0 }, /--k is 0; give a whole number from 1 to 1024/],
    [{ groupSize: 1 }, /--k is 1, but lpo-fwd needs groups of 2 or more; .*lpo-single/],
    [{ steps: 0 }, /--steps is 0/],
    [{ learningRate: -1 }, /--learning-rate is -1; give a positive number/],
    [{ loraRank: 4 }, /--lora-rank is given without --model/],
    [{ model: "a@" }, /--model is "a@"; give a folder, or name or name@revision on the hub/],
    [{ model: "a/b", loraAlpha: 8 }, /--lora-alpha is given without --lora-rank/],
    [{ model: "a/b", loraRank: 0 }, /--lora-rank is 0; give a whole number from 1/],
    [{ server: "http://a" }, /--server is given, but the engine embedded does not take it/],
    [{ rollouts: "http://a" }, /--rollouts is given, but the engine embedded does not take it/],
    [{ engine: "tinker" }, /give --model with its name or a folder with its tokenizer/],
    [{ engine: "tinker", model: "a/b" }, /needs a server; give its URL, such as --server/],
    [{ engine: "tinker", model: "a/b", server: "gpu:8000" }, /--server is "gpu:8000"; give its URL/],
    [
      { engine: "tinker", model: "a/b", server: "http://a", loraAlpha: 3 },
      /--lora-alpha is given, but the engine tinker/,
    ],
    [{ engine: "hybrid", model: "a/b" }, /trains an adapter .*give --model and --lora-rank/],
    [{ engine: "hybrid", model: "a/b", loraRank: 2 }, /needs servers for sampling; give --rollouts/],
    [{ engine: "hybrid", model: "a/b", loraRank: 2, rollouts: "http://a,b" }, /--rollouts has "b"; give base URLs/],
  ]
  for (const [given, message] of cases) expect(await refusal(given)).toMatch(message)
})

it("keeps a KL to the policy that training begins with by place and coefficient", async () => {
  const shared = { on: "all", mastered: 1 }
  const cases = {
    "reward=0.001": { in: "reward", estimator: "k1", beta: 0.001, ...shared },
    "reward-k3=0.1": { in: "reward", estimator: "k3", beta: 0.1, ...shared },
    "k2=0.04": { in: "loss", estimator: "k2", aggregation: "sequence-mean", beta: 0.04, ...shared },
    "k3=1,mastered": { in: "loss", estimator: "k3", aggregation: "sequence-mean", beta: 1, ...shared, on: "mastered" },
  }
  for (const [kl, expected] of Object.entries(cases)) {
    const settings = await resolve({ kl, objective: "grpo" })
    expect(settings.objective.options.kl).toEqual(expected)
    expect(Settings.trainConfig(settings).objective.needsReference).toBe(true)
    expect(await resolve({}, settings)).toEqual(settings)
  }
})

it("samples in training at a temperature of its own, where the engine knows the log-probs of that law", async () => {
  const settings = await resolve({ temperature: 0.8 })
  expect(settings.train.sampling.temperature).toBe(0.8)
  expect(settings.evaluation.temperature).toBe(1)
  expect(Settings.trainConfig(settings).temperature).toBe(0.8)
  expect((await resolve({}, settings)).train.sampling.temperature).toBe(0.8)
  expect(await refusal({ temperature: 0 })).toMatch(/--temperature is 0; give a positive number/)
  const set = (from: Settings.Settings, path: string, value: unknown) =>
    Effect.runPromise(Effect.result(Overrides.set(from, [[path, value]])).pipe(Effect.map(String)))
  expect(await set(settings, "train.sampling.topP", 0.9)).toMatch(/--set train\.sampling\.topP is 0\.9/)
  expect(await set(settings, "train.sampling.topK", 20)).toMatch(/--set train\.sampling\.topK is 20/)
  const tinker = await resolve({ engine: "tinker", model: "a/b", server: "http://gpu", temperature: 0.8 })
  expect(await set(tinker, "train.maxLag", 0)).toMatch(
    /--temperature is 0\.8, but the engine tinker gives log-probs only at temperature 1/,
  )
})

it("knows the best policy by a number that there is", async () => {
  const settings = await resolve({ evaluateEvery: 5 })
  expect(settings.train.evaluation).toEqual({ every: 5, problems: 64, samples: 4 })
  const best = (metric: string) => ({ metric, better: "higher", patience: null })
  const set = (from: Settings.Settings, metric: string) =>
    Effect.runPromise(
      Overrides.set(from, [["train.best", best(metric)]]).pipe(
        Effect.map(({ train }) => train.best?.metric),
        Effect.catchTag("UsageError", ({ reason }) => Effect.succeed(reason)),
      ),
    )
  expect(await set(settings, "eval/pass_at_4")).toBe("eval/pass_at_4")
  expect(await set(settings, "train/reward")).toBe("train/reward")
  expect(await set(settings, "train/rewards")).toMatch(/is "train\/rewards"; give eval\/pass_at_1/)
  expect(await set(await resolve({}), "eval/pass_at_1")).toMatch(/give --evaluate-every/)
})

it("sets a group of values as a whole, unless an option has one of them", async () => {
  const set = async (objective: Registry.Name, path: string, value: unknown) =>
    Effect.runPromise(
      Overrides.set(await resolve({ objective }), [[path, value]]).pipe(
        Effect.map((changed): unknown => changed.objective.options),
        Effect.catchTag("UsageError", ({ reason }) => Effect.succeed(reason)),
      ),
    )
  expect(await set("grpo", "objective.options.clip", null)).toMatchObject({ clip: null })
  expect(await set("grpo", "objective.options.clip", { low: 0.1, high: 0.3 })).toMatchObject({ clip: { high: 0.3 } })
  expect(await set("grpo", "objective.options.clip", { low: 0.1 })).toMatch(/clip is \{"low":0.1\}: /)
  expect(await set("grpo", "train.optimizer", {})).toMatch(/there is no such setting/)
})

it("checks trackers, and lets a resume choose others", async () => {
  const settings = await resolve({ tracker: ["tensorboard", "mlflow=http://h:5000"] })
  expect(settings.trackers).toEqual(["tensorboard", "mlflow=http://h:5000"])
  expect((await resolve({}, settings)).trackers).toEqual(settings.trackers)
  expect((await resolve({ tracker: ["trackio=http://h"] }, settings)).trackers).toEqual(["trackio=http://h"])
  expect(Settings.mayChange(settings)).toContain("trackers")
  expect(await refusal({ tracker: ["wandb"] })).toMatch(/no maintained JavaScript client; .*wandb sync/)
  expect(await refusal({ tracker: ["tensorbord"] })).toMatch(/did you mean tensorboard\?/)
  expect(await refusal({ tracker: ["mlflow"] })).toMatch(/"" is not an address/)
  expect(await refusal({ tracker: ["otlp=ftp://h"] })).toMatch(/neither http nor https/)
  expect(await refusal({ tracker: ["mlflow=http://me:secret@h"] })).toMatch(/give it in the environment/)
  expect(await refusal({ tracker: ["mlflow=http://me:secret@h"] })).not.toMatch(/secret/)
  expect(await refusal({ tracker: ["tensorboard", "tensorboard=x"] })).toMatch(/given twice/)
})

it("takes of an engine what it cannot do otherwise", async () => {
  const tinker = { engine: "tinker", model: "a/b", server: "http://gpu:8000/" }
  const skyrl = await resolve(tinker)
  expect(skyrl.engine.options).toEqual({ server: "http://gpu:8000", profile: "skyrl-jax", rank: 32 })
  expect(skyrl.train.optimizer.maxGradNorm).toBeNull()
  expect(Settings.trainConfig(skyrl).optimizer.maxGradNorm).toBe(Number.POSITIVE_INFINITY)
  expect(skyrl.train.anchor).toBe("recompute")
  const fsdp = await resolve({ ...tinker, profile: "skyrl-fsdp" })
  expect(fsdp.train.optimizer).toMatchObject({ maxGradNorm: 1, beta2: 0.999, weightDecay: 0.01 })
  const hosted = await resolve({ ...tinker, profile: "hosted", loraRank: 8 })
  expect(hosted.engine.options).toMatchObject({ rank: 8 })
  expect(hosted.train.optimizer).toMatchObject({ maxGradNorm: 1, beta2: 0.95 })
  const hybrid = await resolve({ engine: "hybrid", model: "a/b", loraRank: 2, rollouts: "http://a, http://b/" })
  expect(hybrid.engine.options).toEqual({ rollouts: ["http://a", "http://b"], servedName: "a/b" })
  expect(Settings.withStops(hybrid, ["</answer>"]).train.sampling.stopStrings).toEqual(["</answer>"])
  expect(Settings.mayChange(hybrid)).toContain("engine.options.rollouts")
})
