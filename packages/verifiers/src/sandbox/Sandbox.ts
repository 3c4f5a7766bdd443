/**
 * The sandbox: runs a program that nobody trusts on a list of tests, and tells what it did in each.
 *
 * A job goes in, one outcome per test comes out. What the tests expect never goes in: a program can print an answer, it cannot
 * see, guess at or change the comparison. Three layers provide the service:
 *
 * | layer | what runs the program | what it needs |
 * | --- | --- | --- |
 * | `EmbeddedSandbox.layer` | CPython or QuickJS in WebAssembly, in locked-down processes | nothing |
 * | `NativeSandbox.layer` | CPython under bubblewrap | Linux, `bwrap`, `python3` |
 * | `SandboxFusion.layer` | a SandboxFusion server | its address |
 *
 * Not here: what the outcomes are worth (`Code`).
 *
 * @module
 */
import "@lpo/rollout/SupportedNode"
import { Context, type Effect, Schema } from "effect"

/** The languages of programs. @category models */
export const Language = Schema.Literals(["python", "javascript", "typescript"])
/** @category models */
export type Language = typeof Language.Type

/**
 * One test. `stdin`: the program runs as a script that reads this text. `call`: the program is loaded, and its function `name`, or
 * that method of its class `Solution`, gets the arguments, each given as JSON text; with `encoded` as that of `Value.ts`, which has
 * tuples, sets and keys of any kind.
 *
 * @category models
 */
export type Test =
  | { readonly kind: "stdin"; readonly stdin: string }
  | { readonly kind: "call"; readonly name: string; readonly args: ReadonlyArray<string>; readonly encoded?: true }

/** @category models */
export interface Limits {
  /** Seconds for one test. Default 5. */
  readonly seconds: number
  /** Seconds for all tests together; those that it does not reach are `not-run`. Default 15. */
  readonly totalSeconds: number
  /** Bytes of memory, the interpreter's own included. Default 512 MiB. */
  readonly memory: number
  /** Bytes of standard output, or of the value returned, of one test. Default 4 MiB. */
  readonly output: number
  /** Bytes of output of all tests together; those after it are `not-run`. Default 64 MiB. */
  readonly totalOutput: number
}

/** @category models */
export const defaultLimits: Limits = {
  seconds: 5,
  totalSeconds: 15,
  memory: 2 ** 29,
  output: 2 ** 22,
  totalOutput: 2 ** 26,
}

/** A program and its tests. @category models */
export interface Job {
  readonly language: Language
  readonly source: string
  readonly tests: ReadonlyArray<Test>
  readonly limits?: Partial<Limits>
}

/**
 * What became of one test.
 *
 * `done`: the program ended by itself with this exit code. `raised`: it ended by an error. `timeout`, `memory`, `output`: it was
 * stopped at that limit. `crashed`: it took its process down. `not-run`: the time or the output of all tests together was over.
 *
 * Status, time, memory and output are what the sandbox saw. A program can only choose among `done`, `raised` and `memory`, all of
 * which it could have reached honestly; an answer that does not fit is `raised`.
 *
 * @category models
 */
export interface Outcome {
  readonly status: "done" | "raised" | "timeout" | "memory" | "output" | "crashed" | "not-run"
  readonly stdout: string
  /** The end of what it wrote to standard error, at most 4 KiB. */
  readonly stderr: string
  /** Exit code of a program that is `done`; 0 when it said nothing. */
  readonly exitCode: number
  /** The value that a call returned, as `Value.ts` writes it; absent when there is none. */
  readonly value?: string
  /** What went wrong, in one line. */
  readonly error?: string
  /** Wall time of the test. */
  readonly seconds: number
}

/**
 * The program could not be run: no fault of the program, and nothing that a program can bring about. A verifier makes a verdict of
 * status `error` of it, never a zero.
 *
 * @category errors
 */
export class SandboxError extends Schema.TaggedError<SandboxError>()("SandboxError", {
  sandbox: Schema.String,
  reason: Schema.String,
}) {
  override get message(): string {
    return `${this.sandbox}: ${this.reason}`
  }
}

/** @category services */
export interface SandboxService {
  /** What it calls itself in errors. */
  readonly name: string
  readonly languages: ReadonlyArray<Language>
  /**
   * One outcome per test, in order. Interruption stops the program. With `each`, an outcome is handed over as it comes and only what
   * is made of it is kept: outputs are large, judgements are small.
   */
  readonly run: <A = Outcome>(
    job: Job,
    each?: (outcome: Outcome, index: number) => A,
  ) => Effect.Effect<ReadonlyArray<A>, SandboxError>
}

/** The `each` of those who want the outcomes themselves. @category services */
export const keep = (outcome: Outcome): never => outcome as never

/** @category services */
export class Sandbox extends Context.Service<Sandbox, SandboxService>()("@lpo/verifiers/Sandbox") {}

/** Limits, the defaults filled in. @category models */
export const limitsOf = (limits: Partial<Limits> = {}): Limits => ({ ...defaultLimits, ...limits })
