/** Trackers: what they write, what they are told again, and that none of them stops a run. */
import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import {
  Lpo,
  Mlflow,
  OpenTelemetry,
  RunStore,
  type StepReport,
  TensorBoard,
  Tracker,
  Trackio,
  TrainConfig,
  Trainer,
} from "@lpo/trainer"
import { Effect } from "effect"
import { afterEach, beforeEach, expect, it } from "vitest"
import { makeEngine, problems } from "./tabular.ts"

let root = ""
const ends: Array<() => Promise<unknown>> = []
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "lpo-trackers-"))
})
afterEach(async () => {
  await Promise.all(ends.splice(0).map((end) => end()))
  await rm(root, { recursive: true })
})

const config: TrainConfig.TrainConfig = {
  ...TrainConfig.defaults,
  seed: "1",
  steps: 9,
  promptsPerStep: 4,
  maxTokens: 2,
  checkpointEvery: 3,
  objective: Lpo.make({ divergence: "forward", tau: "std" }),
  optimizer: { ...TrainConfig.defaults.optimizer, learningRate: 2 },
}

/** No waiting in tests: attempts follow at once, and a tracker that failed is asked with every report. */
const delivery: Tracker.Delivery = { attempts: 2, delay: 0, pause: 0 }

/** A run with trackers; `dieAt` kills it as a fault would, after that step and with nothing settled. */
const run = (
  trackers: ReadonlyArray<Tracker.Tracker>,
  options: { readonly resume?: boolean; readonly dieAt?: number; readonly delivery?: Tracker.Delivery } = {},
) => {
  const engine = makeEngine()
  const trouble: Array<string> = []
  const { dieAt, resume = false } = options
  return Effect.gen(function* () {
    const open = yield* RunStore.open({ folder: join(root, "run"), config: { task: "digits" }, resume })
    const tracked = yield* Tracker.open({
      run: open,
      name: "run",
      config: { task: "digits", train: { steps: 9 } },
      trackers,
      delivery: { ...delivery, ...options.delivery },
      onTrouble: (error) => Effect.sync(() => void trouble.push(error.message)),
    })
    const onStep = (report: StepReport.StepReport) =>
      Effect.gen(function* () {
        yield* tracked.report(report)
        if (report.step === dieAt) {
          // What a kill leaves: all that was delivered, and no closing checkpoint.
          yield* tracked.settle(false)
          return yield* Effect.die(new Error("killed"))
        }
      })
    yield* Trainer.train({ config, problems, run: open, onStep })
    const standings = yield* tracked.settle(true)
    return { standings, trouble, events: yield* open.events, logits: [...engine.logits] }
  }).pipe(Effect.scoped, Effect.provide(engine.layer))
}
const killed = (trackers: ReadonlyArray<Tracker.Tracker>, dieAt: number) =>
  Effect.runPromiseExit(run(trackers, { dieAt })).then(async (exit) => {
    expect(exit._tag).toBe("Failure")
    // The closing checkpoint of a fault goes, as a kill leaves none.
    const checkpoints = join(root, "run", "checkpoints")
    for (const name of await readdir(checkpoints))
      if (name === `step-${String(dieAt).padStart(6, "0")}`) await rm(join(checkpoints, name), { recursive: true })
  })

/** A server whose answers are up to the test. */
const serve = async (answer: (path: string, body: any, response: ServerResponse) => unknown) => {
  const server = createServer((request: IncomingMessage, response) => {
    let text = ""
    request.on("data", (chunk: Buffer) => (text += chunk.toString()))
    request.on("end", () => {
      const found = answer(request.url ?? "", text === "" ? null : JSON.parse(text), response)
      if (!response.writableEnded && !response.destroyed) response.end(JSON.stringify(found ?? {}))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  ends.push(() => new Promise((resolve) => server.close(resolve).closeAllConnections()))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
const refuse = (response: ServerResponse, status: number, text = "no") => {
  response.statusCode = status
  response.end(text)
}

/** The scalars of the one event file, by a reader of its own: [step, tag, value]. */
const scalars = async (folder = join(root, "run", "tensorboard")) => {
  const names = await readdir(folder)
  expect(names).toHaveLength(1)
  const data = await readFile(join(folder, names[0]))
  const out: Array<readonly [number, string, number]> = []
  for (let at = 0; at < data.length;) {
    const length = Number(data.readBigUInt64LE(at))
    const event = data.subarray(at + 12, at + 12 + length)
    at += length + 16
    // wall_time, then the step as a varint of one byte, then the summary.
    if (event[9] !== 0x10 || event[11] !== 0x2a) continue
    for (const [, tag, value] of event.toString("latin1").matchAll(/\n(?:.)([\w/]+)[^\w/]([\s\S]{4})/g))
      out.push([event[10], tag, Buffer.from(value, "latin1").readFloatLE()])
  }
  return out
}
const curve = (all: ReadonlyArray<readonly [number, string, number]>, tag: string) =>
  all.filter(([, name]) => name === tag).map(([step, , value]) => [step, value])

const opening = (state: unknown = null): Tracker.Opening => ({
  name: "run",
  folder: join(root, "run"),
  config: {},
  step: 0,
  state,
})

it("TensorBoard: frames and messages are those of its own writer, byte for byte", async () => {
  await Effect.runPromise(
    Effect.gen(function* () {
      const opened = yield* TensorBoard.make({ folder: root }).open(opening())
      yield* opened.send([{ step: 300, time: 1500, values: { "train/reward": 0.25, b: -3 } }])
    }).pipe(Effect.scoped),
  )
  const [name] = await readdir(join(root, "run"))
  expect(name).toMatch(/^events\.out\.tfevents\.\d{10}\./)
  const hex = (await readFile(join(root, "run", name))).toString("hex")
  // tensorboard 2.21, RecordWriter and Event.
  const golden =
    "2d000000000000003c418afb09000000000000f83f10ac022a1f0a130a0c747261696e2f726577617264150000803e0a080a016215000040c0ad12501c"
  expect(hex.endsWith(golden)).toBe(true)
  expect(hex.startsWith("1800000000000000a37f4b2209")).toBe(true)
})

it("TensorBoard: a run that is killed and resumed has every point of its log once", async () => {
  const trackers = [TensorBoard.make()]
  await killed(trackers, 5)
  expect(curve(await scalars(), "train/reward").map(([step]) => step)).toEqual([1, 2, 3, 4, 5])
  // A record cut short by the kill.
  const folder = join(root, "run", "tensorboard")
  const [name] = await readdir(folder)
  const whole = (await readFile(join(folder, name))).length
  await truncate(join(folder, name), whole - 5)
  const { events, standings } = await Effect.runPromise(run(trackers, { resume: true }))
  expect(standings).toMatchObject([{ tracker: "tensorboard", missing: 0, failures: 0, reason: null }])
  expect(curve(await scalars(), "train/reward")).toEqual(events.map((e) => [e.step, Math.fround(e.reward)]))
  // Nulls have no point.
  expect(curve(await scalars(), "train/samplerKl")).toEqual([])
})

/** As a server of MLflow keeps metrics: everything that is appended. */
const mlflow = async (broken: (path: string, count: number) => "no" | "lost" | null = () => null) => {
  const metrics: Array<{ readonly key: string; readonly step: number; readonly value: number }> = []
  const params: Array<string> = []
  const calls: Array<string> = []
  const url = await serve((path, body, response) => {
    const what = path.replace("/api/2.0/mlflow/", "").replace(/\?.*/, "")
    calls.push(what)
    const fate = broken(what, calls.filter((call) => call === what).length)
    if (fate === "no") return refuse(response, 503)
    if (what === "experiments/get-by-name") return refuse(response, 404, '{"error_code":"RESOURCE_DOES_NOT_EXIST"}')
    if (what === "experiments/create") return { experiment_id: "1" }
    if (what === "runs/create") return { run: { info: { run_id: "r1" } } }
    if (what === "runs/get") {
      const last = new Map(metrics.map(({ key, step }) => [key, step]))
      return { run: { data: { metrics: [...last].map(([key, step]) => ({ key, step: String(step) })) } } }
    }
    if (what === "runs/log-batch") {
      params.push(...(body.params ?? []).map(({ key }: { key: string }) => key))
      const all = body.metrics ?? []
      // Written in part, then the connection is lost.
      metrics.push(...(fate === "lost" ? all.slice(0, 3) : all))
      if (fate === "lost") return response.destroy()
    }
    return {}
  })
  return { url, metrics, params, calls }
}
const steps = (metrics: ReadonlyArray<{ readonly key: string; readonly step: number }>, key: string) =>
  metrics.filter((m) => m.key === key).map(({ step }) => step)

it("MLflow: one run there over all lives, every point once, though batches are refused and written in part", async () => {
  const server = await mlflow((what, count) =>
    what !== "runs/log-batch" ? null : count === 3 ? "no" : count === 4 || count === 6 ? "lost" : null,
  )
  const trackers = [Mlflow.make({ url: server.url })]
  await killed(trackers, 5)
  const { events, standings } = await Effect.runPromise(run(trackers, { resume: true }))
  expect(standings).toMatchObject([{ tracker: "mlflow", missing: 0 }])
  expect(server.calls.filter((call) => call === "runs/create")).toHaveLength(1)
  expect(server.params).toEqual(["task", "train.steps"])
  for (const key of ["train/reward", "train/entropy", "train/passRate"])
    expect(steps(server.metrics, key), key).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9])
  expect(server.metrics.filter(({ key }) => key === "train/reward").map(({ value }) => value)).toEqual(
    events.map(({ reward }) => reward),
  )
})

it("a tracker that is away, dies or hangs stops nothing: it is said once, and what it missed is sent when it is back", async () => {
  const without = await Effect.runPromise(run([]))
  await rm(join(root, "run"), { recursive: true })
  let away = true
  const server = await mlflow(() => (away ? "no" : null))
  const faulty: Tracker.Tracker = { name: "faulty", open: () => Effect.die(new Error("a fault of its own")) }
  const slow: Tracker.Tracker = { name: "slow", open: () => Effect.never }
  const trackers = [Mlflow.make({ url: server.url }), faulty, slow]
  const first = await Effect.runPromise(run(trackers, { delivery: { patience: "50 millis" } }))
  expect(first.logits).toEqual(without.logits)
  expect(first.trouble).toHaveLength(3)
  expect(first.trouble.join("\n")).toMatch(/tracker mlflow: http.*HTTP 503: no/)
  expect(first.trouble.join("\n")).toMatch(/tracker faulty: a fault of its own/)
  expect(first.standings.map(({ missing }) => missing)).toEqual([9, 9, 9])
  expect(first.standings[0].failures).toBeGreaterThan(0)
  expect(server.metrics).toEqual([])
  away = false
  const second = await Effect.runPromise(run([trackers[0]], { resume: true }))
  expect(second.trouble).toEqual([])
  expect(steps(server.metrics, "train/reward")).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9])
})

it("asks a tracker that fails a bounded number of times, and lets the oldest points go beyond what may wait", async () => {
  const server = await mlflow(() => "no")
  const { standings } = await Effect.runPromise(
    run([Mlflow.make({ url: server.url })], { delivery: { attempts: 3, pause: "1 hour", most: 4 } }),
  )
  // Three attempts and a rest, then the one at the end.
  expect(server.calls.length).toBeLessThanOrEqual(4)
  expect(standings).toMatchObject([{ delivered: 0, missing: 9 }])
})

it("Trackio: points carry ids of their own, the same ones when they are sent again, and the token", async () => {
  const logs = new Map<string, { readonly step: number; readonly metrics: Record<string, number> }>()
  const configs: Array<unknown> = []
  let sent = 0
  const url = await serve((path, body, response) => {
    expect(path).toBe("/api/bulk_log")
    for (const { config: told, log_id, metrics, project, run: name, step } of body.kwargs.logs) {
      expect([project, name]).toEqual(["lpo", "run"])
      logs.set(log_id, { step, metrics })
      if (told !== null) configs.push(told)
      sent++
    }
    return sent === 2 ? refuse(response, 500) : { data: null }
  })
  const trackers = [Trackio.make({ url, token: "t" })]
  await killed(trackers, 5)
  const { events } = await Effect.runPromise(run(trackers, { resume: true }))
  expect(sent).toBeGreaterThan(9)
  const all = [...logs.values()].sort((a, b) => a.step - b.step)
  expect(all.map(({ metrics, step }) => [step, metrics["train/reward"]])).toEqual(events.map((e) => [e.step, e.reward]))
  expect(configs[0]).toEqual({ task: "digits", train: { steps: 9 } })
})

it("OTLP: a gauge for every value of every report, under the run's name", async () => {
  const seen: Array<readonly [number, number]> = []
  const names = new Set<string>()
  const url = await serve((path, body) => {
    expect(path).toBe("/v1/metrics")
    for (const { resource, scopeMetrics } of body.resourceMetrics) {
      for (const { key, value } of resource.attributes) names.add(`${key}=${value.stringValue}`)
      const values = new Map<string, number>()
      for (const { metrics } of scopeMetrics)
        for (const { gauge, name } of metrics)
          values.set(name, Number(gauge.dataPoints[0].asDouble ?? gauge.dataPoints[0].asInt))
      seen.push([values.get("lpo.step") ?? -1, values.get("lpo.train.reward") ?? -1])
    }
  })
  const { events, standings } = await Effect.runPromise(run([OpenTelemetry.make({ url })]))
  expect(standings).toMatchObject([{ missing: 0, failures: 0 }])
  expect([...names]).toContain("lpo.run=run")
  expect(new Map(seen)).toEqual(new Map(events.map((e) => [e.step, e.reward])))
})

it("values by name: no nulls, no texts, schedules and flags as numbers", () => {
  const report = { step: 3, reward: 0.5, gradNorm: null, scheduled: { tau: 0.1, divergence: "forward-kl" }, ok: true }
  expect(Tracker.valuesOf(report)).toEqual({ "train/reward": 0.5, "train/scheduled/tau": 0.1, "train/ok": 1 })
})

it("names a folder that cannot be written, and goes on", async () => {
  await writeFile(join(root, "file"), "")
  const { trouble } = await Effect.runPromise(run([TensorBoard.make({ folder: join(root, "file") })]))
  expect(trouble).toHaveLength(1)
  expect(trouble[0]).toMatch(/tracker tensorboard: cannot create event files in .*file/)
})
