/** A process of the pool: judges one answer at a time, for as long as the pool lets it. */
import type { Options } from "./compare/Compare.ts"
import { judge } from "./compare/Strict.ts"

/** What a request carries. @category models */
export interface Request {
  readonly accepted: ReadonlyArray<string>
  readonly answer: string
  readonly options: Options
}

/** The deadline is the limit here; this one only keeps a process from running for hours unseen. */
const steps = 1e12

process.on("message", ({ id, request }: { readonly id: number; readonly request: Request }) => {
  process.send?.({ id, reply: judge(request.accepted, request.answer, request.options, steps) })
})
process.on("disconnect", () => process.exit())
process.send?.("ready")
