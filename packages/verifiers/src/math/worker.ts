/** A process of the pool: judges one answer at a time, for as long as the pool lets it. */
import type { Options } from "./compare/Compare.ts"
import { judge } from "./compare/Strict.ts"

/** What a request carries. @category models */
export interface Request {
  readonly accepted: ReadonlyArray<string>
  readonly answer: string
  readonly options: Options
}

/**
 * What a comparison may cost, some two seconds: enough for what people write. It is counted in steps, not in seconds, so that the
 * verdict does not depend on the machine; the deadline is for a machine that is too busy.
 */
const steps = 2e7

process.on("message", ({ id, request }: { readonly id: number; readonly request: Request }) => {
  process.send?.({ id, reply: judge(request.accepted, request.answer, request.options, steps) })
})
process.on("disconnect", () => process.exit())
process.send?.("ready")
