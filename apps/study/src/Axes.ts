/** The axes of the study, the most important first: a run that is cut short has those. */
import type { Arm } from "./Arm.ts"
import { type Axis, bound, type Claim, difference, means } from "./Axis.ts"

const countdown = ["countdown-tiny"]

/** The baselines, and the LPO of each: the same temperature. */
const pairs = [
  { baseline: "GRPO", objective: "grpo", tau: "std", fwd: "LPO-fwd, τ = σ", rev: "LPO-rev, τ = σ" },
  { baseline: "Dr.GRPO", objective: "dr-grpo", tau: "1", fwd: "LPO-fwd, τ = 1", rev: "LPO-rev, τ = 1" },
  { baseline: "MaxRL", objective: "maxrl", tau: "mean", fwd: "LPO-fwd, τ = μ", rev: "LPO-rev, τ = μ" },
] as const
const [grpo, fwd, rev] = [pairs[0].baseline, pairs[0].fwd, pairs[0].rev]

/** Methods, each of which has one learning rate. */
const [baselines, forward, reverse] = ["baseline", "LPO-fwd", "LPO-rev"]

const arm = (name: string, objective: Arm["objective"], method: string, more: Partial<Arm> = {}): Arm => ({
  name,
  objective,
  method,
  ...more,
})
const shared = {
  grpo: arm(grpo, "grpo", baselines, { tunes: true }),
  fwd: arm(fwd, "lpo-fwd", forward, { tau: "std", tunes: true }),
  rev: arm(rev, "lpo-rev", reverse, { tau: "std", tunes: true }),
  one: arm(pairs[1].fwd, "lpo-fwd", forward, { tau: "1", tunes: true }),
}

const claim = (
  says: string,
  by: Claim["by"],
  metric: Claim["metric"],
  contrast: Claim["contrast"],
  expects: Claim["expects"],
  within: number = bound,
): Claim => ({ says, by, metric, contrast, expects, bound: within })

/** The same sentence about pass@1 and pass@16. */
const both = (says: string, by: Claim["by"], contrast: Claim["contrast"], expects: Claim["expects"]) =>
  (["pass@1", "pass@16"] as const).map((metric) => claim(`${says}: ${metric}`, by, metric, contrast, expects))

const spread: Axis = {
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
const core: Axis = {
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

const tasks: Axis = {
  name: "tasks",
  asks: "Is it so on the two other tasks, fractions and equations, and geometry?",
  presets: ["math-tiny", "geometry-tiny"],
  arms: coreArms,
  claims: averages("On other tasks: "),
}

const speed: Axis = {
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
const onPolicy: Axis = {
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

const pointwise: Axis = {
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
const groupSize: Axis = {
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

/** LPO-fwd at tau = sigma by reduction, clip and updates per iteration. */
const cells = (["sum", "mean"] as const).flatMap((reduction) =>
  [2, 4].flatMap((updates) => [null, 0.2].map((clip) => ({ reduction, clip, updates }))),
)
type Cell = (typeof cells)[number]
const isCore = ({ clip, reduction, updates }: Cell): boolean => reduction === "sum" && clip === null && updates === 2
const cellName = (cell: Cell): string =>
  isCore(cell) ? fwd : `LPO-fwd, ${cell.reduction}, clip ${cell.clip ?? "none"}, ${cell.updates} updates`
const cellsOf = (keep: (cell: Cell) => boolean): ReadonlyArray<string> => cells.filter(keep).map(cellName)
const paper = cellName({ reduction: "mean", clip: 0.2, updates: 2 })
const reduction: Axis = {
  name: "reduction",
  asks: "Reduction × clip × updates per iteration, and the paper's own settings",
  presets: countdown,
  arms: [
    ...cells.map((cell) =>
      isCore(cell)
        ? shared.fwd
        : arm(cellName(cell), "lpo-fwd", cell.updates === 2 ? forward : "LPO-fwd, four updates per iteration", {
            tau: "std",
            set: {
              "train.miniBatches": cell.updates,
              "objective.options.reduction": cell.reduction,
              "objective.options.clip": cell.clip,
            },
            ...(cell.reduction === "sum" && cell.clip === null ? { tunes: true } : {}),
          }),
    ),
    shared.grpo,
    shared.rev,
    arm("GRPO as in the paper", "grpo-paper", baselines),
    arm("LPO-rev as in the paper", "lpo-rev-paper", reverse, { tau: "std" }),
  ],
  claims: [
    ...both(
      "LPO-fwd beats GRPO, both as in the paper (mean, clip 0.2)",
      "paper",
      difference(paper, "GRPO as in the paper"),
      "above",
    ),
    ...both(
      "LPO-rev beats GRPO, both as in the paper",
      "paper",
      difference("LPO-rev as in the paper", "GRPO as in the paper"),
      "above",
    ),
    ...both(
      "The mean over tokens is the same as the sum",
      "open",
      means(
        cellsOf((c) => c.reduction === "mean"),
        cellsOf((c) => c.reduction === "sum"),
      ),
      "same",
    ),
    ...both(
      "Clipping at 0.2 is the same as none",
      "open",
      means(
        cellsOf((c) => c.clip !== null),
        cellsOf((c) => c.clip === null),
      ),
      "same",
    ),
    ...both(
      "Four updates per iteration are the same as two",
      "open",
      means(
        cellsOf((c) => c.updates === 4),
        cellsOf((c) => c.updates === 2),
      ),
      "same",
    ),
  ],
}

const divergences: ReadonlyArray<readonly [name: string, divergence: string]> = [
  ["JS", "jensen-shannon"],
  ["Hellinger", "hellinger2"],
  ["Pearson χ²", "pearson-chi2"],
  ["Neyman χ²", "neyman-chi2"],
  ["α = 0.75", "alpha(0.75)"],
  ["Brier", "brier"],
]
const divergence: Axis = {
  name: "divergence",
  asks: "Which divergence keeps most solutions in reach?",
  presets: countdown,
  arms: [
    shared.fwd,
    shared.rev,
    ...divergences.map(([name, of]) =>
      arm(name, "lpo", forward, { tau: "std", set: { "objective.options.divergence": of } }),
    ),
  ],
  claims: [rev, ...divergences.map(([name]) => name)].map((other) =>
    claim(
      `Forward KL keeps more pass@16 than ${other === rev ? "reverse KL" : other}`,
      "open",
      "pass@16",
      difference(fwd, other),
      "above",
    ),
  ),
}

/** LPO-fwd at both temperatures with rewards that are not the truth. */
const distorted = (name: string, distortion: NonNullable<Arm["distortion"]>): ReadonlyArray<Arm> => {
  const of = (base: Arm): Arm => ({ ...base, name: `${base.name}, ${name}`, distortion, tunes: false })
  return [of(shared.fwd), of(shared.one)]
}
const noisy = (name: string, truePositive: number, falsePositive: number) =>
  distorted(name, { kind: "noise", truePositive, falsePositive })
const affine = distorted("rewards 0.2 + 0.5 R", { kind: "affine", scale: 0.5, shift: 0.2 })
const one = shared.one.name
const noise: Axis = {
  name: "noise",
  asks: "What do wrong labels (J = true minus false positive rate) and rescaled rewards do at τ = σ and at fixed τ?",
  presets: countdown,
  arms: [shared.fwd, shared.one, ...noisy("J = 0.7", 0.85, 0.15), ...noisy("J = 0.4", 0.7, 0.3), ...affine],
  claims: [
    claim(
      "At τ = σ an affine map of the rewards does not matter: pass@1",
      "theory",
      "pass@1",
      difference(affine[0].name, fwd),
      "same",
    ),
    claim(
      "At τ = 1 halving the rewards slows learning: training pass rate",
      "theory",
      "learning",
      difference(affine[1].name, one),
      "below",
    ),
    claim("J = 0.7 costs pass@1 at τ = σ", "theory", "pass@1", difference(`${fwd}, J = 0.7`, fwd), "below"),
    claim("J = 0.4 costs pass@1 at τ = σ", "theory", "pass@1", difference(`${fwd}, J = 0.4`, fwd), "below"),
    claim(
      "J = 0.4 costs more at τ = 1 than at τ = σ: pass@1",
      "open",
      "pass@1",
      {
        [`${fwd}, J = 0.4`]: 1,
        [fwd]: -1,
        [`${one}, J = 0.4`]: -1,
        [one]: 1,
      },
      "above",
    ),
  ],
}

const temperature: Axis = {
  name: "temperature",
  asks: "Temperatures that are solved for: a budget of KL(w* ‖ P_t), and a floor of w*'s effective sample size",
  presets: countdown,
  arms: [
    shared.fwd,
    arm("LPO-fwd, KL budget 0.3", "lpo-fwd", forward, { tau: "kl:0.3" }),
    arm("LPO-fwd, ESS floor 4", "lpo-fwd", forward, { tau: "ess:4" }),
  ],
  claims: [
    ...both("A KL budget of 0.3 nats beats τ = σ", "open", difference("LPO-fwd, KL budget 0.3", fwd), "above"),
    ...both("An ESS floor of 4 beats τ = σ", "open", difference("LPO-fwd, ESS floor 4", fwd), "above"),
  ],
}

const curricula: Axis = {
  name: "curricula",
  asks: "Does a schedule of the divergence or of the temperature beat a fixed one?",
  presets: countdown,
  arms: [
    shared.fwd,
    shared.rev,
    arm("forward to reverse KL", "lpo", forward, {
      tau: "std",
      set: { "objective.options.divergence": { schedule: "blend", first: "forward-kl", second: "reverse-kl" } },
    }),
    arm("τ from 1 to 0.3", "lpo-fwd", forward, {
      set: { "objective.options.tau": { schedule: "cosine", from: 1, to: 0.3 } },
    }),
  ],
  claims: [
    ...both("From forward to reverse KL beats forward KL", "open", difference("forward to reverse KL", fwd), "above"),
    ...both("τ from 1 to 0.3 beats τ = σ", "open", difference("τ from 1 to 0.3", fwd), "above"),
  ],
}

const silent: Axis = {
  name: "silent-groups",
  asks: "Groups without a signal: dropped, replaced by new ones, or by earlier ones (equal sampled tokens)?",
  presets: countdown,
  arms: [
    shared.fwd,
    arm("LPO-fwd, resample", "lpo-fwd", forward, { tau: "std", set: { "train.silentGroups": "resample" } }),
    arm("LPO-fwd, replay", "lpo-fwd", forward, { tau: "std", set: { "train.silentGroups": "replay" } }),
  ],
  claims: [
    ...both("Replay beats dropping", "open", difference("LPO-fwd, replay", fwd), "above"),
    ...both("Resampling beats dropping", "open", difference("LPO-fwd, resample", fwd), "above"),
  ],
}

const single: Axis = {
  name: "single",
  asks: "K = 1: one response per prompt against the prompt's own baseline",
  presets: countdown,
  arms: [shared.grpo, shared.fwd, arm("LPO, K = 1", "lpo-single", "K = 1", { k: 1, tunes: true })],
  claims: [
    claim("K = 1 learns: pass@1 rises", "theory", "gain", { "LPO, K = 1": 1 }, "above"),
    ...both("K = 1 is as good as LPO-fwd at K = 8", "open", difference("LPO, K = 1", fwd), "same"),
  ],
}

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
