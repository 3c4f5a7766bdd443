/** The axes of the study, the most important first: a study that is cut short has those. */
import type { Axis } from "./Axis.ts"
import { core, groupSize, onPolicy, pointwise, speed, spread, tasks } from "./axes/Methods.ts"
import { curricula, divergence, noise, reduction, silent, single, temperature } from "./axes/Settings.ts"

export const axes: ReadonlyArray<Axis> = [
  spread,
  core,
  speed,
  pointwise,
  onPolicy,
  tasks,
  reduction,
  divergence,
  noise,
  groupSize,
  temperature,
  silent,
  curricula,
  single,
]
