/** The divisor of token weights, for every method that averages over tokens. */
import type { TokenLogProbs } from "../OffPolicy.ts"
import { badValue, SimplexError } from "../SimplexError.ts"

/** See `PolicyGradient.Aggregation`. */
export type Aggregation = "token-sum" | "sequence-mean" | "group-token-mean" | "batch-token-mean"

/** See `PolicyGradient.Batch`. */
export interface Batch {
  /** `Advantage.batchStd` of its groups, units of reward. */
  readonly rewardStd: number
  /** Response tokens of all its groups. */
  readonly tokens: number
  /** Groups over which the trainer averages gradients. */
  readonly groups: number
}

/** The batch, or the error that `name` needs it. */
export const needBatch = (name: string, batch: Batch | undefined): Batch => {
  if (batch === undefined) {
    throw new SimplexError(`${name} needs the batch's statistics { rewardStd, tokens, groups }, which were not given`, {
      input: "batch",
    })
  }
  return batch
}

/** N of the tokens of response k. */
export const divisor = (
  name: string,
  aggregation: Aggregation,
  { batch, current }: { readonly current: TokenLogProbs; readonly batch?: Batch },
  k: number,
): number => {
  switch (aggregation) {
    case "token-sum":
      return current.length
    case "sequence-mean":
      return current.length * current[k].length
    case "group-token-mean":
      return current.reduce((sum, tokens) => sum + tokens.length, 0)
    case "batch-token-mean": {
      const { groups, tokens } = needBatch(name, batch)
      if (!(tokens > 0 && groups > 0))
        throw badValue("the batch's tokens per group", tokens / groups, "both are positive")
      return tokens / groups
    }
  }
}
