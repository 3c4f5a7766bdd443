// A real SkyRL server on the CPU, driven through @lpo/tinker: the probe, the gradient by finite differences, LPO runs under
// forward and reverse KL, resume from a server checkpoint, and SIGKILL of the server and of the client in the middle of a step.
//
// Installs SkyRL on first use (or takes the interpreter in SKYRL_PYTHON). Exits 0 with a SKIPPED line where Python or the
// packages cannot be had, 1 when a check fails.
import { spawnSync } from "node:child_process"
import { mkdirSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { Conformance, Datum, ServerProfile, TinkerClient } from "@lpo/tinker"
import { Effect } from "effect"
import { policyOptions, train, words } from "./client.mjs"
import { freePort } from "../servers.mjs"
import * as Server from "./server.mjs"

const steps = 20
let failed = 0
const check = (name, ok, shown) => {
  console.log(`${ok ? "ok    " : "FAILED"} ${name}: ${shown}`)
  if (!ok) failed++
}
const round = (x) => Number(x.toPrecision(6))

/** The gradient of sum_k w_k S_k, as the server takes it, against differences of log-probs along it. */
const gradient = (client, baseModel) =>
  Effect.gen(function* () {
    const prompt = Datum.text(Int32Array.of(4, 5, 14))
    const completions = [Int32Array.of(4, 11, 5, 1), Int32Array.of(6, 12, 1)]
    const weights = [0.25, -0.25]
    const examples = completions.map((completion) => ({ prompt, completion }))
    const score = (model) =>
      Effect.flatten(model.forward({ datums: examples.map(Datum.scoring), lossFn: "cross_entropy" })).pipe(
        Effect.map(({ outputs }) => outputs.map((o, k) => Datum.completionLogprobs(examples[k], o.logprobs.data))),
      )
    const value = (rows) => rows.reduce((sum, row, k) => sum + weights[k] * row.reduce((a, b) => a + b, 0), 0)
    // An epsilon far above the gradient makes Adam's step rate * gradient, up or down.
    const along = (sign, rate) =>
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
        const norm = (yield* update)[client.profile.gradNormMetric]
        return { norm, value: value(yield* score(model)) }
      }).pipe(Effect.scoped)
    // The rate that moves the value by about 2e-3.
    const { norm } = yield* along(1, 0)
    const rate = 2e-3 / norm ** 2
    const up = yield* along(1, rate)
    const down = yield* along(-1, rate)
    return { norm, slope: (up.value - down.value) / (2 * rate) }
  })

const main = async (python) => {
  const root = mkdtempSync(join(tmpdir(), "lpo-skyrl-"))
  const model = join(root, "model")
  const serverFolder = join(root, "server")
  mkdirSync(serverFolder)
  Server.makeTiny(python, model, words.length)
  const port = await freePort()
  const options = { folder: serverFolder, model, port, python }
  let server = await Server.start(options)
  const { baseUrl } = server
  console.log(`SkyRL on ${baseUrl}`)
  try {
    const open = (profile) => TinkerClient.make({ ...policyOptions(baseUrl, model), profile })
    const probe = (profile) =>
      Effect.flatMap(open(profile), (client) => Conformance.probe(client, policyOptions(baseUrl, model))).pipe(
        Effect.scoped,
      )
    const measured = await Effect.runPromise(probe(ServerProfile.skyrlJax))
    check("probe, form B'", true, JSON.stringify(measured))
    for (const form of ["A", "B"]) {
      const refused = await Effect.runPromise(
        Effect.flip(probe({ ...ServerProfile.skyrlJax, form, mask: false })).pipe(
          Effect.catch((m) => Effect.succeed(m)),
        ),
      )
      check(
        `probe refuses form ${form}`,
        refused._tag === "ConformanceError",
        refused.message ?? JSON.stringify(refused),
      )
    }
    const changed = await Effect.runPromise(
      probe({ ...ServerProfile.skyrlJax, gradNormMetric: null }).pipe(Effect.catch((e) => Effect.succeed(e))),
    )
    check("probe by change of log-prob", changed.by !== undefined, changed.message ?? JSON.stringify(changed))
    const { norm, slope } = await Effect.runPromise(
      Effect.flatMap(open(ServerProfile.skyrlJax), (client) => gradient(client, model)).pipe(Effect.scoped),
    )
    check(
      "gradient against finite differences of log-probs",
      Math.abs(slope / norm ** 2 - 1) < 0.02,
      `slope ${round(slope)}, squared norm ${round(norm ** 2)}`,
    )

    const rewards = {}
    const mean = (xs) => xs.reduce((a, b) => a + b, 0) / xs.length
    const curve = (events) => events.map((e) => e.reward)
    for (const divergence of ["forward", "reverse"]) {
      const started = performance.now()
      const { events } = await Effect.runPromise(
        train({ baseUrl, baseModel: model, folder: join(root, divergence), divergence, steps }),
      )
      rewards[divergence] = curve(events)
      const [first, last] = [mean(rewards[divergence].slice(0, 5)), mean(rewards[divergence].slice(-5))]
      check(
        `LPO, ${divergence} KL, ${events.length} steps`,
        events.length === steps && last > first,
        `mean reward ${first.toFixed(3)} in the first five steps, ${last.toFixed(3)} in the last; ${((performance.now() - started) / 1000).toFixed(0)} s`,
      )
    }
    const same = (events) => JSON.stringify(curve(events)) === JSON.stringify(rewards.forward)
    const base = { baseUrl, baseModel: model, divergence: "forward" }

    const stopped = { ...base, folder: join(root, "stopped") }
    await Effect.runPromise(train({ ...stopped, steps: 10 }))
    const resumed = await Effect.runPromise(train({ ...stopped, steps }))
    check(
      "resume from a server checkpoint gives the uninterrupted run",
      same(resumed.events),
      `went on after step ${resumed.resumed.from}, rewards ${same(resumed.events) ? "equal" : "differ"}`,
    )

    const killed = { ...base, folder: join(root, "client-killed"), steps }
    const child = spawnSync(
      process.execPath,
      [
        fileURLToPath(new URL("client.mjs", import.meta.url)),
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
    check(
      "client SIGKILLed in step 8, started again",
      child.signal === "SIGKILL" && again.resumed.from === 5 && again.resumed.redone === 2 && same(again.events),
      `signal ${child.signal}; went on after step ${again.resumed.from}, ${again.resumed.redone} logged steps and the one under way done again, rewards ${same(again.events) ? "equal" : "differ"}${child.signal === null ? child.stderr.slice(-500) : ""}`,
    )

    const crashed = { ...base, folder: join(root, "server-killed"), steps }
    let restart = async () => server
    const died = await Effect.runPromise(
      Effect.flip(
        train({
          ...crashed,
          beforeUpdate: (n) => {
            if (n !== 13) return
            const restarted = server.stop("SIGKILL").then(() => Server.start(options))
            restart = () => restarted
          },
        }),
      ),
    )
    server = await restart()
    const after = await Effect.runPromise(train(crashed))
    check(
      "server SIGKILLed in step 13, started again on its database and checkpoints",
      after.resumed.from === 10 && after.resumed.redone === 2 && same(after.events),
      `the client said "${died.message}"; went on after step ${after.resumed.from}, ${after.resumed.redone} logged steps and the one under way done again, rewards ${same(after.events) ? "equal" : "differ"}`,
    )
  } finally {
    await server.stop()
    rmSync(root, { recursive: true })
  }
}

let python = null
try {
  python = Server.prepare()
} catch (error) {
  console.log(`SKIPPED the SkyRL integration: ${error.message}`)
}
if (python !== null) await main(python)
process.exitCode = failed === 0 ? 0 : 1
