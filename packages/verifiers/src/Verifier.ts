/** The verifier: judges one completion against a problem's ground truth. It always answers, with a verdict. */
import type { Completion, Problem, Verdict } from "@lpo/rollout"
import { Context, type Effect } from "effect"

/** @category services */
export interface VerifierService {
  /** Never fails: what could not be judged is a verdict whose status is `error` or `timeout`. */
  readonly verify: (
    problem: Problem.Problem,
    completion: Pick<Completion.Completion, "text" | "finish">,
  ) => Effect.Effect<Verdict.Verdict>
}

/** @category services */
export class Verifier extends Context.Service<Verifier, VerifierService>()("@lpo/verifiers/Verifier") {}
