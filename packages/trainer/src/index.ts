/**
 * The training side of LPO: objectives (a group in, per-token weights out), the `Learner` service, the training loop, and
 * runs on disk with exact resume.
 *
 * @packageDocumentation
 */
export * as Checkpoint from "./Checkpoint.ts"
export * as Gvpo from "./objectives/Gvpo.ts"
export * as Learner from "./Learner.ts"
export * as Lpo from "./objectives/Lpo.ts"
export * as Objective from "./Objective.ts"
export * as Pointwise from "./objectives/Pointwise.ts"
export * as PolicyGradient from "./objectives/PolicyGradient.ts"
export * as Registry from "./Registry.ts"
export * as Replay from "./Replay.ts"
export * as Rollout from "./Rollout.ts"
export * as RunStore from "./RunStore.ts"
export * as Selection from "./Selection.ts"
export * as StepReport from "./StepReport.ts"
export * as Tpo from "./objectives/Tpo.ts"
export * as TrainConfig from "./TrainConfig.ts"
export * as Trainer from "./Trainer.ts"
export * as TrainerError from "./TrainerError.ts"
export * as Update from "./Update.ts"
