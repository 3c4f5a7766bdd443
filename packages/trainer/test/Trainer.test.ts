import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Checkpoint, Learner, Lpo, Grpo, Registry, RunStore, type StepReport, TrainConfig, Trainer } from "@lpo/trainer"
import { Verdict, Verifier } from "@lpo/rollout"
import { Effect, Fiber, Layer } from "effect"
import { afterEach, beforeEach, expect, it } from "vitest"
import * as Flips from "./flips.ts"
import { makeEngine, problems } from "./tabular.ts"

let root = ""
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "lpo-trainer-"))
})
afterEach(() => rm(root, { recursive: true }))

const config = (over: Partial<TrainConfig.TrainConfig> = {}): TrainConfig.TrainConfig => ({
  ...TrainConfig.defaults,
  seed: "1",
  steps: 12,
  promptsPerStep: 4,
  maxTokens: 2,
  checkpointEvery: 3,
  objective: Lpo.make({ divergence: "forward", tau: "std" }),
  ...over,
  optimizer: { ...TrainConfig.defaults.optimizer, learningRate: 2, ...over.optimizer },
})

const run = (
  name: string,
  options: {
    engine?: ReturnType<typeof makeEngine>
    config?: TrainConfig.TrainConfig
    resume?: boolean
    onStep?: (report: StepReport.StepReport) => Effect.Effect<void>
    onClosed?: Trainer.Options["onClosed"]
    problems?: Trainer.Options["problems"]
  } = {},
) => {
  const engine = options.engine ?? makeEngine()
  return Effect.gen(function* () {
    const open = yield* RunStore.open({
      folder: join(root, name),
      config: { task: "digits" },
      resume: options.resume ?? false,
    })
    yield* Trainer.train({
      config: options.config ?? config(),
      problems: options.problems ?? problems,
      run: open,
      ...(options.onStep ? { onStep: options.onStep } : {}),
      ...(options.onClosed ? { onClosed: options.onClosed } : {}),
    })
    return { logits: [...engine.logits], events: yield* open.events, completions: yield* open.completions }
  }).pipe(Effect.scoped, Effect.provide(engine.layer))
}

it("learns: the pass rate rises, and the log says what happened", async () => {
  const { completions, events } = await Effect.runPromise(run("a", { config: config({ steps: 40 }) }))
  expect(events.map((e) => e.step)).toEqual(Array.from({ length: 40 }, (_, i) => i + 1))
  expect(events[0].passRate).toBeLessThan(0.3)
  expect(events[39].passRate).toBeGreaterThan(0.8)
  expect(events.some((e) => e.masked > 0)).toBe(true)
  expect(completions[0]).toHaveProperty("completions")
})

it.each(Registry.names.filter((name) => name !== "pointwise"))("%s learns", async (objective) => {
  const over = {
    // Single responses first need baselines of their prompts.
    steps: objective === "lpo-single" ? 40 : 20,
    checkpointEvery: 40,
    miniBatches: 1,
    objective: Registry.make(Registry.settings(objective)),
  }
  const { events } = await Effect.runPromise(run(objective, { config: config(over) }))
  const rewards = events.map((e) => e.reward)
  const mean = (xs: ReadonlyArray<number>) => xs.reduce((a, b) => a + b, 0) / xs.length
  expect(mean(rewards.slice(-8))).toBeGreaterThan(mean(rewards.slice(0, 4)) + 0.1)
})

it("a report does not tell in which order the learner weighed its groups", async () => {
  const engine = makeEngine()
  const backwards = Layer.effect(
    Learner.Learner,
    Effect.map(Learner.Learner, (learner) => ({
      ...learner,
      accumulate: (groups, weigh) =>
        learner.accumulate(groups.toReversed(), (i, current) => weigh(groups.length - 1 - i, current)),
    })),
  ).pipe(Layer.provideMerge(engine.layer))
  const once = config({ steps: 1, promptsPerStep: 7, miniBatches: 1 })
  const means = async (engine?: ReturnType<typeof makeEngine>) => {
    const { events } = await Effect.runPromise(run(engine ? "b" : "a", { config: once, ...(engine ? { engine } : {}) }))
    expect(events[0].targetKl).toBeGreaterThan(0)
    return [events[0].targetKl, events[0].ess]
  }
  expect(await means({ ...engine, layer: backwards })).toEqual(await means())
})

it("on policy, LPO-rev with tau = sigma and unclipped GRPO take the same first step", async () => {
  const once = { steps: 1, miniBatches: 1, promptsPerStep: 6 }
  const lpo = await Effect.runPromise(
    run("lpo", { config: config({ ...once, objective: Lpo.make({ divergence: "reverse", tau: "std" }) }) }),
  )
  const grpo = await Effect.runPromise(
    run("grpo", { config: config({ ...once, objective: Grpo.make({ clip: null }) }) }),
  )
  expect(lpo.logits.some((v) => v !== 0)).toBe(true)
  for (const [i, v] of lpo.logits.entries()) expect(v).toBeCloseTo(grpo.logits[i], 6)
})

it("stopped anywhere and resumed, ends bit for bit like a run that was not", async () => {
  const whole = await Effect.runPromise(run("whole"))
  for (const stopAt of [1, 3, 5, 8, 11]) {
    const name = `stopped-${stopAt}`
    const died = await Effect.runPromiseExit(
      run(name, { onStep: ({ step }) => (step === stopAt ? Effect.die("killed") : Effect.void) }),
    )
    expect(died._tag).toBe("Failure")
    // A SIGKILL writes no checkpoint: only those of every third step are left.
    if (stopAt % 3 !== 0) {
      await rm(join(root, name, "checkpoints", `step-${String(stopAt).padStart(6, "0")}`), { recursive: true })
    }
    const resumed = await Effect.runPromise(run(name, { resume: true }))
    expect(resumed.logits).toEqual(whole.logits)
    expect(resumed.events.map((e) => [e.step, e.reward])).toEqual(whole.events.map((e) => [e.step, e.reward]))
  }
})

it("an interrupted run leaves a checkpoint of its last whole step and resumes", async () => {
  const whole = await Effect.runPromise(run("whole"))
  const exit = await Effect.runPromise(
    Effect.gen(function* () {
      const fiber = yield* Effect.forkChild(
        run("cut", { onStep: ({ step }) => (step === 5 ? Effect.never : Effect.void) }),
      )
      yield* Effect.sleep(0).pipe(
        Effect.andThen(Effect.promise(() => readFile(join(root, "cut", "events.jsonl"), "utf8").catch(() => ""))),
        Effect.repeat({ until: (text) => text.split("\n").length > 5 }),
      )
      yield* Effect.yieldNow
      return yield* Fiber.interrupt(fiber)
    }),
  )
  expect(exit).toBeUndefined()
  expect(await readdir(join(root, "cut", "checkpoints"))).toContain("step-000005")
  expect((await Effect.runPromise(run("cut", { resume: true }))).logits).toEqual(whole.logits)
})

it("masks what a verifier never answers, and goes on", async () => {
  const engine = makeEngine()
  const silent = Layer.succeed(Verifier.Verifier, { verify: () => Effect.never })
  const { events, logits } = await Effect.runPromise(
    run("a", {
      engine: { ...engine, layer: Layer.merge(engine.layer, silent) },
      config: config({ steps: 2, verifySeconds: 0.01 }),
    }),
  )
  expect(events.map((e) => [e.masked, e.tooSmall])).toEqual([
    [32, 4],
    [32, 4],
  ])
  expect(logits).toEqual([...makeEngine().logits])
})

it("refuses a run that exists, one that is in use, one to resume that does not exist, and another configuration", async () => {
  await Effect.runPromise(run("a"))
  const message = (effect: Effect.Effect<unknown, { readonly message: string }>) =>
    Effect.runPromise(Effect.flip(effect)).then((e) => e.message)
  expect(await message(run("a"))).toMatch(/exists already; resume it/)
  expect(await message(run("b", { resume: true }))).toMatch(/nothing to resume/)
  const held = RunStore.open({ folder: join(root, "a"), config: { task: "digits" }, resume: true })
  const second = held.pipe(Effect.andThen(Effect.flip(run("a", { resume: true }))), Effect.scoped)
  expect((await Effect.runPromise(second)).message).toMatch(
    new RegExp(`in use by process ${process.pid} on .*, since .*; wait for it or stop it`),
  )
  const other = RunStore.open({ folder: join(root, "a"), config: { task: "letters" }, resume: true })
  expect(await message(Effect.scoped(other))).toMatch(/started with task "digits", but now it is "letters"/)
})

it("refuses a damaged checkpoint by name, and ignores one without a manifest", async () => {
  await Effect.runPromise(run("a"))
  const newest = join(root, "a", "checkpoints", "step-000012")
  const bytes = await readFile(join(newest, "logits.bin"))
  bytes[3] ^= 1
  await writeFile(join(newest, "logits.bin"), bytes)
  const error = await Effect.runPromise(Effect.flip(run("a", { resume: true })))
  expect(error._tag).toBe("CheckpointError")
  expect(error.message).toMatch(/step-000012.*logits\.bin is damaged/)
  await rm(join(newest, "manifest.json"))
  const whole = await Effect.runPromise(run("whole"))
  expect((await Effect.runPromise(run("a", { resume: true }))).logits).toEqual(whole.logits)
})

it("stops on a learning rate that blows the policy up, and the last whole step can be resumed", async () => {
  const optimizer = { ...TrainConfig.defaults.optimizer, learningRate: Number.POSITIVE_INFINITY }
  const error = await Effect.runPromise(Effect.flip(run("a", { config: config({ optimizer }) })))
  expect(error._tag).toBe("TrainingError")
  expect(error.message).toMatch(/NaN|not finite|must be finite/)
})

it("logs groups that taught nothing: all of them wrong, and those whose verdicts are missing", async () => {
  const engine = makeEngine()
  const wrong = Layer.succeed(Verifier.Verifier, {
    verify: (_problem, { text }) =>
      Effect.succeed(
        text.startsWith("4")
          ? Verdict.unreached("timeout", "too slow")
          : Verdict.judged({ correct: false, reason: "no" }),
      ),
  })
  const { completions, events, logits } = await Effect.runPromise(
    run("a", { engine: { ...engine, layer: Layer.merge(engine.layer, wrong) }, config: config({ steps: 3 }) }),
  )
  // Nothing was learned, and nothing is said to have been measured.
  expect(logits).toEqual([...makeEngine().logits])
  for (const { ess, gradNorm, targetKl, zeroVariance } of events) {
    expect([ess, gradNorm, targetKl]).toEqual([null, null, null])
    expect(zeroVariance).toBe(4)
  }
  expect(completions).toHaveLength(12)
  for (const group of completions) {
    expect(group.outcome).toBe("no-signal")
    expect(group.completions).toHaveLength(8)
    for (const { target, text, verdict } of group.completions) {
      expect(target).toBeUndefined()
      expect(verdict).toMatchObject(text.startsWith("4") ? { status: "timeout" } : { status: "ok", reason: "no" })
    }
  }
})

it("logs a share of the groups with a signal and of those without, and where each response stands", async () => {
  const { completions, events } = await Effect.runPromise(run("a", { config: config({ groupsLogged: 2 }) }))
  for (const { step, zeroVariance } of events) {
    const logged = completions.filter((group) => group.step === step)
    expect(logged).toHaveLength(2)
    const trained = logged.filter(({ outcome }) => outcome === "trained").length
    expect(trained).toBe(zeroVariance === 0 ? 2 : zeroVariance === 4 ? 0 : 1)
  }
  for (const { completions: responses, outcome } of completions)
    for (const { coefficient, policy, target, verdict } of responses) {
      const weighed = outcome === "trained" && verdict.status === "ok"
      expect([target, policy, coefficient].every((x) => (x === undefined) !== weighed)).toBe(true)
    }
})

it("a resume may change what it is allowed to, and names the key that it may not", async () => {
  const started = { train: { steps: 2, groupSize: 8 }, logging: 1 }
  const open = (config: object, resume: boolean, mayChange: ReadonlyArray<string> = []) =>
    RunStore.open({ folder: join(root, "a"), config: { ...config }, resume, mayChange, about: { node: "24" } })
  const attempt = (...args: Parameters<typeof open>) => Effect.runPromise(Effect.scoped(open(...args)))
  await attempt(started, false)
  expect(await Effect.runPromise(RunStore.readConfig(join(root, "a")))).toEqual({
    config: started,
    about: { node: "24" },
  })
  const longer = { train: { steps: 9, groupSize: 8 }, logging: 5 }
  const refused = await Effect.runPromise(Effect.flip(Effect.scoped(open(longer, true, ["logging"]))))
  expect(refused.message).toMatch(/started with train\.steps 2, but now it is 9.*a resume may change logging/)
  await attempt(longer, true, ["train.steps", "logging"])
  expect((await Effect.runPromise(RunStore.readConfig(join(root, "a"))))?.config).toEqual(longer)
  for (const other of [{ ...longer, extra: 1 }, { train: longer.train }, { ...longer, train: { steps: 9 } }])
    await expect(attempt(other, true, ["train.steps"])).rejects.toThrow(/was started with/)
})

it("names the damaged line of a log, and keeps what stands before it", async () => {
  await Effect.runPromise(run("a"))
  const log = join(root, "a", "events.jsonl")
  const lines = (await readFile(log, "utf8")).split("\n")
  const damage = async (bad: string) => {
    const text = [...lines.slice(0, 4), bad, ...lines.slice(5)].join("\n")
    await writeFile(log, text)
    const { message } = await Effect.runPromise(Effect.flip(run("a", { resume: true })))
    expect(message).toMatch(/events\.jsonl, line 5 is damaged/)
    expect(await readFile(log, "utf8")).toBe(text)
  }
  for (const bad of ["{", "", "[]", lines[4].replace(/"reward":[^,]+/, `"reward":"high"`), lines[4].slice(0, 40)])
    await damage(bad)
  // What decodes is found out all the same, and so is a log that was cut short or lost.
  const refused = async (text: string | null) => {
    await (text === null ? rm(log) : writeFile(log, text))
    return (await Effect.runPromise(Effect.flip(run("a", { resume: true })))).message
  }
  const digit = lines[4].replace(/"reward":[\d.e-]+/, `"reward":0.123`)
  expect(await refused([...lines.slice(0, 4), digit, ...lines.slice(5)].join("\n"))).toMatch(/events\.jsonl/)
  expect(await refused(lines.slice(0, 5).join("\n"))).toMatch(/has \d+ bytes, but the checkpoint refers to \d+/)
  expect(await refused(null)).toMatch(/has 0 bytes, but the checkpoint refers to \d+/)
  // A last line that a kill cut short comes after the checkpoint: it is dropped.
  await writeFile(log, lines.join("\n") + lines[4].slice(0, 40))
  expect((await Effect.runPromise(run("a", { resume: true }))).events.map((e) => e.step)).toHaveLength(12)
  expect(await readFile(log, "utf8")).toBe(lines.join("\n"))
})

it("takes only a folder that is not there for a run without checkpoints", async () => {
  await Effect.runPromise(run("a"))
  const [events, completions] = ["events.jsonl", "completions.jsonl"].map((log) => join(root, "a", log))
  const before = [await readFile(events, "utf8"), await readFile(completions, "utf8")]
  const checkpoints = join(root, "a", "checkpoints")
  await rename(checkpoints, `${checkpoints}-away`)
  await writeFile(checkpoints, "not a folder")
  const error = await Effect.runPromise(Effect.flip(run("a", { resume: true })))
  expect(error.message).toMatch(/checkpoints/)
  expect([await readFile(events, "utf8"), await readFile(completions, "utf8")]).toEqual(before)
  expect(await Effect.runPromise(Checkpoint.latest(join(root, "nowhere")))).toBeNull()
})

it("changed bytes of a manifest or a configuration are found out, and nothing is adopted that is not a run", () =>
  Flips.areFound(23))

it("a run that was killed before it wrote its configuration is begun again under its name", async () => {
  const folder = join(root, "young")
  await mkdir(join(folder, "checkpoints"), { recursive: true })
  for (const name of ["lock", "owner.json", "owner.json.tmp-7", "config.json.tmp-7"])
    await writeFile(join(folder, name), "")
  await mkdir(join(folder, "checkpoints", "step-000001"))
  expect((await Effect.runPromise(Effect.flip(run("young")))).message).toMatch(/is not empty and has no config\.json/)
  await rm(join(folder, "checkpoints", "step-000001"), { recursive: true })
  await writeFile(join(folder, "notes.txt"), "mine")
  expect((await Effect.runPromise(Effect.flip(run("young")))).message).toMatch(/is not empty and has no config\.json/)
  await rm(join(folder, "notes.txt"))
  await Effect.runPromise(run("young"))
  expect(await readFile(join(folder, "events.jsonl"), "utf8")).not.toBe("")
})

it("retention touches only the checkpoints that the run made", async () => {
  const options = { config: config({ steps: 9 }) }
  await Effect.runPromise(run("a", options))
  const checkpoints = join(root, "a", "checkpoints")
  const theirs = [
    "step-best",
    "step-old",
    "step-000001.bak",
    "step-000001 copy",
    "step-000001~",
    "step-1",
    "step-",
    "step-0000001x",
    "Step-000001",
    "x-step-000001",
    "step--00001",
    "best",
    ".step-000001",
    "step-00000a",
  ]
  for (const name of theirs) await mkdir(join(checkpoints, name))
  await Effect.runPromise(run("a", { ...options, config: config({ steps: 12 }), resume: true }))
  expect((await readdir(checkpoints)).sort()).toEqual([...theirs, "step-000009", "step-000012"].sort())
})

it("what has a checkpoint's name and is none is left as it is, and no checkpoint gives way to it", async () => {
  const options = { config: config({ steps: 9 }) }
  await Effect.runPromise(run("a", options))
  const checkpoints = join(root, "a", "checkpoints")
  const theirs = ["step-000001", "step-000010", "step-000012", "step-000099", "step-999999", "step-1000000"]
  for (const name of theirs) {
    await mkdir(join(checkpoints, name))
    await writeFile(join(checkpoints, name, "notes.txt"), name)
  }
  expect(await Checkpoint.newest(checkpoints)).toBe("step-000009")
  await Effect.runPromise(run("a", { ...options, config: config({ steps: 12 }), resume: true }))
  // The one whose name a checkpoint takes steps aside.
  const kept = theirs.map((name) => (name === "step-000012" ? `${name}.aside-1` : name))
  expect((await readdir(checkpoints)).sort()).toEqual([...kept, "step-000009", "step-000012"].sort())
  for (const [i, name] of kept.entries())
    expect(await readFile(join(checkpoints, name, "notes.txt"), "utf8")).toBe(theirs[i])
  expect(await Checkpoint.newest(checkpoints)).toBe("step-000012")
  expect((await Effect.runPromise(Checkpoint.latest(checkpoints)))?.step).toBe(12)
})

it("a row that cannot be written ends the run before any checkpoint speaks of it", async () => {
  const log = join(root, "a", "events.jsonl")
  const fail = ({ step }: StepReport.StepReport) =>
    step === 4 ? Effect.promise(() => rm(log).then(() => mkdir(log))) : Effect.void
  const closed: Array<[number, boolean]> = []
  const error = await Effect.runPromise(
    Effect.flip(
      run("a", {
        onStep: fail,
        onClosed: (taken, saved) => Effect.sync(() => closed.push([taken, saved._tag === "Success"])),
      }),
    ),
  )
  expect(error.message).toMatch(/events\.jsonl/)
  expect(await readdir(join(root, "a", "checkpoints"))).toEqual(["step-000003"])
  await rm(log, { recursive: true })
  expect((await Effect.runPromise(Effect.flip(run("a", { resume: true })))).message).toMatch(/has 0 bytes/)
  // The step that lost its row is not one to save.
  expect(closed).toEqual([])
})

it("no stream of a run is drawn from twice, though a step holds the same problem four times", async () => {
  for (const [some, promptsPerStep, steps] of [
    [1, 4, 5],
    [4, 6, 12],
    [6, 64, 3],
  ]) {
    const drawn: Array<string> = []
    const engine = makeEngine({ onDraw: (stream) => drawn.push(stream) })
    const options = config({ steps, promptsPerStep })
    await Effect.runPromise(run(`${some}`, { engine, config: options, problems: problems.slice(0, some) }))
    expect(drawn).toHaveLength(steps * promptsPerStep * 8)
    expect(new Set(drawn).size).toBe(drawn.length)
  }
})
