/** The runs: `polaris train countdown` on the server, as many steps as fit, evaluated before and after. */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import type { Plan } from "./Plan.ts"
import { type Around, command, type Figures } from "./Stages.ts"

export interface Options {
  /** The program and its arguments before `train`. */
  readonly polaris: ReadonlyArray<string>
  readonly env: NodeJS.ProcessEnv
  readonly server: string
  readonly model: string
  /** Rows to train on, and those held out. */
  readonly rows: { readonly train: string; readonly heldOut: string }
  readonly settings: Plan["train"]
}

interface Event {
  readonly step: number
  readonly reward: number
  readonly secondsSampling: number
  readonly secondsVerifying: number
  readonly secondsLearning: number
}

interface Estimate {
  readonly mean: number
  readonly low: number
  readonly high: number
}

interface Evaluated {
  readonly passAt: Readonly<Record<string, Estimate>>
}

const eventsOf = (folder: string): ReadonlyArray<Event> =>
  readFileSync(join(folder, "events.jsonl"), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Event)

const secondsOf = ({ secondsLearning, secondsSampling, secondsVerifying }: Event): number =>
  secondsSampling + secondsVerifying + secondsLearning

/** Begins a run of `steps` steps, or goes on with it up to them; gives what it took. */
const train = async (
  { env, model, polaris, rows, server, settings }: Options,
  { folder, signal }: Around,
  run: { readonly objective: string; readonly name: string; readonly steps: number; readonly resume: boolean },
): Promise<number> => {
  const { learningRate, problems, prompts, rank, samples } = settings
  const [program, ...before] = polaris
  const begun = performance.now()
  const asked = {
    task: "countdown",
    data: rows.train,
    "eval-data": rows.heldOut,
    server,
    model,
    "lora-rank": rank,
    objective: run.objective,
    prompts,
    k: 8,
    "max-tokens": 16,
    "learning-rate": learningRate,
    problems,
    samples,
    seed: 1,
    set: "train.checkpointEvery=20",
  }
  const flags = (values: Readonly<Record<string, string | number>>) =>
    Object.entries(values).flatMap(([name, value]) => [`--${name}`, String(value)])
  const args = [
    ...before,
    "train",
    ...(run.resume ? ["--resume"] : ["countdown", ...flags(asked)]),
    ...flags({ steps: run.steps, out: folder, name: run.name }),
  ]
  await command({ program, args, env, signal, log: join(folder, `${run.name}.log`) })
  return (performance.now() - begun) / 1000
}

/** One step with its evaluations: the server compiles what the runs will need. */
export const warmUp = async (options: Options, around: Around): Promise<Figures> => ({
  warmUpSeconds: await train(options, around, { objective: "lpo-fwd", name: "warm-up", steps: 1, resume: false }),
})

/** A run by an objective, in the time of the stage: two steps to see what one takes, then on with the same run. */
export const run = async (options: Options, around: Around, objective: string): Promise<Figures> => {
  const name = objective
  const folder = join(around.folder, name)
  const first = await train(options, around, { objective, name, steps: 2, resume: false })
  const step = Math.min(...eventsOf(folder).map(secondsOf))
  const left = around.limitSeconds * 0.9 - (performance.now() - around.began) / 1000
  // Going on costs at most what beginning did, less its steps.
  const more = Math.floor((left - (first - 2 * step)) / step)
  const steps = Math.max(2, Math.min(options.settings.mostSteps, 2 + more))
  around.note({ secondsOfAStep: step, steps })
  if (steps > 2) await train(options, around, { objective, name, steps, resume: true })
  const summary = JSON.parse(readFileSync(join(folder, "summary.json"), "utf8")) as {
    readonly base: Evaluated
    readonly trained: Evaluated
    readonly warnings: ReadonlyArray<string>
  }
  const events = eventsOf(folder)
  return {
    objective,
    steps: events.length,
    secondsOfAStep: step,
    problems: options.settings.problems,
    samples: options.settings.samples,
    base: summary.base.passAt,
    trained: summary.trained.passAt,
    rewards: events.map(({ reward }) => Math.round(reward * 1e4) / 1e4),
    warnings: summary.warnings,
  }
}
