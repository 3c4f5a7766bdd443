/**
 * Train here, roll out there: a `Learner` on a LoRA policy that, with every publication, writes the adapter in PEFT's format and has
 * the inference servers load it. The trainer's loop does not change; the samples come from the servers.
 *
 * The folder must be on a file system that the servers see under the same path. An adapter is written to a temporary name and
 * renamed, so that no server reads half of one; those of versions that no longer sample are removed.
 *
 * @module
 */
import { readdir, rename, rm } from "node:fs/promises"
import { isAbsolute, join } from "node:path"
import { OpenAiSampler, RegularFile } from "@lpo/rollout"
import { Learner } from "@lpo/trainer"
import { Effect, Layer } from "effect"
import * as LoraFiles from "./files/LoraFiles.ts"
import { Policy } from "./policy/Service.ts"

/** @category models */
export interface Options {
  /** Absolute; where adapters are written, one folder a version. */
  readonly folder: string
  /** Versions kept on the disk; at least as many as the servers keep loaded. Default 3. */
  readonly keep?: number
}

/**
 * The learner beneath, publishing to the servers. Needs a policy made with `lora`; without one, or where an adapter cannot be
 * written or loaded, `publish` fails with a `LearnerError` that says why.
 *
 * @category layers
 */
export const layer = ({
  folder,
  keep = 3,
}: Options): Layer.Layer<Learner.Learner, never, Learner.Learner | Policy | OpenAiSampler.Adapters> =>
  Layer.effect(
    Learner.Learner,
    Effect.gen(function* () {
      const learner = yield* Learner.Learner
      const policy = yield* Policy
      const adapters = yield* OpenAiSampler.Adapters
      const fail = (reason: string) => new Learner.LearnerError({ operation: "publish", reason })
      const io = <A>(run: () => Promise<A>) =>
        Effect.tryPromise({
          try: run,
          catch: (cause) => fail(`${folder} cannot be written (${(cause as Error).message}); give another folder`),
        })
      const write = Effect.fn("AdapterPublisher.write")(function* (version: number) {
        if (!isAbsolute(folder)) return yield* fail(`the folder ${folder} is relative; servers need an absolute one`)
        const { lora } = policy
        if (lora === null) return yield* fail("the policy has no adapter; make it with `lora`")
        const path = join(folder, `version-${version}`)
        const temporary = join(folder, `.tmp-version-${version}`)
        yield* io(async () => {
          await RegularFile.makeFolder(folder)
          for (const old of [path, temporary]) await rm(old, { recursive: true, force: true })
        })
        const adapter = { config: lora.config, values: policy.values }
        yield* LoraFiles.write(policy.config, adapter, temporary).pipe(Effect.mapError((e) => fail(e.message)))
        yield* io(() => rename(temporary, path))
        return path
      })
      const prune = (version: number) =>
        io(async () => {
          for (const name of await readdir(folder)) {
            const age = version - Number(/^version-(\d+)$/.exec(name)?.[1] ?? version)
            if (age >= keep) await rm(join(folder, name), { recursive: true, force: true })
          }
        })
      return Learner.Learner.of({
        ...learner,
        publish: Effect.gen(function* () {
          const version = yield* learner.publish
          const path = yield* write(version)
          yield* adapters.publish({ version, folder: path }).pipe(Effect.mapError((e) => fail(e.message)))
          yield* prune(version)
          return version
        }),
      })
    }),
  )
