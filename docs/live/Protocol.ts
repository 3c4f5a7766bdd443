/** What the page and the worker of a lane say to each other. */
import type { LoggedGroup } from "@lpo/rollout/LoggedGroup"
import type { StepReport } from "@lpo/trainer/StepReport"

/** Where the files are that a lane loads. */
export interface Assets {
  /** The preset's warm start. */
  readonly model: string
  readonly kernels: string
  /** The `.wasm` files of TensorFlow.js by name. */
  readonly tensorflow: Readonly<Record<string, string>>
}

/** What may change while a lane trains. */
export interface Knobs {
  /** Settings of `Registry`, such as `{ name: "lpo", divergence: "reverse-kl", tau: "std" }`. */
  readonly objective: Readonly<Record<string, unknown>> & { readonly name: string }
  readonly learningRate: number
}

export type Order =
  | { readonly kind: "open"; readonly assets: Assets; readonly seed: string; readonly knobs: Knobs }
  | { readonly kind: "go" }
  | { readonly kind: "pause" }
  | { readonly kind: "change"; readonly knobs: Knobs }

export type News =
  | { readonly kind: "ready"; readonly device: string; readonly parameters: number }
  /** Whether it trains, and how many steps it has taken. */
  | { readonly kind: "state"; readonly running: boolean; readonly step: number }
  | { readonly kind: "step"; readonly report: StepReport }
  | { readonly kind: "groups"; readonly groups: ReadonlyArray<LoggedGroup> }
  | { readonly kind: "failed"; readonly reason: string }
