/**
 * The sampler: draws K completions for each problem from the policy that was published last.
 *
 * Groups stream out as they finish, in any order; a completion depends only on the policy, the problem and how often it stood
 * in the list before, its index k and the seed, never on which other problems shared its batch.
 *
 * @module
 */
import "./SupportedNode.ts"
import { Context, type Effect, type Scope, type Stream } from "effect"
import type { Completion } from "./Completion.ts"
import type { Group } from "./Group.ts"
import type { Message, Problem, Prompt } from "./Problem.ts"
import type { SamplerError } from "./RolloutError.ts"
import type * as SamplingParams from "./SamplingParams.ts"

/** @category models */
export interface SampleOptions extends SamplingParams.Options {
  /** K, completions per problem, >= 1. */
  readonly groupSize: number
  /** Name of the random streams, e.g. `run-1/sample/12`, without a "#"; {@link asked} makes one of it for every problem. */
  readonly seed: string
  /** What log-probs are wanted where the law is not the policy itself; see `Completion.logprobsOf`. Default: the sampler's own. */
  readonly logprobsOf?: Completion["logprobsOf"]
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

/** A prompt of tokens to continue. @category models */
export interface Continued {
  /** [P], P >= 1. */
  readonly prompt: Int32Array
  /** Name of its random stream. */
  readonly stream: string
}

/**
 * What a model's tokenizer does for the turns of an episode.
 *
 * @category services
 */
export interface TurnTokens {
  /** The tokens of a prompt that nothing stands before. */
  readonly encode: (prompt: Prompt) => Effect.Effect<Int32Array, SamplerError>
  /** The tokens of a text in the middle of others. */
  readonly encodeText: (text: string) => Effect.Effect<Int32Array, SamplerError>
  /**
   * The tokens from the end of an answer to the beginning of the next one. `chat` are the messages up to the answer, which `answer`
   * repeats as text and tokens; `next` are those after it. Null where the model's template changes what stands before, so that no
   * tokens lead from the one prompt to the other.
   */
  readonly between: (
    chat: ReadonlyArray<Message>,
    answer: Pick<Completion, "text" | "tokens">,
    next: ReadonlyArray<Message>,
  ) => Effect.Effect<Int32Array | null, SamplerError>
}

/**
 * Tokens in, tokens out: what the turns of an episode are sampled with. One policy samples all of them.
 *
 * @category services
 */
export interface Turns extends TurnTokens {
  readonly policyVersion: number
  /** Positions that the model has for prompt and response; null where it is not known. */
  readonly positions: number | null
  /** One completion for each, in order. */
  readonly sample: (
    asked: ReadonlyArray<Continued>,
    options: SamplingParams.Options & Pick<SampleOptions, "logprobsOf">,
  ) => Effect.Effect<ReadonlyArray<Completion>, SamplerError>
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
  /** Turns of the policy that was published last, for as long as the scope. Absent: it takes no prompts of tokens. */
  readonly turns?: Effect.Effect<Turns, SamplerError, Scope.Scope>
}

/** @category services */
export class Sampler extends Context.Service<Sampler, SamplerService>()("@lpo/rollout/Sampler") {}
