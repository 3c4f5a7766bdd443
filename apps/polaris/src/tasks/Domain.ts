/**
 * What this program needs in addition to a task: the length of its questions, and the material of presets that start from scratch.
 */
import type { Environment, Episodes, Problem, Sequence } from "@lpo/rollout"
import type { HfTokenizer, Tokenizer } from "@lpo/transformer"
import type { Task } from "@lpo/verifiers"
import type { Effect, Scope } from "effect"
import type { UsageError } from "../Usage.ts"

/** How the model is asked: in the words of a small vocabulary, as a chat, or as a text to continue. */
export type Reads = "words" | "chat" | "text"

/** A task with the parameters of a preset. */
export interface Domain {
  readonly name: string
  readonly task: (reads: Reads) => Effect.Effect<Task.AnyTask, never, Scope.Scope>
  /** A prompt as long as any of the task; null if problems come from a dataset, whose prompts may have any length. */
  readonly longest: ((reads: Reads) => Problem.Problem["prompt"]) | null
  /** Texts that end a response of a model that reads questions. */
  readonly stopStrings: ReadonlyArray<string>
  /** Problems as rows that the task reads, if a preset has parameters for them. */
  readonly rows?: (draw: Task.Draw) => ReadonlyArray<unknown>
  /** The same with drawings. */
  readonly drawnRows?: (draw: Task.Draw) => ReadonlyArray<unknown>
  /** Absent: a problem is one question and one answer. */
  readonly episodes?: Multiturn
  /** Null: no preset of this task starts from scratch. */
  readonly tiny: Tiny | null
}

/** A task of several turns: what the policy acts in, and which groups it is trained on. It is judged by whole episodes. */
export interface Multiturn {
  readonly environment: Environment.EnvironmentService
  readonly options: Episodes.Options
}

/** The material of a model that knows nothing but the task. */
export interface Tiny {
  readonly tokenizer: Tokenizer.TokenizerService
  /** Makes `size` demonstrations of training problems, a share of them right, from the stream of that name. */
  readonly demonstrations: () => (size: number, correctShare: number, stream: string) => Array<Sequence.Sequence>
}

/** How a checkpoint is asked: in the task's words if its tokenizer has exactly these, like the task's own small model. */
export const readsOf = (tokenizer: HfTokenizer.HfTokenizer, { tiny }: Pick<Domain, "tiny">): Reads => {
  if (tokenizer.chatTemplate !== null) return "chat"
  const own = tiny?.tokenizer
  if (own === undefined || tokenizer.vocabSize !== own.vocabSize || tokenizer.stops.join() !== own.stops.join())
    return "text"
  const ids = Array.from({ length: own.vocabSize }, (_, id) => Int32Array.of(id))
  return ids.every((id) => tokenizer.decode(id) === own.decode(id)) ? "words" : "text"
}

/** Decodes the task's parameters. */
export type Make = (parameters: unknown) => Effect.Effect<Domain, UsageError>
