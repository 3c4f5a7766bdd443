/** A file of options, settings without an option, and the plan. */
import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { Variables } from "@lpo/transformer"
import { Effect } from "effect"
import { afterAll, expect, it } from "vitest"
import * as Config from "../src/Config.ts"
import * as Model from "../src/Model.ts"
import * as Options from "../src/Options.ts"
import * as Overrides from "../src/Overrides.ts"
import * as Settings from "../src/Settings.ts"
import { nameOf } from "../src/Usage.ts"
import { makeFolder } from "./files.ts"
import { nothing, refusal, resolve } from "./given.ts"
import { makeProgram } from "./program.ts"

const { end, polaris } = makeProgram()
afterAll(end)
const { file: write, folder } = makeFolder("config")
const file = (text: string, name = "run.json"): Promise<string> => write(name, text)
const over = (
  path: string | null,
  sets: ReadonlyArray<string> = [],
  more: Partial<Settings.Given> = {},
  template: ReadonlyArray<string> = [],
) => Effect.runPromise(Config.over({ ...nothing, ...more }, path, sets, template))
const why = (path: string | null, sets: ReadonlyArray<string> = [], template: ReadonlyArray<string> = []) =>
  Effect.runPromise(Effect.map(Effect.flip(Config.over(nothing, path, sets, template)), ({ message }) => message))
const set = (pairs: ReadonlyArray<readonly [string, unknown]>) =>
  Effect.runPromise(
    Effect.scoped(
      Effect.flatMap(
        Effect.promise(() => resolve({})),
        (settings) => Overrides.set(settings, pairs),
      ),
    ),
  )
const whySet = (path: string, value: unknown) =>
  set([[path, value]]).then(
    () => "",
    (error: Error) => error.message,
  )

it("has a key for every option, and a schema that says so to editors", async () => {
  const keys = Object.keys(Options.given).map(nameOf)
  expect(Object.keys(Config.Config.fields).sort()).toEqual([...keys, "$schema", "set"].sort())
  const shipped = await readFile(new URL("../run.schema.json", import.meta.url), "utf8")
  // npm run schema -w @lpo/polaris
  expect(JSON.parse(shipped)).toEqual(JSON.parse(JSON.stringify(Config.jsonSchema())))
})

it("lays the command line over the file, and finds files beside it", async () => {
  const path = await file(
    JSON.stringify({
      $schema: "./run.schema.json",
      k: 4,
      steps: 3,
      tau: 2,
      data: "mine.jsonl",
      task: "math",
      model: "./m",
      "eval-data": "own/rows:test",
      set: { "train.maxLag": 1 },
    }),
  )
  const { given, pairs } = await over(path, ["train.optimizer.decay=linear", "train.optimizer.warmupSteps=5"], {
    steps: 9,
  })
  expect(given).toEqual({
    ...nothing,
    groupSize: 4,
    steps: 9,
    tau: "2",
    task: "math",
    data: join(folder, "mine.jsonl"),
    evalData: "own/rows:test",
    model: join(folder, "m"),
  })
  expect(pairs).toEqual([
    ["train.maxLag", 1],
    ["train.optimizer.decay", "linear"],
    ["train.optimizer.warmupSteps", 5],
  ])
  const settings = await set(pairs)
  expect(settings.train).toMatchObject({ maxLag: 1, optimizer: { decay: "linear", warmupSteps: 5 } })
})

it("names the key that is wrong, and the nearest right one", async () => {
  expect(await why(await file('{"learning_rate": 1}'))).toMatch(
    /there is no key "learning_rate"; did you mean learning-rate\?/,
  )
  expect(await why(await file('{"steps": "many"}'))).toMatch(/run\.json: Expected .*steps/)
  expect(await why(await file('{"objective": "ppo"}'))).toMatch(/objective/)
  expect(await why(await file("[]"))).toMatch(/is not an object/)
  expect(await why(await file("{"))).toMatch(/is not JSON/)
  expect(await why(join(folder, "none.json"))).toMatch(/none\.json: there is no such file/)
  expect(await why(null, ["train.maxLag"])).toMatch(/--set is "train\.maxLag"; give key=value/)
  expect(await whySet("train.maxLagg", 1)).toMatch(/there is no such setting; did you mean train\.maxLag\?/)
  expect(await whySet("warmupSteps", 1)).toMatch(/did you mean train\.optimizer\.warmupSteps\?/)
  expect(await whySet("train.maxLag", "no")).toMatch(/--set train\.maxLag is "no": .*maxLag/)
  expect(await whySet("train.steps", 3)).toMatch(/has its own option; give --steps/)
})

it("prints the plan of a dry run, and begins nothing", async () => {
  const path = await file('{"preset": "countdown-tiny", "steps": 10, "k": 4}')
  const { code, stderr, stdout } = await polaris([
    "--config",
    path,
    "--set",
    "train.maxLag=1",
    "--set",
    'train.noise={"per":"prompt","falsePositive":0.05,"falseNegative":0.15}',
    "--dry-run",
    "--name",
    "plan",
  ])
  expect(stderr).toBe("")
  expect(code).toBe(0)
  expect(stdout).toMatch(/"maxLag": 1/)
  expect(stdout).toMatch(/10 steps x 64 prompts x 4 responses = 2,560 responses, of at most 10 tokens: 25,600 tokens/)
  expect(stdout).toMatch(/download {2}nothing/)
  expect(stdout).not.toMatch(/reference/)
  expect(stdout).toMatch(/noise {5}per prompt: J = 1 - 0\.15 - 0\.05 = 0\.8/)
  const kl = ["--dry-run", "--kl", "k3=0.04,mastered"]
  const near = await polaris(["math", ...kl])
  expect(near.stdout).toMatch(/"estimator": "k3",\s+"aggregation": "sequence-mean",\s+"beta": 0.04,\s+"on": "mastered"/)
  expect(near.stdout).toMatch(/reference the base model is kept for the KL, as a second adapter on the server/)
  expect((await polaris(["math", ...kl, "--engine", "embedded"])).stdout).toMatch(
    /reference .* on its own workers: 4 bytes x [\d,]+ M parameters = [\d.]+ GiB in each, and [\d.]+ GiB outside/,
  )
  const hub = await polaris(["--dry-run", "--data", "own/rows", "--task", "math", "--model", "own/model"])
  expect(hub.stdout).toMatch(/download {2}the model own\/model; the dataset own\/rows; unless/)
  expect(hub.stdout).not.toMatch(/missing/)
  const absent = [
    "--data",
    "no.jsonl",
    "--eval-data",
    "n.parquet",
    "--verifier",
    "./v.ts",
    "--model",
    "./m",
    "--offline",
    "o",
  ]
  const local = await polaris(["--dry-run", ...absent])
  expect(local.stdout).toMatch(/download {2}nothing/)
  expect(local.stdout).toMatch(
    /missing {3}\S+no\.jsonl \(--data\), \S+n\.parquet \(--eval-data\), \S+v\.ts \(--verifier\), \S*o \(--offline\), \S*m \(--model\); the run needs/,
  )
  expect((await polaris(["--name", "plan", "--resume"])).stderr).toMatch(/nothing to resume/)
})

it("takes variables of the chat template from the command line and the file, floats as they were written", async () => {
  const path = await file(
    '{ "template": { "enable_thinking": true, "tools": [{ "x": 1.0 }], "date": "2024-07-04" }, "tau": 2.0 }',
  )
  const { given } = await over(path, [], {}, ["enable_thinking=false", "reasoning=deep"])
  const settings = await resolve({ ...given, model: "./m" })
  expect(settings.model).toMatchObject({ template: { enable_thinking: false, reasoning: "deep", date: "2024-07-04" } })
  const { template } = settings.model as { template: Record<string, unknown> }
  // What config.json keeps renders like what was given.
  const kept = JSON.parse(JSON.stringify(template["tools"])) as unknown
  expect(Variables.restored(kept)).toEqual([{ x: new Variables.Float(1) }])
  // A run that goes on keeps them, and changes those that are given anew.
  const again = await resolve({ template: { reasoning: "brief" } }, settings)
  expect(again.model).toMatchObject({ template: { enable_thinking: false, reasoning: "brief", date: "2024-07-04" } })
  expect(await why(null, [], ["enable_thinking"])).toMatch(/--template is "enable_thinking"; give key=value/)
  expect(await refusal({ template: { messages: [] }, model: "./m" })).toMatch(
    /--template sets messages, .* leave it out/,
  )
  expect(await refusal({ template: { date: "today" }, model: "./m" })).toMatch(/date is "today"; give one such as/)
  expect(await refusal({ template: { a: 1 } })).toMatch(/--template is given without --model/)
})

it("fixes the day of a run's prompts at its beginning, unless it is given", async () => {
  const { model } = await resolve({ model: "./m" })
  const at = new Date(2024, 6, 4, 9, 5)
  expect(Model.dated(model, at)).toMatchObject({ template: { date: "2024-07-04T09:05:00" } })
  const given = await resolve({ model: "./m", template: { date: "2020-01-02" } })
  expect(Model.dated(given.model, at)).toEqual(given.model)
})
