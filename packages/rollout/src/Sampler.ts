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
import type * as SamplingParams from "./SamplingParams.ts"

/** @category models */
export interface SampleOptions extends SamplingParams.Options {
  /** K, completions per problem, >= 1. */
  readonly groupSize: number
  /** Name of the random stream, e.g. `run-1/sample/12`; the sampler appends `/<problem id>/<k>`. */
  readonly seed: string
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
