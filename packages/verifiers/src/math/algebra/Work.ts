/**
 * A bound on work that does not depend on the machine: every loop whose length an answer decides spends steps, and running
 * out ends the comparison. One step is about a tenth of a microsecond of arithmetic on numbers of ordinary size.
 *
 * The counter belongs to the thread: comparisons are synchronous, so there is one at a time.
 */

/** The steps are used up. Never leaves the function that was given them. @category errors */
export class WorkExceeded extends Error {
  override readonly name = "WorkExceeded"
}

let left = Number.POSITIVE_INFINITY

/** Takes `steps` from what is left. Throws `WorkExceeded` when that is not enough. @category work */
export const spend = (steps: number): void => {
  left -= steps
  if (left < 0) throw new WorkExceeded("work limit reached")
}

/**
 * Runs `f` with at most `steps` steps, or fewer when fewer are left outside; `orElse` gives the result when they do not
 * suffice.
 *
 * @category work
 */
export const within = <A, B>(steps: number, f: () => A, orElse: () => B): A | B => {
  const outer = left
  const inner = Math.min(outer, steps)
  left = inner
  try {
    return f()
  } catch (error) {
    // A stack that overflows is work beyond the limit too: nesting is bounded, so that is all it can mean.
    if (error instanceof WorkExceeded || error instanceof RangeError) return orElse()
    throw error
  } finally {
    left = outer - Math.max(0, inner - Math.max(0, left))
  }
}
