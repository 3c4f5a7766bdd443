/** Axes that change one setting of LPO at a time: reduction and clip, divergence, rewards, temperature, schedules, silent groups, K = 1. */
import type { Arm } from "../Arm.ts"
import { type Axis, difference, means } from "../Axis.ts"
import { arm, baselines, both, claim, countdown, forward, fwd, rev, reverse, shared } from "./Shared.ts"

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
export const reduction: Axis = {
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
export const divergence: Axis = {
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
export const noise: Axis = {
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

export const temperature: Axis = {
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

export const curricula: Axis = {
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

export const silent: Axis = {
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

export const single: Axis = {
  name: "single",
  asks: "K = 1: one response per prompt against the prompt's own baseline",
  presets: countdown,
  arms: [shared.grpo, shared.fwd, arm("LPO, K = 1", "lpo-single", "K = 1", { k: 1, tunes: true })],
  claims: [
    claim("K = 1 learns: pass@1 rises", "theory", "gain", { "LPO, K = 1": 1 }, "above"),
    ...both("K = 1 is as good as LPO-fwd at K = 8", "open", difference("LPO, K = 1", fwd), "same"),
  ],
}
