// Curves of a run of your own, beside its events.jsonl.
// #region follow
import type { Problem } from "@lpo/rollout"
import { type RunStore, TensorBoard, Tracker, type TrainConfig, Trainer } from "@lpo/trainer"
import { Effect } from "effect"

export const train = (run: RunStore.Run, config: TrainConfig.TrainConfig, problems: ReadonlyArray<Problem.Problem>) =>
  Effect.gen(function* () {
    const trackers = yield* Tracker.open({
      run,
      name: "first",
      config: { seed: config.seed },
      trackers: [TensorBoard.make()],
      onTrouble: (error) => Effect.logWarning(error.message),
    })
    yield* Trainer.train({ config, problems, run, onStep: trackers.report })
    const finished = true
    return yield* trackers.settle(finished)
  }).pipe(Effect.scoped)
// #endregion follow
