/**
 * The sampler: draws K completions for each problem from the policy that was published last.
 *
 * Groups stream out as they finish, in any order; a completion depends only on the policy, the problem and how often it stood
 * in the list before, its index k and the seed, never on which other problems shared its batch.
 */
import { Context, type Effect, type Stream } from "effect"
import type { Group } from "./Group.ts"
import type { Problem } from "./Problem.ts"
import type { SamplerError } from "./RolloutError.ts"
import type * as SamplingParams from "./SamplingParams.ts"

/** @category models */
export interface SampleOptions extends SamplingParams.Options {
  /** K, completions per problem, >= 1. */
  readonly groupSize: number
  /** Name of the random streams, e.g. `run-1/sample/12`, without a "#"; {@link asked} makes one of it for every problem. */
  readonly seed: string
}

/** A problem of the list that is sampled. @category models */
export interface Asked {
  readonly problem: Problem
  /** Its place in the list, from 0: what the group carries. */
  readonly place: number
  /** Name of its random stream; completion k draws from `<stream>/<k>`. */
  readonly stream: string
}

/**
 * The problems of a list with a stream for each: `<seed>/<problem id>`, and `<seed>#n/<problem id>` where the same problem stands
 * there for the n-th time, so that no two places of a list ever share their draws.
 *
 * ```ts
 * const twice = { id: "p", task: "t", prompt: "?", answer: null }
 * Sampler.asked([twice, twice], "7/sample/0").map(({ stream }) => stream) // ["7/sample/0/p", "7/sample/0#2/p"]
 * ```
 *
 * @category combinators
 */
export const asked = (problems: ReadonlyArray<Problem>, seed: string): ReadonlyArray<Asked> => {
  const times = new Map<string, number>()
  return problems.map((problem, place) => {
    const n = (times.get(problem.id) ?? 0) + 1
    times.set(problem.id, n)
    return { problem, place, stream: `${seed}${n === 1 ? "" : `#${n}`}/${problem.id}` }
  })
}

/** @category services */
export interface SamplerService {
  readonly sample: (problems: ReadonlyArray<Problem>, options: SampleOptions) => Stream.Stream<Group, SamplerError>
  /**
   * Why a problem cannot be sampled, such as a prompt that is too long for the model; null when it can. Absent: the sampler
   * cannot tell beforehand, and fails when it is asked.
   */
  readonly refusal?: (problem: Problem, options: SampleOptions) => Effect.Effect<string | null>
  /**
   * Whether a stream keeps the policy that it began with, whatever is trained meanwhile, so that sampling and learning may
   * overlap. Absent or false: it samples from the weights that the learner changes.
   */
  readonly pinsPolicy?: boolean
}

/** @category services */
export class Sampler extends Context.Service<Sampler, SamplerService>()("@lpo/rollout/Sampler") {}
