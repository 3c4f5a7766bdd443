/** What this program needs of a task beside the task: how long its questions are, and the small material of presets that start from nothing. */
import type { Problem, Sequence } from "@lpo/rollout"
import type { Tokenizer } from "@lpo/transformer"
import type { Task } from "@lpo/verifiers"
import type { Effect, Scope } from "effect"
import type { UsageError } from "../Usage.ts"

/** How the model is asked: in the words of a small vocabulary, as a chat, or as a text to continue. */
export type Reads = "words" | "chat" | "text"

/** A task with the parameters of a preset. */
export interface Domain {
  readonly name: string
  readonly task: (reads: Reads) => Effect.Effect<Task.AnyTask, never, Scope.Scope>
  /** A prompt as long as any of the task. */
  readonly longest: (reads: Reads) => Problem.Problem["prompt"]
  /** Texts that end a response of a model that reads questions. */
  readonly stopStrings: ReadonlyArray<string>
  readonly tiny: Tiny
}

/** The material of a model that knows nothing but the task. */
export interface Tiny {
  readonly tokenizer: Tokenizer.TokenizerService
  /** Makes `size` demonstrations of training problems, a share of them right, from the stream of that name. */
  readonly demonstrations: () => (size: number, correctShare: number, stream: string) => Array<Sequence.Sequence>
}

/** Decodes the task's parameters. */
export type Make = (parameters: unknown) => Effect.Effect<Domain, UsageError>
