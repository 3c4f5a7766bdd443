/**
 * An objective as config.json spells it out: its name, its temperature, and every option that the method of that name has, from
 * which it is made. An objective that is not listed here is made by the registry, with the defaults of its own.
 */
import { type Objective, Gvpo, PolicyGradient, Registry, Tpo } from "@lpo/trainer"
import { Effect, Schema } from "effect"
import { UsageError } from "./Usage.ts"

const Clip = Schema.Struct({ low: Schema.Finite, high: Schema.Finite })
const Aggregation = Schema.Literals(["token-sum", "sequence-mean", "group-token-mean", "batch-token-mean"])

export const Options = Schema.Struct({
  clip: Schema.optionalKey(Schema.NullOr(Clip)),
  aggregation: Schema.optionalKey(Aggregation),
  /** How token log-ratios become a response's. */
  reduction: Schema.optionalKey(Schema.Literal("sum")),
  eta: Schema.optionalKey(Schema.Finite),
  beta: Schema.optionalKey(Schema.Finite),
})
export interface Options extends Schema.Schema.Type<typeof Options> {}

export const Settings = Schema.Struct({
  name: Schema.Literals(Registry.names),
  /** As `Registry.temperature` reads it; null for the methods that have none to choose. */
  tau: Schema.NullOr(Schema.Union([Schema.Finite, Schema.String])),
  /** What to do with a group whose rewards are all equal. */
  zeroVariance: Schema.String,
  options: Options,
})
export interface Settings extends Schema.Schema.Type<typeof Settings> {}

const ppo = { clip: { low: 0.2, high: 0.28 }, aggregation: "token-sum" } as const

interface Method {
  readonly options: Options
  readonly make: (options: Options) => Objective.Objective
}

const gradient = <O extends Options>(options: O, make: (options: O) => Objective.Objective): Method => ({
  options,
  make: (given) => make({ ...options, ...given }),
})

const methods: Partial<Record<Registry.Name, Method>> = {
  grpo: gradient(ppo, PolicyGradient.grpo),
  "dr-grpo": gradient(ppo, PolicyGradient.drGrpo),
  maxrl: gradient(ppo, PolicyGradient.maxRl),
  rloo: gradient({ ...ppo, clip: null }, PolicyGradient.rloo),
  dapo: gradient({ ...ppo, aggregation: "batch-token-mean" }, PolicyGradient.dapo),
  "reinforce++": gradient(ppo, PolicyGradient.reinforcePlusPlus),
  gspo: gradient({ clip: { low: 3e-4, high: 4e-4 }, aggregation: "sequence-mean" } as const, PolicyGradient.gspo),
  cispo: gradient({ clip: { low: 1, high: 0.28 }, aggregation: "group-token-mean" } as const, PolicyGradient.cispo),
  tpo: gradient({ eta: 1 }, Tpo.make),
  gvpo: gradient({ beta: 1 }, Gvpo.make),
}

/** The objective of these settings. */
export const make = ({ name, options, tau }: Omit<Settings, "zeroVariance">): Objective.Objective =>
  methods[name]?.make(options) ?? Registry.make(name, Registry.temperature(`${tau ?? "std"}`) ?? undefined)

const usualTau = "std"

/** As it is recorded: a number where it is one. Fails where it is no temperature. */
const parseTau = (text: string): Effect.Effect<number | string, UsageError> =>
  Registry.temperature(text) === null
    ? Effect.fail(
        new UsageError({
          reason: `--tau is "${text}"; give a positive number, std, sample-std, mean, batch-std, kl:NATS or ess:N`,
        }),
      )
    : Effect.succeed(Number.isFinite(Number(text)) ? Number(text) : text)

/** An objective and what the command line changes; `base` is null for a new run. */
export const resolve = Effect.fn("Objectives.resolve")(function* (
  base: Settings | null,
  given: { readonly objective: Registry.Name | null; readonly tau: string | null },
) {
  const name = given.objective ?? base?.name ?? "lpo-fwd"
  if (!Registry.hasTemperature(name) && given.tau !== null) {
    return yield* new UsageError({
      reason: `--tau is "${given.tau}", and ${name} has no temperature to choose; leave it out, or choose an objective with a target: ${Registry.names.filter(Registry.hasTemperature).join(", ")}`,
    })
  }
  if (base !== null && given.objective === null && given.tau === null) return base
  const tau = Registry.hasTemperature(name)
    ? given.tau === null
      ? (base?.tau ?? usualTau)
      : yield* parseTau(given.tau)
    : null
  const options = methods[name]?.options ?? (Registry.hasTemperature(name) ? { reduction: "sum" as const } : {})
  return { name, tau, zeroVariance: make({ name, tau, options }).zeroVariance, options } satisfies Settings
})
