/**
 * The sampler: draws K completions for each problem from the policy that was published last.
 *
 * Groups stream out as they finish, in any order; a completion depends only on the policy, the problem, its index k
 * and the seed, never on which other problems shared its batch.
 */
import { Context, type Stream } from "effect"
import type { Group } from "./Group.ts"
import type { Problem } from "./Problem.ts"
import type { SamplerError } from "./RolloutError.ts"

/** @category models */
export interface SampleOptions {
  /** K, completions per problem, >= 1. */
  readonly groupSize: number
  /** Longest completion, in tokens, stop token included. */
  readonly maxTokens: number
  /** Default 1; 0 is greedy. */
  readonly temperature?: number
  /** Default 1 (off). */
  readonly topP?: number
  /** Default 0 (off). */
  readonly topK?: number
  /** In [0, 1]: least probability of a token relative to the likeliest one's. Default 0 (off). */
  readonly minP?: number
  /**
   * Texts that end a response, besides the policy's own stop tokens: at the token that completes one, with finish `stop`. The
   * response's text ends with the string; its tokens are those sampled, so that the last may reach beyond it. Default none.
   */
  readonly stopStrings?: ReadonlyArray<string>
  /** Name of the random stream, e.g. `run-1/sample/12`; the sampler appends `/<problem id>/<k>`. */
  readonly seed: string
}

/** What no sampler can do: the reason names the value and the rule. Null where there is nothing of the kind. @category predicates */
export const problem = ({ minP = 0, stopStrings = [] }: SampleOptions): string | null => {
  if (!(minP >= 0 && minP <= 1)) return `minP is ${minP}; give a number from 0 (off) to 1`
  // What a decoder writes for bytes that are no character cannot be told from the character itself.
  const bad = stopStrings.find((text) => text === "" || /[\uFFFD\p{Surrogate}]/u.test(text))
  if (bad === undefined) return null
  return `stopStrings has ${JSON.stringify(bad)}; give texts of one character or more, without U+FFFD and lone surrogates`
}

/** @category services */
export interface SamplerService {
  readonly sample: (problems: ReadonlyArray<Problem>, options: SampleOptions) => Stream.Stream<Group, SamplerError>
  /**
   * Whether a stream keeps the policy that it began with, whatever is trained meanwhile, so that sampling and learning may
   * overlap. Absent or false: it samples from the weights that the learner changes.
   */
  readonly pinsPolicy?: boolean
}

/** @category services */
export class Sampler extends Context.Service<Sampler, SamplerService>()("@lpo/rollout/Sampler") {}
