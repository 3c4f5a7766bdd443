/**
 * `npm run checks -- skyrl`: a real SkyRL server on the CPU, driven through @lpo/tinker: the probe, the gradient by finite
 * differences, LPO runs under forward and reverse KL, resume from a server checkpoint, and SIGKILL of the server and of the client in
 * the middle of a step.
 */
import { spawnSync } from "node:child_process"
import { mkdirSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { Conformance, Datum, ServerProfile, TinkerClient, type TrainingModel } from "@lpo/tinker"
import type { StepReport } from "@lpo/trainer"
import { Effect } from "effect"
import * as Arguments from "../../bench/shared/Arguments.ts"
import { mean, rounded } from "../../bench/shared/Figures.ts"
import * as Report from "../shared/Report.ts"
import { freePort } from "../shared/Server.ts"
import { divergences, policyOptions, train, words } from "./client.ts"
import * as Server from "./server.ts"

const steps = 20
const report = Report.make("skyrl")

/** The gradient of sum_k w_k S_k, as the server takes it, against differences of log-probs along it. */
const gradient = (client: TinkerClient.TinkerClient, baseModel: string) =>
  Effect.gen(function* () {
    const prompt = Datum.text(Int32Array.of(4, 5, 14))
    const completions = [Int32Array.of(4, 11, 5, 1), Int32Array.of(6, 12, 1)]
    const weights = [0.25, -0.25]
    const examples = completions.map((completion) => ({ prompt, completion }))
    const score = (model: TrainingModel.TrainingModel) =>
      Effect.flatten(model.forward({ datums: examples.map(Datum.scoring), lossFn: "cross_entropy" })).pipe(
        Effect.map(({ outputs }) => outputs.map((o, k) => Datum.completionLogprobs(examples[k], o.logprobs.data))),
      )
    const value = (rows: ReadonlyArray<Float32Array>) =>
      rows.reduce((sum, row, k) => sum + weights[k] * row.reduce((a, b) => a + b, 0), 0)
    // An epsilon far above the gradient makes Adam's step rate * gradient, up or down.
    const along = (sign: number, rate: number) =>
      Effect.gen(function* () {
        const model = yield* client.createModel({ baseModel, rank: 8, seed: 7 })
        const before = yield* score(model)
        const weighted = examples.map((example, k) => ({
          prompt,
          completion: example.completion,
          logprobs: before[k],
          weights: new Float32Array(example.completion.length).fill(sign * weights[k]),
        }))
        const backward = yield* model.forwardBackward(Datum.weighted(weighted, client.profile))
        const update = yield* model.optimStep({
          learningRate: rate * 1e4,
          beta1: 0,
          beta2: 0,
          epsilon: 1e4,
          weightDecay: 0,
          gradClipNorm: 0,
        })
        yield* backward
        const norm = (yield* update)[client.profile.gradNormMetric ?? ""]
        return { norm, value: value(yield* score(model)) }
      }).pipe(Effect.scoped)
    // The rate that moves the value by about 2e-3.
    const { norm } = yield* along(1, 0)
    const rate = 2e-3 / norm ** 2
    const up = yield* along(1, rate)
    const down = yield* along(-1, rate)
    return { norm, slope: (up.value - down.value) / (2 * rate) }
  })

const main = async (python: string) => {
  const root = mkdtempSync(join(tmpdir(), "lpo-skyrl-"))
  const model = join(root, "model")
  const serverFolder = join(root, "server")
  mkdirSync(serverFolder)
  Server.makeTiny(python, model, words.length)
  const port = await freePort()
  const options = { folder: serverFolder, model, port, python }
  let server = await Server.start(options)
  const baseUrl = server.url
  console.log(`SkyRL on ${baseUrl}`)
  try {
    const open = (profile: ServerProfile.ServerProfile) =>
      TinkerClient.make({ ...policyOptions(baseUrl, model), profile })
    const probe = (profile: ServerProfile.ServerProfile) =>
      Effect.flatMap(open(profile), (client) => Conformance.probe(client, policyOptions(baseUrl, model))).pipe(
        Effect.scoped,
      )
    const measured = await Effect.runPromise(probe(ServerProfile.skyrlJax))
    report.add("probe, form B'", true, JSON.stringify(measured))
    for (const form of ["A", "B"] as const) {
      const refused = await Effect.runPromise(Effect.result(probe({ ...ServerProfile.skyrlJax, form, mask: false })))
      report.add(
        `probe refuses form ${form}`,
        refused._tag === "Failure" && refused.failure._tag === "ConformanceError",
        refused._tag === "Failure" ? refused.failure.message : JSON.stringify(refused.success),
      )
    }
    const changed = await Effect.runPromise(Effect.result(probe({ ...ServerProfile.skyrlJax, gradNormMetric: null })))
    report.add(
      "probe by change of log-prob",
      changed._tag === "Success" && changed.success.by !== undefined,
      changed._tag === "Success" ? JSON.stringify(changed.success) : changed.failure.message,
    )
    const { norm, slope } = await Effect.runPromise(
      Effect.flatMap(open(ServerProfile.skyrlJax), (client) => gradient(client, model)).pipe(Effect.scoped),
    )
    report.add(
      "gradient against finite differences of log-probs",
      Math.abs(slope / norm ** 2 - 1) < 0.02,
      `slope ${rounded(slope, 6)}, squared norm ${rounded(norm ** 2, 6)}`,
    )

    const rewards: Record<string, ReadonlyArray<number>> = {}
    const curve = (events: ReadonlyArray<StepReport.StepReport>) => events.map((e) => e.reward)
    for (const divergence of divergences) {
      const started = performance.now()
      const { events } = await Effect.runPromise(
        train({ baseUrl, baseModel: model, folder: join(root, divergence), divergence, steps }),
      )
      rewards[divergence] = curve(events)
      const [first, last] = [mean(rewards[divergence].slice(0, 5)), mean(rewards[divergence].slice(-5))]
      report.add(
        `LPO, ${divergence} KL, ${events.length} steps`,
        events.length === steps && last > first,
        `mean reward ${first.toFixed(3)} in the first five steps, ${last.toFixed(3)} in the last; ${((performance.now() - started) / 1000).toFixed(0)} s`,
      )
    }
    const same = (events: ReadonlyArray<StepReport.StepReport>) =>
      JSON.stringify(curve(events)) === JSON.stringify(rewards["forward"])
    const base = { baseUrl, baseModel: model, divergence: "forward" } as const

    const stopped = { ...base, folder: join(root, "stopped") }
    await Effect.runPromise(train({ ...stopped, steps: 10 }))
    const resumed = await Effect.runPromise(train({ ...stopped, steps }))
    report.add(
      "a resume from a server checkpoint equals the uninterrupted run",
      same(resumed.events),
      `resumed after step ${resumed.resumed.from}, rewards ${same(resumed.events) ? "equal" : "differ"}`,
    )

    const killed = { ...base, folder: join(root, "client-killed"), steps }
    const child = spawnSync(
      process.execPath,
      [
        ...process.execArgv,
        fileURLToPath(new URL("client.ts", import.meta.url)),
        baseUrl,
        model,
        killed.folder,
        "forward",
        String(steps),
        "8",
      ],
      { encoding: "utf8" },
    )
    const again = await Effect.runPromise(train(killed))
    report.add(
      "client SIGKILLed in step 8, started again",
      child.signal === "SIGKILL" && again.resumed.from === 5 && again.resumed.redone === 2 && same(again.events),
      `signal ${child.signal}; resumed after step ${again.resumed.from}, ${again.resumed.redone} logged steps and the one in progress repeated, rewards ${same(again.events) ? "equal" : "differ"}${child.signal === null ? child.stderr.slice(-500) : ""}`,
    )

    const crashed = { ...base, folder: join(root, "server-killed"), steps }
    let restart = async () => server
    const died = await Effect.runPromise(
      Effect.flip(
        train({
          ...crashed,
          beforeUpdate: (n) => {
            if (n !== 13) return
            const restarted = server.kill().then(() => Server.start(options))
            restart = () => restarted
          },
        }),
      ),
    )
    server = await restart()
    const after = await Effect.runPromise(train(crashed))
    report.add(
      "server SIGKILLed in step 13, started again on its database and checkpoints",
      after.resumed.from === 10 && after.resumed.redone === 2 && same(after.events),
      `the client said "${died.message}"; resumed after step ${after.resumed.from}, ${after.resumed.redone} logged steps and the one in progress repeated, rewards ${same(after.events) ? "equal" : "differ"}`,
    )
  } finally {
    await server.kill()
    rmSync(root, { recursive: true })
  }
}

Arguments.read("npm run checks -- skyrl", {})
const python = Report.unlessSkipped("skyrl", ["everything: no server"], Server.prepare)
if (python !== null) {
  await main(python)
  report.end()
}
