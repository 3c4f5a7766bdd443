/**
 * Programming problems: a program against tests, in a sandbox.
 *
 * | mode | program | score |
 * | --- | --- | --- |
 * | `strict` | the last block in the language, outside of the thinking | share of tests that pass |
 * | `reference:prime_code` | after the last `\`\`\`python`, else the whole response | 1, or the share of the first ten |
 *
 * The expected outputs never enter the sandbox. A test that runs into a limit has failed; a sandbox that could not run makes a
 * verdict of status `error`.
 */
import type { Verdict } from "@lpo/rollout"
import { Effect, Layer, Schema } from "effect"
import * as Judge from "./code/Judge.ts"
import * as PrimeCode from "./code/PrimeCode.ts"
import { Sandbox, type SandboxService } from "./sandbox/Sandbox.ts"
import type { Task } from "./Tasks.ts"
import * as Verifier from "./Verifier.ts"
import type { VerifierError } from "./VerifierError.ts"

/** @category models */
export interface Options extends Judge.Options {
  /** Limits of the reference mode. */
  readonly prime?: Partial<PrimeCode.Limits>
}

/** The modes there are, without "reference:". @category grading */
export const references = ["prime_code"] as const

/**
 * The grader of a mode, which runs programs in `sandbox`. The ground truth is a JSON string or an object as `GroundTruth` describes.
 * Throws a `RangeError` for a reference that there is not.
 *
 * @category grading
 */
export const grader = (
  sandbox: SandboxService,
  mode: Verifier.Mode = "strict",
  options: Options = {},
): Verifier.Grader<unknown, Effect.Effect<Verdict.Verdict, VerifierError>> => {
  switch (mode) {
    case "strict":
      return {
        name: "code",
        answer: Schema.Unknown,
        grade: (answer, response) =>
          Effect.map(Judge.judge(sandbox, answer, response, options), ({ verdict }) => verdict),
      }
    case "reference:prime_code":
      return {
        name: "code, reference:prime_code",
        answer: Schema.Unknown,
        grade: (answer, response) => PrimeCode.judge(sandbox, answer, response, options.prime),
      }
    default:
      throw new RangeError(`mode is "${mode}"; code has strict and reference: ${references.join(", ")}`)
  }
}

/** Rows and problems whose task is "code". @category grading */
export const task = (sandbox: SandboxService, options: Options = {}): Task => ({
  name: "code",
  references,
  grader: (mode) => grader(sandbox, mode, options),
})

/** The strict verifier of programs, in whichever sandbox there is. @category layers */
export const layer = (options: Options = {}): Layer.Layer<Verifier.Verifier, never, Sandbox> =>
  Layer.effect(
    Verifier.Verifier,
    Effect.map(Sandbox, (sandbox) => Verifier.define(grader(sandbox, "strict", options))),
  )
