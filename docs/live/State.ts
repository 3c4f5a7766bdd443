/** What the page trains, as the hash of its address says it, so that a link shows the same. */
import type { Knobs } from "./Protocol.ts"

export const objectives = {
  lpo: "LPO",
  grpo: "GRPO",
  "dr-grpo": "Dr. GRPO",
  maxrl: "MaxRL",
} as const
export type ObjectiveName = keyof typeof objectives

export const divergences = {
  "forward-kl": "forward KL",
  "reverse-kl": "reverse KL",
  jeffreys: "Jeffreys",
  "jensen-shannon": "Jensen–Shannon",
  hellinger2: "squared Hellinger",
  brier: "Brier",
  "pearson-chi2": "Pearson χ²",
  "neyman-chi2": "Neyman χ²",
} as const
export type DivergenceName = keyof typeof divergences

export const temperatures = {
  std: "σ of the rewards",
  "1": "1",
  mean: "µ of the rewards",
  fixed: "a number",
} as const
export type TemperatureName = keyof typeof temperatures

/** One lane's choice; `fixed` counts where `tau` says so. */
export interface Choice {
  readonly objective: ObjectiveName
  readonly divergence: DivergenceName
  readonly tau: TemperatureName
  readonly fixed: number
}

export interface Setup {
  readonly a: Choice
  /** The second lane; null where there is one lane. */
  readonly b: Choice | null
  readonly learningRate: number
  readonly seed: string
}

export const rates = [1e-4, 2e-4, 4e-4, 8e-4, 1.6e-3] as const

const lpo: Choice = { objective: "lpo", divergence: "forward-kl", tau: "std", fixed: 0.3 }

/** A pair whose curves part: the page says what to see, with what was measured. */
export const initial: Setup = {
  a: { ...lpo, divergence: "neyman-chi2" },
  b: { ...lpo, objective: "grpo" },
  learningRate: 4e-4,
  seed: "1",
}

/** What the trainer is told. */
export const knobs = ({ divergence, fixed, objective, tau }: Choice, learningRate: number): Knobs => ({
  objective:
    objective === "lpo"
      ? { name: "lpo", divergence, tau: tau === "fixed" ? fixed : tau === "1" ? 1 : tau }
      : { name: objective },
  learningRate,
})

/** A choice in a few words. */
export const describe = ({ divergence, fixed, objective, tau }: Choice): string =>
  objective === "lpo"
    ? `LPO, ${divergences[divergence]}, τ = ${tau === "std" ? "σ" : tau === "mean" ? "µ" : tau === "1" ? 1 : fixed}`
    : objectives[objective]

const write = ({ divergence, fixed, objective, tau }: Choice): string =>
  objective === "lpo" ? `lpo,${divergence},${tau === "fixed" ? fixed : tau}` : objective

const isKey = <A extends object>(names: A, key: string): key is keyof A & string => Object.hasOwn(names, key)

const read = (text: string): Choice | null => {
  const [name = "", divergence = lpo.divergence, tau = lpo.tau] = text.split(",")
  if (!isKey(objectives, name)) return null
  if (name !== "lpo") return { ...lpo, objective: name }
  if (!isKey(divergences, divergence)) return null
  if (tau !== "fixed" && isKey(temperatures, tau)) return { ...lpo, divergence, tau }
  const fixed = Number(tau)
  return fixed > 0 && fixed <= 100 ? { ...lpo, divergence, tau: "fixed", fixed } : null
}

export const toHash = ({ a, b, learningRate, seed }: Setup): string =>
  `#a=${write(a)}${b === null ? "" : `&b=${write(b)}`}&lr=${learningRate}&seed=${encodeURIComponent(seed)}`

/** What cannot be read is as at the beginning. */
export const fromHash = (hash: string): Setup => {
  const given = new URLSearchParams(hash.replace(/^#/, ""))
  if (!given.has("a")) return initial
  const rate = Number(given.get("lr"))
  return {
    a: read(given.get("a") ?? "") ?? initial.a,
    b: given.has("b") ? read(given.get("b") ?? "") : null,
    learningRate: rate > 0 && rate <= 1 ? rate : initial.learningRate,
    seed: given.get("seed")?.slice(0, 20) ?? initial.seed,
  }
}
