/**
 * Which clock of a verdict runs: the verifier's own, the one of those that wait for a free process, or none, because the work has
 * limits of its own. `Verifier.within` looks at it; pools and sandboxes set it, and need not know who asks.
 *
 * @module
 */
import "./SupportedNode.ts"
import { Context, Effect, type Semaphore } from "effect"

/** `bounded`: a sandbox at work, which stops a program itself; what a program takes must never become a verdict's deadline. */
export type State = "working" | "waiting" | "bounded"

export interface Turn {
  /** Says that something of this verdict is in that state from now on; the function that it returns ends it, once. */
  readonly enter: (state: "waiting" | "bounded") => () => void
}

/** Whose verdict this fiber works for. */
export const Turn = Context.Reference<Turn>("@lpo/rollout/Turn", {
  defaultValue: () => ({ enter: () => () => undefined }),
})

/** The turn of one verdict, which tells `onChange` of every other state; the states are those of its parts, and its parent's are too. */
export const make = (parent: Turn, onChange: () => void): Turn & { readonly state: () => State } => {
  const open = { waiting: 0, bounded: 0 }
  const state = (): State => (open.waiting > 0 ? "waiting" : open.bounded > 0 ? "bounded" : "working")
  const step = (kind: "waiting" | "bounded", by: number): void => {
    const before = state()
    open[kind] += by
    if (state() !== before) onChange()
  }
  return {
    state,
    enter: (kind) => {
      const leaveParent = parent.enter(kind)
      let left = false
      step(kind, 1)
      return () => {
        if (left) return
        left = true
        step(kind, -1)
        leaveParent()
      }
    },
  }
}

/** Runs an effect that bounds itself. */
export const bounded = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.flatMap(Turn, (turn) =>
    Effect.acquireUseRelease(
      Effect.sync(() => turn.enter("bounded")),
      () => effect,
      (leave) => Effect.sync(leave),
    ),
  )

/** Runs an effect when the semaphore has room; until then the verdict waits. */
export const take =
  (turns: Semaphore.Semaphore) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.flatMap(Turn, (turn) =>
      Effect.suspend(() => {
        const leave = turn.enter("waiting")
        const work = Effect.suspend(() => {
          leave()
          return effect
        })
        return Effect.ensuring(turns.withPermits(1)(work), Effect.sync(leave))
      }),
    )
