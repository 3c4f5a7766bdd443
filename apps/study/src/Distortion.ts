/** False rewards: a judge that errs at known rates, or uses another scale. Verdicts stay as they are. */
import { Seed, Verifier } from "@lpo/rollout"
import { Effect, Layer, Schema } from "effect"

/** @category models */
export const Distortion = Schema.Union([
  Schema.Struct({
    kind: Schema.Literal("noise"),
    /** Probability that a correct response earns 1, and that a wrong one does: J is their difference. */
    truePositive: Schema.Finite,
    falsePositive: Schema.Finite,
  }),
  /** The reward times `scale`, plus `shift`. */
  Schema.Struct({ kind: Schema.Literal("affine"), scale: Schema.Finite, shift: Schema.Finite }),
])
/** @category models */
export type Distortion = typeof Distortion.Type

/**
 * The verifier with its scores distorted; `correct` keeps the truth. Noise is drawn separately for every response, from the
 * stream of the seed, the problem, the text, and the number of times that text was judged before.
 *
 * @category layers
 */
export const layer = (distortion: Distortion, seed: string): Layer.Layer<Verifier.Verifier, never, Verifier.Verifier> =>
  Layer.effect(
    Verifier.Verifier,
    Effect.map(Verifier.Verifier, ({ verify }) => {
      const times = new Map<string, number>()
      const scoreOf = (correct: boolean, score: number, key: string): number => {
        if (distortion.kind === "affine") return distortion.scale * score + distortion.shift
        const n = times.get(key) ?? 0
        times.set(key, n + 1)
        const chance = correct ? distortion.truePositive : distortion.falsePositive
        return Seed.stream(`${seed}/noise/${key}/${n}`).uniform() < chance ? 1 : 0
      }
      return Verifier.Verifier.of({
        verify: (problem, completion) =>
          Effect.map(verify(problem, completion), (verdict) =>
            verdict.status === "ok"
              ? { ...verdict, score: scoreOf(verdict.correct, verdict.score, `${problem.id}/${completion.text}`) }
              : verdict,
          ),
      })
    }),
  )
