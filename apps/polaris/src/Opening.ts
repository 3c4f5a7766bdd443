/** Opens the engine that the settings choose, with the part of them that it sees. */
import { resolve } from "node:path"
import type * as Preset from "./Preset.ts"
import * as Settings from "./Settings.ts"
import type { Domain } from "./tasks/index.ts"
import type { View } from "./View.ts"

export const engine = (
  settings: Settings.Settings,
  {
    domain,
    folder,
    given,
    preset,
    view,
  }: {
    readonly domain: Domain
    readonly folder: string
    readonly given: Settings.Given
    readonly preset: Preset.Preset
    readonly view: View
  },
) =>
  Settings.engineOf(settings).open(settings.engine.options, {
    seed: Settings.seedOf(settings),
    number: settings.seed,
    preset,
    model: settings.model,
    groupSize: settings.train.groupSize,
    maxTokens: settings.train.sampling.maxTokens,
    temperature: settings.train.sampling.temperature,
    evaluationSamples: Math.max(settings.evaluation.samples, ...settings.evaluation.benchmarks.map((b) => b.samples)),
    reference: Settings.trainConfig(settings).objective.needsReference,
    domain,
    flags: given,
    folder: resolve(folder),
    view,
  })
