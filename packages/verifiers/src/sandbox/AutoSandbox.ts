/**
 * The sandbox that this machine offers: Python under bubblewrap where there is one that works, else embedded; JavaScript and
 * TypeScript always embedded. It says which, and why, once in the log.
 *
 * @module
 */
import { Effect, Layer, Result, type Scope } from "effect"
import * as Turn from "@lpo/rollout/Turn"
import * as EmbeddedSandbox from "./EmbeddedSandbox.ts"
import * as NativeSandbox from "./NativeSandbox.ts"
import { Sandbox, type SandboxService } from "./Sandbox.ts"

/** @category models */
export interface Options {
  /** Programs that run at once, in each of the two. Default: one per processor. */
  readonly processes?: number
  /** How the native sandbox finds its tools. */
  readonly native?: NativeSandbox.Options
}

/**
 * The native sandbox for Python where it starts, the embedded one for everything else.
 *
 * @category constructors
 */
export const make = (options: Options = {}): Effect.Effect<SandboxService, never, Scope.Scope> =>
  Effect.gen(function* () {
    const size = options.processes === undefined ? {} : { processes: options.processes }
    const embedded = yield* EmbeddedSandbox.make(size)
    // Found out when the first program in Python comes: who runs none need not wait for it.
    const python = yield* Effect.cached(
      Effect.gen(function* () {
        const native = yield* Effect.result(NativeSandbox.make({ ...size, ...options.native }))
        if (Result.isSuccess(native)) {
          yield* Effect.logInfo("programs in Python run in the native sandbox, others in the embedded one")
          return native.success
        }
        yield* Effect.logInfo(`programs in Python run in the embedded sandbox: ${native.failure.reason}`)
        return embedded
      }),
    )
    return {
      name: "sandbox of this machine",
      languages: embedded.languages,
      run: (job, each) =>
        job.language === "python"
          ? Effect.flatMap(Turn.bounded(python), (sandbox) => sandbox.run(job, each))
          : embedded.run(job, each),
    }
  })

/** @category layers */
export const layer = (options: Options = {}): Layer.Layer<Sandbox> => Layer.effect(Sandbox, make(options))
