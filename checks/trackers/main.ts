/**
 * `npm run checks -- trackers`: a run with every tracker against the real programs: it is killed, resumed with more steps, and its curves
 * are read back by the packages `tensorboard`, `mlflow` and `trackio` and by a collector of OTLP, each point once and as events.jsonl
 * has it.
 */
import { spawn } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { createServer } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import * as Arguments from "../../bench/shared/Arguments.ts"
import * as Python from "../../bench/shared/Python.ts"
import * as Report from "../shared/Report.ts"
import { freePort, start } from "../shared/Server.ts"

Arguments.read("npm run checks -- trackers", {})
const root = fileURLToPath(new URL("../..", import.meta.url))
const report = Report.make("trackers")

interface Read {
  readonly curves: Readonly<Record<string, ReadonlyArray<readonly [step: number, value: number]>>>
  readonly about: Readonly<Record<string, unknown>>
}
interface Ended {
  readonly signal: string | null
  readonly code: number | null
  readonly stderr: string
  readonly stdout: string
}

/** Runs a program; `kill` may end it when it has said enough. */
const run = (
  command: string,
  args: ReadonlyArray<string>,
  env: Readonly<Record<string, string>> = {},
  kill: (stdout: string) => boolean = () => false,
): Promise<Ended> =>
  new Promise((resolve) => {
    const child = spawn(command, args, { cwd: root, env: { ...process.env, ...env } })
    let [stdout, stderr] = ["", ""]
    child.stdout.on("data", (chunk: Buffer) => {
      stdout += chunk.toString()
      if (kill(stdout)) child.kill("SIGKILL")
    })
    child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()))
    child.on("close", (code, signal) => resolve({ code, signal, stdout, stderr }))
  })

/** What a collector is told, by step: the gauges of one export. */
const collect = async () => {
  const steps = new Map<number, ReadonlyMap<string, number>>()
  const spans = new Set<string>()
  const port = await freePort()
  const server = createServer((request, response) => {
    let text = ""
    request.on("data", (chunk: Buffer) => (text += chunk.toString()))
    request.on("end", () => {
      if (request.url === "/v1/metrics") {
        const values = new Map<string, number>()
        for (const { scopeMetrics } of JSON.parse(text).resourceMetrics)
          for (const { metrics } of scopeMetrics)
            for (const { gauge, name } of metrics) {
              const { asDouble, asInt } = gauge.dataPoints[0]
              values.set(name, Number(asDouble ?? asInt))
            }
        steps.set(values.get("lpo.step") ?? -1, values)
      }
      if (request.url === "/v1/traces")
        for (const { scopeSpans } of JSON.parse(text).resourceSpans)
          for (const scope of scopeSpans) for (const { name } of scope.spans) spans.add(String(name))
      response.end("{}")
    })
  })
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve))
  return { steps, spans, url: `http://127.0.0.1:${port}`, close: () => server.close().closeAllConnections() }
}

const environment = { name: "trackers", requirements: new URL("requirements.txt", import.meta.url) } as const
const python = Report.unlessSkipped("trackers", ["curves read back by tensorboard, mlflow and trackio"], () =>
  Python.prepare(environment),
)
if (python !== null) {
  const out = mkdtempSync(join(tmpdir(), "lpo-trackers-"))
  const trackioDir = join(out, "trackio")
  const offline = { TRACKIO_DIR: trackioDir, MLFLOW_DISABLE_TELEMETRY: "true", DO_NOT_TRACK: "true" }
  const collector = await collect()
  const [mlflowPort, trackioPort] = [await freePort(), await freePort()]
  const mlflow = await start({
    command: python,
    args: [
      "-m",
      "mlflow",
      "server",
      "--host",
      "127.0.0.1",
      "--port",
      String(mlflowPort),
      "--workers",
      "1",
      "--backend-store-uri",
      `sqlite:///${join(out, "mlflow.db")}`,
      "--artifacts-destination",
      join(out, "files"),
    ],
    env: offline,
    folder: out,
    port: mlflowPort,
    health: "/health",
  })
  const show = `import trackio; trackio.show(open_browser=False, block_thread=True, host="127.0.0.1", server_port=${trackioPort})`
  const trackio = await start({
    command: python,
    args: ["-c", show],
    env: { ...offline, TRACKIO_WRITE_TOKEN: "check" },
    folder: out,
    port: trackioPort,
    health: "/",
  })
  try {
    const train = (args: ReadonlyArray<string>, kill?: (stdout: string) => boolean) =>
      run(
        process.execPath,
        [
          "--conditions=@lpo/source",
          "--disable-warning=ExperimentalWarning",
          "apps/polaris/src/main.ts",
          "train",
          "--out",
          join(out, "runs"),
          "--name",
          "tracked",
          "--problems",
          "4",
          "--samples",
          "2",
          "--workers",
          "0",
          ...args,
        ],
        { TRACKIO_WRITE_TOKEN: "check" },
        kill,
      )
    const trackers = ["tensorboard", `mlflow=${mlflow.url}`, `trackio=${trackio.url}`, `otlp=${collector.url}`]
    const first = ["--steps", "12", "--prompts", "8", "--set", "train.checkpointEvery=5"]
    const killed = await train([...first, ...trackers.flatMap((tracker) => ["--tracker", tracker])], (stdout) =>
      /Training \(lpo-fwd\) (8|9)\/12/.test(stdout),
    )
    report.add("the run is killed in the middle", killed.signal === "SIGKILL", killed.stderr)
    const resumed = await train(["--resume", "--steps", "15"])
    report.add(
      "the resumed run ends, and no tracker complains",
      resumed.code === 0 && resumed.stderr === "",
      resumed.stderr,
    )
    const text = readFileSync(join(out, "runs", "tracked", "events.jsonl"), "utf8")
    const events = text
      .split("\n")
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Readonly<Record<string, number | null>> & { readonly step: number })
    const keys = ["reward", "passRate", "entropy", "learningRate", "gradNorm", "responseTokens"]

    /** Whether a curve is the log's: every step once, and values to single precision. */
    const compare = (name: string, { curves }: Read) => {
      for (const key of keys) {
        const wanted = events.flatMap(({ [key]: value, step }) => (value === null ? [] : [[step, value] as const]))
        const found = curves[`train/${key}`] ?? []
        const same =
          found.length === wanted.length &&
          found.every(
            ([step, value], i) => step === wanted[i][0] && Math.abs(value - wanted[i][1]) <= 1e-6 * Math.abs(value),
          )
        report.add(`${name}: ${key} has every point of events.jsonl once`, same, same ? "" : JSON.stringify(found))
      }
      const evaluated = (curves["eval/pass_at_1"] ?? []).map(([step]) => step)
      report.add(`${name}: the evaluations before and after`, String(evaluated) === "0,15", String(evaluated))
    }
    const read = async (...args: ReadonlyArray<string>): Promise<Read> => {
      const { code, stderr, stdout } = await run(
        python,
        [fileURLToPath(new URL("read.py", import.meta.url)), ...args],
        offline,
      )
      if (code !== 0) throw new Error(stderr.slice(-2000))
      return JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as Read
    }
    const board = await read("tensorboard", join(out, "runs", "tracked", "tensorboard"))
    compare("tensorboard", board)
    report.add("tensorboard: the configuration as a text", JSON.stringify(board.about["texts"]).includes("config"))
    const flow = await read("mlflow", mlflow.url)
    compare("mlflow", flow)
    const { name, params, runs, status } = flow.about as {
      readonly name: string
      readonly params: Readonly<Record<string, string>>
      readonly runs: number
      readonly status: string
    }
    report.add(
      "mlflow: one finished run of that name, with the configuration",
      runs === 1 && name === "tracked" && status === "FINISHED" && params["train.groupSize"] === "8",
      `${runs} ${name} ${status}`,
    )
    const io = await read("trackio", "lpo", "tracked")
    compare("trackio", io)
    report.add("trackio: one run", io.about["runs"] === 1, String(io.about["runs"]))
    const missed = events.filter(
      ({ reward, step }) => step > 10 && collector.steps.get(step)?.get("lpo.train.reward") !== reward,
    )
    report.add("otlp: an export for every report", missed.length === 0, missed.map(({ step }) => step).join(" "))
    const wanted = ["Trainer.train", "Rollout.rollOut", "Update.run"]
    report.add(
      "otlp: spans of the run",
      wanted.every((name) => collector.spans.has(name)),
      [...collector.spans].join(" "),
    )
  } finally {
    collector.close()
    await Promise.all([mlflow.kill(), trackio.kill()])
    rmSync(out, { recursive: true })
  }
  report.end()
}
