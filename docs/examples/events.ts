// Reading a run without any of the packages, as the guide about the run folder shows it.
// #region read
import { readFileSync } from "node:fs"
import { join } from "node:path"

export const rewardByStep = (folder: string): ReadonlyArray<readonly [step: number, reward: number]> =>
  readFileSync(join(folder, "events.jsonl"), "utf8")
    .split("\n")
    .slice(0, -1) // whole lines only
    .map((line) => JSON.parse(line) as { readonly step: number; readonly reward: number })
    .map(({ reward, step }) => [step, reward])
// #endregion read
