/**
 * Starting TensorFlow.js on a named backend, or on the best one there is, without its silent fallback to another.
 *
 * `auto` tries GPUs first (`tfjs-node-gpu`, then `webgpu` on an adapter that is not software), then `wasm`, whose companion kernels
 * make it the fastest on a processor, and `cpu` last. `tfjs-node` has no heap limit; it is taken when it is asked for by name.
 *
 * @module
 */
import { createRequire } from "node:module"
import * as tf from "@tensorflow/tfjs-core"
import { Effect } from "effect"
import { installed } from "./optionalPeer.ts"
import * as TfjsNode from "./TfjsNode.ts"
import * as Wasm from "./Wasm.ts"
import * as WebGpu from "./WebGpu.ts"
import { BackendError } from "../TransformerError.ts"

/** @category models */
export type BackendName = "tfjs-node-gpu" | "tfjs-node" | "webgpu" | "wasm" | "cpu"

/** @category models */
export const names: ReadonlyArray<BackendName> = ["tfjs-node-gpu", "tfjs-node", "webgpu", "wasm", "cpu"]

/** A backend that runs. @category models */
export interface Started {
  readonly name: BackendName
  /** What it runs on, e.g. the adapter of a GPU. */
  readonly device: string
  /** Why it is this one; of those tried before it, why not. */
  readonly reason: string
}

const require = createRequire(import.meta.url)

/** Whether a backend was asked for by name; `auto` takes no adapter that computes on the processor. */
interface Asked {
  readonly byName: boolean
}

/** How a backend is started, and its name in TensorFlow.js. */
const starters: Record<BackendName, readonly [string, (asked: Asked) => Promise<string>]> = {
  "tfjs-node-gpu": ["tensorflow", () => TfjsNode.start("tfjs-node-gpu")],
  "tfjs-node": ["tensorflow", () => TfjsNode.start("tfjs-node")],
  webgpu: ["webgpu", ({ byName }) => WebGpu.start({ allowSoftware: byName })],
  wasm: ["wasm", Wasm.start],
  cpu: [
    "cpu",
    async () => {
      require("@tensorflow/tfjs-backend-cpu")
      await tf.setBackend("cpu")
      return "plain JavaScript"
    },
  ],
}

const startAs = Effect.fn("Backend.start")(function* (name: BackendName, asked: Asked) {
  const fail = (reason: string) => new BackendError({ backend: name, reason })
  const [registered, run] = starters[name]
  tf.enableProdMode()
  const device = yield* Effect.tryPromise({
    try: async () => {
      const device = await run(asked)
      await tf.ready()
      return device
    },
    catch: (cause) => fail(`cannot start (${(cause as Error).message})`),
  })
  if (tf.getBackend() !== registered)
    return yield* fail(`did not start; TensorFlow.js would fall back to ${tf.getBackend()}`)
  const started: Started = { name, device, reason: "asked for by name" }
  return started
})

/**
 * Makes `name` the active backend. Fails with a `BackendError` when its packages are missing, when it cannot start, and when
 * TensorFlow.js would have fallen back to another.
 *
 * @category constructors
 */
export const start = (name: BackendName): Effect.Effect<Started, BackendError> => startAs(name, { byName: true })

/** Fastest first, with the packages that each needs; `tfjs-node` is left out, since `wasm` is faster where a model fits. */
const order: ReadonlyArray<readonly [BackendName, ReadonlyArray<string>]> = [
  ["tfjs-node-gpu", ["@tensorflow/tfjs-node-gpu"]],
  ["webgpu", ["webgpu", "@tensorflow/tfjs-backend-webgpu"]],
  ["wasm", []],
  ["cpu", []],
]

/**
 * Starts the first of `order` that can be, and says why. Fails with the last one's `BackendError` when none can.
 *
 * @category constructors
 */
export const auto: Effect.Effect<Started, BackendError> = Effect.suspend(() => {
  const absent: Array<string> = []
  const refused: Array<string> = []
  const because = (): string =>
    [
      "the fastest that starts here",
      ...(absent.length === 0 ? [] : [`${absent.join(" and ")} not installed`]),
      ...refused,
    ].join("; ")
  const attempt = ([[name, packages], ...rest]: typeof order): Effect.Effect<Started, BackendError> => {
    if (!packages.every(installed)) {
      absent.push(name)
      return attempt(rest)
    }
    return startAs(name, { byName: false }).pipe(
      Effect.map((started) => ({ ...started, reason: because() })),
      Effect.catch((error) => {
        refused.push(error.message)
        return rest.length === 0 ? Effect.fail(error) : attempt(rest)
      }),
    )
  }
  return attempt(order)
})
