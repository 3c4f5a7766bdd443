/** One thing that was checked: whether it is there, what was seen, and how to get it. */
import { Cause, Effect } from "effect"

export interface Finding {
  readonly group: "machine" | "model" | "sandbox" | "servers" | "hub"
  readonly what: string
  /** `absent` alone stops nothing; `broken` was requested or is needed. */
  readonly state: "ok" | "absent" | "broken"
  readonly seen: string
  /** Null if there is nothing to do. */
  readonly fix: string | null
}

/** Time limit of one check. */
const limit = "2 minutes"

/** The finding of a check that may fail or hang. */
export const look = (
  at: Pick<Finding, "group" | "what">,
  seen: Effect.Effect<string, { readonly message: string }>,
  otherwise: { readonly state: "absent" | "broken"; readonly fix: string },
): Effect.Effect<Finding> =>
  seen.pipe(
    Effect.timeoutOrElse({ duration: limit, orElse: () => Effect.fail({ message: `no answer in ${limit}` }) }),
    Effect.map((text): Finding => ({ ...at, state: "ok", seen: text, fix: null })),
    Effect.catchCause((cause) =>
      Effect.succeed<Finding>({
        ...at,
        ...otherwise,
        seen: (Cause.squash(cause) as { readonly message: string }).message,
      }),
    ),
  )
