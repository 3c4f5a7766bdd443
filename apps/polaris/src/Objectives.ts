/** An objective as config.json spells it out: the name that was given, and the registry's settings with every default. */
import { type Objective, Registry } from "@lpo/trainer"
import { Effect, Schema } from "effect"
import { UsageError } from "./Usage.ts"

export const Settings = Schema.Struct({
  /** The name that was given: `lpo-fwd` is `lpo` under forward KL. */
  name: Schema.Literals(Registry.names),
  /** What it is made of. */
  options: Registry.Settings,
})
export interface Settings extends Schema.Schema.Type<typeof Settings> {}

/** The objective of these settings. */
export const make = ({ options }: Settings): Objective.Objective => Registry.make(options)

/** The temperature of the target, as text; a dash for the methods that have none to choose. */
export const tauOf = ({ options }: Settings): string =>
  !("tau" in options) ? "–" : typeof options.tau === "object" ? JSON.stringify(options.tau) : String(options.tau)

/** As recorded: a number if it is one. Fails if it is not a temperature. */
const parseTau = (text: string): Effect.Effect<number | string, UsageError> =>
  Registry.temperature(text) === null
    ? Effect.fail(
        new UsageError({
          reason: `--tau is "${text}"; give a positive number, std, sample-std, mean, batch-std, kl:NATS or ess:N`,
        }),
      )
    : Effect.succeed(Number.isFinite(Number(text)) ? Number(text) : text)

/** Places of a KL to the policy that training starts from, by their names in `--kl`. */
const places = {
  reward: { in: "reward", estimator: "k1" },
  "reward-k3": { in: "reward", estimator: "k3" },
  k1: { in: "loss", estimator: "k1" },
  k2: { in: "loss", estimator: "k2" },
  k3: { in: "loss", estimator: "k3" },
} as const

const parseKl = (text: string): Effect.Effect<Readonly<Record<string, unknown>>, UsageError> => {
  const [, place = "", beta = "", , mastered] = /^([\w-]+)=([^,]*)(,(mastered))?$/.exec(text) ?? []
  return Object.hasOwn(places, place) && beta.trim() !== "" && Number(beta) >= 0 && Number.isFinite(Number(beta))
    ? Effect.succeed({
        ...places[place as keyof typeof places],
        beta: Number(beta),
        on: mastered === undefined ? "all" : "mastered",
      })
    : Effect.fail(
        new UsageError({
          reason: `--kl is "${text}"; give PLACE=BETA, such as reward=0.001 or k3=0.04: PLACE is one of ${Object.keys(places).join(", ")}, BETA is 0 or more; add ,mastered to penalise mastered prompts only`,
        }),
      )
}

/** An objective with the changes of the command line; `base` is null for a new run. */
export const resolve = Effect.fn("Objectives.resolve")(function* (
  base: Settings | null,
  given: { readonly objective: Registry.Name | null; readonly tau: string | null; readonly kl?: string | null },
) {
  const name = given.objective ?? base?.name ?? "lpo-fwd"
  if (!Registry.hasTemperature(name) && given.tau !== null) {
    return yield* new UsageError({
      reason: `--tau is "${given.tau}", but ${name} has no temperature; leave it out, or choose an objective with a target: ${Registry.names.filter(Registry.hasTemperature).join(", ")}`,
    })
  }
  const asked = given.kl ?? null
  if (base !== null && given.objective === null && given.tau === null && asked === null) return base
  const tau = given.tau === null ? {} : { tau: yield* parseTau(given.tau) }
  const kept = base !== null && given.objective === null ? base.options : {}
  const kl = asked === null ? {} : { kl: yield* parseKl(asked) }
  const options = yield* Registry.decode({ ...kept, ...tau, ...kl, name }).pipe(
    Effect.mapError(({ reason }) => new UsageError({ reason })),
  )
  return { name, options } satisfies Settings
})
