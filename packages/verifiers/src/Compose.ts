/**
 * Verifiers made of verifiers. A composed verdict is only reached when every part of it is: one part that ends in `error`
 * or `timeout` makes the whole verdict that, never a smaller score. What pass@k counts, `correct`, always comes from one
 * named part, so that shaping the reward cannot change what counts as right.
 *
 * @module
 */
import * as Verdict from "@lpo/rollout/Verdict"
import { Effect } from "effect"
import type { Response, VerifierService } from "@lpo/rollout/Verifier"

/** A verifier and its share in the sum. @category models */
export interface Part {
  readonly verifier: VerifierService
  /** Any finite number; a penalty has a negative weight or negative scores. */
  readonly weight: number
}

/**
 * Score = sum of weight * score over the named parts, which are verified at once and reported in `components` (unweighted).
 * `correct`, `format`, `extracted` and `key` are those of the part named `main`, which must be one of them; a mask on any part masks
 * the whole. Throws a `RangeError` for an unknown `main` or a weight that is not finite.
 *
 * @category combinators
 */
export const weighted = (parts: Readonly<Record<string, Part>>, main: string): VerifierService => {
  const names = Object.keys(parts)
  if (!Object.hasOwn(parts, main))
    throw new RangeError(`main is "${main}"; it must be one of the parts: ${names.join(", ")}`)
  for (const name of names) {
    const { weight } = parts[name]
    if (!Number.isFinite(weight)) throw new RangeError(`the weight of "${name}" is ${weight}; give a finite number`)
  }
  return {
    verify: (problem, response) =>
      Effect.forEach(names, (name) => parts[name].verifier.verify(problem, response), {
        concurrency: "unbounded",
      }).pipe(
        Effect.map((verdicts) => {
          const failed = verdicts.findIndex((v) => v.status !== "ok")
          if (failed >= 0) return { ...verdicts[failed], reason: `${names[failed]}: ${verdicts[failed].reason}` }
          const score = verdicts.reduce((sum, v, i) => sum + parts[names[i]].weight * v.score, 0)
          const components = Object.fromEntries(verdicts.map((v, i) => [names[i], v.score]))
          const masked = verdicts.some((v) => v.masked)
          return { ...verdicts[names.indexOf(main)], score, components, ...(masked && { masked }) }
        }),
      ),
  }
}

/**
 * Asks `verifier` only when `condition` finds the response correct; otherwise the verdict is the condition's, with score
 * `otherwise` (default 0) and not correct. For a cheap check before an expensive one.
 *
 * @category combinators
 */
export const gate = (condition: VerifierService, verifier: VerifierService, otherwise = 0): VerifierService => ({
  verify: (problem, response) =>
    condition
      .verify(problem, response)
      .pipe(
        Effect.flatMap((verdict) =>
          verdict.status === "ok" && verdict.correct
            ? verifier.verify(problem, response)
            : Effect.succeed(verdict.status === "ok" ? { ...verdict, score: otherwise } : verdict),
        ),
      ),
})

/**
 * DAPO's soft overlong penalty (arXiv 2503.14476, equation 13), <= 0: 0 up to `maxLength - buffer` tokens, then linear to
 * `-factor` at `maxLength`. It is not clipped beyond, as in verl, where a response cannot be longer.
 *
 * @category shaping
 */
export const overlongPenalty = (
  length: number,
  options: { readonly maxLength: number; readonly buffer: number; readonly factor?: number },
): number => {
  const { buffer, factor = 1, maxLength } = options
  return Math.min(0, (-factor * (length - (maxLength - buffer))) / buffer)
}

/**
 * Adds DAPO's overlong penalty to every verdict that was reached; `correct` stays. Lengths are tokens; a response that
 * comes without tokens is a verdict of status `error`. `components` names the two terms. Throws a `RangeError` unless 0 <
 * buffer <= maxLength.
 *
 * @category shaping
 */
export const overlong = (
  verifier: VerifierService,
  options: { readonly maxLength: number; readonly buffer: number; readonly factor?: number },
): VerifierService => {
  const { buffer, maxLength } = options
  if (!(buffer > 0 && buffer <= maxLength))
    throw new RangeError(`buffer is ${buffer}; it must be above 0 and at most maxLength, ${maxLength}`)
  return {
    verify: (problem, response) => {
      const { tokens } = response
      if (tokens === undefined)
        return Effect.succeed(Verdict.unreached("error", "overlong penalty: the response has no tokens"))
      const penalty = overlongPenalty(tokens.length, options)
      return verifier.verify(problem, response).pipe(
        Effect.map((verdict) =>
          verdict.status === "ok"
            ? {
                ...verdict,
                score: verdict.score + penalty,
                components: { ...(verdict.components ?? { score: verdict.score }), overlong: penalty },
              }
            : verdict,
        ),
      )
    },
  }
}

const masked = (verdict: Verdict.Verdict): Verdict.Verdict => ({ ...verdict, masked: true })

/**
 * Masks the verdicts that `predicate` picks: judged, but left out of training. `mask(verifier, truncated)` is DAPO's
 * overlong filtering.
 *
 * @category combinators
 */
export const mask = (
  verifier: VerifierService,
  predicate: (verdict: Verdict.Verdict, response: Response) => boolean,
): VerifierService => ({
  verify: (problem, response) =>
    verifier
      .verify(problem, response)
      .pipe(Effect.map((verdict) => (predicate(verdict, response) ? masked(verdict) : verdict))),
})

/** Whether the response was cut at the length limit: a predicate for `mask`. @category combinators */
export const truncated = (_verdict: Verdict.Verdict, { finish }: Response): boolean => finish === "length"
