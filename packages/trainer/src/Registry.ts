/**
 * The objectives and temperatures by the names that a command line or a configuration file uses: what `--objective` and
 * `--tau` of an app accept. Programs make objectives with `Lpo`, `PolicyGradient` and the rest, which have more options.
 */
import { Divergence, Target, Temperature } from "@lpo/simplex"
import type { Objective } from "./Objective.ts"
import * as Gvpo from "./objectives/Gvpo.ts"
import * as Lpo from "./objectives/Lpo.ts"
import * as Pointwise from "./objectives/Pointwise.ts"
import * as PolicyGradient from "./objectives/PolicyGradient.ts"
import * as Tpo from "./objectives/Tpo.ts"

type Make = (tau: Temperature.Temperature) => Objective

const lpo =
  (name: string, divergence: Divergence.Divergence, target: Target.Target = Target.gibbsTarget): Make =>
  (tau) =>
    Lpo.make({ divergence, name, target, tau })

/** Those that have a target, and so a temperature. */
const tempered = {
  "lpo-fwd": lpo("lpo-fwd", Divergence.forwardKl),
  "lpo-rev": lpo("lpo-rev", Divergence.reverseKl),
  "lpo-jeffreys": lpo("lpo-jeffreys", Divergence.jeffreys),
  "lpo-js": lpo("lpo-js", Divergence.jensenShannon()),
  "lpo-hellinger": lpo("lpo-hellinger", Divergence.hellinger2),
  "lpo-neyman": lpo("lpo-neyman", Divergence.neymanChi2),
  "lpo-pearson": lpo("lpo-pearson", Divergence.pearsonChi2),
  "lpo-tv": lpo("lpo-tv", Divergence.totalVariation),
  "lpo-sparse": lpo("lpo-sparse", Divergence.forwardKl, Target.chi2Target),
  pointwise: (tau: Temperature.Temperature) => Pointwise.make({ temperature: tau }),
} satisfies Record<string, Make>

const untempered = {
  grpo: () => PolicyGradient.grpo(),
  "dr-grpo": () => PolicyGradient.drGrpo(),
  maxrl: () => PolicyGradient.maxRl(),
  rloo: () => PolicyGradient.rloo(),
  dapo: () => PolicyGradient.dapo(),
  "reinforce++": () => PolicyGradient.reinforcePlusPlus(),
  gspo: () => PolicyGradient.gspo(),
  cispo: () => PolicyGradient.cispo(),
  tpo: () => Tpo.make(),
  gvpo: () => Gvpo.make(),
} satisfies Record<string, () => Objective>

/** @category models */
export type Name = keyof typeof tempered | keyof typeof untempered

/** Every name. @category models */
export const names = [...Object.keys(tempered), ...Object.keys(untempered)] as ReadonlyArray<Name>

/** Whether the objective has a temperature to choose. @category predicates */
export const hasTemperature = (name: Name): name is keyof typeof tempered => name in tempered

/** The objective of a name; `tau` matters where {@link hasTemperature}, default `std`. @category constructors */
export const make = (name: Name, tau: Temperature.Temperature = Temperature.std()): Objective =>
  hasTemperature(name) ? tempered[name](tau) : untempered[name]()

const solvers = { kl: Temperature.klBudget, ess: Temperature.essFloor }

/**
 * A temperature from text: a positive number, `std`, `sample-std`, `mean`, `batch-std`, `kl:NATS` (KL(w* || P_t) is that) or
 * `ess:N` (the target's effective sample size is at least N); null for anything else.
 *
 * @category constructors
 */
export const temperature = (text: string): Temperature.Temperature | null => {
  if (text === "std") return Temperature.std()
  if (text === "sample-std") return Temperature.std("sample")
  if (text === "mean") return Temperature.mean
  if (text === "batch-std") return Temperature.batchStd
  const solver = /^(kl|ess):(.+)$/.exec(text)
  const value = Number(solver === null ? text : solver[2])
  if (!(value > 0 && value < Infinity) || text.trim() !== text) return null
  if (solver === null) return Temperature.fixed(value)
  const kind = solver[1] as keyof typeof solvers
  return kind === "ess" && value < 1 ? null : solvers[kind](value)
}
