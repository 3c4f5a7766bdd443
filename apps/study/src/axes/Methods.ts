/** Axes that set one method against another: the baselines, LPO of both directions, the pointwise ablation, and the group size. */
import type { Arm } from "../Arm.ts"
import { type Axis, difference, means } from "../Axis.ts"
import { arm, baselines, both, claim, countdown, forward, fwd, grpo, pairs, reverse, shared } from "./Shared.ts"

export const spread: Axis = {
  name: "spread",
  asks: "How far apart are two lives of the same settings?",
  presets: countdown,
  arms: [shared.fwd, { ...shared.fwd, name: "LPO-fwd again", again: true, tunes: false }],
  claims: both("LPO-fwd from other streams is the same", "theory", difference("LPO-fwd again", fwd), "same"),
}

const all = {
  baselines: pairs.map(({ baseline }) => baseline),
  fwd: pairs.map((pair) => pair.fwd),
  rev: pairs.map((pair) => pair.rev),
}
const coreArms = pairs.flatMap((pair) => [
  arm(pair.baseline, pair.objective, baselines, { tunes: true }),
  arm(pair.fwd, "lpo-fwd", forward, { tau: pair.tau, tunes: true }),
  arm(pair.rev, "lpo-rev", reverse, { tau: pair.tau, tunes: true }),
])
const averages = (where = "") => [
  ...both(
    `${where}LPO-fwd beats its baselines, on average over the three`,
    "paper",
    means(all.fwd, all.baselines),
    "above",
  ),
  ...both(
    `${where}LPO-rev beats its baselines, on average over the three`,
    "paper",
    means(all.rev, all.baselines),
    "above",
  ),
  claim(`${where}LPO-fwd keeps more pass@16 than LPO-rev`, "paper", "pass@16", means(all.fwd, all.rev), "above"),
]
export const core: Axis = {
  name: "core",
  asks: "Does LPO beat the baseline whose temperature it borrows?",
  presets: countdown,
  arms: coreArms,
  claims: [
    ...averages(),
    ...pairs.flatMap((pair) => [
      ...both(`LPO-fwd beats ${pair.baseline} at its τ`, "paper", difference(pair.fwd, pair.baseline), "above"),
      ...both(`LPO-rev beats ${pair.baseline} at its τ`, "paper", difference(pair.rev, pair.baseline), "above"),
    ]),
  ],
}

export const tasks: Axis = {
  name: "tasks",
  asks: "Is it so on the two other tasks, fractions and equations, and geometry?",
  presets: ["math-tiny", "geometry-tiny"],
  arms: coreArms,
  claims: averages("On other tasks: "),
}

export const speed: Axis = {
  name: "speed",
  asks: "Does LPO reach the best training pass rate that both reach with fewer tokens (Figure 8)? Effects are shares of the token budget.",
  presets: countdown,
  arms: coreArms,
  claims: pairs.flatMap((pair) => [
    claim(
      `LPO-fwd is there before ${pair.baseline}`,
      "paper",
      "toBest",
      difference(pair.fwd, pair.baseline),
      "below",
      0.05,
    ),
    claim(
      `LPO-rev is there before ${pair.baseline}`,
      "paper",
      "toBest",
      difference(pair.rev, pair.baseline),
      "below",
      0.05,
    ),
  ]),
}

const once = "one update per iteration"
export const onPolicy: Axis = {
  name: "on-policy",
  asks: "With one unclipped update per iteration, are LPO-rev and GRPO the same (Proposition 1, Figure 12)?",
  presets: countdown,
  arms: [
    arm("GRPO, one update", "grpo", once, {
      tunes: true,
      set: { "train.miniBatches": 1, "objective.options.clip": null },
    }),
    arm("LPO-rev, one update", "lpo-rev", once, { tau: "std", set: { "train.miniBatches": 1 } }),
  ],
  claims: [
    ...both(
      "LPO-rev and GRPO are the same on policy",
      "paper",
      difference("LPO-rev, one update", "GRPO, one update"),
      "same",
    ),
    claim(
      "Their training curves have the same area",
      "paper",
      "learning",
      difference("LPO-rev, one update", "GRPO, one update"),
      "same",
      0.01,
    ),
  ],
}

export const pointwise: Axis = {
  name: "pointwise",
  asks: "Does the simplex matter: listwise against the pointwise ablation",
  presets: countdown,
  arms: [shared.fwd, shared.grpo, arm("pointwise", "pointwise", "pointwise", { tau: "std", tunes: true })],
  claims: [
    ...both("LPO-fwd beats the pointwise ablation", "paper", difference(fwd, "pointwise"), "above"),
    ...both("The pointwise ablation is worse than GRPO", "paper", difference("pointwise", grpo), "below"),
  ],
}

const sizes = [2, 4, 8, 16, 32]
const sized = (name: string, k: number): string => (k === 8 ? name : `${name}, K = ${k}`)
export const groupSize: Axis = {
  name: "group-size",
  asks: "How does K matter at equal responses per iteration?",
  presets: countdown,
  arms: [shared.fwd, shared.grpo].flatMap((base) =>
    sizes.map((k): Arm => (k === 8 ? base : { ...base, name: sized(base.name, k), k, tunes: false })),
  ),
  claims: [
    ...(["pass@1", "pass@16"] as const).map((metric) =>
      claim(
        `LPO-fwd's lead over GRPO is larger at K = 2 and 4 than at 16 and 32: ${metric}`,
        "paper",
        metric,
        {
          ...means([sized(fwd, 2), sized(fwd, 4)], [sized(fwd, 16), sized(fwd, 32)]),
          ...means([sized(grpo, 16), sized(grpo, 32)], [sized(grpo, 2), sized(grpo, 4)]),
        },
        "above",
      ),
    ),
    ...both(
      "LPO-fwd beats GRPO on average over K",
      "paper",
      means(
        sizes.map((k) => sized(fwd, k)),
        sizes.map((k) => sized(grpo, k)),
      ),
      "above",
    ),
    claim(
      "LPO-fwd gains more from K = 32 over 2 than GRPO: pass@16",
      "paper",
      "pass@16",
      {
        [sized(fwd, 32)]: 1,
        [sized(fwd, 2)]: -1,
        [sized(grpo, 32)]: -1,
        [sized(grpo, 2)]: 1,
      },
      "above",
    ),
  ],
}
